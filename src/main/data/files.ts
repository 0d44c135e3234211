import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { Fault } from '../../shared/contract/fault.ts'

/** Deflate cannot expand more than this: a byte of input is at most 1,032 bytes of output. Source: zlib's algorithm notes. */
export const MAX_DEFLATE_RATIO = 1032
/** Largest content read into memory at once. */
export const MAX_CONTENT_BYTES = 4 * 1024 ** 3

/** What a reader expects of a file whose beginning tells its length. */
export interface Layout {
  readonly headerBytes: number
  /** Checks the header and gives the length of the whole content in bytes. */
  lengthOf(header: Uint8Array): number
}

/** An `ENOENT` and its like as faults that name the place. */
export function fileFault(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code
  switch (code) {
    case 'ENOENT':
      return new Fault('file.notFound', `${path} does not exist.`, { path }, { cause: error })
    case 'ENOTDIR':
      return new Fault('file.notFolder', `${path} is not a folder.`, { path }, { cause: error })
    case 'EACCES':
    case 'EPERM':
      return new Fault('file.notReadable', `${path} cannot be read: permission denied.`, { path }, { cause: error })
    case 'ELOOP':
      return new Fault(
        'file.notReadable',
        `${path} is a symbolic link that leads in a circle.`,
        { path },
        { cause: error },
      )
    case 'EISDIR':
      return new Fault('file.isFolder', `${path} is a folder; a file is wanted.`, { path }, { cause: error })
    default:
      return error instanceof Error ? error : new Error(String(error))
  }
}

/** What stands at a path (links followed), or null when nothing does. */
export async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw fileFault(path, error)
  }
}

/** @throws Fault file.notFound or file.notFolder */
export async function requireFolder(path: string): Promise<void> {
  const found = await statOrNull(path)
  if (!found) throw new Fault('file.notFound', `${path} does not exist.`, { path })
  if (!found.isDirectory()) throw new Fault('file.notFolder', `${path} is not a folder.`, { path })
}

/** @throws Fault file.notFound; file.notFile for folders, pipes and devices, which would hang or never end */
export async function requireFile(path: string): Promise<Stats> {
  const found = await statOrNull(path)
  if (!found) throw new Fault('file.notFound', `${path} does not exist.`, { path })
  if (!found.isFile()) throw new Fault('file.notFile', `${path} is not a regular file.`, { path })
  return found
}

/** Bytes read at a time: in the 64 kB of a stream the ways to another thread and back take three times as long as the reading. */
const PIECE_BYTES = 2 ** 22

/** How a content is put together: the header first, then the rest at its place. */
interface Filling {
  readonly path: string
  readonly layout: Layout
  /** most bytes that the file can hold */
  readonly limit: number
  readonly signal: AbortSignal | undefined
}

/**
 * Reads a whole plain or gzip file whose header tells its length. The length is checked against the file's size (for gzip:
 * against what the compressed bytes can hold at most) before memory is taken, and expanding stops at that length.
 * @throws Fault data.truncated, data.trailing, data.corrupt, data.tooLarge
 */
export async function readContent(path: string, layout: Layout, signal?: AbortSignal): Promise<Uint8Array> {
  const { size } = await requireFile(path)
  if (!path.endsWith('.gz')) return readPlain(size, { path, layout, limit: size, signal })
  const input = createReadStream(path, { highWaterMark: PIECE_BYTES })
  const stream = input.pipe(createGunzip())
  input.on('error', (error) => stream.destroy(error))
  try {
    return await collect(stream, { path, layout, limit: size * MAX_DEFLATE_RATIO + 1024, signal })
  } catch (error) {
    throw zlibFault(path, error)
  } finally {
    input.destroy()
    stream.destroy()
  }
}

/** Straight into its own memory: a data set is some ten MB, which each of several workers reads. */
async function readPlain(size: number, filling: Filling): Promise<Uint8Array> {
  const { path, signal } = filling
  let file: FileHandle | null = null
  try {
    file = await open(path, 'r')
    return await readOpen(file, size, filling)
  } catch (error) {
    throw error instanceof Fault || signal?.aborted ? error : fileFault(path, error)
  } finally {
    await file?.close()
  }
}

async function readOpen(file: FileHandle, size: number, filling: Filling): Promise<Uint8Array> {
  const { path, layout, signal } = filling
  const header = new Uint8Array(layout.headerBytes)
  if ((await readUpTo(file, header, 0, signal)) < header.length) throw truncatedFault(path, size, header.length)
  const content = checkedContent(header, filling)
  if (size > content.length) throw trailingFault(path, content.length)
  const rest = content.subarray(header.length)
  const read = await readUpTo(file, rest, header.length, signal)
  if (read < rest.length) throw truncatedFault(path, header.length + read, content.length)
  return content
}

