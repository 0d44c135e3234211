import type { WeightScheme } from '../../../shared/contract/plan.ts'
import type { Node } from '../../graph/model.ts'
import { dequantize, forEachRun } from '../../quant/affine.ts'
import { smallestWeightScales } from '../../quant/bias.ts'
import { measurePair } from '../../quant/metrics.ts'
import { NOTICEABLE_SATURATION, predictSaturation } from '../../quant/saturation.ts'
import { layoutOf, type WeightSite } from '../../quant/weight-site.ts'
import { extremes, roundToNearest, type QuantizedWeights, type WeightLayout } from '../../quant/weights.ts'
import { decibels, figure, medianOf, ratioDb, share, WORTH_DB, type Diagnosis, type Remedy } from './finding.ts'

/** The weights of a layer with what they are multiplied by. */
export interface LayerWeightFacts {
  readonly node: Node
  readonly site: WeightSite
  /** the same after cross-layer equalization; null where that cannot reach the layer */
  readonly equalized: WeightSite | null
  /** scale of the layer's quantized input; null where its input is not quantized */
  readonly inputScale: number | null
  /** share of each integer 0–255 in its quantized input; null where that is not 8 bits or not known */
  readonly inputIntegers: Float64Array | null
  /** whether this machine is one whose kernels saturate: AVX2 without VNNI */
  readonly saturatesHere: boolean
}

/** A widest channel this many times the median one costs the others two bits where all share a scale. */
const WIDE_RATIO = 4
/** A weight this many times the root mean square of the others costs them a bit and a half against a normal distribution of 1,000. */
const OUTLIER_RATIO = 10
/** Of fewer than these one may well be larger than the rest. */
const FEWEST_WEIGHTS = 8
/** A channel whose largest weight is this much smaller than the median one's computes next to nothing. */
const TINY_RATIO = 1000
const LEAST_SCALES = 4
/** Saturations for each output value from which they are told of on a machine that does not saturate: one in a hundred. */
const SATURATION_ELSEWHERE = 0.01

/** Faults of a layer's weights and bias. */
export function diagnoseWeights(facts: LayerWeightFacts): Diagnosis[] {
  const plain = roundWeights(facts.site, facts.site.scheme)
  const channels = channelFacts(facts)
  return [
    wideRange(facts, plain, channels),
    outlierWeight(facts, plain),
    tinyScale(facts, channels),
    biasDoesNotFit(facts, plain),
    saturation(facts, plain),
  ].filter((diagnosis) => diagnosis !== null)
}

/** Weights rounded to nearest under a scheme, with their signal-to-noise ratio. */
export function roundWeights(
  { layerId, values, layout }: Pick<WeightSite, 'layerId' | 'values' | 'layout'>,
  scheme: WeightScheme,
): { readonly weights: QuantizedWeights; readonly sqnrDb: number } {
  const weights = roundToNearest(layerId, values, layout, scheme, null)
  const { signal, noise } = measurePair(values, dequantize(weights.values, weights.params, weights.dims))
  return { weights, sqnrDb: ratioDb(signal, noise) }
}

interface ChannelFacts {
  /** layout with one scale an output channel; null where the op has none */
  readonly layout: WeightLayout | null
  /** largest magnitude of each output channel */
  readonly peaks: Float32Array
  readonly median: number
}

function channelFacts({ node, site }: LayerWeightFacts): ChannelFacts {
  const layout = channelLayout(node, site)
  if (layout.axis === null) return { layout: null, peaks: new Float32Array(0), median: NaN }
  const { minima, maxima } = extremes(site.values, layout)
  const peaks = maxima.map((high, c) => Math.max(high, -minima[c]!))
  return { layout, peaks, median: medianOf(peaks.filter((peak) => peak > 0)) }
}

function channelLayout(node: Node, { weightName, scheme, layout: { dims } }: WeightSite): WeightLayout {
  const tensor = { name: weightName, dataType: 'float' as const, dims, data: new Uint8Array(0) }
  return layoutOf(node, tensor, { ...scheme, granularity: 'perChannel' })
}

type Rounded = ReturnType<typeof roundWeights>

/** One scale for channels of very different size. */
function wideRange(
  { site, equalized }: LayerWeightFacts,
  plain: Rounded,
  { layout, peaks, median }: ChannelFacts,
): Diagnosis | null {
  if (site.layout.axis !== null || layout === null || peaks.length < LEAST_SCALES) return null
  const channel = indexOfLargest(peaks)
  const ratio = peaks[channel]! / median
  if (!(ratio >= WIDE_RATIO)) return null
  const levels = Math.floor(median / plain.weights.params.scale[0]!)
  const now = channelSqnrDb(site, layout)
  const better = channelSqnrDb({ ...site, layout, scheme: { ...site.scheme, granularity: 'perChannel' } }, layout)
  return {
    finding: {
      kind: 'wideRange',
      text: `All ${peaks.length} channels of its weights share one scale: channel ${channel} reaches ${figure(peaks[channel]!)}, ${figure(ratio)} times the median channel (${figure(median)}), which is left ${levels} of ${plain.weights.params.qmax} steps on either side of 0.`,
      numbers: { channel, ratio, peak: peaks[channel]!, medianPeak: median, levels, channelSqnrDb: now },
    },
    remedies: [
      {
        layer: site.layerId,
        override: { weights: { granularity: 'perChannel' } },
        text: `A scale for each channel raises the weights from ${decibels(now)} to ${decibels(better)} (mean over channels).`,
      },
      ...equalizeRemedy(equalized, layout, now),
    ],
  }
}

