import { Fault } from '../../../../shared/contract/fault.ts'
import type { TfWeight } from './exporter.ts'
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
  readonly entries: readonly { readonly entry: object; readonly bytes: Uint8Array }[]
  /** what stands in the place of its Const node; null: that node stays */
  readonly nodes: readonly TfNode[] | null
  /** null for lists, numbers and integers */
  readonly kernel: EncodedWeight | null
}

/** How many times smaller the squared error must be before a scale for each channel is kept: 3 dB. */
const WORTH = 2
/** Values of a channel below which a float32 size for each is too much. */
const LEAST_VALUES = 4

/**
 * Stores a weight. Those of rank 2 and more are stored as told: lists (biases, scales) weigh little and cost much. The format has one
 * scale for a weight; where uint8 would lose 3 dB or more by that, the channels are brought to one size first, and a Mul by their sizes
 * stands behind: the accuracy of a scale for each channel, in plain TensorFlow.js.
 * @param freshName gives a node name nobody uses
 * @throws Fault model.nonFinite
 */
export function encodeWeight(
  weight: TfWeight,
  wanted: WeightStorage,
  freshName: (base: string) => string,
): WeightParts {
  const { name, shape, values, owner } = weight
  if (values instanceof Int32Array) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    return { entries: [{ entry: { name, shape, dtype: 'int32' }, bytes }], nodes: null, kernel: null }
  }
  if (!values.every((value) => Number.isFinite(value))) {
    throw new Fault(
      'model.nonFinite',
      `The weight "${name}" of "${owner}" holds NaN or infinity, which JSON cannot describe and no format helps: train or export the model again.`,
      { weight: name },
    )
  }
  if (shape.length < 2)
    return { entries: [entryOf(name, shape, storeWeight(values, 'float32'))], nodes: null, kernel: null }
  const power = values.reduce((sum, value) => sum + value * value, 0)
  const whole = storeWeight(values, wanted)
  const split = wanted === 'uint8' ? byChannels(weight, values) : null
  if (!split || !(split.error * WORTH < whole.error)) {
    const kernel = { node: owner, storage: wanted, sizeBytes: whole.bytes.length, power, error: whole.error }
    return { entries: [entryOf(name, shape, whole)], nodes: null, kernel }
  }
  const [codes, sizes] = [freshName(`${name}/codes`), freshName(`${name}/channel_sizes`)]
  const dims = shape.slice(shape.length - weight.channelAxes)
  const entries = [entryOf(codes, shape, split.stored), entryOf(sizes, dims, storeWeight(split.sizes, 'float32'))]
  const float = tf.type('DT_FLOAT')
  const constant = (constantName: string): TfNode => ({
    name: constantName,
    op: 'Const',
    input: [],
    attr: { dtype: float },
  })
  const nodes = [constant(codes), constant(sizes), { name, op: 'Mul', input: [codes, sizes], attr: { T: float } }]
  const sizeBytes = entries.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return { entries, nodes, kernel: { node: owner, storage: wanted, sizeBytes, power, error: split.error } }
}

function entryOf(
  name: string,
  shape: readonly number[],
  { bytes, quantization }: StoredWeight,
): { entry: object; bytes: Uint8Array } {
  return { entry: { name, shape, dtype: 'float32', ...(quantization && { quantization }) }, bytes }
}

/** The weight with every channel brought to the size 1, in uint8, and the sizes; null where channels are not its last axes. */
function byChannels(
  { shape, channelAxes }: TfWeight,
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
