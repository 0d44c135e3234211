import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { ExternalReader, ExternalReference } from '../formats/onnx/index.ts'
import { asFileFault } from './file-fault.ts'
import { readRange } from './read-file.ts'

/** The external data of a model, in memory. */
export interface LoadedExternal {
  readonly read: ExternalReader
  /** of the whole files */
  readonly sizeBytes: number
}

/** Bytes of an external file from the first to the last one in use; tensors are views of it. */
interface Span {
  readonly start: number
  readonly end: number
  readonly bytes: Uint8Array
}

/**
 * Reads the files that a model refers to, one span each, so that memory never passes their size however many tensors
 * point to the same bytes.
 * @param hashes run over each file, in the order of their names
 * @throws Fault format.externalPath (absolute, or out of the model's folder), format.externalMissing, format.externalShort,
 *   format.externalChecksum, file.*
 */
export async function loadExternal(
  modelPath: string,
  references: readonly ExternalReference[],
  hashes: readonly Hash[],
  signal?: AbortSignal,
): Promise<LoadedExternal> {
  const spans = new Map<string, Span>()
  let sizeBytes = 0
  for (const location of [...new Set(references.map((reference) => reference.location))].sort()) {
    const wanted = references.filter((reference) => reference.location === location)
    const path = await locate(modelPath, wanted[0]!)
    const size = await sizeOf(path, modelPath, wanted[0]!)
    spans.set(location, await readSpan(path, size, wanted, modelPath, hashes, signal))
    sizeBytes += size
  }
  const read: ExternalReader = ({ location, offset, length }) => {
    const { start, end, bytes } = spans.get(location)!
    return bytes.subarray(offset - start, (length === null ? end : offset + length) - start)
  }
  return { read, sizeBytes }
}

async function readSpan(
  path: string,
  size: number,
  wanted: readonly ExternalReference[],
  modelPath: string,
  hashes: readonly Hash[],
  signal: AbortSignal | undefined,
): Promise<Span> {
  let start = size
  let end = 0
  for (const reference of wanted) {
    const last = reference.length === null ? size : reference.offset + reference.length
    if (reference.offset > size || last > size) throw tooShort(reference, size, modelPath)
    start = Math.min(start, reference.offset)
    end = Math.max(end, last)
  }
  const isStated = wanted.some(({ checksum }) => checksum !== null)
  const sha1 = createHash('sha1')
  const bytes = await readRange(
    path,
    { start, end: Math.max(start, end), size },
    isStated ? [...hashes, sha1] : hashes,
    signal,
  )
  if (isStated) checkSum(wanted, sha1.digest('hex'), modelPath)
  return { start, end, bytes }
}

function tooShort({ tensor, location, offset, length }: ExternalReference, size: number, modelPath: string): Fault {
  const range = length === null ? `from byte ${offset}` : `bytes ${offset} to ${offset + length}`
  return new Fault(
    'format.externalShort',
    `${modelPath}: tensor "${tensor}" wants ${range} of "${location}", which has ${size} bytes; fetch the data file again`,
    { tensor, location, sizeBytes: size },
  )
}

/** Source: onnx.proto, TensorProto.external_data: checksum is the SHA-1 of the file. */
function checkSum(wanted: readonly ExternalReference[], found: string, modelPath: string): void {
  const other = wanted.find(({ checksum }) => checksum !== null && checksum.toLowerCase() !== found)
  if (!other) return
  throw new Fault(
    'format.externalChecksum',
    `${modelPath}: the data file "${other.location}" has SHA-1 ${found}, but the model states ${other.checksum!.slice(0, 40)}; fetch both again`,
    { location: other.location },
  )
}

/** The path of an external file, once it is certain that it lies in the model's folder, through symbolic links too. */
async function locate(modelPath: string, { location, tensor }: ExternalReference): Promise<string> {
  // both kinds of slash, on every system: a model is the same threat wherever it is opened
  const parts = location.split(/[\\/]/)
  if (parts[0] === '' || /^[a-zA-Z]:/.test(location) || parts.includes('..') || location.includes('\0')) {
    throw outside(modelPath, location, tensor)
  }
  const folder = await resolved(dirname(modelPath), modelPath)
  const path = join(folder, location)
  const real = await realpath(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      throw missing(modelPath, location, tensor)
    throw asFileFault(error, path, 'read')
  })
  if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) throw outside(modelPath, location, tensor)
  return real
}

async function resolved(folder: string, modelPath: string): Promise<string> {
  return realpath(folder).catch((error: unknown) => {
    throw asFileFault(error, modelPath, 'read')
  })
}

function outside(modelPath: string, location: string, tensor: string): Fault {
  return new Fault(
    'format.externalPath',
    `${modelPath}: tensor "${tensor}" points to "${location.slice(0, 200)}", outside the model's folder; such files are not opened. Put the data file beside the model and name it there`,
    { location, tensor },
  )
}

function missing(modelPath: string, location: string, tensor: string): Fault {
  return new Fault(
    'format.externalMissing',
    `${modelPath}: the data file "${location}" (of tensor "${tensor}") is not in the model's folder; put it there`,
    { location, tensor },
  )
}

async function sizeOf(path: string, modelPath: string, { location, tensor }: ExternalReference): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw asFileFault(error, path, 'read')
  })
  if (!found.isFile()) {
    throw new Fault(
      'format.externalPath',
      `${modelPath}: tensor "${tensor}" keeps its data in "${location}", which is not an ordinary file`,
      { location, tensor },
    )
  }
  return found.size
}
