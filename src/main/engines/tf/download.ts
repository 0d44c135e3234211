import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../../../shared/contract/fault.ts'
import type { OnProgress } from '../../../shared/contract/progress.ts'

/** What a file must be, as far as its publisher tells. */
export interface Digest {
  readonly algorithm: 'sha512' | 'sha256'
  /** hexadecimal */
  readonly value: string
}

interface DownloadOptions {
  readonly digest: Digest | null
  /** length of the file as published; whatever promises or sends another one is not that file */
  readonly bytes?: number
  readonly stage: string
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/** Time to wait for an answer, or for the next bytes, before a source counts as unreachable. */
const SILENCE_MS = 20_000

/**
 * Fetches `url` to `target`, going on from `target.part` where an earlier try stopped. The file appears under its name only once it is
 * whole and its digest is right; a part with a wrong digest is deleted.
 * @throws Fault file.downloadFailed, file.wrongDigest, file.diskFull, file.notWritable; the signal's reason when aborted
 */
export async function download(url: string, target: string, options: DownloadOptions): Promise<void> {
  await onDisk(target, () => mkdir(path.dirname(target), { recursive: true }))
  if (await exists(target)) return checkDigest(target, options.digest)
  const part = `${target}.part`
  try {
    await fetchInto(url, part, options)
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof Fault) throw error
    const host = new URL(url).host
    throw new Fault(
      'file.downloadFailed',
      `${path.basename(target)} could not be fetched from ${host} (${reasonOf(error)}). What has arrived is kept; try again when the network is there.`,
      { file: path.basename(target), host },
      { cause: error },
    )
  }
  await checkDigest(part, options.digest)
  await onDisk(target, () => rename(part, target))
}

/** What the disk refuses is no fault of the network. */
async function onDisk<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const system = (error as NodeJS.ErrnoException).code ?? ''
    const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(system)
    throw new Fault(
      isFull ? 'file.diskFull' : 'file.notWritable',
      isFull
        ? `${file} cannot be written: the disk is full. Free some space and try again; what has arrived is kept.`
        : `${file} cannot be written (${system}): choose another place.`,
      { path: file, system },
      { cause: error },
    )
  }
}

async function fetchInto(
  url: string,
  part: string,
  { bytes, stage, signal, onProgress }: DownloadOptions,
): Promise<void> {
  const have = (await exists(part)) ? (await stat(part)).size : 0
  const silence = new AbortController()
  const watch = setTimeout(() => silence.abort(new Error('no answer')), SILENCE_MS)
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, silence.signal]),
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
    })
    if (response.status === 416) return // all bytes were there already
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`)
    // a server that ignores the range starts anew; one that sends another part than asked for is of no use
    const start = response.status === 206 ? have : 0
    const sent = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]
    if (start > 0 && sent !== undefined && Number(sent) !== start)
      throw new Error('another part than asked for was sent')
    const length = Number(response.headers.get('content-length') ?? Number.NaN)
    const total = Number.isFinite(length) ? start + length : (bytes ?? null)
    if (bytes !== undefined && total !== bytes) throw new Error(`${total} bytes are offered, ${bytes} were published`)
    const file = await onDisk(part, () => open(part, start > 0 ? 'a' : 'w'))
    try {
      let done = start
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        watch.refresh()
        // to the last byte: a single write may take less where the disk is nearly full
        await onDisk(part, () => file.writeFile(chunk))
        done += chunk.byteLength
        if (total !== null && done > total) throw new Error(`more than ${total} bytes were sent`)
        onProgress({ stage, done, total, unit: 'bytes' })
      }
      if (total !== null && done < total) throw new Error(`the connection ended after ${done} of ${total} bytes`)
      await onDisk(part, () => file.sync())
    } finally {
      await file.close()
    }
  } finally {
    clearTimeout(watch)
  }
}

/** @throws Fault file.wrongDigest; the file is then deleted, so that the next try starts clean */
export async function checkDigest(file: string, digest: Digest | null): Promise<void> {
  if (digest === null) return
  const found = await digestOf(file, digest.algorithm)
  if (found === digest.value) return
  await rm(file, { force: true })
  const name = path.basename(file)
  throw new Fault(
    'file.wrongDigest',
    `${name} is not the file that was published: its ${digest.algorithm.toUpperCase()} is ${found.slice(0, 16)}…, expected ${digest.value.slice(0, 16)}…. It was deleted; try again.`,
    { file: name, found, expected: digest.value },
  )
}

/** The digest of a file in hexadecimal, read as a stream. */
export async function digestOf(file: string, algorithm: Digest['algorithm']): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message
  return error.message
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
