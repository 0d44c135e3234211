import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasEnded, OWNER_PATTERN, ownProcess } from '../store/owner.ts'

/** A folder of ours: `quantbench-PURPOSE-OWNER-RANDOM`. */
const NAME = new RegExp(`^quantbench-[a-z]+-(${OWNER_PATTERN})-[^-]+$`)

let swept: Promise<void> | null = null

/**
 * Hands `body` a new folder among the system's temporary ones, and removes it whatever happens. What a killed process could not remove
 * is: the first call of each process clears the folders of processes that have ended.
 * @param purpose lower-case letters, part of the folder's name
 */
export async function withWorkFolder<T>(purpose: string, body: (folder: string) => Promise<T>): Promise<T> {
  swept ??= sweepWorkFolders(tmpdir())
  await swept
  const folder = await mkdtemp(join(tmpdir(), `quantbench-${purpose}-${ownProcess()}-`))
  try {
    return await body(folder)
  } finally {
    await removeFolder(folder)
  }
}

/** Removes a folder with all in it; it need not be there. A worker that is just being ended may still write: tried again for a while. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Clears the folders that processes which have ended left in `parent`. Those of others, and of unknown ones, stay. */
export async function sweepWorkFolders(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => [])
  const stale = names.filter((name) => {
    const owner = NAME.exec(name)?.[1]
    return owner !== undefined && hasEnded(owner) === true
  })
  // another user's cannot be removed, and another process may be quicker
  await Promise.all(stale.map((name) => removeFolder(join(parent, name)).catch(() => undefined)))
}