/** Bytes of one read, which takes less than 2 GiB. */
const MOST_READ = 2 ** 30

/** Fills `into` with what stands in the file from `start` on. @returns bytes read: fewer where the file ends before */
export async function readUpTo(
  file: FileHandle,
  into: Uint8Array,
  start: number,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0
  while (done < into.length) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(into, done, Math.min(MOST_READ, into.length - done), start + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

async function collect(stream: AsyncIterable<Uint8Array>, filling: Filling): Promise<Uint8Array> {
  const { path, layout, signal } = filling
  const header = new Uint8Array(layout.headerBytes)
  let content: Uint8Array | null = layout.headerBytes === 0 ? checkedContent(header, filling) : null
  let filled = 0
  for await (const chunk of stream) {
    signal?.throwIfAborted()
    let at = 0
    if (!content) {
      at = Math.min(chunk.length, header.length - filled)
      header.set(chunk.subarray(0, at), filled)
      filled += at
      if (filled < header.length) continue
      content = checkedContent(header, filling)
    }
    if (filled + chunk.length - at > content.length) throw trailingFault(path, content.length)
    content.set(at === 0 ? chunk : chunk.subarray(at), filled)
    filled += chunk.length - at
  }
  if (!content || filled < content.length) throw truncatedFault(path, filled, content?.length ?? layout.headerBytes)
  return content
}

function truncatedFault(path: string, filled: number, wanted: number): Fault {
  return new Fault(
    'data.truncated',
    `${path} ends after ${filled} of ${wanted} bytes: it is truncated. Fetch it again.`,
    { path },
  )
}

function trailingFault(path: string, length: number): Fault {
  return new Fault('data.trailing', `${path} holds more than the ${length} bytes its header announces.`, { path })
}

function checkedContent(header: Uint8Array, { path, layout, limit }: Filling): Uint8Array {
  const length = layout.lengthOf(header)
  if (length > MAX_CONTENT_BYTES) {
    throw new Fault('data.tooLarge', `${path} announces ${length} bytes; the limit is ${MAX_CONTENT_BYTES}.`, {
      path,
      length,
    })
  }
  if (length > limit) {
    throw new Fault(
      'data.truncated',
      `${path} announces ${length} bytes but can hold at most ${limit}: truncated or not what it seems.`,
      { path },
    )
  }
  const content = new Uint8Array(length)
  content.set(header.subarray(0, length))
  return content
}

function zlibFault(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'Z_BUF_ERROR') {
    return new Fault(
      'data.truncated',
      `${path} ends in the middle of the gzip stream: it is truncated. Fetch it again.`,
      { path },
      { cause: error },
    )
  }
  if (code?.startsWith('Z_')) {
    const reason = (error as Error).message
    return new Fault(
      'data.corrupt',
      `${path} is not a sound gzip file: ${reason}. Fetch it again.`,
      { path },
      { cause: error },
    )
  }
  return error instanceof Fault ? error : fileFault(path, error)
}

/** `sha256:…` over parts in order, each with its length before it, so that parts cannot run into one another. */
export function contentHash(parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    hash.update(`${typeof part === 'string' ? Buffer.byteLength(part) : part.length}\n`)
    hash.update(part)
  }
  return `sha256:${hash.digest('hex')}`
}

const fileHashes = new Map<string, string>()

/**
 * SHA-256 of a file in hex, read in pieces. Remembered for this process by path, size and time of change only: nothing on disk
 * vouches for a file's content.
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await requireFile(path)
  const key = `${path}\n${size}\n${mtimeMs}`
  const known = fileHashes.get(key)
  if (known) return known
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      signal?.throwIfAborted()
      hash.update(chunk as Uint8Array)
    }
  } catch (error) {
    throw signal?.aborted ? error : fileFault(path, error)
  }
  const digest = hash.digest('hex')
  fileHashes.set(key, digest)
  return digest
}

/**
 * Reads a small file whole.
 * @throws Fault data.tooLarge above `limit` bytes
 */
export async function readSmallFile(path: string, limit: number): Promise<Uint8Array> {
  const { size } = await requireFile(path)
  if (size > limit)
    throw new Fault('data.tooLarge', `${path} has ${size} bytes; the limit is ${limit}.`, { path, size })
  const handle = await open(path).catch((error: unknown) => {
    throw fileFault(path, error)
  })
  try {
    return new Uint8Array(await handle.readFile())
  } catch (error) {
    throw fileFault(path, error)
  } finally {
    await handle.close()
  }
}

/** The last `count` bytes of a file (fewer where it is shorter). */
export async function readTail(path: string, count: number): Promise<Uint8Array> {
  const { size } = await requireFile(path)
  const length = Math.min(count, size)
  const handle = await open(path).catch((error: unknown) => {
    throw fileFault(path, error)
  })
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, size - length)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
