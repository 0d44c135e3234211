import type { SensitivityRow } from '../../shared/contract/api/job-results.ts'
import type { PlanEstimate } from '../../shared/contract/api/plans.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { CategoryOverlay, GraphOverlay, OverlayValue } from '../graph/decor.ts'
import type { DamageTable, ExecutionTable } from './knowledge.ts'

/** What can be laid over the graph. */
export type OverlayName = 'none' | 'sensitivity' | 'sqnr' | 'latency' | 'size' | 'execution'

/** The overlays, as a list shows them. */
export const OVERLAYS: readonly { readonly value: OverlayName; readonly label: string }[] = [
  { value: 'none', label: 'No overlay' },
  { value: 'sensitivity', label: 'Sensitivity' },
  { value: 'sqnr', label: 'Local SQNR' },
  { value: 'latency', label: 'Latency' },
  { value: 'size', label: 'Size of weights' },
  { value: 'execution', label: 'What runs in integers' },
]

/** A damage's metric as a legend and a table head say it, with its unit. */
export function metricText(metric: SensitivityRow['metric']): { readonly name: string; readonly unit: string } {
  switch (metric) {
    case 'kl':
      return { name: 'KL to float', unit: 'nats' }
    case 'loss':
      return { name: 'loss increase', unit: '' }
    case 'top1':
      return { name: 'top-1 drop', unit: 'points' }
    case 'nsr':
      return { name: 'noise to signal', unit: '' }
    case 'sqnrDb':
      return { name: 'local SQNR', unit: 'dB' }
  }
}

/** A damage in the unit of `metricText`: rates in percentage points. */
export function metricValue(metric: SensitivityRow['metric'], value: number): number {
  return metric === 'top1' ? 100 * value : value
}

export interface OverlaySource {
  readonly layers: readonly LayerInfo[]
  readonly sensitivity: DamageTable | null
  readonly scan: DamageTable | null
  readonly execution: ExecutionTable | null
  readonly estimate: PlanEstimate | null
  /** the times of `execution` are of the plan on screen */
  readonly isMeasured: boolean
  /** configuration whose damages are shown; the first when null or unknown */
  readonly config: string | null
}

/** What is drawn, or a sentence why there is nothing to draw and what would bring it. */
export type OverlayChoice =
  | { readonly overlay: GraphOverlay | null; readonly missing: null }
  | { readonly overlay: null; readonly missing: string }

const missing = (sentence: string): OverlayChoice => ({ overlay: null, missing: sentence })
const shown = (overlay: GraphOverlay | null): OverlayChoice => ({ overlay, missing: null })

/** The overlay of a name from what is known. */
export function overlayOf(name: OverlayName, source: OverlaySource): OverlayChoice {
  switch (name) {
    case 'none':
      return shown(null)
    case 'sensitivity':
      return damageOverlay(
        source.sensitivity,
        source.config,
        'Sensitivity of this model was not measured yet: start a scan.',
      )
    case 'sqnr':
      return damageOverlay(source.scan, source.config, 'No quick scan of this model was made yet: it takes seconds.')
    case 'latency':
      return latencyOverlay(source)
    case 'size':
      return sizeOverlay(source)
    case 'execution':
      return executionOverlay(source)
  }
}

/** Damages that differ by more than this factor are read on a log scale. */
const LOG_RATIO = 50

function damageOverlay(table: DamageTable | null, config: string | null, why: string): OverlayChoice {
  if (table === null) return missing(why)
  const own = config !== null && table.configs.includes(config) ? config : table.configs[0]!
  const values = new Map<string, OverlayValue>()
  for (const [layer, rows] of table.rows) {
    const row = rows.get(own)
    if (row) values.set(layer, { value: metricValue(table.metric, row.value), estimated: false })
  }
  const { name, unit } = metricText(table.metric)
  const isDb = table.metric === 'sqnrDb'
  const positive = [...values.values()].flatMap(({ value }) => (value > 0 ? [value] : []))
  const isWide = Math.max(...positive) / Math.min(...positive) > LOG_RATIO
  return shown({
    kind: 'sequential',
    name,
    unit,
    of: `at ${own}`,
    values,
    scale: !isDb && isWide ? 'log' : 'linear',
    isLowStrong: isDb,
    combine: isDb ? 'min' : 'max',
  })
}

/** Times of this very plan are measured; of another plan they stand in where nothing is estimated. */
function latencyOverlay({ execution, estimate, isMeasured }: OverlaySource): OverlayChoice {
  const values = new Map<string, OverlayValue>()
  for (const { id, ms } of estimate?.layers ?? []) if (ms !== null) values.set(id, { value: ms, estimated: true })
  for (const [id, { ms }] of execution?.layers ?? []) {
    if (ms !== null && (isMeasured || !values.has(id))) values.set(id, { value: ms, estimated: !isMeasured })
  }
  if (values.size === 0) return missing('The layers were not timed yet: measure the plan, or run a bench.')
  return shown({ kind: 'sequential', name: 'time', unit: 'ms', values, scale: 'linear', combine: 'sum' })
}

function sizeOverlay({ layers, estimate }: OverlaySource): OverlayChoice {
  const values = new Map<string, OverlayValue>()
  for (const { id, bytes } of estimate?.layers ?? [])
    if (bytes !== null) values.set(id, { value: bytes / 1000, estimated: true })
  if (values.size === 0)
    for (const { id, role, parameters } of layers)
      if (role === 'weighted') values.set(id, { value: (4 * parameters) / 1000, estimated: true })
  if (values.size === 0) return missing('No layer of this model has weights.')
  return shown({ kind: 'sequential', name: 'size of weights', unit: 'kB', values, scale: 'linear', combine: 'sum' })
}

const EXECUTIONS: CategoryOverlay['categories'] = [
  { id: 'int8', label: 'int8', hue: 'bits8' },
  { id: 'simulated', label: 'simulated', hue: 'bits4' },
  { id: 'float', label: 'float', hue: 'float' },
]

/** How the layers of this very plan ran; of another plan they are marked as such, for a layer toggled since runs otherwise. */
function executionOverlay({ execution: table, isMeasured }: OverlaySource): OverlayChoice {
  if (table === null) return missing('What runs in integers shows once a plan was measured or exported.')
  const values = new Map<string, string>()
  for (const [id, { execution }] of table.layers) if (execution !== null) values.set(id, execution)
  const of = isMeasured ? {} : { of: 'in another plan' }
  return shown({ kind: 'categories', name: 'runs as', ...of, categories: EXECUTIONS, values })
}
