import path from 'node:path'
import type { Database } from 'better-sqlite3'
import { ArtifactStore } from './artifacts.ts'
import { BlobTable } from './blobs.ts'
import { Catalog } from './catalog.ts'
import { openBeside, openDatabase, translate } from './database.ts'
import { MeasurementTable } from './measurements.ts'
import { PlanTable } from './plans.ts'
import { RunFacts } from './run-facts.ts'
import { RunTable } from './runs.ts'
import { SettingTable } from './settings.ts'

/** Everything Quantbench remembers in one folder: the database and the artifacts beside it. */
export interface Store {
  readonly home: string
  readonly runs: RunTable
  readonly facts: RunFacts
  readonly plans: PlanTable
  readonly settings: SettingTable
  readonly catalog: Catalog
  readonly measurements: MeasurementTable
  readonly blobs: BlobTable
  readonly artifacts: ArtifactStore
  close(): void
}

/**
 * Opens the store in `home`, creating it where it is absent.
 * @param busyTimeoutMs how long to wait for another writer
 * @throws Fault store.* (see openDatabase)
 */
export function openStore(home: string, busyTimeoutMs?: number): Store {
  const db = openDatabase(home, busyTimeoutMs)
  const evaluations = openBeside(db, busyTimeoutMs)
  const file = path.join(home, 'quantbench.db')
  const artifacts = new ArtifactStore(home)
  artifacts.sweep()
  return {
    home,
    runs: guarded(new RunTable(db), file),
    facts: guarded(new RunFacts(db), file),
    plans: guarded(new PlanTable(db), file),
    settings: guarded(new SettingTable(db), file),
    catalog: guarded(new Catalog(db), file),
    measurements: guarded(new MeasurementTable(evaluations), file),
    blobs: guarded(new BlobTable(db, artifacts), file),
    artifacts,
    close: () => [evaluations, db].forEach(closeDatabase),
  }
}

function closeDatabase(db: Database): void {
  if (db.open) db.close()
}

/** Makes every method's SQLite errors (locked, full, corrupt) into faults, in one place. */
function guarded<Table extends object>(table: Table, file: string): Table {
  return new Proxy(table, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        try {
          return Reflect.apply(member, target, args)
        } catch (error) {
          throw translate(error, file)
        }
      }
    },
  })
}
