import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { ModelFormat } from '../../shared/contract/model.ts'
import { encodeModel } from '../formats/onnx/index.ts'
import type { EncodeOptions } from '../formats/onnx/index.ts'
import { openModelFile } from '../formats/registry.ts'
import type { Model } from '../graph/model.ts'
import { nonFiniteNotes } from '../graph/non-finite.ts'
import { validateModel } from '../graph/validate.ts'
import { writeFilesAtomic } from './atomic-file.ts'
import type { AtomicOptions } from './atomic-file.ts'
import { loadExternal } from './external-data.ts'
import { asFileFault } from './file-fault.ts'
import { readRange } from './read-file.ts'

/** Protobuf messages end at 2 GiB; a larger model keeps its weights outside. Source: protobuf encoding limits. */
const maxProtoBytes = 2 ** 31

/** A model as it came from disk, checked. */
export interface ModelFile {
  readonly model: Model
  readonly format: ModelFormat
  /** `sha256:…` over the model file, then its external files (a model.json's shards) in the order of their names */
  readonly hash: string
  /** model file and external files */
  readonly sizeBytes: number
  /** sentences: what was odd but workable */
  readonly notes: readonly string[]
}

/**
 * Reads a model file (ONNX, or the model.json of TensorFlow.js) and the data beside it, and checks the graph.
 * @param given the file, or the folder of a model.json
 * @throws Fault file.* when it cannot be read, format.* when it is not a sound file of its format, model.* when its graph is not
 *   sound or needs what this program does not have
 */
export async function readModelFile(given: string, options: { signal?: AbortSignal } = {}): Promise<ModelFile> {
  return (await readModelParts(given, options)).file
}

/**
 * As `readModelFile`, for a file that this program has written: neither hashed nor searched for numbers that are not finite, which takes
 * longer than reading it.
 */
export async function readOwnModelFile(
  path: string,
  options: { signal?: AbortSignal } = {},
): Promise<Pick<ModelFile, 'model' | 'sizeBytes'>> {
  const { validated, sizeBytes } = await readSound(path, [], options.signal)
  return { model: validated.model, sizeBytes }
}

/** A model with the bytes it was read from. */
export interface ModelParts {
  readonly file: ModelFile
  /** the main file, and where it lies */
  readonly path: string
  readonly bytes: Uint8Array
  /** bytes of the other files by the paths the main file names them by */
  readonly external: ReadonlyMap<string, Uint8Array>
}

/** As `readModelFile`, for those who need the bytes of the files too. */
export async function readModelParts(given: string, options: { signal?: AbortSignal } = {}): Promise<ModelParts> {
  const path = await mainFileAt(given)
  const hash = createHash('sha256')
  const { bytes, opened, external, validated, sizeBytes } = await readSound(path, [hash], options.signal)
  const { model, notes } = validated
  const file = {
    model,
    format: opened.format,
    hash: `sha256:${hash.digest('hex')}`,
    sizeBytes,
    notes: [...notes, ...nonFiniteNotes(model)],
  }
  const parts = opened.references.map((reference): [string, Uint8Array] => [
    reference.location,
    external.read(reference),
  ])
  return { file, path, bytes, external: new Map(parts) }
}

/** The files of a model, the hashes run over them, and its graph checked. */
async function readSound(path: string, hashes: readonly Hash[], signal: AbortSignal | undefined) {
  const bytes = await readWhole(path, hashes, signal)
  const opened = openModelFile(bytes, path)
  const external = await loadExternal(path, opened.references, hashes, signal)
  const validated = validateModel(opened.decode(external.read), path)
  return { bytes, opened, external, validated, sizeBytes: bytes.length + external.sizeBytes }
}

export interface WriteModelOptions
  extends AtomicOptions, Pick<EncodeOptions, 'external' | 'thresholdBytes' | 'limitBytes' | 'outside'> {}

/**
 * Writes a model, and beside it `NAME.data` when it would pass 2 GiB (or when asked); all of it or nothing.
 * @returns bytes on disk, model and data file together
 * @throws Fault file.exists (without `force`), file.notWritable, file.diskFull, …; the signal's reason when aborted
 */
export async function writeModelFile(
  model: Model,
  path: string,
  options: WriteModelOptions = {},
): Promise<{ sizeBytes: number }> {
  const { force, signal, scratch, ...encoding } = options
  const location = `${basename(path)}.data`
  const encoded = encodeModel(model, { ...encoding, location })
  const files = [{ path, chunks: encoded.chunks }]
  if (encoded.external) files.unshift({ path: resolve(dirname(path), location), chunks: encoded.external.chunks })
  await writeFilesAtomic(files, { force, signal, scratch })
  return { sizeBytes: encoded.byteLength + (encoded.external?.byteLength ?? 0) }
}

/** The model.json of a folder that holds one; anything else as it was named. */
async function mainFileAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => null)
  if (!found?.isDirectory()) return path
  const inside = join(path, 'model.json')
  const isThere = await stat(inside).then(
    (file) => file.isFile(),
    () => false,
  )
  return isThere ? inside : path
}

async function readWhole(path: string, hashes: readonly Hash[], signal: AbortSignal | undefined): Promise<Uint8Array> {
  const size = await sizeOfFile(path)
  if (size > maxProtoBytes) {
    throw new Fault(
      'format.tooLarge',
      `${path} has ${size} bytes; an ONNX file ends at 2 GiB, larger models keep their weights in external data`,
      { path, sizeBytes: size },
    )
  }
  return readRange(path, { start: 0, end: size, size }, hashes, signal)
}

async function sizeOfFile(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw asFileFault(error, path, 'read')
  })
  if (found.isDirectory())
    throw new Fault(
      'file.isFolder',
      `${path} is a folder without a model.json: name the .onnx file inside it, or the folder that a TensorFlow.js model was saved to`,
      {
        path,
      },
    )
  if (!found.isFile())
    throw new Fault('file.notReadable', `${path} is not an ordinary file: name an .onnx file`, { path })
  return found.size
}
