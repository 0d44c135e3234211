import { Fault } from '../../../../shared/contract/fault.ts'
import type { TfWeight } from './exporter.ts'
import type { StoredEntry } from './files.ts'
import { tf, type TfNode } from './tf-node.ts'
import { storeWeight, type StoredWeight, type WeightStorage } from './weight-codes.ts'

/** What became of one kernel (rank 2 and more). */
export interface EncodedWeight {
  /** the ONNX node it was written for */
  readonly node: string
  readonly storage: WeightStorage
  readonly sizeBytes: number
  /** Σ value², and Σ (value − stored value)² */
  readonly power: number
  readonly error: number
}

/** A weight as it goes into the manifest, the shards and the graph. */
export interface WeightParts {
  readonly entries: readonly StoredEntry[]
  /** what stands in the place of its Const node; null: that node stays */
  readonly nodes: readonly TfNode[] | null
  /** null for lists, numbers and integers */
  readonly kernel: EncodedWeight | null
}

/** How many times smaller the squared error must be before a scale for each channel is kept: 3 dB. */
const WORTH = 2
/** Values of a channel below which a float32 size for each is too much. */
const LEAST_VALUES = 4

/** A kernel as it is stored. */
export interface StoredKernel {
  readonly stored: StoredWeight
  /** what each output channel of `stored` is to be multiplied by, null where it is stored as it is */
  readonly sizes: Float32Array | null
  readonly account: EncodedWeight
}

/**
 * Stores a weight. Those of rank 2 and more are stored as told: lists (biases, scales) weigh little and cost much. Where the channels are
 * brought to one size first (`storeKernel`), a Mul by their sizes stands behind.
 * @param freshName gives a node name nobody uses
 * @throws Fault model.nonFinite
 */
export function encodeWeight(
  weight: TfWeight,
  wanted: WeightStorage,
  freshName: (base: string) => string,
): WeightParts {
  const { name, shape, values } = weight
  if (values instanceof Int32Array) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    return { entries: [{ entry: { name, shape, dtype: 'int32' }, bytes }], nodes: null, kernel: null }
  }
  if (shape.length < 2) return { entries: [storeList(weight, values)], nodes: null, kernel: null }
  const { stored, sizes, account } = storeKernel(weight, values, wanted)
  if (sizes === null) return { entries: [entryOf(name, shape, stored)], nodes: null, kernel: account }
  const [codesName, sizesName] = [freshName(`${name}/codes`), freshName(`${name}/channel_sizes`)]
  const dims = shape.slice(shape.length - weight.channelAxes)
  const entries = [entryOf(codesName, shape, stored), entryOf(sizesName, dims, storeWeight(sizes, 'float32'))]
  const float = tf.type('DT_FLOAT')
  const constant = (constantName: string): TfNode => ({
    name: constantName,
    op: 'Const',
    input: [],
    attr: { dtype: float },
  })
  const product = { name, op: 'Mul', input: [codesName, sizesName], attr: { T: float } }
  return { entries, nodes: [constant(codesName), constant(sizesName), product], kernel: account }
}

/** A list of numbers in float32. @throws Fault model.nonFinite */
export function storeList({ name, shape, owner }: Weighed, values: Float32Array): StoredEntry {
  assertFinite(name, owner, values)
  return entryOf(name, shape, storeWeight(values, 'float32'))
}

/** What is told of a weight wherever it is written. */
type Weighed = Pick<TfWeight, 'name' | 'shape' | 'owner'>

/**
 * Stores a weight of rank 2 and more. The format has one scale for a weight; where uint8 would lose 3 dB or more by that, the channels are
 * brought to one size first: with a multiplication behind, that has the accuracy of a scale for each channel in plain TensorFlow.js.
 * @throws Fault model.nonFinite
 */
export function storeKernel(
  weight: Omit<TfWeight, 'values'>,
  values: Float32Array,
  wanted: WeightStorage,
): StoredKernel {
  assertFinite(weight.name, weight.owner, values)
  const power = values.reduce((sum, value) => sum + value * value, 0)
  const account = { node: weight.owner, storage: wanted, power }
  const whole = storeWeight(values, wanted)
  const split = wanted === 'uint8' ? byChannels(weight, values) : null
  if (!split || !(split.error * WORTH < whole.error)) {
    return { stored: whole, sizes: null, account: { ...account, sizeBytes: whole.bytes.length, error: whole.error } }
  }
  const { stored, sizes, error } = split
  return { stored, sizes, account: { ...account, sizeBytes: stored.bytes.length + sizes.byteLength, error } }
}

function assertFinite(name: string, owner: string, values: Float32Array): void {
  if (values.every((value) => Number.isFinite(value))) return
  throw new Fault(
    'model.nonFinite',
    `The weight "${name}" of "${owner}" holds NaN or infinity, which JSON cannot describe and no format helps: train or export the model again.`,
    { weight: name },
  )
}

/** An entry of the manifest. */
export function entryOf(name: string, shape: readonly number[], { bytes, quantization }: StoredWeight): StoredEntry {
  return { entry: { name, shape, dtype: 'float32', ...(quantization && { quantization }) }, bytes }
}

/** The weight with every channel brought to the size 1, in uint8, and the sizes; null where channels are not its last axes. */
function byChannels(
  { shape, channelAxes }: Pick<TfWeight, 'shape' | 'channelAxes'>,
  values: Float32Array,
): { stored: StoredWeight; sizes: Float32Array; error: number } | null {
  if (channelAxes === 0 || values.length === 0) return null
  const count = shape.slice(shape.length - channelAxes).reduce((product, dim) => product * dim, 1)
  // the sizes would weigh as much as what they save
  if (values.length / count < LEAST_VALUES) return null
  const sizes = new Float32Array(count)
  values.forEach((value, i) => {
    sizes[i % count] = Math.max(sizes[i % count]!, Math.abs(value))
  })
  const divided = values.map((value, i) => (sizes[i % count] === 0 ? 0 : value / sizes[i % count]!))
  const stored = storeWeight(divided, 'uint8')
  const { scale, min } = stored.quantization as { scale: number; min: number }
  let error = 0
  for (let i = 0; i < values.length; i++) {
    error += (values[i]! - Math.fround(Math.fround(stored.bytes[i]! * scale + min) * sizes[i % count]!)) ** 2
  }
  return { stored, sizes, error }
}
