import fs from 'node:fs'
import path from 'node:path'
import type { Database as Connection } from 'better-sqlite3'
import Database from 'better-sqlite3'
import { Fault } from '../../shared/contract/fault.ts'
import { MIGRATIONS } from './migrations.ts'

/** How long a writer waits for another process before the database counts as locked. */
const BUSY_TIMEOUT_MS = 10_000

/**
 * Opens (or creates) the database in `home` in WAL mode and brings it to the newest schema.
 * @throws Fault store.unwritable when the folder cannot be used; store.locked when another process holds it for over 10 s;
 *   store.corrupt when the file is not a database of ours; store.tooNew when a newer version wrote it
 */
export function openDatabase(home: string, busyTimeoutMs = BUSY_TIMEOUT_MS): Connection {
  const file = path.join(home, 'quantbench.db')
  let connection: Connection | null = null
  try {
    fs.mkdirSync(home, { recursive: true })
    connection = connect(file, busyTimeoutMs)
    migrate(connection, file)
    return connection
  } catch (error) {
    connection?.close()
    throw translate(error, file)
  }
}

/** One more connection to an open database, with settings of its own; closed before it. @throws as `openDatabase` */
export function openBeside({ name: file }: Connection, busyTimeoutMs = BUSY_TIMEOUT_MS): Connection {
  try {
    return connect(file, busyTimeoutMs)
  } catch (error) {
    throw translate(error, file)
  }
}

function connect(file: string, timeout: number): Connection {
  const connection = new Database(file, { timeout })
  try {
    connection.pragma('journal_mode = WAL')
    connection.pragma('synchronous = FULL') // what is kept outlasts a power cut; evaluations in quick succession, see `measurements.ts`
    connection.pragma('foreign_keys = ON')
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

function migrate(connection: Connection, file: string): void {
  const version = Number(connection.pragma('user_version', { simple: true }))
  if (version > MIGRATIONS.length) {
    throw new Fault(
      'store.tooNew',
      `The store ${file} was written by a newer Quantbench (schema ${version}, this one knows ${MIGRATIONS.length}). Update Quantbench, or give another folder with --home.`,
      { file, version },
    )
  }
  if (version === MIGRATIONS.length) return
  connection
    .transaction(() => {
      // Read again inside the write lock: another process may have migrated meanwhile.
      const current = Number(connection.pragma('user_version', { simple: true }))
      for (const sql of MIGRATIONS.slice(current)) connection.exec(sql)
      connection.pragma(`user_version = ${MIGRATIONS.length}`)
    })
    .immediate()
}

/** Turns SQLite's and the file system's errors into faults; bugs pass through. */
export function translate(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED') {
    return new Fault(
      'store.locked',
      `The store ${file} is locked by another process. Close the other Quantbench, or give another folder with --home.`,
      { file },
      { cause: error },
    )
  }
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return new Fault(
      'store.corrupt',
      `The store ${file} is not a readable database. Move it away to start a new one; its backup, if any, can be put in its place.`,
      { file },
      { cause: error },
    )
  }
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') {
    return new Fault(
      'store.diskFull',
      `No space is left on the disk that holds the store ${file}. Free some space, or give another folder with --home.`,
      { file },
      { cause: error },
    )
  }
  if (
    /^SQLITE_(CANTOPEN|READONLY|IOERR|PERM)/.test(code) ||
    ['EACCES', 'EROFS', 'ENOTDIR', 'EEXIST', 'EPERM'].includes(code)
  ) {
    return new Fault(
      'store.unwritable',
      `The store ${file} cannot be opened for writing. Check the folder's permissions, or give another one with --home.`,
      { file },
      { cause: error },
    )
  }
  return error
}
