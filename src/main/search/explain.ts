import type { LayerInfo } from '../../shared/contract/model.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { Collection } from '../calibration/collection.ts'
import { integerDistribution } from '../calibration/integer-distribution.ts'
import { rangeSource } from '../calibration/range-source.ts'
import type { Model } from '../graph/model.ts'
import { quantizeModel, type ExportedPair } from '../quant/quantize.ts'
import { equalize, type Equalized } from '../quant/repairs/equalize.ts'
import { resolvePlan } from '../quant/resolve-plan.ts'
import type { LayerDecision } from '../quant/setup.ts'
import { weightSiteOf, type WeightSite } from '../quant/weight-site.ts'
import { calibratorRemedies, diagnoseTensor, type PairedTensor } from './explain/activations.ts'
import { decibels, type Diagnosis, type Finding, type Remedy } from './explain/finding.ts'
import { noiseOf } from './explain/tensor-noise.ts'
import { diagnoseWeights, finerScales, moreWeightBits, roundWeights } from './explain/weights.ts'

export type { Finding, Remedy }

/** Why a layer suffers from a precision, and what would help. */
export interface LayerExplanation {
  readonly layer: string
  /** name of the configuration as the user said it */
  readonly config: string
  readonly findings: readonly Finding[]
  readonly remedies: readonly Remedy[]
}

export interface ExplainInput {
  /** prepared, at the opset that the plans need */
  readonly model: Model
  readonly layers: readonly LayerInfo[]
  readonly collection: Collection
  /** whether this machine's kernels saturate: AVX2 without VNNI */
  readonly saturatesHere: boolean
}

/** One layer in one configuration. */
export interface ExplainedVariant {
  readonly layerId: string
  readonly config: string
  /** only this layer quantized */
  readonly plan: QuantPlan
  /** the whole model in the configuration, which decides what can be equalized */
  readonly wholePlan: QuantPlan
}

/** A layer's place in a ranking. */
export interface RankedLayer {
  readonly layerId: string
  readonly config: string
  readonly rank: number
}

/** The worst layers of a ranking, each once, in the configuration in which it ranks highest; ties in the order given. */
export function worstLayers<Row extends RankedLayer>(rows: readonly Row[], count = 3): Row[] {
  const byRank = [...rows].sort((a, b) => a.rank - b.rank)
  const first = byRank.filter((row, i) => byRank.findIndex(({ layerId }) => layerId === row.layerId) === i)
  return first.slice(0, count)
}

/**
 * Says in words what makes a layer suffer, from its weights and the stored histograms; nothing is run. Findings that name a fault come
 * first, then where the rounding error comes from; of each remedy the effect on weights or tensor is computed, not that on the model.
 * @throws Fault as `resolvePlan`
 */
export function explainLayers(input: ExplainInput, variants: readonly ExplainedVariant[]): LayerExplanation[] {
  const equalizedBy = new Map<QuantPlan, Equalized>()
  return variants.map((variant) => {
    const { wholePlan } = variant
    const equalized = equalizedBy.get(wholePlan) ?? equalizedOf(input, wholePlan)
    equalizedBy.set(wholePlan, equalized)
    return explainLayer(input, variant, equalized)
  })
}

/** The model with its channels evened out, as the repair would. */
function equalizedOf({ model, layers, collection }: ExplainInput, wholePlan: QuantPlan): Equalized {
  return equalize(model, resolvePlan(wholePlan, layers, model), (tensor) => {
    const channels = collection.tensors.get(tensor)?.channels
    return channels ? channels.min.map((low, c) => Math.max(-low, channels.max[c]!)) : null
  })
}

function explainLayer(input: ExplainInput, variant: ExplainedVariant, equalized: Equalized): LayerExplanation {
  const { model, layers, collection, saturatesHere } = input
  const { layerId, config, plan } = variant
  const resolved = resolvePlan(plan, layers, model)
  const { report } = quantizeModel({ model, resolved, ranges: rangeSource(collection, plan.tensors) })
  const entry = resolved.layers.find(({ layer }) => layer.id === layerId)!
  const { decision } = entry
  if (decision.kind === 'float') return { layer: layerId, config, findings: [], remedies: [] }
  const tensors = pairedTensors(entry.layer, decision, report.pairs, input, equalized)
  const weights = siteOf(entry.layer, decision, model)
  const diagnoses = tensors.flatMap(diagnoseTensor)
  if (weights) {
    const own = tensors.find(({ name }) => name === weights.inputTensor)
    const is8Bit = own !== undefined && own.params.qmin >= 0 && own.params.qmax <= 255
    diagnoses.push(
      ...diagnoseWeights({
        node: model.graph.nodes.find(({ name }) => name === weights.node)!,
        site: weights,
        equalized: isEqualized(layerId, equalized) ? siteOf(entry.layer, decision, equalized.model) : null,
        inputScale: own?.params.scale[0] ?? null,
        inputIntegers: is8Bit ? integerDistribution(own.statistics, own.params) : null,
        saturatesHere,
      }),
    )
  }
  // what other CPUs would do is no reason for what was measured on this one
  const isFaulty = diagnoses.some(({ finding }) => finding.kind !== 'saturation' || saturatesHere)
  const all = [...diagnoses, ...roundingOf(weights && weightSource(weights, model), tensors, isFaulty)]
  const remedies = distinct(all.flatMap((diagnosis) => diagnosis.remedies))
  const asFloat: Remedy = {
    layer: layerId,
    override: 'float',
    text: 'In float it costs no accuracy, but keeps its size and time.',
  }
  return {
    layer: layerId,
    config,
    findings: all.map(({ finding }) => finding),
    remedies: all.length > 0 ? [...remedies, asFloat] : [],
  }
}

type Quantized = Extract<LayerDecision, { kind: 'quantized' }>

