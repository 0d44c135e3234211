import type { Database } from 'better-sqlite3'
import type { Json } from '../../shared/contract/runs.ts'
import { canonicalJson, contentKey } from './content-key.ts'

/**
 * What a measurement depends on, whole: model, data, sample range, preprocessing, calibration, plan, batch, and, for what depends on
 * it, runtime version, instruction set, threads, optimisation level (DESIGN section 6). Two equal contents are one measurement.
 */
export interface MeasurementContent {
  readonly kind: string
  readonly model: string | null
  readonly [key: string]: Json
}

/** Measurements found again by content, whichever run made them. A row is written once the evaluation is done, never before. */
export class MeasurementTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The kept result, or null. */
  find(content: MeasurementContent): Json | null {
    const row = this.#db
      .prepare<[string], { result: string }>('SELECT result FROM measurements WHERE key = ?')
      .get(contentKey(content))
    return row ? (JSON.parse(row.result) as Json) : null
  }

  keep(content: MeasurementContent, result: Json, madeAt: string): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO measurements (key, kind, model_hash, content, result, made_at) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(contentKey(content), content.kind, content.model, canonicalJson(content), JSON.stringify(result), madeAt)
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
