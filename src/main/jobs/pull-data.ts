import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { Fault, isFault } from '../../shared/contract/fault.ts'
import type { OnLog, OnProgress } from '../../shared/contract/progress.ts'
import type { OfficialSet, PublishedFile } from '../data/official-sets.ts'
import { digestOf, download } from '../engines/tf/download.ts'
import { withInstallLock } from '../engines/tf/lock.ts'
import { readTar, safeMemberPath } from '../engines/tf/tar.ts'
import { writeTextFile } from './atomic-file.ts'
import { asFileFault } from './file-fault.ts'

export interface PullContext {
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly onLog: OnLog
  /** the current time, ISO 8601 */
  readonly now: string
}

export interface PulledSet {
  readonly folder: string
  readonly sizeBytes: number
  /** false: it was there already */
  readonly isNew: boolean
}

/** What stands beside a whole data set and says so. */
const NOTE = 'dataset.json'

/**
 * Fetches a data set into `folder`: every file is verified, archives are unpacked, and the folder takes its name at the end, whole. What an
 * interrupted try left in `FOLDER.partial` is gone on from.
 * @param sources where to look, in order
 * @throws Fault file.exists where the folder holds something else; file.downloadFailed, file.wrongDigest where no source gives a file;
 *   file.diskFull, file.invalidArchive, file.unsafeArchive, file.*; the signal's reason when aborted
 */
export async function pullDataSet(
  set: OfficialSet,
  folder: string,
  sources: readonly string[],
  context: PullContext,
): Promise<PulledSet> {
  const there = await wholeSet(set, folder)
  if (there !== null) return { folder, sizeBytes: there, isNew: false }
  await refuseOccupied(folder)
  const partial = join(dirname(folder), `${basename(folder)}.partial`)
  await onDisk(partial, () => mkdir(partial, { recursive: true }))
  const pulled = await withInstallLock(partial, context.signal, async () => {
    const meanwhile = await wholeSet(set, folder)
    if (meanwhile !== null) return { folder, sizeBytes: meanwhile, isNew: false }
    const content = join(partial, 'content')
    // unpacked members carry no digest of their own: half of them are worth nothing
    await rm(content, { recursive: true, force: true })
    await onDisk(content, () => mkdir(content, { recursive: true }))
    for (const file of set.files) await fetchFile(set, file, join(partial, file.name), sources, context)
    const sizeBytes = await fill(set, partial, content, context)
    await writeTextFile(join(content, NOTE), noteOf(set, sizeBytes, context.now), { force: true })
    await place(content, folder)
    for (const { name } of set.files) await rm(join(partial, name), { force: true })
    return { folder, sizeBytes, isNew: true }
  })
  // not where another process waits in it
  await rmdir(partial).catch(() => undefined)
  return pulled
}

/** The size of a set that lies in a folder whole: by its note, or by the digests of files that are used as they are. */
async function wholeSet(set: OfficialSet, folder: string): Promise<number | null> {
  const note = await readFile(join(folder, NOTE), 'utf8').catch(() => null)
  if (note !== null) return sizeInNote(set, note)
  if (set.unpack !== null) return null
  for (const { name, bytes, sha256 } of set.files) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => null)
    if (found?.size !== bytes || (await digestOf(path, 'sha256')) !== sha256) return null
  }
  return sumOf(set.files)
}

/** Whether a folder holds a whole set, told at a glance: by its note, or by the sizes of files that are used as they are. */
export async function looksWhole(set: OfficialSet, folder: string): Promise<boolean> {
  const note = await readFile(join(folder, NOTE), 'utf8').catch(() => null)
  if (note !== null) return sizeInNote(set, note) !== null
  if (set.unpack !== null) return false
  const sizes = await Promise.all(set.files.map(({ name }) => stat(join(folder, name)).catch(() => null)))
  return sizes.every((found, i) => found?.size === set.files[i]!.bytes)
}

function noteOf({ name, title, terms, files }: OfficialSet, sizeBytes: number, fetched: string): string {
  return `${JSON.stringify({ name, title, terms, files, sizeBytes, fetched }, null, 2)}\n`
}

function sizeInNote(set: OfficialSet, text: string): number | null {
  try {
    const note = JSON.parse(text) as { name?: unknown; sizeBytes?: unknown }
    return note.name === set.name && typeof note.sizeBytes === 'number' ? note.sizeBytes : null
  } catch {
    return null // not ours
  }
}

