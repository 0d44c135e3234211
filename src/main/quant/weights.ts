import type { WeightScheme } from '../../shared/contract/plan.ts'
import type { Tensor } from '../graph/model.ts'
import { elementCount, floatTensor } from '../graph/tensors.ts'
import { forEachRun, parameterCount, quantize, roundHalfEven } from './affine.ts'
import { packIntegers } from './pack.ts'
import type { QuantParams } from './params.ts'
import { scaleOfRange, weightBounds, type Bounds } from './scheme.ts'

/** Where the scales of a weight tensor lie: one, one per index of `axis`, or one per block along `axis`. */
export interface WeightLayout {
  readonly dims: readonly number[]
  /** null: one scale for the whole tensor */
  readonly axis: number | null
  readonly blockSize?: number
  /** one zero point for all channels: QLinearConv of older ONNX Runtimes refuses differing ones, 1.30 takes them */
  readonly sharedZeroPoint: boolean
}

/** A weight tensor in integers. */
export interface QuantizedWeights {
  readonly dims: readonly number[]
  readonly params: QuantParams
  /** integers in [qmin, qmax], row-major, one an element */
  readonly values: Int32Array
}

/**
 * Quantizes one layer's weights; the port through which repairs (bias correction, adaptive rounding, equalization) hand in
 * integers of their own making.
 * @param minScale lower bound of each scale, when the bias needs one (see `smallestWeightScales`); same length as the scales
 */
export type WeightQuantizer = (
  layerId: string,
  values: Float32Array,
  layout: WeightLayout,
  scheme: WeightScheme,
  minScale: Float32Array | null,
) => QuantizedWeights

/** Nearest rounding under min-max scales: what is used where nothing better is handed in. */
export const roundToNearest: WeightQuantizer = (_layerId, values, layout, scheme, minScale) => {
  const params = weightParams(values, layout, scheme, minScale)
  const integers = quantize(values, params, layout.dims)
  if (scheme.symmetric && minScale === null) settleTies(integers, values, layout, params)
  return { dims: layout.dims, params, values: integers }
}

/**
 * Sends weights that lie exactly between two integers to the even one. The float32 scale, being rounded, puts such a weight
 * beside the tie: −0.08 of at most 0.16 is −63.5 steps of 0.16 / 127, but −63.499996 of that step in float32.
 * All other integers are those of QuantizeLinear.
 * Source: worked vectors of DESIGN section 5.
 */
function settleTies(integers: Int32Array, values: Float32Array, layout: WeightLayout, params: QuantParams): void {
  const { minima, maxima } = extremes(values, layout)
  forEachRun(values.length, layout, layout.dims, (start, step, count, index) => {
    const zeroPoint = params.zeroPoint[index]!
    const steps = params.qmax - zeroPoint
    const largest = Math.max(-minima[index]!, maxima[index]!)
    if (largest === 0) return
    for (let n = 0, i = start; n < count; n++, i += step) {
      const exact = (values[i]! * steps) / largest
      if (Math.abs(exact - Math.trunc(exact)) === 0.5) integers[i] = roundHalfEven(exact) + zeroPoint
    }
  })
}

/**
 * Scales and zero points of weights from their minima and maxima.
 * @param values real weights, row-major
 * @throws Fault usage.symmetricOneBit
 */
export function weightParams(
  values: Float32Array,
  layout: WeightLayout,
  scheme: WeightScheme,
  minScale: Float32Array | null = null,
): QuantParams {
  const bounds = weightBounds(scheme)
  const { minima, maxima } = extremes(values, layout)
  const fixed = layout.sharedZeroPoint && minima.length > 1 ? shareZeroPoint(bounds, minima, maxima) : bounds
  const scale = new Float32Array(minima.length)
  const zeroPoint = new Int32Array(minima.length)
  for (let c = 0; c < minima.length; c++) {
    const chosen = scaleOfRange(minima[c]!, maxima[c]!, fixed)
    scale[c] = Math.max(chosen.scale, minScale?.[c] ?? 0)
    // a raised scale moves the integer where 0 falls
    zeroPoint[c] = fixed.zeroPoint ?? scaleAwareZeroPoint(minima[c]!, scale[c]!, bounds)
  }
  return { qmin: bounds.qmin, qmax: bounds.qmax, scale, zeroPoint, axis: layout.axis, ...blockOf(layout) }
}

function blockOf(layout: WeightLayout): { blockSize?: number } {
  return layout.blockSize === undefined ? {} : { blockSize: layout.blockSize }
}

function scaleAwareZeroPoint(min: number, scale: number, { qmin, qmax }: Bounds): number {
  return scaleOfRange(Math.min(0, min), Math.min(0, min) + scale * (qmax - qmin), { qmin, qmax, zeroPoint: null })
    .zeroPoint
}

/** The zero point of the whole tensor's range, for all channels. */
function shareZeroPoint(bounds: Bounds, minima: Float32Array, maxima: Float32Array): Bounds {
  if (bounds.zeroPoint !== null) return bounds
  let min = 0
  let max = 0
  for (let c = 0; c < minima.length; c++) {
    min = Math.min(min, minima[c]!)
    max = Math.max(max, maxima[c]!)
  }
  return { ...bounds, zeroPoint: scaleOfRange(min, max, bounds).zeroPoint }
}

/** Least and greatest value of every group of elements that shares a scale. */
export function extremes(
  values: Float32Array,
  layout: Pick<WeightLayout, 'dims' | 'axis' | 'blockSize'>,
): { minima: Float32Array; maxima: Float32Array } {
  const count = parameterCount(layout.dims, layout.axis, layout.blockSize)
  const minima = new Float32Array(count).fill(Infinity)
  const maxima = new Float32Array(count).fill(-Infinity)
  forEachRun(values.length, layout, layout.dims, (start, step, length, index) => {
    let min = minima[index]!
    let max = maxima[index]!
    for (let n = 0, i = start; n < length; n++, i += step) {
      const value = values[i]!
      if (value < min) min = value
      if (value > max) max = value
    }
    minima[index] = min
    maxima[index] = max
  })
  for (let c = 0; c < count; c++) {
    // a tensor without elements, or one of NaN alone
    if (minima[c] === Infinity) minima[c] = 0
    if (maxima[c] === -Infinity) maxima[c] = 0
  }
  return { minima, maxima }
}

/** The three constants of quantized weights: integers in their container, scale, zero point. Names get `_q`, `_s`, `_z`. */
export function weightTensors(
  name: string,
  weights: QuantizedWeights,
  storage: WeightScheme['storage'],
): { values: Tensor; scale: Tensor; zeroPoint: Tensor } {
  const { params } = weights
  const dims = parameterDims(weights.dims, params)
  return {
    values: packIntegers(`${name}_q`, storage, weights.dims, weights.values),
    scale: floatTensor(`${name}_s`, dims, params.scale),
    zeroPoint: packIntegers(`${name}_z`, storage, dims, params.zeroPoint),
  }
}

/** Shape of scale and zero point: scalar, [channels], or the tensor's with `axis` counted in blocks. */
export function parameterDims(dims: readonly number[], params: Pick<QuantParams, 'axis' | 'blockSize'>): number[] {
  if (params.axis === null) return []
  const { axis, blockSize } = params
  if (blockSize === undefined) return [dims[axis]!]
  return dims.map((dim, i) => (i === axis ? Math.ceil(dim / blockSize) : dim))
}

/** True when every weight is a finite number; the count of elements must match the shape. */
export function areFinite(values: Float32Array, dims: readonly number[]): boolean {
  if (values.length !== elementCount(dims)) return false
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return false
  return true
}
