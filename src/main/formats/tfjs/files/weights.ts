import { Fault } from '../../../../shared/contract/fault.ts'
import type { Tensor } from '../../../graph/model.ts'
import { elementCount, floatTensor, int32Tensor, byteTensor } from '../../../graph/tensors.ts'
import { smallFloatTable } from '../../../graph/small-floats.ts'
import type { ModelJson, WeightSpec } from './model-json.ts'

/** The bytes of a shard by its path as the manifest writes it. @throws Fault when it is missing or outside the model's folder */
export type ShardReader = (path: string) => Uint8Array

/** A shard, and a weight that lies in it or beside it, for messages. */
export interface ShardPath {
  readonly path: string
  readonly weight: string
}

/** All shards, each once. */
export function shardPaths(json: ModelJson): ShardPath[] {
  const found = new Map<string, ShardPath>()
  for (const { paths, weights } of json.groups) {
    for (const path of paths) found.set(path, { path, weight: weights[0]?.name ?? '' })
  }
  return [...found.values()]
}

/**
 * Reads all weights: the shards of a group stand for one run of bytes, which its weights fill in order without gaps.
 * @returns name → constant, quantized weights as the real numbers they stand for
 * @throws Fault format.shardSize where a group's shards hold fewer or more bytes than its weights need; what the reader throws
 * Source: tfjs-core, io/io_utils.ts, decodeWeights.
 */
export function readWeights(json: ModelJson, read: ShardReader, source: string): Map<string, Tensor> {
  const weights = new Map<string, Tensor>()
  json.groups.forEach(({ paths, weights: specs }, index) => {
    const shards = paths.map(read)
    const found = shards.reduce((sum, shard) => sum + shard.length, 0)
    const needed = specs.reduce((sum, spec) => sum + bytesOf(spec), 0)
    if (found !== needed) {
      const files = paths.length === 0 ? 'no file' : paths.slice(0, 3).join(', ') + (paths.length > 3 ? ', …' : '')
      throw new Fault(
        'format.shardSize',
        `${source}: the weights of group ${index + 1} take ${needed} bytes, but its shards (${files}) hold ${found}: the wrong files, or cut short; fetch them again`,
        { neededBytes: needed, foundBytes: found, paths: paths.slice(0, 20) },
      )
    }
    const bytes = joined(shards, found)
    let offset = 0
    for (const spec of specs) {
      const length = bytesOf(spec)
      // a copy, aligned for its type
      weights.set(spec.name, tensorOf(spec, bytes.slice(offset, offset + length)))
      offset += length
    }
  })
  return weights
}

const SIZES = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2, string: 0, complex64: 8 } as const

/** Bytes of a weight in the shards. */
function bytesOf({ shape, dtype, quantization }: WeightSpec): number {
  return elementCount(shape) * SIZES[quantization?.dtype ?? dtype]
}

function joined(shards: readonly Uint8Array[], length: number): Uint8Array {
  if (shards.length === 1) return shards[0]!
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const shard of shards) {
    bytes.set(shard, offset)
    offset += shard.length
  }
  return bytes
}

function tensorOf(spec: WeightSpec, bytes: Uint8Array): Tensor {
  const { name, shape, dtype, quantization } = spec
  if (quantization) return dequantized(spec, quantization, bytes)
  switch (dtype) {
    case 'float32':
      return { name, dataType: 'float', dims: shape, data: bytes }
    case 'int32':
      return { name, dataType: 'int32', dims: shape, data: bytes }
    case 'bool':
      return byteTensor(
        name,
        'bool',
        shape,
        bytes.map((byte) => (byte === 0 ? 0 : 1)),
      )
    case 'uint8':
      return int32Tensor(name, shape, Int32Array.from(bytes))
    case 'uint16':
      return int32Tensor(name, shape, Int32Array.from(words(bytes)))
    case 'float16':
      return floatTensor(name, shape, halfs(bytes))
    default:
      throw new Error(`weights of type ${dtype} are refused before`)
  }
}

function words(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / 2)
}

function halfs(bytes: Uint8Array): Float32Array {
  const table = smallFloatTable('float16')
  return Float32Array.from(words(bytes), (code) => table[code]!)
}

/** real = q · scale + min, computed in double and rounded once, as tfjs does; `min` is not a zero point (STYLE, words). */
function dequantized(
  { name, shape, dtype }: WeightSpec,
  stored: NonNullable<WeightSpec['quantization']>,
  bytes: Uint8Array,
): Tensor {
  if (stored.dtype === 'float16') return floatTensor(name, shape, halfs(bytes))
  const codes = stored.dtype === 'uint8' ? bytes : words(bytes)
  const { scale, min } = stored as { scale: number; min: number }
  if (dtype === 'int32')
    return int32Tensor(
      name,
      shape,
      Int32Array.from(codes, (code) => Math.round(code * scale + min)),
    )
  return floatTensor(
    name,
    shape,
    Float32Array.from(codes, (code) => code * scale + min),
  )
}
