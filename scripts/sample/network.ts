import { createRandom } from '../../src/main/data/random.ts'

/** One Conv + BatchNormalization, then an addition where `addFrom` is set, then Relu. */
export interface Unit {
  readonly name: string
  readonly inChannels: number
  readonly outChannels: number
  readonly kernel: 1 | 3
  readonly stride: 1 | 2
  readonly depthwise: boolean
  /** unit whose output is added before the Relu */
  readonly addFrom: string | null
  readonly relu: boolean
}

/**
 * The built-in sample's network for [batch, 1, 28, 28] pictures in 0–1: a stem, a residual block of two 3×3 convolutions, a depthwise
 * separable pair, a second residual block of that kind; then global average pooling and a dense layer. Small, yet with every
 * pattern quantization has to treat on its own: folded BatchNorm, Add with two producers, depthwise, pooling, Gemm.
 */
export const UNITS: readonly Unit[] = [
  unit('stem', 1, 16),
  unit('down1', 16, 32, { stride: 2 }),
  unit('block1/a', 32, 32),
  unit('block1/b', 32, 32, { addFrom: 'down1' }),
  unit('down2/depthwise', 32, 32, { stride: 2, depthwise: true }),
  unit('down2/pointwise', 32, 64, { kernel: 1 }),
  unit('block2/depthwise', 64, 64, { depthwise: true }),
  unit('block2/pointwise', 64, 64, { kernel: 1, addFrom: 'down2/pointwise' }),
]
export const FEATURES = 64
export const CLASSES = 10
/** BatchNormalization's epsilon, in training and in the file. */
export const EPSILON = 1e-5

/** Parameters of one unit, in TensorFlow's layouts: kernel [kH, kW, in, out], for depthwise [kH, kW, in, 1]. */
export interface UnitWeights {
  readonly kernel: Float32Array
  readonly gamma: Float32Array
  readonly beta: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
}

export interface NetworkWeights {
  readonly units: readonly UnitWeights[]
  /** [features, classes] */
  readonly dense: Float32Array
  readonly bias: Float32Array
}

/** Dims of a unit's kernel in TensorFlow's layout. */
export function kernelDims({ kernel, inChannels, outChannels, depthwise }: Unit): [number, number, number, number] {
  return depthwise ? [kernel, kernel, inChannels, 1] : [kernel, kernel, inChannels, outChannels]
}

/** Weights before training: normal with deviation √(2 / fan-in) (He et al. 2015, equation 10). */
export function initialWeights(seed: number): NetworkWeights {
  const random = createRandom(seed)
  const normal = (count: number, deviation: number): Float32Array =>
    Float32Array.from(
      { length: count },
      () => deviation * Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit()),
    )
  const units = UNITS.map((one): UnitWeights => {
    const dims = kernelDims(one)
    const fanIn = dims[0] * dims[1] * (one.depthwise ? 1 : one.inChannels)
    const filled = (value: number): Float32Array => new Float32Array(one.outChannels).fill(value)
    return {
      kernel: normal(
        dims.reduce((product, dim) => product * dim, 1),
        Math.sqrt(2 / fanIn),
      ),
      gamma: filled(1),
      beta: filled(0),
      mean: filled(0),
      variance: filled(1),
    }
  })
  return { units, dense: normal(FEATURES * CLASSES, Math.sqrt(1 / FEATURES)), bias: new Float32Array(CLASSES) }
}

function unit(name: string, inChannels: number, outChannels: number, changes: Partial<Unit> = {}): Unit {
  return {
    name,
    inChannels,
    outChannels,
    kernel: 3,
    stride: 1,
    depthwise: false,
    addFrom: null,
    relu: true,
    ...changes,
  }
}
