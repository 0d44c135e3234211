import type { Database } from 'better-sqlite3'
import type { DataInfo, DataSplit } from '../../shared/contract/data.ts'
import type { ModelSummary } from '../../shared/contract/model.ts'
import type { Json } from '../../shared/contract/runs.ts'

/** A model as lists show it. */
export interface CatalogModel {
  readonly hash: string
  readonly path: string
  readonly bytes: number
  readonly seenAt: string
  /** what the host keeps for lists, null until it has */
  readonly card: Json | null
  readonly thumbnail: string | null
}

/** A data set as lists show it. */
export interface CatalogData extends Pick<DataInfo, 'spec' | 'split' | 'count' | 'labelled' | 'classes' | 'hash'> {
  readonly seenAt: string
}

/** Models and data sets seen, by content hash. */
export class Catalog {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  keepModel(summary: ModelSummary, seenAt: string): void {
    this.#db
      .prepare(
        `INSERT INTO models (hash, path, bytes, summary, seen_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (hash) DO UPDATE SET path = excluded.path, bytes = excluded.bytes, summary = excluded.summary, seen_at = excluded.seen_at`,
      )
      .run(summary.hash, summary.path, summary.sizeBytes, JSON.stringify(summary), seenAt)
  }

  model(hash: string): ModelSummary | null {
    const row = this.#db.prepare<[string], { summary: string }>('SELECT summary FROM models WHERE hash = ?').get(hash)
    return row ? (JSON.parse(row.summary) as ModelSummary) : null
  }

  /** Newest first. */
  models(limit = 50): CatalogModel[] {
    return this.#db
      .prepare<[number], Omit<CatalogModel, 'card'> & { card: string | null }>(
        'SELECT hash, path, bytes, seen_at seenAt, card, thumbnail FROM models ORDER BY seen_at DESC LIMIT ?',
      )
      .all(limit)
      .map((row) => ({ ...row, card: row.card === null ? null : (JSON.parse(row.card) as Json) }))
  }

  /** Keeps what lists show of a model, so that they need not read its whole summary. */
  keepCard(hash: string, card: Json): void {
    this.#db.prepare('UPDATE models SET card = ? WHERE hash = ?').run(JSON.stringify(card), hash)
  }

  /** Keeps a small picture of the model's graph, a data URL. */
  keepThumbnail(hash: string, picture: string): void {
    this.#db.prepare('UPDATE models SET thumbnail = ? WHERE hash = ?').run(picture, hash)
  }

  /** Takes a model off the list; its runs stay. */
  forgetModel(hash: string): void {
    this.#db.prepare('DELETE FROM models WHERE hash = ?').run(hash)
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

  /** Newest first. */
  dataSets(limit = 50): CatalogData[] {
    type Row = {
      hash: string
      spec: string
      split: DataSplit
      count: number
      labelled: number
      classes: string
      seenAt: string
    }
    return this.#db
      .prepare<[number], Row>(
        'SELECT hash, spec, split, count, labelled, classes, seen_at seenAt FROM datasets ORDER BY seen_at DESC LIMIT ?',
      )
      .all(limit)
      .map(({ spec, labelled, classes, ...row }) => ({
        ...row,
        spec: JSON.parse(spec) as DataInfo['spec'],
        labelled: labelled !== 0,
        classes: JSON.parse(classes) as DataInfo['classes'],
      }))
  }
}
