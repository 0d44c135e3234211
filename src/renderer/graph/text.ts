import type { Dim } from '../../shared/contract/tensor.ts'

/** A shape as `N×64×56×56`; `scalar` for rank 0, '' where the rank is unknown, `?` for an unknown axis. */
export function shapeText(shape: readonly Dim[] | null): string {
  if (shape === null) return ''
  return shape.length === 0 ? 'scalar' : shape.map((dim) => dim ?? '?').join('×')
}

/** A count with three digits and its power: `940`, `1.04 k`, `23.5 M`. */
export function countText(count: number): string {
  const powers = ['', ' k', ' M', ' G', ' T']
  let value = count
  let power = 0
  while (Math.abs(value) >= 999.5 && power < powers.length - 1) {
    value /= 1000
    power++
  }
  return power === 0 ? String(Math.round(value * 10) / 10) : `${value.toPrecision(3)}${powers[power]}`
}

/** A measured number with three significant digits and its unit, never in more than nine characters or so. */
export function valueText(value: number, unit: string): string {
  const size = Math.abs(value)
  const text =
    value === 0 || (size >= 0.001 && size < 10_000)
      ? String(Number(value.toPrecision(3)))
      : size >= 10_000 && size < 1e15
        ? countText(value)
        : value.toExponential(1)
  // a hyphen is read as part of what stands before it; powers of ten keep theirs, as in a file
  const signed = text.replace(/^-/, '−')
  return unit === '' ? signed : `${signed} ${unit}`
}

/** Widths of texts in one font. */
export type Measure = (text: string) => number

/** Longest text that is measured; more than any card shows. */
const MAX_MEASURED = 400

/**
 * A text that fits a width, with an ellipsis in its middle where it has to: names of layers differ at their ends.
 * @param measure gives the width in the same unit as `width`
 */
export function fitMiddle(text: string, width: number, measure: Measure): string {
  const short = text.length > MAX_MEASURED ? `${text.slice(0, MAX_MEASURED / 2)}${text.slice(-MAX_MEASURED / 2)}` : text
  if (short === text && measure(text) <= width) return text
  let low = 0
  let high = short.length
  while (low < high) {
    const kept = (low + high + 1) >> 1
    if (measure(cutMiddle(short, kept)) <= width) low = kept
    else high = kept - 1
  }
  return low === 0 ? '' : cutMiddle(short, low)
}

function cutMiddle(text: string, kept: number): string {
  const tail = Math.ceil(kept * 0.6)
  return `${text.slice(0, kept - tail)}…${tail === 0 ? '' : text.slice(-tail)}`
}
