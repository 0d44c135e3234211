import type { ModelFormat } from '../../shared/contract/model.ts'
import type { Model } from '../graph/model.ts'
import { openModel, type ExternalReader, type ExternalReference } from './onnx/index.ts'
import { openTfjs } from './tfjs/index.ts'

/** A model's main file, read so far that it is known which other files it needs. */
export interface OpenedFile {
  readonly format: ModelFormat
  /** parts of other files, relative to the folder of this one, unchecked */
  readonly references: readonly ExternalReference[]
  /** The model as an ONNX graph; call it once. @throws Fault format.*, model.* */
  readonly decode: (external: ExternalReader) => Model
}

interface FormatRow {
  readonly name: string
  /** what the file's first bytes look like */
  readonly matches: (head: Uint8Array) => boolean
  readonly open: (bytes: Uint8Array, source: string) => OpenedFile
}

/** The formats that are read, first match wins; the last takes whatever is left and says what is wrong with it. */
const FORMATS: readonly FormatRow[] = [
  { name: 'TensorFlow.js', matches: looksLikeJson, open: openJson },
  { name: 'ONNX', matches: () => true, open: (bytes, source) => ({ format: 'onnx', ...openModel(bytes, source) }) },
]

/** Opens the main file of a model in any format. @param source name of the file, for messages @throws Fault format.* */
export function openModelFile(bytes: Uint8Array, source: string): OpenedFile {
  return FORMATS.find(({ matches }) => matches(bytes))!.open(bytes, source)
}

/** An opening brace after white space, or after a byte-order mark; no ONNX file starts so. */
function looksLikeJson(head: Uint8Array): boolean {
  const marked = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0
  const first = head
    .subarray(marked, marked + 64)
    .find((byte) => byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13)
  return first === 123
}

/** Shards are external data: whole files beside model.json. */
function openJson(bytes: Uint8Array, source: string): OpenedFile {
  const { format, shards, decode } = openTfjs(bytes, source)
  const references = shards.map(({ path, weight }) => ({
    location: path,
    offset: 0,
    length: null,
    checksum: null,
    tensor: weight,
  }))
  const byPath = new Map(references.map((reference) => [reference.location, reference]))
  return { format, references, decode: (external) => decode((path) => external(byPath.get(path)!)) }
}
