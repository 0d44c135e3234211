import type { LinearHistogram } from '../../../shared/contract/api/models.ts'
import type { Bin } from '../../calibration/histogram.ts'

/** Values counted over even bins from their smallest to their largest; NaN and infinities are left out. */
export function histogramOf(values: ArrayLike<number>, bins: number): LinearHistogram {
  let low = Infinity
  let high = -Infinity
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  const counts = new Array<number>(bins).fill(0)
  if (low > high) return { low: 0, high: 0, counts }
  const scale = high > low ? bins / (high - low) : 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isFinite(value)) counts[Math.min(bins - 1, Math.floor((value - low) * scale))]!++
  }
  return { low, high, counts }
}

/** Bins of any width spread over even ones from `low` to `high`; the values of a bin count as evenly spread. */
export function linearBins(source: readonly Bin[], low: number, high: number, bins: number): LinearHistogram {
  const counts = new Array<number>(bins).fill(0)
  const width = (high - low) / bins
  const at = (value: number): number => Math.max(0, Math.min(bins - 1, Math.floor((value - low) / width)))
  for (const { from, to, count } of source) {
    if (!(width > 0) || to <= from) {
      counts[width > 0 ? at(from) : 0]! += count
      continue
    }
    const [first, last] = [at(from), at(to)]
    for (let i = first; i <= last; i++) {
      const overlap = Math.min(to, i === bins - 1 ? Infinity : low + (i + 1) * width) - Math.max(from, low + i * width)
      counts[i]! += (count * Math.max(0, overlap)) / (to - from)
    }
  }
  return { low, high, counts }
}