/** @throws Fault file.exists, file.notFolder */
async function refuseOccupied(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null)
  if (!found) return
  if (!found.isDirectory())
    throw new Fault('file.exists', `${folder} is a file: name a folder for the data with --to.`, { path: folder })
  const names = await readdir(folder)
  if (names.length === 0) return
  throw new Fault(
    'file.exists',
    `${folder} holds other files (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}): name an empty or new folder with --to.`,
    { path: folder },
  )
}

/** Tries the sources one after the other; what one of them sent, the next goes on from. */
async function fetchFile(
  { name }: OfficialSet,
  file: PublishedFile,
  target: string,
  sources: readonly string[],
  context: PullContext,
): Promise<void> {
  const digest = { algorithm: 'sha256', value: file.sha256 } as const
  const options = { ...context, digest, bytes: file.bytes, stage: `fetching ${name}: ${file.name}` }
  const problems: string[] = []
  for (const source of sources) {
    const url = new URL(file.name, source).href
    try {
      // a part that somebody else's file had left fails once by its digest, and is gone then
      const hadPart = (await stat(`${target}.part`).catch(() => null)) !== null
      await download(url, target, options).catch(async (error: unknown) => {
        if (!hadPart || !isFault(error) || error.code !== 'file.wrongDigest') throw error
        await download(url, target, options)
      })
      return
    } catch (error) {
      context.signal.throwIfAborted()
      if (!isFault(error) || !isOfSource(error)) throw error
      problems.push(error.message)
      if (sources.length > 1) context.onLog('warning', error.message)
    }
  }
  throw new Fault(
    'file.downloadFailed',
    `${file.name} of ${name} came from none of its sources. ${problems.join(' ')}`,
    { file: file.name, sources: [...sources] },
  )
}

/** Another source may do better. */
function isOfSource({ code }: Fault): boolean {
  return code === 'file.downloadFailed' || code === 'file.wrongDigest'
}

/** Brings the verified files, or what they hold, into the folder to be. */
async function fill(set: OfficialSet, partial: string, content: string, context: PullContext): Promise<number> {
  if (set.unpack === null) {
    for (const { name } of set.files)
      await onDisk(join(content, name), () => rename(join(partial, name), join(content, name)))
    return sumOf(set.files)
  }
  let [bytes, count] = [0, 0]
  for (const { name } of set.files) {
    const archive = join(partial, name)
    const unpacked = await unpackArchive(archive, set.unpack, content, set.members, context)
    bytes += unpacked.bytes
    count += unpacked.count
  }
  if (set.members !== null && count !== set.members) {
    throw new Fault(
      'file.invalidArchive',
      `${set.files.map(({ name }) => name).join(', ')} holds ${count} of the ${set.members} files expected.`,
      { count, members: set.members },
    )
  }
  return bytes
}

/** Writes the wanted members of a tar in gzip under `root`. @throws Fault file.invalidArchive, file.unsafeArchive, file.diskFull */
async function unpackArchive(
  archive: string,
  wanted: RegExp,
  root: string,
  members: number | null,
  { signal, onProgress }: PullContext,
): Promise<{ bytes: number; count: number }> {
  const name = basename(archive)
  const source = createReadStream(archive).pipe(createGunzip())
  let [bytes, count] = [0, 0]
  try {
    for await (const entry of readTar(source, name)) {
      signal.throwIfAborted()
      safeMemberPath(root, entry.name, name)
      const place = entry.type === 'file' ? wanted.exec(entry.name)?.[1] : undefined
      if (place === undefined) continue
      const target = safeMemberPath(root, place, name)
      await onDisk(target, () => writeMember(target, entry.data))
      bytes += entry.size
      onProgress({ stage: `unpacking ${name}`, done: ++count, total: members, unit: 'files' })
    }
  } catch (error) {
    signal.throwIfAborted()
    if (isFault(error)) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new Fault(
      'file.invalidArchive',
      `The archive ${name} cannot be unpacked: ${why}.`,
      { file: name },
      { cause: error },
    )
  } finally {
    source.destroy()
  }
  return { bytes, count }
}

async function writeMember(target: string, data: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const file = await open(target, 'wx')
  try {
    for await (const chunk of data) await file.writeFile(chunk)
  } finally {
    await file.close()
  }
}

/** Gives the whole content its name; an empty folder that the user made first is replaced. */
async function place(content: string, folder: string): Promise<void> {
  await onDisk(folder, async () => {
    await rmdir(folder).catch(() => undefined)
    await rename(content, folder)
  })
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isFault(error) ? error : asFileFault(error, path, 'write')
  }
}

function sumOf(files: readonly PublishedFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}
