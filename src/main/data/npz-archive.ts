import { open, type FileHandle } from 'node:fs/promises'
import { openPromise } from 'yauzl'
import type { Entry, ZipFile } from 'yauzl'
import { Fault } from '../../shared/contract/fault.ts'
import { fileFault, MAX_CONTENT_BYTES, MAX_DEFLATE_RATIO, readUpTo, requireFile } from './files.ts'
import { decodeNpy, MAX_HEADER_BYTES, npyDataBytes, parseNpyHeader } from './npy.ts'
import type { NpyArray } from './npy.ts'

/** Arrays in one file; a model has far fewer inputs. */
const MAX_ENTRIES = 1_000

/**
 * Reads the arrays of an npz file (a zip of npy files) by name. What an entry announces is checked against what its compressed bytes can
 * hold, and against its own npy header, before memory is taken.
 * @throws Fault data.corrupt, data.truncated, data.tooLarge, data.npyType; file.*
 */
export async function readNpz(path: string, signal?: AbortSignal): Promise<ReadonlyMap<string, NpyArray>> {
  await requireFile(path)
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true }).catch(
    (error: unknown) => {
      throw zipFault(path, error)
    },
  )
  try {
    return await readArrays(path, zip, signal)
  } catch (error) {
    throw error instanceof Fault || signal?.aborted ? error : zipFault(path, error)
  } finally {
    zip.close()
  }
}

async function readArrays(path: string, zip: ZipFile, signal?: AbortSignal): Promise<ReadonlyMap<string, NpyArray>> {
  if (zip.entryCount > MAX_ENTRIES) {
    throw new Fault(
      'data.tooLarge',
      `${path} holds ${zip.entryCount} entries; at most ${MAX_ENTRIES} arrays are read.`,
      { path },
    )
  }
  const arrays = new Map<string, NpyArray>()
  let total = 0
  for await (const entry of zip.eachEntry()) {
    signal?.throwIfAborted()
    if (!entry.fileName.endsWith('.npy')) continue
    const name = entry.fileName.slice(0, -'.npy'.length)
    const place = `${path}, array ${name}`
    if (arrays.has(name)) throw new Fault('data.corrupt', `${place} is there twice.`, { path, name })
    checkEntry(place, entry)
    total += entry.uncompressedSize
    if (total > MAX_CONTENT_BYTES) {
      throw new Fault(
        'data.tooLarge',
        `${path} expands to more than ${MAX_CONTENT_BYTES} bytes. Split it into smaller files.`,
        { path },
      )
    }
    const bytes =
      entry.compressionMethod === 0 ? await readStored(path, place, zip, entry) : await readPacked(place, zip, entry)
    arrays.set(name, decodeNpy(bytes, place))
  }
  return arrays
}

function checkEntry(place: string, entry: Entry): void {
  if (entry.isEncrypted() || (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)) {
    throw new Fault(
      'data.corrupt',
      `${place} is encrypted or packed by a method other than deflate: numpy.savez writes neither.`,
      { place },
    )
  }
  if (entry.uncompressedSize > entry.compressedSize * MAX_DEFLATE_RATIO + 1024) {
    const sentence = `${place} announces ${entry.uncompressedSize} bytes, more than its ${entry.compressedSize} compressed bytes can hold.`
    throw new Fault('data.corrupt', sentence, { place })
  }
}

/** Reads bytes that lie in the file as they are: in pieces of a stream it takes six times as long. */
async function readStored(path: string, place: string, zip: ZipFile, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
  const file = await open(path)
  try {
    const head = new Uint8Array(Math.min(entry.uncompressedSize, MAX_HEADER_BYTES))
    await readFully(file, head, fileDataStart, place)
    if (head.length === entry.uncompressedSize) return head
    const content = checkedContent(place, entry, head)
    await readFully(file, content.subarray(head.length), fileDataStart + head.length, place)
    return content
  } finally {
    await file.close()
  }
}

/** @throws Fault data.truncated */
async function readFully(file: FileHandle, into: Uint8Array, start: number, place: string): Promise<void> {
  const done = await readUpTo(file, into, start)
  if (done < into.length)
    throw new Fault('data.truncated', `${place} ends after ${done} of ${into.length} bytes.`, { place })
}

/** Reads the header first: a zip bomb that is no sound array ends there, with 64 kB expanded. */
async function readPacked(place: string, zip: ZipFile, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const stream = await zip.openReadStreamPromise(entry)
  const head = new Uint8Array(Math.min(entry.uncompressedSize, MAX_HEADER_BYTES))
  let content: Uint8Array<ArrayBuffer> | null = null
  let filled = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      let at = 0
      if (!content) {
        at = Math.min(chunk.length, head.length - filled)
        head.set(chunk.subarray(0, at), filled)
        filled += at
        if (filled < head.length) continue
        content = checkedContent(place, entry, head)
      }
      content.set(chunk.subarray(at), filled)
      filled += chunk.length - at
    }
  } finally {
    stream.destroy()
  }
  return content ?? head.subarray(0, filled)
}

function checkedContent(place: string, entry: Entry, head: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = parseNpyHeader(head, place)
  const wanted = header.dataOffset + npyDataBytes(header)
  if (wanted !== entry.uncompressedSize) {
    const shape = `${header.dataType} (${header.dims.join(', ')})`
    const code = wanted > entry.uncompressedSize ? 'data.truncated' : 'data.trailing'
    throw new Fault(
      code,
      `${place} announces ${shape}, ${wanted} bytes with its header, but holds ${entry.uncompressedSize}.`,
      { place },
    )
  }
  const content = new Uint8Array(wanted)
  content.set(head)
  return content
}

function zipFault(path: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException
  if (code?.startsWith('E')) return fileFault(path, error)
  return new Fault('data.corrupt', `${path} is no sound npz file: ${message}.`, { path }, { cause: error })
}
