import type { LinearHistogram } from '../../shared/contract/api/models.ts'

/** Counts as they are drawn: `log` shows rare values that a clipping range is about. */
export type CountScale = 'linear' | 'log'

/** Maps values of a range onto px and back; a range of one value sits in the middle. */
export interface Axis {
  readonly low: number
  readonly high: number
  toPx(value: number): number
  toValue(px: number): number
}

/** An axis over `width` px. */
export function axisOf(low: number, high: number, width: number): Axis {
  const span = high - low
  if (!(span > 0)) return { low, high, toPx: () => width / 2, toValue: () => low }
  return {
    low,
    high,
    toPx: (value) => ((value - low) / span) * width,
    toValue: (px) => low + (px / width) * span,
  }
}

function heightOf(count: number, most: number, scale: CountScale): number {
  if (count <= 0 || most <= 0) return 0
  return scale === 'log' ? Math.log1p(count) / Math.log1p(most) : count / most
}

/** Bins that hold something are drawn at least this high; px. */
const LEAST_PX = 1

/** The outline of a histogram as an SVG path, closed along its foot. */
export function histogramPath(
  { low, high, counts }: LinearHistogram,
  axis: Axis,
  height: number,
  scale: CountScale,
): string {
  const most = counts.reduce((largest, count) => Math.max(largest, count), 0)
  const step = (high - low) / counts.length
  const round = (value: number): string => String(Math.round(value * 100) / 100)
  let path = `M${round(axis.toPx(low))} ${height}`
  counts.forEach((count, i) => {
    const tall = count > 0 ? Math.max(LEAST_PX, heightOf(count, most, scale) * height) : 0
    const y = round(height - tall)
    path += `L${round(axis.toPx(low + i * step))} ${y}L${round(axis.toPx(low + (i + 1) * step))} ${y}`
  })
  return `${path}L${round(axis.toPx(high))} ${height}Z`
}

/** Share of a histogram's values outside a range, 0–1; bins that the bounds cut count by their part. */
export function shareOutside({ low, high, counts }: LinearHistogram, rmin: number, rmax: number): number {
  const step = (high - low) / counts.length
  let total = 0
  let outside = 0
  counts.forEach((count, i) => {
    total += count
    const from = low + i * step
    const to = from + step
    if (step <= 0) outside += low < rmin || low > rmax ? count : 0
    else {
      const below = Math.max(0, Math.min(to, rmin) - from)
      const above = Math.max(0, to - Math.max(from, rmax))
      outside += (count * Math.min(step, below + above)) / step
    }
  })
  return total === 0 ? 0 : outside / total
}

/** Round numbers along an axis, about one every `spacing` px, the ends of the range left free. */
export function ticksOf(axis: Axis, width: number, spacing = 48): number[] {
  const { low, high } = axis
  const span = high - low
  if (!(span > 0)) return [low]
  const rough = span / Math.max(1, Math.floor(width / spacing))
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const ticks: number[] = []
  for (let i = Math.ceil(low / step); i * step <= high + step / 1e6; i++) {
    const value = i === 0 ? 0 : Number((i * step).toPrecision(12))
    const px = axis.toPx(value)
    if (px >= 0 && px <= width) ticks.push(value)
  }
  return ticks
}

/** Ranges of channels, and which of them are far wider than the rest. */
export interface ChannelRanges {
  readonly min: readonly number[]
  readonly max: readonly number[]
}

/** A channel this many times wider than the middle one wastes the range of a per-tensor scale: two bits and more. */
const OUTLIER_RATIO = 4

/** Channels whose largest magnitude is an outlier against the median's, by index. */
export function outlierChannels({ min, max }: ChannelRanges): number[] {
  const widths = max.map((value, i) => Math.max(Math.abs(value), Math.abs(min[i]!)))
  const sorted = [...widths].sort((a, b) => a - b)
  const middle = sorted[sorted.length >> 1] ?? 0
  if (middle <= 0) return []
  return widths.flatMap((width, i) => (width > OUTLIER_RATIO * middle ? [i] : []))
}

/** One column of a strip that has fewer columns than channels: the widest of those that share it. */
export interface ChannelColumn {
  readonly first: number
  readonly last: number
  readonly min: number
  readonly max: number
  readonly isOutlier: boolean
}

/** Channels gathered into at most `most` columns. */
export function channelColumns({ min, max }: ChannelRanges, most: number): ChannelColumn[] {
  const outliers = new Set(outlierChannels({ min, max }))
  const columns = Math.min(most, min.length)
  return Array.from({ length: columns }, (_, column) => {
    const first = Math.floor((column * min.length) / columns)
    const last = Math.floor(((column + 1) * min.length) / columns) - 1
    let low = Infinity
    let high = -Infinity
    let isOutlier = false
    for (let channel = first; channel <= last; channel++) {
      low = Math.min(low, min[channel]!)
      high = Math.max(high, max[channel]!)
      isOutlier ||= outliers.has(channel)
    }
    return { first, last, min: low, max: high, isOutlier }
  })
}

/** A range after one of its bounds was moved: 0 stays inside, and the bounds stay apart from each other. */
export function movedBound(
  range: readonly [number, number],
  bound: 'min' | 'max',
  value: number,
  axis: Pick<Axis, 'low' | 'high'>,
): [number, number] {
  const least = (axis.high - axis.low) / 1000
  const [rmin, rmax] = range
  if (bound === 'min') return [Math.min(0, Math.min(value, rmax - least)), rmax]
  return [rmin, Math.max(0, Math.max(value, rmin + least))]
}