function siteOf(layer: LayerInfo, decision: Quantized, model: Model): WeightSite | null {
  const site = decision.weights ? weightSiteOf({ layer, decision }, model) : null
  return site === null || typeof site === 'string' ? null : site
}

function isEqualized(layerId: string, { pairs }: Equalized): boolean {
  return pairs.some(({ first, second }) => first === layerId || second === layerId)
}

/** The layer's activations that have a pair and statistics. */
function pairedTensors(
  layer: LayerInfo,
  { activations }: Quantized,
  pairs: readonly ExportedPair[],
  { layers, collection }: ExplainInput,
  { pairs: links }: Equalized,
): PairedTensor[] {
  const names = new Set([...layer.inputs, ...layer.outputs])
  const found = pairs.flatMap((pair) => {
    const statistics = collection.tensors.get(pair.tensor)
    return names.has(pair.tensor) && statistics ? [{ pair, statistics }] : []
  })
  return found.map(({ pair, statistics }) => ({
    name: pair.tensor,
    role: layer.outputs.includes(pair.tensor) ? 'output' : 'input',
    statistics,
    params: pair.params,
    scheme: activations,
    ...ownershipOf(pair.tensor, layer, layers, links),
  }))
}

/** The computing layer that writes a tensor, looking through movement, and the scales it would be equalized by. */
function ownershipOf(
  tensor: string,
  reader: LayerInfo,
  layers: readonly LayerInfo[],
  links: Equalized['pairs'],
): Pick<PairedTensor, 'owner' | 'equalizing'> {
  let writer = layers.find(({ outputs }) => outputs.includes(tensor))
  while (writer?.role === 'movement') {
    const [source] = writer.inputs
    writer = layers.find(({ outputs }) => source !== undefined && outputs.includes(source))
  }
  // a graph input, or what a float layer writes, has the scheme of its readers
  const owner = writer && writer.quantizable ? writer.id : reader.id
  return { owner, equalizing: links.find(({ first }) => first === writer?.id)?.scales ?? null }
}

interface Source {
  readonly name: string
  readonly sqnrDb: number
  readonly bits: number
  readonly remedies: () => readonly Remedy[]
}

/** Where the rounding error of a layer comes from, the largest part first. */
function roundingOf(weights: Source | null, tensors: readonly PairedTensor[], isBeside: boolean): Diagnosis[] {
  const sources = [...(weights ? [weights] : []), ...tensors.map(tensorSource)].sort((a, b) => a.sqnrDb - b.sqnrDb)
  const [worst] = sources
  if (!worst) return []
  const named = sources.map(
    ({ name, sqnrDb, bits }) => `${name} ${decibels(sqnrDb)} (${bits} ${bits === 1 ? 'bit' : 'bits'})`,
  )
  const head = isBeside ? 'Signal to noise' : 'Nothing stands out; it is plain rounding. Signal to noise'
  const most =
    sources.length > 1 ? `: most of the error comes from ${worst.name === 'weights' ? 'the weights' : worst.name}` : ''
  return [
    {
      finding: {
        kind: 'rounding',
        text: `${head}: ${named.join(', ')}${most}.`,
        numbers: Object.fromEntries(sources.map(({ name, sqnrDb }) => [`${name} sqnrDb`, sqnrDb])),
      },
      remedies: worst.remedies(),
    },
  ]
}

function weightSource(site: WeightSite, { graph }: Model): Source {
  const node = graph.nodes.find(({ name }) => name === site.node)!
  const { sqnrDb } = roundWeights(site, site.scheme)
  return {
    name: 'weights',
    sqnrDb,
    bits: site.scheme.bits,
    remedies: () => [
      { repair: 'rounding', text: 'Rounding each weight for the least error of the output instead of its own.' },
      { repair: 'bias', text: 'Taking the mean error of each output channel out of the bias.' },
      ...finerScales(node, site, sqnrDb),
      ...moreWeightBits(site, sqnrDb),
    ],
  }
}

function tensorSource(tensor: PairedTensor): Source {
  const noise = noiseOf(tensor.statistics, tensor.params)
  const bits = Math.round(Math.log2(tensor.params.qmax - tensor.params.qmin + 1))
  return {
    name: `${tensor.role} "${tensor.name}"`,
    sqnrDb: noise.sqnrDb,
    bits,
    remedies: () => [...calibratorRemedies(tensor, noise), ...moreActivationBits(tensor, bits, noise.sqnrDb)],
  }
}

function moreActivationBits({ name, owner, statistics, params }: PairedTensor, bits: number, now: number): Remedy[] {
  if (bits >= 8) {
    if (bits > 8) return []
    return [
      {
        layer: owner,
        override: { activations: { bits: 16 } },
        text: `16 bits take the error of "${name}" away, but compute in float.`,
      },
    ]
  }
  const scale = (params.scale[0]! * (2 ** bits - 1)) / 255
  const wide = { ...params, qmin: 0, qmax: 255, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(0) }
  wide.zeroPoint[0] = Math.round(((params.zeroPoint[0]! - params.qmin) * 255) / (2 ** bits - 1))
  return [
    {
      layer: owner,
      override: { activations: { bits: 8 } },
      text: `8-bit activations: "${name}" from ${decibels(now)} to ${decibels(noiseOf(statistics, wide).sqnrDb)}.`,
    },
  ]
}

/** Each repair and override once, the first text of it. */
function distinct(remedies: readonly Remedy[]): Remedy[] {
  const keyOf = (remedy: Remedy): string =>
    JSON.stringify('repair' in remedy ? remedy.repair : [remedy.layer, remedy.override])
  const keys = remedies.map(keyOf)
  return remedies.filter((_, i) => keys.indexOf(keys[i]!) === i)
}
