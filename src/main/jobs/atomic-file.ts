import { randomBytes } from 'node:crypto'
import { lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import { hasEnded, OWNER_PATTERN, ownProcess } from '../store/owner.ts'
import { asFileFault } from './file-fault.ts'

/** One file to be written: its content in pieces, so that it never has to stand in memory as a whole. */
export interface FileContent {
  readonly path: string
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** replace this file whatever `force` says: its name tells its content */
  readonly isReplaceable?: boolean
}

export interface AtomicOptions {
  /** replace a file that is there; without it that is a fault */
  readonly force?: boolean
  readonly signal?: AbortSignal
  /** a file that dies with the run: whole under its name, but not flushed to the disk */
  readonly scratch?: boolean
}

/** Largest single write; between two of them an abort is noticed. */
const pieceBytes = 16 * 2 ** 20
/** Smaller chunks are gathered into writes of this size: a model has thousands of some bytes, and every write is a way to another thread. */
const gatheredBytes = 2 ** 18

/**
 * Writes one file so that it is there whole or not at all: temp file in the same folder, fsync, rename.
 * @throws Fault file.exists, file.notWritable, file.folderMissing, file.diskFull, …; the signal's reason when aborted
 */
export async function writeFileAtomic(path: string, content: Uint8Array, options: AtomicOptions = {}): Promise<void> {
  await writeFilesAtomic([{ path, chunks: [content] }], options)
}

/** As `writeFileAtomic`, for text, as UTF-8. */
export async function writeTextFile(path: string, text: string, options: AtomicOptions = {}): Promise<void> {
  await writeFileAtomic(path, new TextEncoder().encode(text), options)
}

/**
 * Writes several files that belong together: all are complete on disk before the first takes its name, and they take their
 * names in the order given (the one that refers to the others last).
 * @throws as `writeFileAtomic`; nothing is left behind
 */
export async function writeFilesAtomic(files: readonly FileContent[], options: AtomicOptions = {}): Promise<void> {
  for (const file of files) {
    await refuseExisting(file.path, mayReplace(file, options))
    await removeAbandoned(file.path)
  }
  const staged: string[] = []
  try {
    for (const file of files) {
      const temp = tempNameFor(file.path)
      staged.push(temp)
      await guard(file.path, () => writeStaged(temp, file.chunks, options))
    }
    options.signal?.throwIfAborted()
    await moveIntoPlace(files, staged, options)
  } finally {
    for (const temp of staged) await removeQuietly(temp)
  }
}

/**
 * Refuses a path where a file may not be written, before long work starts. What a killed process left half written for it is removed.
 * @throws Fault file.exists, file.isFolder, file.folderMissing, file.notWritable
 */
export async function assertWritable(path: string, options: Pick<AtomicOptions, 'force'> = {}): Promise<void> {
  await refuseExisting(path, options.force ?? false)
  await removeAbandoned(path)
  const temp = tempNameFor(path)
  try {
    await guard(path, () => writeStaged(temp, [], {}))
  } finally {
    await removeQuietly(temp)
  }
}

async function refuseExisting(path: string, force: boolean): Promise<void> {
  const found = await guard(path, () => lstat(path).catch(ignoreMissing))
  if (!found) return
  const target = found.isSymbolicLink() ? await stat(path).catch(() => found) : found
  if (target.isDirectory()) throw new Fault('file.isFolder', `${path} is a folder: name a file to write`, { path })
  if (!force)
    throw new Fault('file.exists', `${path} exists already: choose another name or allow overwriting with --force`, {
      path,
    })
  if (!target.isFile() && !target.isSymbolicLink())
    throw new Fault('file.notWritable', `${path} is not an ordinary file: choose another name`, { path })
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}

/**
 * Hidden, beside the target (a rename works only within one file system), and short enough for any name that fits itself. It says which
 * process writes it.
 */
function tempNameFor(path: string): string {
  const name = `.${basename(path).slice(0, 20)}.${ownProcess()}.${randomBytes(6).toString('hex')}.tmp`
  return join(dirname(resolve(path)), name)
}

const TEMP_NAME = new RegExp(`^\\..{1,20}\\.(${OWNER_PATTERN})\\.[0-9a-f]{12}\\.tmp$`)

/** Removes what processes that have ended left half written in the folder of `path`, under whatever name. */
async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = TEMP_NAME.exec(name)?.[1]
    if (owner !== undefined && hasEnded(owner) === true) await removeQuietly(join(folder, name))
  }
}

async function writeStaged(
  temp: string,
  chunks: FileContent['chunks'],
  { signal, scratch }: AtomicOptions,
): Promise<void> {
  const file = await open(temp, 'wx')
  try {
    for await (const chunk of gathered(chunks)) {
      for (let start = 0; start < chunk.length; start += pieceBytes) {
        signal?.throwIfAborted()
        await writeFully(file, chunk.subarray(start, start + pieceBytes))
      }
    }
    if (!scratch) await file.sync()
  } finally {
    await file.close()
  }
}

/** The same bytes in fewer chunks; each stands until the next is asked for. */
async function* gathered(chunks: FileContent['chunks']): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(gatheredBytes)
  let filled = 0
  for await (const chunk of chunks) {
    if (filled > 0 && filled + chunk.length > buffer.length) {
      yield buffer.subarray(0, filled)
      filled = 0
    }
    if (chunk.length > buffer.length) yield chunk
    else {
      buffer.set(chunk, filled)
      filled += chunk.length
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled)
}

async function writeFully(file: Awaited<ReturnType<typeof open>>, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.length;) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done)
    done += bytesWritten
  }
}

function mayReplace({ isReplaceable }: FileContent, { force }: AtomicOptions): boolean {
  return isReplaceable ?? force ?? false
}

async function moveIntoPlace(
  files: readonly FileContent[],
  staged: readonly string[],
  options: AtomicOptions,
): Promise<void> {
  const placed: string[] = []
  try {
    for (const [i, file] of files.entries()) {
      const { path } = file
      // again: somebody may have been quicker since the first look
      await refuseExisting(path, mayReplace(file, options))
      const isNew = (await lstat(path).catch(ignoreMissing)) === null
      await guard(path, () => rename(staged[i]!, path))
      if (isNew) placed.push(path)
    }
  } catch (error) {
    for (const path of placed) await removeQuietly(path)
    throw error
  }
  if (options.scratch) return
  for (const folder of new Set(files.map(({ path }) => dirname(resolve(path))))) await syncFolder(folder)
}

/** Makes the new names durable; not every system can sync a folder, and the files are safe without it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  if (!handle) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asFileFault(error, path, 'write')
  }
}

/** The name may be gone already (renamed into place, or never made). */
async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch(() => undefined)
}
