import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../../../shared/contract/fault.ts'
import { copyDatabase } from '../../../store/copy-database.ts'
import { openStore, type Store } from '../../../store/store.ts'
import { asFileFault } from '../../file-fault.ts'
import type { Task } from '../../worker-host.ts'

export interface ImportRunsInput {
  /** folder of the other store, or its database */
  readonly from: string
  /** folder of this store */
  readonly home: string
}

export interface ImportRunsOutput {
  readonly imported: readonly string[]
  readonly skipped: number
}

/**
 * Copies the runs of another store that this one lacks, with their files, tags and notes. The other store is only read: a copy of its
 * database is brought to this version's schema, never itself.
 * @throws Fault file.*, store.*, usage.sameStore
 */
export function createImportRunsTask(): Task<ImportRunsInput, ImportRunsOutput> {
  return async ({ from, home }, { signal, onProgress }) => {
    const folder = await folderOf(from)
    if (folder === home) throw new Fault('usage.sameStore', `${folder} is the store that is open: name another one.`)
    const copy = await mkdtemp(join(tmpdir(), 'quantbench-import-'))
    copyDatabase(folder, copy)
    const [theirs, ours] = [openStore(copy), openStore(home)]
    try {
      const { runs } = theirs.runs.page({
        filter: {},
        sort: { by: 'startedAt', descending: false },
        offset: 0,
        limit: -1,
      })
      const imported: string[] = []
      for (const [i, { id }] of runs.entries()) {
        signal.throwIfAborted()
        if (i % 20 === 0) onProgress({ stage: 'import', done: i, total: runs.length, unit: 'runs' })
        if (await copyRun(id, theirs, ours, folder)) imported.push(id)
      }
      return { imported, skipped: runs.length - imported.length }
    } finally {
      theirs.close()
      ours.close()
      await rm(copy, { recursive: true, force: true })
    }
  }
}

async function folderOf(from: string): Promise<string> {
  const found = await stat(from).catch((error: unknown) => {
    throw asFileFault(error, from, 'read')
  })
  return found.isDirectory() ? from : join(from, '..')
}

/** @returns false where the run is there already */
async function copyRun(id: string, theirs: Store, ours: Store, folder: string): Promise<boolean> {
  if (ours.runs.has(id)) return false
  const run = theirs.runs.get(id)
  for (const { sha256 } of run.artifacts) {
    const source = join(folder, 'artifacts', sha256.slice(0, 2), sha256.slice(2))
    if (!ours.artifacts.has(sha256)) await ours.artifacts.putFile(source).catch(() => undefined) // a file that is gone there is not here either
  }
  ours.runs.restoreWhole([run])
  if (run.modelHash === null || ours.catalog.model(run.modelHash) !== null) return true
  const summary = theirs.catalog.model(run.modelHash)
  if (summary !== null) ours.catalog.keepModel(summary, run.startedAt)
  return true
}