/** A single weight that sets the scale of its channel. */
function outlierWeight({ site }: LayerWeightFacts, { weights, sqnrDb: ratioDb }: Rounded): Diagnosis | null {
  if (site.layout.axis === null) return null // what channels differ by is the wide range above
  let worst = { index: -1, ratio: 0, peak: 0, rms: 0 }
  forEachRun(site.values.length, site.layout, site.layout.dims, (start, step, count, index) => {
    let [peak, squares] = [0, 0]
    for (let n = 0, i = start; n < count; n++, i += step) {
      const value = Math.abs(site.values[i]!)
      peak = Math.max(peak, value)
      squares += value * value
    }
    const rms = Math.sqrt((squares - peak * peak) / (count - 1))
    if (count >= FEWEST_WEIGHTS && rms > 0 && peak / rms > worst.ratio) worst = { index, ratio: peak / rms, peak, rms }
  })
  const { index, ratio, peak, rms } = worst
  if (ratio < OUTLIER_RATIO) return null
  const steps = rms / weights.params.scale[index]!
  const group = site.layout.blockSize === undefined ? 'channel' : 'block'
  return {
    finding: {
      kind: 'outlierWeight',
      text: `One weight of ${group} ${index} is ${figure(peak)}, ${figure(ratio)} times the root mean square of the others there, and sets their scale: they are ${figure(steps)} steps large.`,
      numbers: { channel: index, ratio, peak, rms, sqnrDb: ratioDb },
    },
    remedies: moreWeightBits(site, ratioDb),
  }
}

/** A channel so small that it is dead, or whose bias outgrows it. */
function tinyScale(facts: LayerWeightFacts, { peaks, median }: ChannelFacts): Diagnosis | null {
  const { site, equalized } = facts
  if (peaks.length < LEAST_SCALES) return null
  const tiny = [...peaks.keys()].filter((c) => peaks[c]! > 0 && peaks[c]! * TINY_RATIO <= median)
  if (tiny.length === 0) return null
  const channel = tiny.reduce((least, c) => (peaks[c]! < peaks[least]! ? c : least))
  const ratio = median / peaks[channel]!
  const effect =
    site.layout.axis === null
      ? 'Under the scale they share with the others its weights are all 0.'
      : 'It puts out little but its bias, and its scale makes the steps of that bias tiny.'
  const more = tiny.length > 1 ? ` (${tiny.length} of ${peaks.length} channels are as small)` : ''
  return {
    finding: {
      kind: 'tinyScale',
      text: `The weights of channel ${channel} reach only ${figure(peaks[channel]!)}, 1/${figure(ratio)} of the median channel${more}. ${effect}`,
      numbers: { channel, ratio, peak: peaks[channel]!, medianPeak: median, channels: tiny.length },
    },
    remedies: equalized ? smallRemedy(equalized, channel, peaks[channel]!, facts) : [],
  }
}

function smallRemedy(equalized: WeightSite, channel: number, peak: number, facts: LayerWeightFacts): Remedy[] {
  const after = channelFacts({ ...facts, site: equalized }).peaks[channel]!
  if (after <= peak) return []
  const text = `Equalization scales channel ${channel} up against the next layer's weights: its weights then reach ${figure(after)}.`
  return [{ repair: 'equalize', text }]
}

/** What equalization makes of the weights, where it gains enough. */
function equalizeRemedy(equalized: WeightSite | null, layout: WeightLayout, now: number): Remedy[] {
  if (!equalized) return []
  const better = channelSqnrDb(equalized, layout)
  if (better - now < WORTH_DB) return []
  const text = `Equalization with the neighbouring layers raises the weights from ${decibels(now)} to ${decibels(better)} (mean over channels).`
  return [{ repair: 'equalize', text }]
}

/** Signal to noise of weights as the mean noise ratio of their channels has it: over the whole tensor the largest channel would hide the rest. */
function channelSqnrDb(site: WeightSite, channels: WeightLayout): number {
  const { weights } = roundWeights(site, site.scheme)
  const restored = dequantize(weights.values, weights.params, weights.dims)
  const { values } = site
  let [sum, count] = [0, 0]
  forEachRun(values.length, channels, channels.dims, (start, step, length) => {
    let [signal, noise] = [0, 0]
    for (let n = 0, i = start; n < length; n++, i += step) {
      signal += values[i]! ** 2
      noise += (values[i]! - restored[i]!) ** 2
    }
    if (signal === 0) return
    sum += noise / signal
    count++
  })
  return ratioDb(count, sum)
}

