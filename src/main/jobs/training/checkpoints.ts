import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../shared/contract/fault.ts'
import { asFileFault } from '../file-fault.ts'
import type { Services } from '../services.ts'
import { CHECKPOINT } from '../tasks/training/run.ts'

type Home = Pick<Services, 'store'>

const rootOf = ({ store }: Home): string => join(store.home, 'checkpoints')

/** Where a run keeps its checkpoint and what goes with it, whether it is there or not. */
export const runFolder = (run: string, home: Home): string => join(rootOf(home), run)

export const checkpointFile = (run: string, home: Home): string => join(runFolder(run, home), CHECKPOINT)

/** True where a training can be gone on with: one that ended before its first epoch left no checkpoint. */
export const hasCheckpoint = (run: string, home: Home): boolean => existsSync(checkpointFile(run, home))

/**
 * The folder that a training keeps its checkpoints in. A resumed one goes on in a copy of what it left, so that the first run's checkpoint
 * stays what it was.
 * @param others names beside the checkpoint that are taken over, where they are there
 * @throws Fault usage.resume, file.*
 */
export async function checkpointFolder(
  run: string,
  resumes: string | null,
  others: readonly string[],
  home: Home,
): Promise<string> {
  await removeLeftovers(home)
  const folder = runFolder(run, home)
  await mkdir(folder, { recursive: true })
  if (resumes === null) return folder
  const left = runFolder(resumes, home)
  const names = [CHECKPOINT, ...others].filter((name) => existsSync(join(left, name)))
  if (names.length === 0) {
    throw new Fault(
      'usage.resume',
      `Run ${resumes} left no checkpoint: it ended before its first epoch, or its training was finished. Train without --resume.`,
      { run: resumes },
    )
  }
  for (const name of names) {
    const target = join(folder, name)
    await copyFile(join(left, name), target).catch((error: unknown) => {
      throw asFileFault(error, target, 'write')
    })
  }
  return folder
}

/**
 * Does a training's work, and says what can be gone on with where it fails; what it leaves that nobody can go on with is removed.
 * @param others as for `checkpointFolder`
 */
export async function leavingCheckpoints<Value>(
  run: string,
  others: readonly string[],
  services: Pick<Services, 'store' | 'onLog'>,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    const folder = runFolder(run, services)
    if (hasCheckpoint(run, services)) {
      services.onLog('info', `Its last whole epoch is kept: go on with --resume ${run}.`)
    } else if (others.some((name) => existsSync(join(folder, name)))) {
      services.onLog('info', `What it finished is kept: go on with --resume ${run}.`)
    } else {
      await rm(folder, { recursive: true, force: true })
    }
    throw error
  }
}

/** Removes the checkpoints of a training that is done, and of the runs that it went on with. */
export async function removeCheckpoints(run: string, resumes: string | null, { store }: Home): Promise<void> {
  const removed = new Set<string>()
  for (let id: string | null = run; id !== null && !removed.has(id);) {
    removed.add(id)
    await rm(runFolder(id, { store }), { recursive: true, force: true })
    const before: string | null = id === run ? resumes : resumedBy(id, store)
    id = before
  }
}

/** What processes that were killed left and nobody can go on with. */
async function removeLeftovers(home: Home): Promise<void> {
  for (const name of await readdir(rootOf(home)).catch(() => []))
    if (isLeftover(name, home)) await rm(runFolder(name, home), { recursive: true, force: true })
}

/** Of a run that is done, that nobody knows any more, or that was cut off before its first epoch. A hidden one may come back. */
function isLeftover(run: string, home: Home): boolean {
  const { runs } = home.store
  if (!runs.has(run)) return true
  try {
    const { kind, status } = runs.get(run)
    // other kinds keep more than a checkpoint
    return status === 'done' || (kind === 'train' && status === 'interrupted' && !hasCheckpoint(run, home))
  } catch {
    return false
  }
}

function resumedBy(run: string, store: Home['store']): string | null {
  try {
    const { resumes } = store.runs.get(run).parameters as { readonly resumes?: string | null }
    return resumes ?? null
  } catch {
    return null
  }
}
