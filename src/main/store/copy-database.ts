import fs from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { Fault } from '../../shared/contract/fault.ts'
import { translate } from './database.ts'

/**
 * Writes a whole copy of a store's database, with what its log still holds, into another folder; the store itself is only read, and may
 * be open elsewhere.
 * @throws Fault file.notFound where the folder holds no store; store.*
 */
export function copyDatabase(home: string, target: string): void {
  const file = path.join(home, 'quantbench.db')
  if (!fs.existsSync(file))
    throw new Fault(
      'file.notFound',
      `${home} holds no Quantbench store: name the folder that has quantbench.db in it.`,
      {
        path: home,
      },
    )
  let connection: Database.Database | null = null
  try {
    connection = new Database(file, { readonly: true, fileMustExist: true })
    connection.prepare('VACUUM INTO ?').run(path.join(target, 'quantbench.db'))
  } catch (error) {
    throw translate(error, file)
  } finally {
    connection?.close()
  }
}
