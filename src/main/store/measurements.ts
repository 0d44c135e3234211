import type { Database, Statement } from 'better-sqlite3'
import type { Json } from '../../shared/contract/runs.ts'
import { canonicalJson, keyOfText } from './content-key.ts'

/**
 * What a measurement depends on, whole: model, data, sample range, preprocessing, calibration, plan, batch, and, for what depends on
 * it, runtime version, instruction set, threads, optimisation level (DESIGN section 6). Two equal contents are one measurement.
 */
export interface MeasurementContent {
  readonly kind: string
  readonly model: string | null
  readonly [key: string]: Json
}

/** A power cut takes back at most what was kept in this time before it. What a killed process has kept is there in any case. */
const SYNC_MS = 1000

/** A content as text, and the key that it is found by. */
interface Named {
  readonly text: string
  readonly key: string
}

/** Measurements found again by content, whichever run made them. A row is written once the evaluation is done, never before. */
export class MeasurementTable {
  readonly #db: Database
  readonly #find: Statement<[string], { result: string }>
  readonly #keep: Statement<[string, string, string | null, string, string, string]>
  /** by content: what is looked for and not found is kept soon after */
  readonly #named = new WeakMap<MeasurementContent, Named>()
  #syncedAt = Number.NEGATIVE_INFINITY

  /** @param db a connection of its own: it waits for the disk only now and then */
  constructor(db: Database) {
    this.#db = db
    db.pragma('synchronous = NORMAL')
    this.#find = db.prepare('SELECT result FROM measurements WHERE key = ?')
    this.#keep = db.prepare(
      'INSERT OR REPLACE INTO measurements (key, kind, model_hash, content, result, made_at) VALUES (?, ?, ?, ?, ?, ?)',
    )
  }

  /** The kept result, or null. */
  find(content: MeasurementContent): Json | null {
    const row = this.#find.get(this.#name(content).key)
    return row ? (JSON.parse(row.result) as Json) : null
  }

  /**
   * Keeps a result. Evaluations of some ms follow one another, and waiting for the disk takes a ms or more on the main side: it is waited
   * for once a second, and whenever others write to the database. Source: SQLite, PRAGMA synchronous, of WAL: NORMAL keeps the database
   * whole, and loses commits to power cuts alone; FULL syncs the log whole, what other connections wrote included.
   */
  keep(content: MeasurementContent, result: Json, madeAt: string): void {
    const { text, key } = this.#name(content)
    const row = [key, content.kind, content.model, text, JSON.stringify(result), madeAt] as const
    const now = performance.now()
    if (now - this.#syncedAt < SYNC_MS) return void this.#keep.run(...row)
    this.#db.pragma('synchronous = FULL')
    try {
      this.#keep.run(...row)
      this.#syncedAt = now
    } finally {
      this.#db.pragma('synchronous = NORMAL')
    }
  }

  #name(content: MeasurementContent): Named {
    const known = this.#named.get(content)
    if (known) return known
    const text = canonicalJson(content)
    const named = { text, key: keyOfText(text) }
    this.#named.set(content, named)
    return named
  }

  /** Measurements of a model, newest first: what they depend on, and what came of them. */
  list(kind: string, model: string, limit: number): { content: MeasurementContent; result: Json; madeAt: string }[] {
    return this.#db
      .prepare<[string, string, number], { content: string; result: string; madeAt: string }>(
        `SELECT content, result, made_at madeAt FROM measurements WHERE model_hash = ? AND kind = ?
         ORDER BY made_at DESC LIMIT ?`,
      )
      .all(model, kind, limit)
      .map(({ content, result, madeAt }) => ({
        content: JSON.parse(content) as MeasurementContent,
        result: JSON.parse(result) as Json,
        madeAt,
      }))
  }

  count(kind: string, model: string | null): number {
    const row = this.#db
      .prepare<unknown[], { n: number }>(
        'SELECT count(*) n FROM measurements WHERE kind = @kind AND (@model IS NULL OR model_hash = @model)',
      )
      .get({ kind, model })
    return row!.n
  }
}
