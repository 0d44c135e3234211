import type { RunIntervals } from '../../shared/contract/api/runs.ts'
import type { Json, RunDetail } from '../../shared/contract/runs.ts'
import { wilsonInterval } from '../quant/intervals.ts'
import { INTERVAL_PATHS } from '../store/run-facts.ts'

type Bounds = readonly [number, number]

/** Shares of samples: their intervals follow from the number of samples alone. */
const SHARES = ['top1', 'top5', 'agreement', 'referenceTop1'] as const

/**
 * 95 % intervals of a run's metrics, by their names: those that its measurement gave (paired differences, timings), and Wilson's for plain
 * shares of samples. What is exact (sizes, counts) or of unknown spread has none.
 * @param parts what the run's results hold at `INTERVAL_PATHS`, in that order
 */
export function intervalsOf(metrics: Readonly<Record<string, number>>, parts: readonly Json[]): RunIntervals {
  const intervals: Record<string, Bounds> = {}
  for (const [i, { metric }] of INTERVAL_PATHS.entries()) {
    const bounds = boundsOf(parts[i] ?? null)
    if (bounds && metrics[metric] !== undefined) intervals[metric] ??= bounds
  }
  const samples = metrics['samples']
  if (samples === undefined || samples < 1) return intervals
  for (const name of SHARES) {
    const value = metrics[name]
    if (value === undefined || intervals[name]) continue
    const { low, high } = wilsonInterval(Math.round(value * samples), samples)
    intervals[name] = [low, high]
  }
  return intervals
}

/** The same of a whole run. */
export function intervalsOfRun({ metrics, results }: Pick<RunDetail, 'metrics' | 'results'>): RunIntervals {
  return intervalsOf(
    metrics,
    INTERVAL_PATHS.map(({ path }) => valueAt(results, path)),
  )
}

function valueAt(value: Json, path: readonly string[]): Json {
  let at: Json = value
  for (const name of path) {
    if (at === null || typeof at !== 'object' || Array.isArray(at)) return null
    at = (at as { readonly [key: string]: Json })[name] ?? null
  }
  return at
}

/** `{ low, high }` or `[low, high]`. */
function boundsOf(value: Json): Bounds | null {
  if (value === null || typeof value !== 'object') return null
  const [low, high] = Array.isArray(value)
    ? (value as readonly Json[])
    : [valueAt(value, ['low']), valueAt(value, ['high'])]
  return typeof low === 'number' && typeof high === 'number' ? [low, high] : null
}
