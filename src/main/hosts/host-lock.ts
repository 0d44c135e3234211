import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { Fault } from '../../shared/contract/fault.ts'
import { hasEnded, ownProcess } from '../store/owner.ts'

const NAME = 'host.lock'

const lockContent = z.object({
  owner: z.string(),
  host: z.enum(['electron', 'browser']),
  /** where the browser host is; null for the desktop */
  address: z.string().nullable(),
  /** lets the same user ask the host for a new link */
  secret: z.string(),
})
/** Who serves a store. The file can be read by its user only. */
export type HostLock = Omit<z.infer<typeof lockContent>, 'owner'>

/**
 * Makes this process the one host of a store. A lock that a process left which has ended is taken over.
 * @returns lets go of the store
 * @throws Fault store.hostRunning naming the address of the host that has it; store.unwritable
 */
export function lockHost(home: string, lock: HostLock): () => void {
  const file = path.join(home, NAME)
  const content = JSON.stringify({ ...lock, owner: ownProcess() })
  fs.mkdirSync(home, { recursive: true })
  for (let attempt = 0; ; attempt++) {
    try {
      fs.writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
      return () => release(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(file, error)
    }
    const found = readHostLock(home)
    if (found && attempt < 3) throw running(home, found)
    fs.rmSync(file, { force: true })
  }
}

/** The host that serves a store now, or null. */
export function readHostLock(home: string): HostLock | null {
  try {
    const { owner, ...lock } = lockContent.parse(JSON.parse(fs.readFileSync(path.join(home, NAME), 'utf8')))
    return hasEnded(owner) === true ? null : lock
  } catch {
    return null // none, or half-written by a host that was killed
  }
}

function release(file: string): void {
  try {
    const { owner } = lockContent.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
    if (owner === ownProcess()) fs.rmSync(file, { force: true })
  } catch {
    // somebody removed it already
  }
}

function running(home: string, { host, address }: HostLock): Fault {
  const where = address === null ? 'by the desktop application' : `at ${address}`
  return new Fault(
    'store.hostRunning',
    `The store ${home} is served already ${where}: use that window, end that ${host === 'electron' ? 'application' : 'host'}, or give another folder with --home.`,
    { home, host, address },
  )
}

function unwritable(file: string, cause: unknown): Fault {
  return new Fault(
    'store.unwritable',
    `${file} cannot be written: check the folder's permissions.`,
    { file },
    { cause },
  )
}
