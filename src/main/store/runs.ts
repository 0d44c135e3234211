import type { Database } from 'better-sqlite3'
import { Fault } from '../../shared/contract/fault.ts'
import type {
  ArtifactInfo,
  Environment,
  Json,
  LayerResult,
  RunDetail,
  RunKind,
  RunStatus,
  RunSummary,
} from '../../shared/contract/runs.ts'
import { canonicalJson, contentKey } from './content-key.ts'
import { conditionOf, orderOf, type RunPageQuery } from './run-query.ts'
import { hasEnded, ownProcess } from './owner.ts'

/** What is known when a run begins. */
export interface RunStart {
  readonly id: string
  readonly kind: RunKind
  readonly startedAt: string
  readonly modelHash: string | null
  readonly modelPath: string | null
  readonly dataHash: string | null
  readonly environment: Environment | null
  readonly parameters: Json
}

/** What is known when it ends. */
export interface RunEnd {
  readonly status: Exclude<RunStatus, 'running'>
  readonly endedAt: string
  readonly metrics?: Readonly<Record<string, number>>
  readonly layers?: readonly LayerResult[]
  readonly artifacts?: readonly ArtifactInfo[]
  readonly warnings?: readonly string[]
  readonly results?: Json
}

export interface RunQuery {
  readonly kind?: RunKind
  readonly modelHash?: string
  readonly tag?: string
  readonly limit?: number
  readonly offset?: number
}

interface SummaryRow {
  id: string
  kind: RunKind
  status: RunStatus
  started_at: string
  ended_at: string | null
  model_hash: string | null
  model_path: string | null
  data_hash: string | null
  note: string
}

interface RunRow extends SummaryRow {
  environment_id: number | null
  parameters: string
  results: string
  warnings: string
}

/** Without results and parameters, which can be large and which no list shows. */
const SUMMARY_COLUMNS =
  'r.id, r.kind, r.status, r.started_at, r.ended_at, r.model_hash, r.model_path, r.data_hash, r.note'

/** What a run says whose process was killed. */
const ABANDONED =
  'Its process ended before the run did: it was killed, or the machine went down. What was measured by then is kept, and found by a run that asks for the same.'

/** A run of a machine that cannot be asked counts as abandoned after this time. Should it end after all, it says so itself. */
const FOREIGN_MS = 24 * 60 * 60 * 1000

