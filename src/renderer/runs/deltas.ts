import { metricText, type MetricInfo } from './metrics.ts'

type Bounds = readonly [number, number] | null | undefined

/** A difference to the baseline, as a table shows it. */
export interface Delta {
  readonly delta: number
  /** with its sign, in the metric's unit */
  readonly text: string
  /** `plain`: it does not matter (within the intervals), nothing is known of how much matters, or neither way is good */
  readonly tone: 'good' | 'bad' | 'plain'
}

/**
 * A run's metric against the baseline's; null where one of them is missing. It matters where each value lies outside the other's 95 %
 * interval (of two intervals one may be unknown); sizes and counts are exact and matter whenever they differ.
 */
export function deltaOf(
  info: MetricInfo,
  value: number | null | undefined,
  base: number | null | undefined,
  interval?: Bounds,
  baseInterval?: Bounds,
): Delta | null {
  if (value === null || value === undefined || base === null || base === undefined) return null
  const delta = value - base
  const matters = delta !== 0 && (info.isExact || isOutside(value, base, interval, baseInterval))
  return { delta, text: signed(info, delta), tone: matters ? toneOf(info, delta) : 'plain' }
}

function isOutside(value: number, base: number, interval: Bounds, baseInterval: Bounds): boolean {
  if (!interval && !baseInterval) return false
  return !contains(interval, base) && !contains(baseInterval, value)
}

function contains(bounds: Bounds, value: number): boolean {
  return bounds ? bounds[0] <= value && value <= bounds[1] : false
}

function toneOf({ better }: MetricInfo, delta: number): Delta['tone'] {
  if (better === null) return 'plain'
  return delta > 0 === (better === 'more') ? 'good' : 'bad'
}

function signed(info: MetricInfo, delta: number): string {
  const text = metricText(info, delta)
  return delta > 0 && !/^0(\.0*)?$/.test(text) ? `+${text}` : text
}
