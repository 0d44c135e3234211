/** An axis with round ends and the values marked on it. */
export interface Ticks {
  readonly low: number
  readonly high: number
  readonly ticks: readonly number[]
  /** decimals that the marked values need */
  readonly digits: number
}

/** Marks that an axis has about. */
const WANTED = 5

/**
 * Round ends around [least, most] and marks between them, at steps of 1, 2 or 5 times a power of ten. An empty interval is widened by
 * one step on both sides.
 */
export function ticksOf(least: number, most: number): Ticks {
  const span = most > least ? most - least : Math.max(Math.abs(most) * 0.1, 1e-9)
  const step = roundStep(span / WANTED)
  const first = Math.floor((most > least ? least : least - step) / step)
  const last = Math.ceil((most > least ? most : most + step) / step)
  const digits = Math.max(0, -Math.floor(Math.log10(step)))
  // multiples of the step, not sums of it: sums gather rounding
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(digits)))
  return { low: ticks[0]!, high: ticks.at(-1)!, ticks, digits }
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  const factor = [1, 2, 5].find((candidate) => candidate * power >= least) ?? 10
  return factor * power
}
