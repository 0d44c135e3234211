import type { Node } from '../graph/model.ts'
import { elementAt, geometryOf, type WeightGeometry } from './repairs/geometry.ts'
import type { WeightSite } from './weight-site.ts'
import type { QuantizedWeights } from './weights.ts'

/** Sums of two products beyond which int16 saturates. */
const [INT16_MAX, INT16_MIN] = [32767, -32768]

/** What AVX2's `vpmaddubsw` is expected to do to a layer: it adds pairs of u8 × s8 products in int16. */
export interface Saturation {
  /** sums that saturate, for each value the layer puts out, on average */
  readonly expected: number
  /** output channels with a pair of weights that can saturate at all */
  readonly channels: number
}

/** Sums for each output value from which a layer is worth a bit of its weights: fewer than one value in ten thousand is touched below. */
export const NOTICEABLE_SATURATION = 1e-4

/**
 * Predicts how often 16-bit sums of two neighbouring products saturate where the CPU has AVX2 but no VNNI. Neighbours are those of the
 * kernel: input channels at one tap of a Conv, rows of a matrix, two and two. Activations are taken as independent, so where neighbours
 * rise together it is a lower estimate. Zero for depthwise convolutions and all else whose kernels widen first.
 * @param activations share of each integer 0–255 in the layer's input, zero point included
 * Source: Intel intrinsics guide, `_mm256_maddubs_epi16`; ONNX Runtime documentation, "When and why do I need to try U8U8".
 */
export function predictSaturation(
  node: Node,
  site: WeightSite,
  weights: QuantizedWeights,
  activations: Float64Array,
): Saturation {
  const geometry = geometryOf(node, site)
  if (typeof geometry === 'string' || weights.params.qmin >= 0 || !usesPairSums(node, geometry))
    return { expected: 0, channels: 0 }
  const order = kernelOrder(node, site, geometry)
  const tails = tailsOf(activations)
  let [expected, channels] = [0, 0]
  for (let row = 0; row < geometry.rows; row++) {
    let own = 0
    for (let k = 0; k + 1 < order.length; k += 2) {
      const first = weights.values[elementAt(geometry, row, order[k]!)]!
      const second = weights.values[elementAt(geometry, row, order[k + 1]!)]!
      own += chanceOf(first, second, activations, tails)
    }
    if (own > 0) channels++
    expected += own
  }
  return { expected: expected / Math.max(1, geometry.rows), channels }
}

function usesPairSums(node: Node, { size, groups }: WeightGeometry): boolean {
  return node.opType !== 'Conv' || groups === 1 || size > 32
}

/** Entries of a row in the order the kernel multiplies them: channels last for convolutions. */
function kernelOrder(node: Node, { layout }: WeightSite, { size }: WeightGeometry): Int32Array {
  const channels = node.opType === 'Conv' ? (layout.dims[1] ?? 1) : size
  const taps = size / channels
  return Int32Array.from({ length: size }, (_, k) => (k % channels) * taps + Math.floor(k / channels))
}

/** Share of values at or above each integer 0–256. */
function tailsOf(activations: Float64Array): Float64Array {
  const tails = new Float64Array(257)
  for (let value = 255; value >= 0; value--) tails[value] = tails[value + 1]! + activations[value]!
  return tails
}

/** Chance that first · a + second · b leaves int16. */
function chanceOf(first: number, second: number, activations: Float64Array, tails: Float64Array): number {
  if (first * second < 0) return 0 // of different signs they cannot both push the same way
  const limit = first + second > 0 ? INT16_MAX : -INT16_MIN
  const [one, other] = [Math.abs(first), Math.abs(second)]
  if ((one + other) * 255 <= limit) return 0
  let chance = 0
  for (let a = 0; a < 256; a++) {
    const rest = limit - one * a
    const least = rest < 0 ? 0 : other === 0 ? 256 : Math.floor(rest / other) + 1
    if (least <= 255) chance += activations[a]! * tails[least]!
  }
  return chance
}
