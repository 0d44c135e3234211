import fs from 'node:fs'
import path from 'node:path'
import { encodeModel, type EncodeOptions } from '../../formats/onnx/index.ts'
import type { Model } from '../../graph/model.ts'
import { asFileFault } from '../file-fault.ts'

// Files of one task in a folder of the run's own: nobody else reads them before it is done, and nothing is left of a task that is not. They
// are written and read at once: the way to another thread and back, a score of times a model, takes longer than either.

/** Buffers of one writev. Source: writev(2), IOV_MAX is 1024 on Linux and macOS. */
const MOST_PARTS = 1024

/** Writes pieces one after another into an open file, from `start` on. */
export function writeParts(handle: number, parts: readonly Uint8Array[], start: number): void {
  let at = start
  for (let rest = parts.filter(({ length }) => length > 0); rest.length > 0;) {
    let written = fs.writevSync(handle, rest.slice(0, MOST_PARTS), at)
    at += written
    let whole = 0
    while (whole < rest.length && written >= rest[whole]!.length) written -= rest[whole++]!.length
    rest = rest.slice(whole)
    if (written > 0) rest[0] = rest[0]!.subarray(written)
  }
}

/**
 * Writes a model, and beside it `NAME.data` where it would pass 2 GiB, over what was there.
 * @returns bytes on disk
 * @throws Fault file.diskFull and the like
 */
export function writeScratchModel(
  model: Model,
  file: string,
  { outside }: Pick<EncodeOptions, 'outside'>,
): { sizeBytes: number } {
  const location = `${path.basename(file)}.data`
  const { chunks, byteLength, external } = encodeModel(model, { outside, location })
  if (external) writeScratch(path.join(path.dirname(file), location), external.chunks)
  writeScratch(file, chunks)
  return { sizeBytes: byteLength + (external?.byteLength ?? 0) }
}

function writeScratch(file: string, chunks: readonly Uint8Array[]): void {
  try {
    const handle = fs.openSync(file, 'w')
    try {
      writeParts(handle, chunks, 0)
    } finally {
      fs.closeSync(handle)
    }
  } catch (error) {
    throw asFileFault(error, file, 'write')
  }
}

/** Fills `bytes` from an open file, from `offset` on. @throws Error where the file is shorter */
export function readInto(bytes: Uint8Array, handle: number, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    const read = fs.readSync(handle, bytes, done, bytes.length - done, offset + done)
    if (read === 0) throw new Error('a file of this run ended early')
    done += read
  }
}

/** Memory that files are read into one after the other: fresh pages cost as much as the reading. */
export class ScratchReader {
  #buffer = new ArrayBuffer(0)

  /** What was read before is gone. @throws Fault file.* */
  read(file: string): Uint8Array {
    try {
      const handle = fs.openSync(file, 'r')
      try {
        const { size } = fs.fstatSync(handle)
        if (this.#buffer.byteLength < size) this.#buffer = new ArrayBuffer(size)
        const bytes = new Uint8Array(this.#buffer, 0, size)
        readInto(bytes, handle, 0)
        return bytes
      } finally {
        fs.closeSync(handle)
      }
    } catch (error) {
      throw asFileFault(error, file, 'read')
    }
  }
}
