import type { Hash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../../shared/contract/fault.ts'
import { asFileFault } from './file-fault.ts'

/** Largest single read, which is also how long the event loop waits for one piece of hashing (about 10 ms). */
const pieceBytes = 8 * 2 ** 20

/** A part of a file: bytes [start, end) of `size`. */
export interface FileRange {
  readonly start: number
  readonly end: number
  readonly size: number
}

/**
 * Reads bytes [start, end) of a file into one buffer, the only memory it takes; the hashes run over the whole file.
 * @throws Fault file.*; the signal's reason when aborted
 */
export async function readRange(
  path: string,
  range: FileRange,
  hashes: readonly Hash[],
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = allocate(range.end - range.start, path)
  const spare = new Uint8Array(bytes.length < range.size ? Math.min(pieceBytes, range.size) : 0)
  const file = await guard(path, () => open(path, 'r'))
  try {
    for (let at = 0; at < range.size;) {
      signal?.throwIfAborted()
      const piece = await readPiece(file, path, at, range, bytes, spare)
      for (const hash of hashes) hash.update(piece)
      at += piece.length
    }
  } finally {
    await file.close()
  }
  return bytes
}

/** Reads what comes at `at`, into `bytes` where it is wanted and into `spare` where it only counts for the hash. */
async function readPiece(
  file: FileHandle,
  path: string,
  at: number,
  { start, end, size }: FileRange,
  bytes: Uint8Array,
  spare: Uint8Array,
): Promise<Uint8Array> {
  const isWanted = at >= start && at < end
  const until = isWanted ? end : at < start ? start : size
  const target = isWanted ? bytes.subarray(at - start) : spare
  const length = Math.min(until - at, target.length, pieceBytes)
  const { bytesRead } = await guard(path, () => file.read(target, 0, length, at))
  if (bytesRead === 0) throw new Fault('file.changed', `${path} became shorter while it was read: try again`, { path })
  return target.subarray(0, bytesRead)
}

function allocate(length: number, path: string): Uint8Array {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new Fault(
      'file.tooLarge',
      `${path} needs ${length} bytes of memory, more than there is`,
      { path, sizeBytes: length },
      { cause },
    )
  }
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asFileFault(error, path, 'read')
  }
}
