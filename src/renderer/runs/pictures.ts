import type { ParallelAxis, ParallelItem } from '../components/charts/parallel.ts'
import type { LineSeries } from '../components/charts/lines.ts'
import type { ScatterPoint } from '../components/charts/scatter.ts'
import type { ChartAxis } from '../components/charts/parts.ts'
import type { RunComparison, TrendPoint } from '../../shared/contract/api/runs.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { metricInfo, sortMetrics, type MetricInfo } from './metrics.ts'

/** A metric as the axis of a chart. */
export function metricAxis({ label, unit, better }: MetricInfo): ChartAxis {
  return { label, unit: unit === '' ? undefined : unit, better: better ?? undefined }
}

/** Metrics that at least two of the compared runs have. */
export function sharedMetrics({ metrics }: RunComparison): string[] {
  return sortMetrics(
    metrics.filter(({ values }) => values.filter((value) => value !== null).length > 1).map(({ name }) => name),
  )
}

/** A pair to begin with: size against quality, else the first two there are. */
export function firstPair(names: readonly string[]): readonly [string, string] | null {
  const x = ['bytes', 'medianMs', 'speedup'].find((name) => names.includes(name)) ?? names[0]
  const y = ['top1', 'drop', 'agreement', 'sqnrDb', 'speedup'].find((name) => names.includes(name) && name !== x)
  const other = y ?? names.find((name) => name !== x)
  return x === undefined || other === undefined ? null : [x, other]
}

/** The compared runs as points over two metrics. */
export function scatterOf(comparison: RunComparison, x: string, y: string, labels: readonly string[]): ScatterPoint[] {
  const [xs, ys] = [x, y].map((name) => comparison.metrics.find((metric) => metric.name === name))
  const [xInfo, yInfo] = [metricInfo(x), metricInfo(y)]
  const scaled = (bounds: readonly [number, number] | null | undefined, factor: number) =>
    bounds ? ([bounds[0] * factor, bounds[1] * factor] as const) : null
  return comparison.runs.flatMap((id, i) => {
    const [xValue, yValue] = [xs?.values[i] ?? null, ys?.values[i] ?? null]
    if (xValue === null || yValue === null) return []
    const measured = {
      x: xValue * xInfo.factor,
      y: yValue * yInfo.factor,
      xInterval: scaled(xs?.intervals[i], xInfo.factor),
      yInterval: scaled(ys?.intervals[i], yInfo.factor),
    }
    return [{ id, label: labels[i] ?? id, measured, predicted: null }]
  })
}

/** More would not be read any more. */
const MOST_SETTINGS = 5
const MOST_METRICS = 6

/** Settings that differ (short ones first), then metrics: the axes of the parallel coordinates, and a line a run. */
export function parallelOf(
  comparison: RunComparison,
  labels: readonly string[],
): { readonly axes: readonly ParallelAxis[]; readonly items: readonly ParallelItem[] } {
  const settings = comparison.settings
    .filter(({ values }) => values.every(isShort) && values.some((value) => value !== null))
    .slice(0, MOST_SETTINGS)
    .map(({ name, values }) => settingAxis(name.replace(/^parameters\./, ''), values))
  const metrics = sharedMetrics(comparison)
    .map((name) => comparison.metrics.find((metric) => metric.name === name)!)
    .filter(({ values }) => new Set(values.filter((value) => value !== null)).size > 1)
    .slice(0, MOST_METRICS)
    .map(({ name, values }) => {
      const info = metricInfo(name)
      const axis: ParallelAxis = { id: `metric:${name}`, ...metricAxis(info) }
      return { axis, values: values.map((value) => (value === null ? null : value * info.factor)) }
    })
  const all = [...settings, ...metrics]
  const items = comparison.runs.map((id, i) => ({
    id,
    label: labels[i] ?? id,
    values: all.map(({ values }) => values[i] ?? null),
  }))
  return { axes: all.map(({ axis }) => axis), items }
}

function isShort(value: Json): boolean {
  return (
    value === null ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (typeof value === 'string' && value.length <= 60)
  )
}

function settingAxis(
  name: string,
  values: readonly Json[],
): { readonly axis: ParallelAxis; readonly values: readonly (number | string | null)[] } {
  const isNumeric = values.every((value) => value === null || typeof value === 'number')
  if (isNumeric) return { axis: { id: name, label: name }, values: values }
  const words = values.map((value) => (value === null ? null : String(value as string | number | boolean)))
  const sorted = [...new Set(words.filter((word) => word !== null))].sort()
  return { axis: { id: name, label: name, words: sorted }, values: words }
}

/** Runs of one model from which single points say less than their running median. */
const MANY = 40
/** Runs that the median is over. */
const WINDOW = 15

/** One metric over time, a curve a model; of many runs the points, and the running median as the curve. */
export function trendSeries(
  points: readonly TrendPoint[],
  metric: string,
  modelName: (hash: string) => string,
): LineSeries[] {
  const { factor } = metricInfo(metric)
  const byModel = Map.groupBy(points, ({ modelHash }) => modelHash ?? '')
  return [...byModel].flatMap(([hash, own]): LineSeries[] => {
    const label = hash === '' ? 'no model' : modelName(hash)
    const places = own.map(({ at, value, run }) => {
      const x = Date.parse(at)
      return { x, y: value * factor, name: `${new Date(x).toLocaleString()} · ${run}` }
    })
    if (own.length < MANY) return [{ id: hash, label, dots: true, points: places }]
    const curve = runningMedian(
      places.map(({ y }) => y),
      WINDOW,
    )
    const medians = places.map(({ x }, i) => ({ x, y: curve[i]! }))
    return [
      { id: hash, label, dotsOnly: true, points: places },
      { id: `${hash}:median`, label: `${label}, median of ${WINDOW}`, like: hash, points: medians },
    ]
  })
}

/** The median of the values around each one; at the ends of as many as there are. */
export function runningMedian(values: readonly number[], window: number): number[] {
  const half = window >> 1
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - half), i + half + 1).sort((a, b) => a - b)
    const middle = near.length >> 1
    return near.length % 2 === 1 ? near[middle]! : (near[middle - 1]! + near[middle]!) / 2
  })
}
