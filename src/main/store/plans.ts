import type { Database } from 'better-sqlite3'
import type { QuantPlan } from '../../shared/contract/plan.ts'

/** A plan under a name. */
export interface NamedPlan {
  readonly name: string
  readonly plan: QuantPlan
  readonly savedAt: string
}

interface PlanRow {
  readonly name: string
  readonly plan: string
  readonly savedAt: string
}

/** Plans kept by name for each model. */
export class PlanTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Newest first. */
  list(modelHash: string): NamedPlan[] {
    return this.#db
      .prepare<[string], PlanRow>(
        'SELECT name, plan, saved_at savedAt FROM plans WHERE model_hash = ? ORDER BY saved_at DESC, name',
      )
      .all(modelHash)
      .map(planOf)
  }

  find(modelHash: string, name: string): NamedPlan | null {
    const row = this.#db
      .prepare<[string, string], PlanRow>(
        'SELECT name, plan, saved_at savedAt FROM plans WHERE model_hash = ? AND name = ?',
      )
      .get(modelHash, name)
    return row ? planOf(row) : null
  }

  keep(modelHash: string, { name, plan, savedAt }: NamedPlan): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO plans (model_hash, name, plan, saved_at) VALUES (?, ?, ?, ?)')
      .run(modelHash, name, JSON.stringify(plan), savedAt)
  }

  /** @returns false where there was none */
  remove(modelHash: string, name: string): boolean {
    return this.#db.prepare('DELETE FROM plans WHERE model_hash = ? AND name = ?').run(modelHash, name).changes > 0
  }
}

function planOf({ name, plan, savedAt }: PlanRow): NamedPlan {
  return { name, savedAt, plan: JSON.parse(plan) as QuantPlan }
}
