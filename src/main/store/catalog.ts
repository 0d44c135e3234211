import type { Database } from 'better-sqlite3'
import type { DataInfo } from '../../shared/contract/data.ts'
import type { ModelSummary } from '../../shared/contract/model.ts'

/** Models and data sets seen, by content hash. */
export class Catalog {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  keepModel(summary: ModelSummary, seenAt: string): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO models (hash, path, bytes, summary, seen_at) VALUES (?, ?, ?, ?, ?)')
      .run(summary.hash, summary.path, summary.sizeBytes, JSON.stringify(summary), seenAt)
  }

  model(hash: string): ModelSummary | null {
    const row = this.#db.prepare<[string], { summary: string }>('SELECT summary FROM models WHERE hash = ?').get(hash)
    return row ? (JSON.parse(row.summary) as ModelSummary) : null
  }

  /** Newest first. */
  models(limit = 50): { hash: string; path: string; bytes: number; seenAt: string }[] {
    return this.#db
      .prepare<[number], { hash: string; path: string; bytes: number; seenAt: string }>(
        'SELECT hash, path, bytes, seen_at seenAt FROM models ORDER BY seen_at DESC LIMIT ?',
      )
      .all(limit)
  }

  keepData(info: DataInfo, seenAt: string): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO datasets (hash, spec, split, count, labelled, classes, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        info.hash,
        JSON.stringify(info.spec),
        info.split,
        info.count,
        info.labelled ? 1 : 0,
        JSON.stringify(info.classes),
        seenAt,
      )
  }
}
