import type {
  LayerDifference,
  MetricComparison,
  RunComparison,
  SettingDifference,
} from '../../shared/contract/api/runs.ts'
import type { Json, RunDetail } from '../../shared/contract/runs.ts'
import { intervalsOfRun } from './run-intervals.ts'

/** What differs between runs; the first is the baseline of every delta. */
export function compareRuns(runs: readonly RunDetail[]): RunComparison {
  return {
    runs: runs.map((run) => run.id),
    settings: differingSettings(runs),
    metrics: comparedMetrics(runs),
    layers: differingLayers(runs),
  }
}

function unionOf<Item>(lists: readonly (readonly Item[])[]): Item[] {
  return [...new Set(lists.flat())]
}

function differingSettings(runs: readonly RunDetail[]): SettingDifference[] {
  const flat = runs.map((run) => {
    const own: Json = { kind: run.kind, model: run.modelHash, data: run.dataHash, parameters: run.parameters }
    return new Map(flatten('', own))
  })
  return unionOf(flat.map((settings) => [...settings.keys()]))
    .map((name) => ({ name, values: flat.map((settings) => settings.get(name) ?? null) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1)
}

/** Leaves of a JSON value by their dotted path. */
function flatten(prefix: string, value: Json): [string, Json][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[prefix, value]]
  return Object.entries(value as { readonly [key: string]: Json }).flatMap(([key, inner]) =>
    flatten(prefix ? `${prefix}.${key}` : key, inner),
  )
}

function comparedMetrics(runs: readonly RunDetail[]): MetricComparison[] {
  const intervals = runs.map(intervalsOfRun)
  return unionOf(runs.map((run) => Object.keys(run.metrics)))
    .sort()
    .map((name) => {
      const values = runs.map((run) => run.metrics[name] ?? null)
      const base = values[0] ?? null
      return {
        name,
        values,
        deltas: values.map((value) => (value === null || base === null ? null : value - base)),
        intervals: intervals.map((own) => own[name] ?? null),
      }
    })
}

function differingLayers(runs: readonly RunDetail[]): LayerDifference[] {
  const byId = runs.map((run) => new Map(run.layers.map((layer) => [layer.id, layer])))
  return unionOf(runs.map((run) => run.layers.map((layer) => layer.id)))
    .map((id) => ({
      id,
      types: byId.map((layers) => layers.get(id)?.type ?? null),
      executions: byId.map((layers) => layers.get(id)?.execution ?? null),
      ms: byId.map((layers) => layers.get(id)?.ms ?? null),
    }))
    .filter(({ types, executions }) => new Set(types).size > 1 || new Set(executions).size > 1)
}
