import { quantizeBias, smallestWeightScales, type QuantizedBias } from './bias.ts'
import type { QuantParams } from './params.ts'
import { containerBits } from './scheme.ts'
import type { WeightSite } from './weight-site.ts'
import type { QuantizedWeights, WeightQuantizer } from './weights.ts'

/** The constants of one weighted layer in integers. */
export interface LayerWeights {
  readonly site: WeightSite
  readonly weights: QuantizedWeights
  /** null where the layer has no bias, or its scales are per block and the bias stays in float */
  readonly bias: QuantizedBias | null
  /** channels whose scale was raised so that the bias fits into int32 */
  readonly raisedScales: number
}

/**
 * Quantizes weights and bias of a layer whose input has the parameters `input`. A weight scale is raised where the bias
 * would leave int32 otherwise.
 */
export function quantizeLayerWeights(
  site: WeightSite,
  input: QuantParams,
  quantizeWeights: WeightQuantizer,
): LayerWeights {
  const inputScale = input.scale[0]!
  const free = quantizeWeights(site.layerId, site.values, site.layout, site.scheme, null)
  if (!site.bias || site.layout.blockSize !== undefined) return { site, weights: free, bias: null, raisedScales: 0 }
  const smallest = smallestWeightScales(site.bias.values, inputScale, free.params.scale.length)
  const raisedScales = smallest.filter((scale, c) => scale > free.params.scale[c]!).length
  const weights =
    raisedScales === 0 ? free : quantizeWeights(site.layerId, site.values, site.layout, site.scheme, smallest)
  const bias = quantizeBias(site.bias.values, inputScale, weights.params.scale, site.biasBits)
  return { site, weights, bias, raisedScales }
}

/**
 * True where the constants of each channel weigh so much that an int8 file would miss a quarter of the float file by more
 * than a hundredth: networks of depthwise and narrow 1×1 convolutions. The bias scales (s_x · s_w) are then computed in the
 * graph, once when the model is loaded, instead of stored. Below a million weights a file's size is its graph's, and nothing
 * is gained.
 */
export function wantsCompactConstants(layers: readonly LayerWeights[]): boolean {
  let floats = 0
  let bytes = 0
  for (const { site, weights, bias } of layers) {
    const channels = weights.params.scale.length
    floats += site.values.length + (bias?.values.length ?? 0)
    bytes +=
      (site.values.length * containerBits(site.scheme.storage)) / 8 + channels * 4 + (bias ? bias.values.length * 8 : 0)
  }
  return floats >= 1e6 && bytes / (4 * floats) > 0.2615
}
