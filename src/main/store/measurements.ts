import type { Database, Statement } from 'better-sqlite3'
import type { Json } from '../../shared/contract/runs.ts'
import { canonicalJson, contentKey, keyOfText } from './content-key.ts'

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

/** Measurements found again by content, whichever run made them. A row is written once the evaluation is done, never before. */
export class MeasurementTable {
  readonly #db: Database
  readonly #find: Statement<[string], { result: string }>
  readonly #keep: Statement<[string, string, string | null, string, string, string]>
  #syncedAt = Number.NEGATIVE_INFINITY

  constructor(db: Database) {
    this.#db = db
    this.#find = db.prepare('SELECT result FROM measurements WHERE key = ?')
    this.#keep = db.prepare(
      'INSERT OR REPLACE INTO measurements (key, kind, model_hash, content, result, made_at) VALUES (?, ?, ?, ?, ?, ?)',
    )
  }

  /** The kept result, or null. */
  find(content: MeasurementContent): Json | null {
    const row = this.#find.get(contentKey(content))
    return row ? (JSON.parse(row.result) as Json) : null
  }

  /**
   * Keeps a result. Evaluations of some ms follow one another, and waiting for the disk takes a ms or more on the main side: it is waited
   * for once a second. Source: SQLite, PRAGMA synchronous, of WAL: NORMAL keeps the database whole, and loses commits to power cuts alone.
   */
  keep(content: MeasurementContent, result: Json, madeAt: string): void {
    const text = canonicalJson(content)
    const row = [keyOfText(text), content.kind, content.model, text, JSON.stringify(result), madeAt] as const
    const now = performance.now()
    if (now - this.#syncedAt >= SYNC_MS) {
      this.#keep.run(...row)
      this.#syncedAt = now
      return
    }
    this.#db.pragma('synchronous = NORMAL')
    try {
      this.#keep.run(...row)
    } finally {
      this.#db.pragma('synchronous = FULL')
    }
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
