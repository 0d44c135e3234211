import type { Database } from 'better-sqlite3'
import type { RunFilter, TrendPoint } from '../../shared/contract/api/runs.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { conditionOf, jsonPath, orderOf, type RunPageQuery } from './run-query.ts'

/** What lists can choose from. */
export interface RunCounts {
  readonly total: number
  readonly deleted: number
  readonly kinds: readonly { readonly kind: string; readonly count: number }[]
  readonly models: readonly { readonly hash: string; readonly path: string | null; readonly count: number }[]
  readonly tags: readonly { readonly tag: string; readonly count: number }[]
  readonly metrics: readonly string[]
}

/** A calibration collection that a run keeps. */
export interface CalibrationRecord {
  readonly sha256: string
  readonly run: string
  readonly madeAt: string
  /** `samples` of the run's results, null where it has none */
  readonly samples: Json
}

/** Where results keep 95 % intervals of metrics, by kind of run; of two for one metric the first that is there counts. */
export const INTERVAL_PATHS = [
  { metric: 'drop', path: ['evaluation', 'result', 'drop'] },
  { metric: 'drop', path: ['best', 'dropInterval'] },
  { metric: 'lossIncrease', path: ['evaluation', 'result', 'lossIncrease'] },
  { metric: 'speedup', path: ['interval'] },
  { metric: 'speedup', path: ['best', 'speedupInterval'] },
  { metric: 'speedup', path: ['speed', 'interval'] },
] as const

/** What is stored of a run's intervals: its metrics, and what its results hold at each of `INTERVAL_PATHS`. */
export interface IntervalRecord {
  readonly id: string
  readonly metrics: Readonly<Record<string, number>>
  readonly parts: readonly Json[]
}

/** From one name to the next through the index: SELECT DISTINCT reads every row of it. */
const METRIC_NAMES = `WITH RECURSIVE names (name) AS (
    SELECT min(name) FROM run_metrics
    UNION ALL SELECT (SELECT min(m.name) FROM run_metrics m WHERE m.name > names.name) FROM names WHERE names.name IS NOT NULL
  ) SELECT name FROM names WHERE name IS NOT NULL`

const PARTS = INTERVAL_PATHS.map(({ path }) => `json_extract(r.results, '$.${path.join('.')}')`).join(', ')

/** Questions over many runs at once. */
export class RunFacts {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  counts(): RunCounts {
    const all = <Row>(sql: string): Row[] => this.#db.prepare<[], Row>(sql).all()
    const [size] = all<{ total: number; deleted: number }>(
      'SELECT count(*) FILTER (WHERE deleted_at IS NULL) total, count(*) FILTER (WHERE deleted_at IS NOT NULL) deleted FROM runs',
    )
    return {
      total: size!.total,
      deleted: size!.deleted,
      kinds: all('SELECT kind, count(*) count FROM runs WHERE deleted_at IS NULL GROUP BY kind ORDER BY count DESC'),
      models: all(
        `SELECT model_hash hash, max(model_path) path, count(*) count FROM runs
         WHERE deleted_at IS NULL AND model_hash IS NOT NULL GROUP BY model_hash ORDER BY count DESC LIMIT 200`,
      ),
      tags: all(
        `SELECT tag, count(*) count FROM run_tags JOIN runs ON runs.id = run_id
         WHERE deleted_at IS NULL GROUP BY tag ORDER BY count DESC LIMIT 200`,
      ),
      metrics: all<{ name: string }>(METRIC_NAMES).map(({ name }) => name),
    }
  }

  /** Ids of all runs that a filter keeps, in the order asked for. */
  ids({ filter, sort }: Pick<RunPageQuery, 'filter' | 'sort'>): string[] {
    const { where, parameters } = conditionOf(filter)
    const order = orderOf(sort)
    return this.#db
      .prepare<unknown[], string>(`SELECT r.id FROM runs r WHERE ${where} ${order.sql}`)
      .pluck()
      .all({ ...parameters, ...order.parameters })
  }

