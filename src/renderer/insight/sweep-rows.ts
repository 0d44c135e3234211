import type { SensitivityRow } from '../../shared/contract/api/job-results.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { BarItem } from '../components/charts/bars.ts'
import type { HeatCell } from '../components/charts/heat.ts'
import type { ChartAxis } from '../components/charts/parts.ts'
import { metricText, metricValue } from '../plan/overlays.ts'

/** Rows by layer and configuration: a later one takes the place of an earlier one. */
export type RowMap = ReadonlyMap<string, SensitivityRow>

const keyOf = ({ layer, config }: Pick<SensitivityRow, 'layer' | 'config'>): string => `${config}\n${layer}`

/** What is known with what has come. Rows of another metric start anew: they cannot be compared. */
export function mergeRows(known: RowMap, rows: readonly SensitivityRow[]): RowMap {
  const [first] = rows
  if (!first) return known
  const [old] = known.values()
  const merged = new Map(old && old.metric !== first.metric ? [] : known)
  for (const row of rows) merged.set(keyOf(row), row)
  return merged
}

/** The row of a layer in a configuration. */
export function rowOf(rows: RowMap, layer: string, config: string): SensitivityRow | undefined {
  return rows.get(keyOf({ layer, config }))
}

/** Configurations that there are rows of, those asked for first and in their order. */
export function configsOf(rows: RowMap, asked: readonly string[]): string[] {
  const found = new Set([...rows.values()].map(({ config }) => config))
  return [...asked.filter((config) => found.has(config)), ...[...found].filter((config) => !asked.includes(config))]
}

/** Layers that a sweep or a scan asks about: those that compute in integers when a plan says so. */
export function sweptLayers(layers: readonly LayerInfo[]): LayerInfo[] {
  return layers.filter(({ quantizable, role }) => quantizable && (role === 'weighted' || role === 'arithmetic'))
}

/** What a value is the damage of: one layer quantized, or all but that layer. */
export type SweepBase = 'float' | 'quantized'

/**
 * The layer that matters most first: the largest damage where it alone is quantized, the least damage left where it alone is float, the
 * fewest decibels of a quick scan.
 */
function worseFirst(a: SensitivityRow, b: SensitivityRow, base: SweepBase): number {
  return base === 'quantized' || a.metric === 'sqnrDb' ? a.value - b.value : b.value - a.value
}

/** Ids, the most sensitive first; layers without a value yet keep the order they are given in, at the end. */
export function sortedLayers(ids: readonly string[], rows: RowMap, config: string, base: SweepBase): string[] {
  const known = ids.flatMap((id) => rowOf(rows, id, config) ?? []).sort((a, b) => worseFirst(a, b, base))
  const first = new Set(known.map(({ layer }) => layer))
  return [...known.map(({ layer }) => layer), ...ids.filter((id) => !first.has(id))]
}

/** An order as it stands, made good for what came or went: nothing that is there moves. */
export function keptOrder(standing: readonly string[], ids: readonly string[]): string[] {
  const wanted = new Set(ids)
  const stays = standing.filter((id) => wanted.has(id))
  const known = new Set(stays)
  return [...stays, ...ids.filter((id) => !known.has(id))]
}

/**
 * Layers whose place in a configuration will not change: their 95 % interval touches that of no other. Without intervals nothing is said.
 * @returns ids
 */
export function settledLayers(ids: readonly string[], rows: RowMap, config: string): ReadonlySet<string> {
  const known = ids.flatMap((id) => {
    const row = rowOf(rows, id, config)
    return row?.interval ? [{ id, low: row.interval[0], high: row.interval[1] }] : []
  })
  // sorted by their lower ends, an interval is apart when all before it end below and the next begins above
  known.sort((a, b) => a.low - b.low)
  const settled = new Set<string>()
  let reach = -Infinity
  known.forEach(({ id, low, high }, i) => {
    const next = known[i + 1]
    if (low > reach && (next === undefined || next.low > high)) settled.add(id)
    reach = Math.max(reach, high)
  })
  // where some layers have no value yet, they may still come in anywhere
  return ids.some((id) => rowOf(rows, id, config) === undefined) ? new Set() : settled
}

/** Layers that a finished sweep stopped sampling early, their rank being settled. */
export function stoppedLayers(ids: readonly string[], rows: RowMap, config: string): ReadonlySet<string> {
  const most = [...rows.values()].reduce((largest, { samples }) => Math.max(largest, samples), 0)
  return new Set(ids.filter((id) => (rowOf(rows, id, config)?.samples ?? most) < most))
}

/** What the bars are drawn from. */
export interface BarsSource {
  /** in the order they are drawn */
  readonly ids: readonly string[]
  readonly rows: RowMap
  readonly config: string
  /** the sweep is over: layers with fewer samples than others were settled by it */
  readonly isOver: boolean
}

/** One bar a layer; a layer without a value yet keeps its place, empty. */
export function barsOf({ ids, rows, config, isOver }: BarsSource): BarItem[] {
  const apart = settledLayers(ids, rows, config)
  const settled = isOver ? new Set([...apart, ...stoppedLayers(ids, rows, config)]) : apart
  return ids.map((id) => {
    const row = rowOf(rows, id, config)
    if (!row) return { id, label: id, value: NaN, mark: 'waits' }
    const { metric, value, interval } = row
    return {
      id,
      label: id,
      value: metricValue(metric, value),
      low: interval ? metricValue(metric, interval[0]) : null,
      high: interval ? metricValue(metric, interval[1]) : null,
      ...(settled.has(id) ? { mark: 'settled' } : {}),
    }
  })
}

/** Cells of all configurations that have a value. */
export function heatCells(ids: readonly string[], configs: readonly string[], rows: RowMap): HeatCell[] {
  return ids.flatMap((id) =>
    configs.flatMap((config) => {
      const row = rowOf(rows, id, config)
      if (!row || !Number.isFinite(row.value)) return []
      const { metric, value, interval } = row
      return [
        {
          row: id,
          column: config,
          value: metricValue(metric, value),
          low: interval ? metricValue(metric, interval[0]) : null,
          high: interval ? metricValue(metric, interval[1]) : null,
        },
      ]
    }),
  )
}

/** Damages that differ by more than this factor are read on a log scale. */
const LOG_RATIO = 50

/** The axis of the metric that the rows are in. */
export function axisOfRows(rows: RowMap, base: SweepBase): ChartAxis {
  const [first] = rows.values()
  if (!first) return { label: 'damage' }
  const { name, unit } = metricText(first.metric)
  if (first.metric === 'sqnrDb') return { label: name, unit, better: 'more' }
  const label = base === 'quantized' ? `${name} left with this layer float` : name
  return { label, ...(unit ? { unit } : {}), better: 'less' }
}

/** Whether the values of the rows are read better on a log scale. */
export function isWide(rows: RowMap): boolean {
  let low = Infinity
  let high = 0
  for (const { metric, value } of rows.values()) {
    if (metric === 'sqnrDb') return false
    if (!(value > 0) || !Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return high / low > LOG_RATIO
}

/** Samples that the rows stand on: `64`, or `64–512` where they differ. */
export function samplesText(rows: RowMap): string {
  let low = Infinity
  let high = 0
  for (const { samples } of rows.values()) {
    low = Math.min(low, samples)
    high = Math.max(high, samples)
  }
  if (high === 0) return ''
  return `${low === high ? high : `${low}–${high}`} ${high === 1 ? 'sample' : 'samples'}`
}
