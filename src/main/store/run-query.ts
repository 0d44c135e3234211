import type { RunFilter } from '../../shared/contract/api/runs.ts'

/** What a page of runs is asked by. */
export interface RunPageQuery {
  readonly filter: RunFilter
  readonly sort: { readonly by: string; readonly descending: boolean }
  readonly offset: number
  readonly limit: number
}

type Parameters = Record<string, string | number>

/** A condition over the table `runs r`, with its parameters by name. */
export interface RunCondition {
  readonly where: string
  readonly parameters: Parameters
}

/** The condition that a filter means; values only ever travel as parameters. */
export function conditionOf(filter: RunFilter): RunCondition {
  const parts: string[] = [filter.deleted ? 'r.deleted_at IS NOT NULL' : 'r.deleted_at IS NULL']
  const parameters: Parameters = {}
  const add = (sql: string, values: Parameters): void => {
    parts.push(sql)
    Object.assign(parameters, values)
  }
  const oneOf = (column: string, name: string, values: readonly string[] | undefined): void => {
    if (values && values.length > 0)
      add(`${column} IN (SELECT value FROM json_each(@${name}))`, { [name]: JSON.stringify(values) })
  }
  oneOf('r.kind', 'kinds', filter.kinds)
  oneOf('r.status', 'statuses', filter.statuses)
  if (filter.modelHash !== undefined) add('r.model_hash = @modelHash', { modelHash: filter.modelHash })
  if (filter.dataHash !== undefined) add('r.data_hash = @dataHash', { dataHash: filter.dataHash })
  if (filter.since !== undefined) add('r.started_at >= @since', { since: filter.since })
  if (filter.until !== undefined) add('r.started_at <= @until', { until: filter.until })
  for (const [i, tag] of (filter.tags ?? []).entries())
    add(`EXISTS (SELECT 1 FROM run_tags t WHERE t.run_id = r.id AND t.tag = @tag${i})`, { [`tag${i}`]: tag })
  if (filter.text !== undefined && filter.text.trim() !== '')
    add(textCondition, { text: filter.text.trim().toLowerCase() })
  for (const [i, { name, min, max }] of (filter.metrics ?? []).entries())
    add(
      `EXISTS (SELECT 1 FROM run_metrics m WHERE m.run_id = r.id AND m.name = @metric${i} AND m.value BETWEEN @min${i} AND @max${i})`,
      { [`metric${i}`]: name, [`min${i}`]: min ?? -Infinity, [`max${i}`]: max ?? Infinity },
    )
  for (const [i, { path, value }] of (filter.parameters ?? []).entries())
    add(`CAST(json_extract(r.parameters, @path${i}) AS TEXT) = @value${i}`, {
      [`path${i}`]: jsonPath(path),
      [`value${i}`]: value,
    })
  return { where: parts.join(' AND '), parameters }
}

const textCondition = `(instr(lower(r.id), @text) > 0 OR instr(lower(coalesce(r.model_path, '')), @text) > 0
  OR instr(lower(r.note), @text) > 0 OR instr(r.kind, @text) > 0
  OR EXISTS (SELECT 1 FROM run_tags t WHERE t.run_id = r.id AND instr(lower(t.tag), @text) > 0))`

/** `$."samples"."spec"` from `samples.spec`; quotes cannot leave the quoted name. */
export function jsonPath(path: string): string {
  return `$${path
    .split('.')
    .map((name) => `."${name.replaceAll('"', '')}"`)
    .join('')}`
}

const COLUMNS: Readonly<Record<string, string>> = {
  id: 'r.id',
  kind: 'r.kind',
  status: 'r.status',
  startedAt: 'r.started_at',
  endedAt: 'r.ended_at',
  modelPath: 'r.model_path',
  note: "nullif(r.note, '')",
  duration: 'julianday(r.ended_at) - julianday(r.started_at)',
}

/** `ORDER BY` for a column, `metric:NAME` or `parameter:dotted.path`; runs without the value come last, equal ones newest first. An unknown column sorts by time. */
export function orderOf({ by, descending }: RunPageQuery['sort']): {
  readonly sql: string
  readonly parameters: Parameters
} {
  const direction = descending ? 'DESC' : 'ASC'
  if (by.startsWith('metric:')) {
    const value = '(SELECT value FROM run_metrics s WHERE s.run_id = r.id AND s.name = @sortMetric)'
    return {
      sql: `ORDER BY ${value} ${direction} NULLS LAST, r.started_at DESC, r.id DESC`,
      parameters: { sortMetric: by.slice('metric:'.length) },
    }
  }
  if (by.startsWith('parameter:')) {
    return {
      sql: `ORDER BY json_extract(r.parameters, @sortPath) ${direction} NULLS LAST, r.started_at DESC, r.id DESC`,
      parameters: { sortPath: jsonPath(by.slice('parameter:'.length)) },
    }
  }
  const column = COLUMNS[by] ?? 'r.started_at'
  return { sql: `ORDER BY ${column} ${direction} NULLS LAST, r.started_at DESC, r.id DESC`, parameters: {} }
}