/** The int32 bias has steps of s_x · s_w: tiny weights or inputs make it overflow, and their scale is raised until it fits. */
function biasDoesNotFit({ site, inputScale }: LayerWeightFacts, { weights }: Rounded): Diagnosis | null {
  if (!site.bias || inputScale === null || site.layout.blockSize !== undefined) return null
  const { scale } = weights.params
  const smallest = smallestWeightScales(site.bias.values, inputScale, scale.length)
  const raised = [...scale.keys()].filter((c) => smallest[c]! > scale[c]!)
  if (raised.length === 0) return null
  const worst = raised.reduce((most, c) => (smallest[c]! / scale[c]! > smallest[most]! / scale[most]! ? c : most))
  const channel = scale.length === 1 ? indexOfLargest(site.bias.values.map(Math.abs)) : worst
  const bias = site.bias.values[channel]!
  const steps = Math.abs(bias) / (inputScale * scale[worst]!)
  const ratio = smallest[worst]! / scale[worst]!
  return {
    finding: {
      kind: 'biasDoesNotFit',
      text: `The bias of channel ${channel} (${figure(bias)}) is ${figure(steps)} steps of its int32 grid, more than fit: the scale of its weights is raised ${figure(ratio)} times, which leaves them ${share(1 / ratio)} of their levels (${raised.length} of ${scale.length} scales).`,
      numbers: { channel, bias, steps, ratio, channels: raised.length },
    },
    remedies: [
      {
        layer: site.layerId,
        override: { mode: 'weightOnly' },
        text: 'Weight-only keeps the bias in float, and the layer computes in float.',
      },
    ],
  }
}

/** Sums of two products that leave int16 on AVX2. */
function saturation({ node, site, inputIntegers, saturatesHere }: LayerWeightFacts, plain: Rounded): Diagnosis | null {
  if (!inputIntegers) return null
  const { expected, channels } = predictSaturation(node, site, plain.weights, inputIntegers)
  if (expected < (saturatesHere ? NOTICEABLE_SATURATION : SATURATION_ELSEWHERE)) return null
  const reduced = roundWeights(site, { ...site.scheme, reducedRange: true })
  const left = predictSaturation(node, site, reduced.weights, inputIntegers).expected
  const where = saturatesHere
    ? 'On this CPU (AVX2 without VNNI)'
    : 'On CPUs with AVX2 but without VNNI (not this one, so not in these figures)'
  const effect = `predicted saturations go from ${figure(expected)} to ${figure(left)} for each output value, the weights from ${decibels(plain.sqnrDb)} to ${decibels(reduced.sqnrDb)}.`
  return {
    finding: {
      kind: 'saturation',
      text: `${where} sums of two u8 × s8 products saturate in int16: ${figure(expected)} for each output value are predicted, in ${channels} of its output channels.`,
      numbers: { expected, channels, reducedExpected: left },
    },
    remedies: [
      { repair: 'reducedRange', text: `Weights in one bit less where it is needed: ${effect}` },
      {
        layer: site.layerId,
        override: { weights: { reducedRange: true } },
        text: `Weights in one bit less in this layer: ${effect}`,
      },
    ],
  }
}

/** A scale for each channel where all share one, where it gains enough. */
export function finerScales(node: Node, site: WeightSite, now: number): Remedy[] {
  const layout = channelLayout(node, site)
  if (site.layout.axis !== null || layout.axis === null) return []
  const { sqnrDb: better } = roundWeights({ ...site, layout }, { ...site.scheme, granularity: 'perChannel' })
  if (better - now < WORTH_DB) return []
  return [
    {
      layer: site.layerId,
      override: { weights: { granularity: 'perChannel' } },
      text: `A scale for each channel raises the weights from ${decibels(now)} to ${decibels(better)}.`,
    },
  ]
}

/** 8 bits for weights that have fewer. */
export function moreWeightBits(site: WeightSite, now: number): Remedy[] {
  if (site.scheme.bits >= 8) return []
  const scheme = { ...site.scheme, bits: 8, storage: site.scheme.storage.startsWith('u') ? 'uint8' : 'int8' } as const
  const { sqnrDb: better } = roundWeights(site, scheme)
  return [
    {
      layer: site.layerId,
      override: { weights: { bits: 8, storage: scheme.storage } },
      text: `8-bit weights: from ${decibels(now)} to ${decibels(better)}.`,
    },
  ]
}

function indexOfLargest(values: ArrayLike<number>): number {
  let index = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[index]!) index = i
  return index
}
