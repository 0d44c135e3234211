import { joined } from '../../../graph/joined.ts'

/** Bytes of one shard, what browsers cache well. Source: tensorflowjs_converter, weight_shard_size_bytes. */
const SHARD_BYTES = 4 * 2 ** 20

/** A file of a TensorFlow.js model. */
export interface TfjsFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A weight's entry in the manifest, and its bytes. */
export interface StoredEntry {
  readonly entry: object
  readonly bytes: Uint8Array
}

interface Head {
  readonly format: 'graph-model' | 'layers-model'
  /** a word for a shard's content, part of its name: a shard then never takes the place of another one */
  readonly tagOf: ((shard: Uint8Array) => string) | undefined
  readonly producer: string
  readonly signature?: object
  readonly modelTopology: object
}

/** The files of a model, model.json last. Source: tfjs-core, io/types.ts, ModelJSON. */
export function filesOf(head: Head, weights: readonly StoredEntry[]): TfjsFile[] {
  const { format, tagOf, producer, signature, modelTopology } = head
  const shards = shardsOf(weights.map(({ bytes }) => bytes))
  const paths = shards.map((shard, i) => {
    const tag = tagOf ? `-${tagOf(shard)}` : ''
    return `group1-shard${i + 1}of${shards.length}${tag}.bin`
  })
  const json = {
    format,
    generatedBy: producer,
    convertedBy: producer,
    ...(signature && { signature }),
    modelTopology,
    weightsManifest: [{ paths, weights: weights.map(({ entry }) => entry) }],
  }
  const files = shards.map((bytes, i) => ({ name: paths[i]!, bytes }))
  return [...files, { name: 'model.json', bytes: new TextEncoder().encode(JSON.stringify(json)) }]
}

/** One run of bytes cut into pieces of equal size. */
function shardsOf(parts: readonly Uint8Array[]): Uint8Array[] {
  const all = joined(Uint8Array, parts)
  const shards: Uint8Array[] = []
  for (let start = 0; start < all.length || shards.length === 0; start += SHARD_BYTES)
    shards.push(all.subarray(start, start + SHARD_BYTES))
  return shards
}
