import { z } from 'zod'
import { metricHeader, metricInfo, sortMetrics } from './metrics.ts'

/** A column: `kind`, `status`, `modelPath`, `startedAt`, `duration`, `tags`, `note`, `id`, `metric:NAME` or `parameter:dotted.path`. */
export interface RunColumn {
  readonly id: string
  readonly label: string
  /** px */
  readonly width: number
  readonly align: 'start' | 'end'
  readonly sortable: boolean
  /** the first click on its header sorts this way */
  readonly descendingFirst: boolean
  /** name, for columns of metrics */
  readonly metric: string | null
  /** dotted path, for columns of parameters */
  readonly parameter: string | null
}

const TEXT = { align: 'start', sortable: true, descendingFirst: false, metric: null, parameter: null } as const

const FIXED: readonly RunColumn[] = [
  { id: 'kind', label: 'kind', width: 116, ...TEXT },
  { id: 'modelPath', label: 'model', width: 200, ...TEXT },
  { id: 'startedAt', label: 'started', width: 132, ...TEXT, descendingFirst: true },
  { id: 'duration', label: 'took', width: 84, ...TEXT, align: 'end', descendingFirst: true },
  { id: 'status', label: 'status', width: 92, ...TEXT },
  { id: 'tags', label: 'tags', width: 148, ...TEXT, sortable: false },
  { id: 'note', label: 'note', width: 240, ...TEXT },
  { id: 'dataHash', label: 'data', width: 104, ...TEXT, sortable: false },
  { id: 'id', label: 'id', width: 112, ...TEXT },
]

/** What is shown until somebody chooses. */
export const DEFAULT_COLUMNS: readonly string[] = [
  'kind',
  'modelPath',
  'startedAt',
  'metric:top1',
  'metric:drop',
  'metric:bytes',
  'metric:speedup',
  'metric:medianMs',
  'tags',
  'note',
  'duration',
]

const METRIC = 'metric:'
const PARAMETER = 'parameter:'

/** A column by its id; null for what is no column. */
export function columnOf(id: string): RunColumn | null {
  if (id.startsWith(METRIC)) {
    const metric = id.slice(METRIC.length)
    const info = metricInfo(metric)
    const label = metricHeader(info)
    const descendingFirst = info.better !== 'less'
    return { id, label, width: 108, align: 'end', sortable: true, descendingFirst, metric, parameter: null }
  }
  if (id.startsWith(PARAMETER)) {
    const parameter = id.slice(PARAMETER.length)
    return { id, label: parameter, width: 140, ...TEXT, parameter }
  }
  return FIXED.find((column) => column.id === id) ?? null
}

/** Everything that can be a column, grouped for choosing. */
export function allColumns(
  metrics: readonly string[],
  parameters: readonly string[],
): readonly { readonly group: string; readonly columns: readonly RunColumn[] }[] {
  const of = (ids: readonly string[]): RunColumn[] => ids.flatMap((id) => columnOf(id) ?? [])
  return [
    { group: 'Run', columns: FIXED },
    { group: 'Metrics', columns: of(sortMetrics(metrics).map((name) => METRIC + name)) },
    { group: 'Parameters', columns: of(parameters.map((path) => PARAMETER + path)) },
  ]
}

/** The list with one column shown or hidden; a new one goes to the end. */
export function withColumn(ids: readonly string[], id: string, shown: boolean): string[] {
  const others = ids.filter((other) => other !== id)
  if (!shown) return others
  return ids.includes(id) ? [...ids] : [...others, id]
}

/** The list with one column moved by some places (to the left: negative). */
export function movedColumn(ids: readonly string[], id: string, places: number): string[] {
  const from = ids.indexOf(id)
  if (from < 0) return [...ids]
  const to = Math.min(ids.length - 1, Math.max(0, from + places))
  const others = ids.filter((other) => other !== id)
  return others.toSpliced(to, 0, id)
}

/** Bounds of what somebody may drag a column to, in px. */
const [NARROWEST, WIDEST] = [48, 960]

/** A width that a column can have. */
export function columnWidth(px: number): number {
  return Math.round(Math.min(WIDEST, Math.max(NARROWEST, px)))
}

const memory = z.object({
  columns: z.array(z.string()).min(1).max(60),
  /** px of columns that somebody has made wider or narrower */
  widths: z.record(z.string(), z.number().min(NARROWEST).max(WIDEST)).default({}),
  sort: z.object({ by: z.string(), descending: z.boolean() }),
  tableSize: z.number(),
})
/** What is remembered of the table from one start to the next. */
export type TableMemory = z.infer<typeof memory>

/** Px of the lower half until somebody moves the line. */
const LOWER_SIZE = 360

/** What another start left behind; whatever of it is not understood falls back to the defaults. */
export function tableMemory(text: string | null): TableMemory {
  const fallback: TableMemory = {
    columns: [...DEFAULT_COLUMNS],
    widths: {},
    sort: { by: 'startedAt', descending: true },
    tableSize: LOWER_SIZE,
  }
  try {
    const found = memory.parse(JSON.parse(text ?? 'null'))
    const columns = [...new Set(found.columns)].filter((id) => columnOf(id) !== null)
    return columns.length > 0 ? { ...found, columns } : fallback
  } catch {
    return fallback
  }
}
