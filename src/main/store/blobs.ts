import type { Database } from 'better-sqlite3'
import type { Json } from '../../shared/contract/runs.ts'
import type { ArtifactStore, StoredBlob } from './artifacts.ts'
import { contentKey } from './content-key.ts'

/** Large results found again by content: calibration collections, prepared models. The bytes lie in the artifact store. */
export class BlobTable {
  readonly #db: Database
  readonly #artifacts: ArtifactStore

  constructor(db: Database, artifacts: ArtifactStore) {
    this.#db = db
    this.#artifacts = artifacts
  }

  /** The blob's place, or null when it was never kept or has gone from the disk. */
  find(kind: string, content: Json): StoredBlob | null {
    const row = this.#db
      .prepare<[string], StoredBlob>('SELECT sha256, bytes FROM blobs WHERE key = ?')
      .get(contentKey({ kind, content }))
    return row && this.#artifacts.has(row.sha256) ? row : null
  }

  keep(kind: string, content: Json, blob: StoredBlob, madeAt: string): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO blobs (key, kind, sha256, bytes, made_at) VALUES (?, ?, ?, ?, ?)')
      .run(contentKey({ kind, content }), kind, blob.sha256, blob.bytes, madeAt)
  }
}