  /** Single values that the parameters of the newest runs hold, by dotted path, the most frequent first. Layers of plans are left out. */
  parameterPaths(): { path: string; count: number }[] {
    return this.#db
      .prepare<[], { fullkey: string; count: number }>(
        `SELECT t.fullkey fullkey, count(*) count
         FROM (SELECT parameters FROM runs WHERE deleted_at IS NULL ORDER BY started_at DESC LIMIT 200) r, json_tree(r.parameters) t
         WHERE t.atom IS NOT NULL AND instr(t.fullkey, '[') = 0 AND instr(t.fullkey, '.layers.') = 0
         GROUP BY t.fullkey ORDER BY count DESC, fullkey LIMIT 200`,
      )
      .all()
      .map(({ fullkey, count }) => ({ path: fullkey.replace(/^\$\.?/, '').replaceAll('"', ''), count }))
      .filter(({ path }) => path !== '')
  }

  /** Values of some runs' parameters by dotted paths, in the order of the paths; null where a run has none. */
  parameters(ids: readonly string[], paths: readonly string[]): Record<string, Json[]> {
    const columns = paths.map((_, i) => `json_extract(r.parameters, @path${i})`)
    const rows = this.#db
      .prepare<unknown[], { id: string; content: string }>(
        `SELECT r.id id, json_array(${columns.join(', ')}) content FROM runs r WHERE r.id IN (SELECT value FROM json_each(@ids))`,
      )
      .all({ ids: JSON.stringify(ids), ...Object.fromEntries(paths.map((path, i) => [`path${i}`, jsonPath(path)])) })
    return Object.fromEntries(rows.map(({ id, content }) => [id, JSON.parse(content) as Json[]]))
  }

  /** What intervals can be made of; SQLite picks them out of the results, which may be large. Runs that are not there are left out. */
  intervalRecords(ids: readonly string[]): IntervalRecord[] {
    return this.#db
      .prepare<[string], { id: string; metrics: string; parts: string }>(
        `SELECT r.id id, (SELECT json_group_object(name, value) FROM run_metrics m WHERE m.run_id = r.id) metrics,
           json_array(${PARTS}) parts FROM runs r WHERE r.id IN (SELECT value FROM json_each(?))`,
      )
      .all(JSON.stringify(ids))
      .map(({ id, metrics, parts }) => ({
        id,
        metrics: JSON.parse(metrics) as Record<string, number>,
        parts: JSON.parse(parts) as Json[],
      }))
  }

  /** One metric over time, oldest first. */
  trend(metric: string, filter: RunFilter): TrendPoint[] {
    const { where, parameters } = conditionOf(filter)
    return this.#db
      .prepare<unknown[], TrendPoint>(
        `SELECT r.id run, r.kind kind, r.model_hash modelHash, r.started_at at, v.value value FROM runs r
         JOIN run_metrics v ON v.run_id = r.id AND v.name = @trendMetric WHERE ${where} ORDER BY r.started_at, r.id LIMIT 20000`,
      )
      .all({ ...parameters, trendMetric: metric })
  }

  /** Calibrations of a model, newest first. */
  calibrations(modelHash: string): CalibrationRecord[] {
    return this.#db
      .prepare<[string], Omit<CalibrationRecord, 'samples'> & { samples: string | null }>(
        `SELECT a.sha256 sha256, r.id run, r.started_at madeAt, json_extract(r.results, '$.samples') samples
         FROM run_artifacts a JOIN runs r ON r.id = a.run_id
         WHERE a.role = 'calibration' AND r.model_hash = ? AND r.deleted_at IS NULL ORDER BY r.started_at DESC, r.id DESC LIMIT 100`,
      )
      .all(modelHash)
      .map((row) => ({ ...row, samples: row.samples === null ? null : (JSON.parse(row.samples) as Json) }))
  }

  /** Ids of ended runs of one kind of a model, newest first. */
  newest(modelHash: string, kind: string, limit: number): string[] {
    return this.#db
      .prepare<[string, string, number], { id: string }>(
        `SELECT id FROM runs WHERE model_hash = ? AND kind = ? AND status = 'done' AND deleted_at IS NULL
         ORDER BY started_at DESC, id DESC LIMIT ?`,
      )
      .all(modelHash, kind, limit)
      .map(({ id }) => id)
  }
}
