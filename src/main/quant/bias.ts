import { roundHalfEven } from './affine.ts'
import { weightBounds } from './scheme.ts'

/**
 * Largest bias in steps of s_x · s_w. The accumulator is int32 and adds the products to it: half of the type is left to
 * them, enough for 33,000 products of 8-bit numbers.
 */
const largestBias = 2 ** 30

/** An int32 bias with its scale. */
export interface QuantizedBias {
  readonly values: Int32Array
  /** s_x · s_w in float32, one or one per channel */
  readonly scale: Float32Array
}

/**
 * The lower bound of every weight scale that keeps the bias within int32: |bias| / (s_x · s_w) ≤ 2^30. Raising the scale of
 * such a channel costs little: a bias that large drowns its weights.
 * @param bias real values, one per channel
 * @param scaleCount 1 for a per-tensor weight scale, else the number of channels
 * Source: ONNX Runtime's quantizer, QuantizationParams "_adjust_weight_quant_params_for_bias".
 */
export function smallestWeightScales(bias: Float32Array, inputScale: number, scaleCount: number): Float32Array {
  const smallest = new Float32Array(scaleCount)
  for (let c = 0; c < bias.length; c++) {
    const index = scaleCount === 1 ? 0 : c
    smallest[index] = Math.max(smallest[index]!, Math.abs(bias[c]!) / (inputScale * largestBias))
  }
  return smallest
}

/**
 * Bias in int32 with zero point 0. With 8 or 16 bits it is first rounded to a symmetric grid of that many bits over the
 * whole tensor, as narrow accumulators would hold it; it is stored in int32 all the same.
 * @param weightScale one or one per channel
 * Source: DESIGN section 5; ONNX QLinearConv-10, input B.
 */
export function quantizeBias(
  bias: Float32Array,
  inputScale: number,
  weightScale: Float32Array,
  bits: 8 | 16 | 32,
): QuantizedBias {
  const coarse = bits === 32 ? bias : coarsen(bias, bits)
  const scale = new Float32Array(weightScale.length)
  for (let c = 0; c < scale.length; c++) scale[c] = inputScale * weightScale[c]!
  const values = new Int32Array(bias.length)
  for (let c = 0; c < bias.length; c++) {
    const step = scale[scale.length === 1 ? 0 : c]!
    // -0 would become 0 anyway; the bound is that of smallestWeightScales with room for its rounding
    values[c] = roundHalfEven(Math.max(-(2 ** 31) + 1, Math.min(2 ** 31 - 1, coarse[c]! / step)))
  }
  return { values, scale }
}

function coarsen(bias: Float32Array, bits: 8 | 16): Float32Array {
  const { qmax } = weightBounds({ bits, storage: bits === 8 ? 'int8' : 'int16', symmetric: true })
  const largest = bias.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  if (largest === 0) return bias
  return bias.map((value) => roundHalfEven((value / largest) * qmax) * (largest / qmax))
}
