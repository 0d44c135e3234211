import type { Range } from '../../quant/params.ts'

/** Steps of a factor 2^(1/4) down to 2^-12 of the full range: lower than any sensible clipping at one bit. */
const LADDER = Array.from({ length: 49 }, (_, k) => 2 ** (-k / 4))
/** 2 % steps to both sides of the best rung, up to its neighbours. */
const REFINEMENT = Array.from({ length: 17 }, (_, k) => 2 ** ((k - 8) / 32))
const ROUNDS = 3

/** Which bounds a search may move. */
export type ClipSides = 'together' | 'upper' | 'lower' | 'each'

/**
 * Searches the clipping range of least cost inside `full`: a ladder of factors, then finer steps around the best one. Ties keep the
 * wider range. With sides `each` both bounds shrink together first, then in turn until neither moves (at most three rounds).
 */
export function searchClip(full: Range, sides: ClipSides, cost: (range: Range) => number): Range {
  const factorOf = (at: (factor: number) => Range): Range => at(bestFactor((factor) => cost(at(factor))))
  const shrinkBoth = (factor: number): Range => ({ rmin: full.rmin * factor, rmax: full.rmax * factor })
  if (sides === 'together') return factorOf(shrinkBoth)
  if (sides === 'upper') return factorOf((factor) => ({ rmin: full.rmin, rmax: full.rmax * factor }))
  if (sides === 'lower') return factorOf((factor) => ({ rmin: full.rmin * factor, rmax: full.rmax }))
  let best = factorOf(shrinkBoth)
  for (let round = 0; round < ROUNDS; round++) {
    const before = cost(best)
    const { rmin } = best
    const upper = factorOf((factor) => ({ rmin, rmax: full.rmax * factor }))
    const lower = factorOf((factor) => ({ rmin: full.rmin * factor, rmax: upper.rmax }))
    if (!(cost(lower) < before)) return best
    best = lower
  }
  return best
}

function bestFactor(cost: (factor: number) => number): number {
  const rung = leastOf(LADDER, cost)
  return leastOf([rung, ...REFINEMENT.map((step) => rung * step).filter((factor) => factor <= 1)], cost)
}

function leastOf(candidates: readonly number[], cost: (factor: number) => number): number {
  let best = candidates[0]!
  let least = cost(best)
  for (const candidate of candidates.slice(1)) {
    const value = cost(candidate)
    if (value < least) {
      best = candidate
      least = value
    }
  }
  return best
}

/** The sides that hold anything to clip. */
export function sidesOf(full: Range, symmetric: boolean): ClipSides {
  if (full.rmin >= 0) return 'upper'
  if (symmetric) return 'together'
  return full.rmax <= 0 ? 'lower' : 'each'
}

/** The whole range of a tensor widened to contain 0; for a symmetric scheme with two signs, mirrored. */
export function fullRange(min: number, max: number, symmetric: boolean): Range {
  const rmin = Math.min(0, min)
  const rmax = Math.max(0, max)
  if (!symmetric || rmin === 0) return { rmin, rmax }
  const bound = Math.max(rmax, -rmin)
  return { rmin: -bound, rmax: bound }
}