/** The runs table with metrics, layers, artifacts and tags. Every method is one synchronous transaction. */
export class RunTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  begin(run: RunStart): void {
    this.#db
      .transaction(() => {
        this.#db
          .prepare(
            `INSERT INTO runs (id, kind, status, started_at, model_hash, model_path, data_hash, environment_id, parameters, owner)
             VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?)`,
          )
          .run(
            run.id,
            run.kind,
            run.startedAt,
            run.modelHash,
            run.modelPath,
            run.dataHash,
            this.#environmentId(run.environment),
            JSON.stringify(run.parameters),
            ownProcess(),
          )
      })
      .immediate()
  }

  /** Fills in what was learned after the beginning: the model's and the data set's hash. */
  identify(id: string, known: { modelHash?: string; dataHash?: string }): void {
    this.#db
      .prepare('UPDATE runs SET model_hash = coalesce(?, model_hash), data_hash = coalesce(?, data_hash) WHERE id = ?')
      .run(known.modelHash ?? null, known.dataHash ?? null, id)
  }

  /** Gives a run files while it still goes on; one of the same role takes the place of the former. */
  attach(id: string, artifacts: readonly ArtifactInfo[]): void {
    const artifact = this.#db.prepare('INSERT OR REPLACE INTO run_artifacts VALUES (?, ?, ?, ?, ?)')
    for (const row of artifacts) artifact.run(id, row.role, row.sha256, row.bytes, row.path)
  }

  end(id: string, end: RunEnd): void {
    this.#db
      .transaction(() => {
        this.#db
          .prepare('UPDATE runs SET status = ?, ended_at = ?, results = ?, warnings = ? WHERE id = ?')
          .run(end.status, end.endedAt, JSON.stringify(end.results ?? null), JSON.stringify(end.warnings ?? []), id)
        const metric = this.#db.prepare('INSERT OR REPLACE INTO run_metrics VALUES (?, ?, ?)')
        for (const [name, value] of Object.entries(end.metrics ?? {}))
          if (Number.isFinite(value)) metric.run(id, name, value)
        const layer = this.#db.prepare('INSERT OR REPLACE INTO run_layers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
        end.layers?.forEach((row, i) =>
          layer.run(id, i, row.id, row.op, row.type, row.execution, row.ms, JSON.stringify(row.metrics), row.reason),
        )
        const artifact = this.#db.prepare('INSERT OR REPLACE INTO run_artifacts VALUES (?, ?, ?, ?, ?)')
        for (const row of end.artifacts ?? []) artifact.run(id, row.role, row.sha256, row.bytes, row.path)
      })
      .immediate()
  }

  /** Newest first; deleted runs are left out. */
  list(query: RunQuery = {}): RunSummary[] {
    this.#closeAbandoned()
    const rows = this.#db
      .prepare<unknown[], RunRow>(
        `SELECT * FROM runs WHERE deleted_at IS NULL AND (@kind IS NULL OR kind = @kind) AND (@modelHash IS NULL OR model_hash = @modelHash)
           AND (@tag IS NULL OR id IN (SELECT run_id FROM run_tags WHERE tag = @tag))
         ORDER BY started_at DESC, id DESC LIMIT @limit OFFSET @offset`,
      )
      .all({
        kind: query.kind ?? null,
        modelHash: query.modelHash ?? null,
        tag: query.tag ?? null,
        limit: query.limit ?? -1,
        offset: query.offset ?? 0,
      })
    const metrics = this.#groupMetrics(rows.map((row) => row.id))
    const tags = this.#groupTags(rows.map((row) => row.id))
    return rows.map((row) => summaryOf(row, metrics.get(row.id) ?? {}, tags.get(row.id) ?? []))
  }

  /** A page of the runs a filter keeps, in the order asked for, and how many there are in all. */
  page({ filter, sort, offset, limit }: RunPageQuery): { total: number; runs: RunSummary[] } {
    this.#closeAbandoned()
    const { where, parameters } = conditionOf(filter)
    const order = orderOf(sort)
    const total = this.#db
      .prepare<unknown[], { n: number }>(`SELECT count(*) n FROM runs r WHERE ${where}`)
      .get(parameters)!.n
    const rows = this.#db
      .prepare<unknown[], SummaryRow>(
        `SELECT ${SUMMARY_COLUMNS} FROM runs r WHERE ${where} ${order.sql} LIMIT @limit OFFSET @offset`,
      )
      .all({ ...parameters, ...order.parameters, limit, offset })
    const ids = rows.map((row) => row.id)
    const metrics = this.#groupMetrics(ids)
    const tags = this.#groupTags(ids)
    return { total, runs: rows.map((row) => summaryOf(row, metrics.get(row.id) ?? {}, tags.get(row.id) ?? [])) }
  }

  /**
   * A run by its id or any unambiguous beginning of it.
   * @param options `deleted`: one in the trash as well, by its whole id
   * @throws Fault data.runNotFound, data.runAmbiguous
   */
  get(idOrPrefix: string, options: { readonly deleted?: boolean } = {}): RunDetail {
    this.#closeAbandoned()
    const exact = this.#db
      .prepare<unknown[], RunRow>('SELECT * FROM runs WHERE id = @id AND (@deleted OR deleted_at IS NULL)')
      .get({ id: idOrPrefix, deleted: options.deleted ? 1 : 0 })
    const rows = exact ? [exact] : this.#beginningWith(idOrPrefix)
    const row = rows[0]
    if (!row || idOrPrefix === '') {
      throw new Fault(
        'data.runNotFound',
        `There is no run ${idOrPrefix || '(empty id)'} in this store. \`quantbench runs list\` shows those there are.`,
        { run: idOrPrefix },
      )
    }
    if (rows.length > 1) {
      throw new Fault(
        'data.runAmbiguous',
        `More than one run begins with ${idOrPrefix}; give more characters of its id.`,
        { run: idOrPrefix },
      )
    }
    return this.#detail(row)
  }

  /** At most two: enough to know that there are several. A range, so that the index finds them. */
  #beginningWith(prefix: string): RunRow[] {
    return this.#db
      .prepare<unknown[], RunRow>(
        `SELECT * FROM runs WHERE deleted_at IS NULL AND id >= @prefix AND id < @prefix || char(1114111) ORDER BY id LIMIT 2`,
      )
      .all({ prefix })
  }

  /** Whether there is a run of this very id, deleted or not. */
  has(id: string): boolean {
    return this.#db.prepare('SELECT 1 FROM runs WHERE id = ?').get(id) !== undefined
  }

  /** Writes whole runs as another store had them, all or none. */
  restoreWhole(runs: readonly RunDetail[]): void {
    this.#db.transaction(() => {
      for (const run of runs) {
        this.begin({ ...run })
        if (run.status !== 'running' && run.endedAt !== null)
          this.end(run.id, { ...run, status: run.status, endedAt: run.endedAt })
        this.setNote(run.id, run.note)
        this.setTags(run.id, run.tags)
      }
    })()
  }

  setNote(id: string, note: string): void {
    this.#db.prepare('UPDATE runs SET note = ? WHERE id = ?').run(note, id)
  }

  setTags(id: string, tags: readonly string[]): void {
    this.#db
      .transaction(() => {
        this.#db.prepare('DELETE FROM run_tags WHERE run_id = ?').run(id)
        const insert = this.#db.prepare('INSERT OR IGNORE INTO run_tags VALUES (?, ?)')
        for (const tag of tags) insert.run(id, tag)
      })
      .immediate()
  }

  /** Hides (a time) or restores (null) a run; nothing is lost. */
  setDeleted(id: string, at: string | null): void {
    this.#db.prepare('UPDATE runs SET deleted_at = ? WHERE id = ?').run(at, id)
  }

  /** A run whose process is gone was interrupted; nobody else would say so. When that was is not known. */
  #closeAbandoned(): void {
    type Row = { id: string; owner: string | null; started_at: string }
    const running = this.#db.prepare<[], Row>("SELECT id, owner, started_at FROM runs WHERE status = 'running'").all()
    for (const { id, owner, started_at } of running) {
      const isGone = owner === null ? null : hasEnded(owner)
      if (!(isGone ?? Date.now() - Date.parse(started_at) > FOREIGN_MS)) continue
      this.#db
        .prepare("UPDATE runs SET status = 'interrupted', warnings = ? WHERE id = ? AND status = 'running'")
        .run(JSON.stringify([ABANDONED]), id)
    }
  }

  #environmentId(environment: Environment | null): number | null {
    if (!environment) return null
    const content = environment as unknown as Json
    const hash = contentKey(content)
    this.#db
      .prepare('INSERT OR IGNORE INTO environments (hash, content) VALUES (?, ?)')
      .run(hash, canonicalJson(content))
    return this.#db.prepare<[string], { id: number }>('SELECT id FROM environments WHERE hash = ?').get(hash)!.id
  }

  #detail(row: RunRow): RunDetail {
    const environment =
      row.environment_id === null
        ? null
        : this.#db
            .prepare<[number], { content: string }>('SELECT content FROM environments WHERE id = ?')
            .get(row.environment_id)
    const metrics = this.#groupMetrics([row.id]).get(row.id) ?? {}
    const tags = this.#groupTags([row.id]).get(row.id) ?? []
    return {
      ...summaryOf(row, metrics, tags),
      parameters: JSON.parse(row.parameters) as Json,
      results: JSON.parse(row.results) as Json,
      warnings: JSON.parse(row.warnings) as string[],
      environment: environment ? (JSON.parse(environment.content) as Environment) : null,
      layers: this.#layers(row.id),
      artifacts: this.#db
        .prepare<[string], ArtifactInfo>(
          'SELECT role, sha256, bytes, path FROM run_artifacts WHERE run_id = ? ORDER BY role',
        )
        .all(row.id),
    }
  }

  #layers(runId: string): LayerResult[] {
    type Row = Omit<LayerResult, 'id' | 'metrics'> & { layer_id: string; metrics: string }
    return this.#db
      .prepare<[string], Row>(
        'SELECT layer_id, op, type, execution, ms, metrics, reason FROM run_layers WHERE run_id = ? ORDER BY position',
      )
      .all(runId)
      .map(({ layer_id, metrics, ...rest }) => ({
        id: layer_id,
        ...rest,
        metrics: JSON.parse(metrics) as Record<string, number>,
      }))
  }

  #groupMetrics(ids: readonly string[]): Map<string, Record<string, number>> {
    const rows = this.#db
      .prepare<[string], { run_id: string; name: string; value: number }>(
        'SELECT * FROM run_metrics WHERE run_id IN (SELECT value FROM json_each(?))',
      )
      .all(JSON.stringify(ids))
    const groups = new Map<string, Record<string, number>>()
    for (const { run_id, name, value } of rows) {
      const group = groups.get(run_id) ?? {}
      group[name] = value
      groups.set(run_id, group)
    }
    return groups
  }

  #groupTags(ids: readonly string[]): Map<string, string[]> {
    const rows = this.#db
      .prepare<[string], { run_id: string; tag: string }>(
        'SELECT * FROM run_tags WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY tag',
      )
      .all(JSON.stringify(ids))
    const groups = new Map<string, string[]>()
    for (const { run_id, tag } of rows) groups.set(run_id, [...(groups.get(run_id) ?? []), tag])
    return groups
  }
}

function summaryOf(row: SummaryRow, metrics: Record<string, number>, tags: string[]): RunSummary {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    modelHash: row.model_hash,
    modelPath: row.model_path,
    dataHash: row.data_hash,
    metrics,
    tags,
    note: row.note,
  }
}
