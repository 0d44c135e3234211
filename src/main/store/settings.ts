import type { Database } from 'better-sqlite3'
import type { Json } from '../../shared/contract/runs.ts'

/** Small named values that outlive the application: settings, the pinned run, the state of windows. */
export class SettingTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Null where it was never set. */
  get(name: string): Json {
    const row = this.#db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE name = ?').get(name)
    return row ? (JSON.parse(row.value) as Json) : null
  }

  set(name: string, value: Json): void {
    this.#db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(name, JSON.stringify(value))
  }
}
