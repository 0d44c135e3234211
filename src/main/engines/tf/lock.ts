import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const POLL_MS = 300

/** Runs `body` while no other process does so with the same folder. A lock whose process has ended is taken over. */
export async function withInstallLock<T>(root: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  const lock = path.join(root, 'install.lock')
  while (!(await tryLock(lock))) {
    await clearStale(lock)
    await wait(POLL_MS, undefined, { signal })
  }
  try {
    return await body()
  } finally {
    await rm(lock, { force: true })
  }
}

async function tryLock(lock: string): Promise<boolean> {
  try {
    // whoever had the lock before may have cleared the folder
    await mkdir(path.dirname(lock), { recursive: true })
    await writeFile(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function clearStale(lock: string): Promise<void> {
  const text = await readFile(lock, 'utf8').catch(() => '')
  const owner = Number(text)
  // an empty file is being written at this moment
  if (text === '' || !Number.isSafeInteger(owner) || isAlive(owner)) return
  await rm(lock, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
