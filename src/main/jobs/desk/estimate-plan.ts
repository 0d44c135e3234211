import type { Estimate, PlanEstimate } from '../../../shared/contract/api/plans.ts'
import type { LayerInfo, ModelSummary } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import { containerBits } from '../../quant/scheme.ts'
import type { LayerDecision, ResolvedLayer } from '../../quant/setup.ts'
import { countBorders, integerLayers } from '../../search/borders.ts'
import {
  decisionKey,
  kernelKey,
  planKey,
  precisionKey,
  type Damage,
  type Evidence,
  type MeasuredPlan,
  type Profile,
} from './evidence.ts'

export interface EstimateRequest {
  readonly plan: QuantPlan
  readonly layers: readonly ResolvedLayer[]
  readonly summary: ModelSummary
  readonly sampleShapes: Readonly<Record<string, readonly number[]>>
  readonly evidence: Evidence
}

/** What a plan would come to, from what was measured of the model before; a plan that was itself measured gives that measurement. */
export function estimatePlan(request: EstimateRequest): PlanEstimate {
  const { layers, summary, evidence } = request
  const key = planKey(request.plan)
  const same = evidence.measured.filter(({ plan }) => plan === key).sort((a, b) => b.samples - a.samples)[0]
  const time = timeOf(request)
  const speed = evidence.speeds.find(({ plan }) => plan === key)?.speed
  const drop = dropOf(request, same)
  return {
    drop,
    dropKind:
      drop.value === null
        ? null
        : ((same ?? evidence.measured[0])?.dropKind ?? (evidence.metric === 'top1' ? 'top1' : null)),
    floatTop1: (same ?? evidence.measured[0])?.floatTop1 ?? null,
    damage: damageOf(request),
    metric: evidence.metric,
    bytes: same ? known(same.bytes, 'Size of the file as measured.') : bytesOf(request),
    floatBytes: summary.sizeBytes,
    ms: speed ? known(speed.medianMs, 'Median time as measured.') : time.ms,
    floatMs: speed?.referenceMedianMs ?? time.floatMs,
    speedup: speed
      ? {
          ...known(speed.speedup, 'Timed in turn with the float model.'),
          interval: [speed.interval.low, speed.interval.high],
        }
      : speedupOf(time),
    layers: layers.map(({ layer, decision }) => ({
      id: layer.id,
      damage: damageIn(evidence, layer, decision)?.value ?? null,
      bytes: layer.role === 'weighted' ? layerBytes(layer, decision) : null,
      ms: layerMs(evidence, layer.id, decision),
    })),
  }
}

function known(value: number, basis: string): Extract<Estimate, { measured: boolean }> {
  return { value, measured: true, interval: null, basis }
}

function guessed(value: number, basis: string, interval: readonly [number, number] | null = null): Estimate {
  return { value, measured: false, interval, basis }
}

const unknown = (reason: string): Estimate => ({ value: null, reason })

/** Isolated damage of one layer: 0 in float and for movement, null where nothing is known. */
function damageIn({ damages, nearDamages }: Evidence, layer: LayerInfo, decision: LayerDecision): Damage | null {
  if (decision.kind === 'float' || layer.role === 'movement') return { value: 0, interval: null }
  return (
    damages.get(`${layer.id}\n${decisionKey(decision)}`) ??
    nearDamages.get(`${layer.id}\n${precisionKey(decision)}`) ??
    null
  )
}

interface DamageSum {
  readonly value: number
  /** half width of the interval, layers taken as independent */
  readonly spread: number
  readonly unknown: number
  readonly quantized: number
}

function sumOf(evidence: Evidence, layers: readonly ResolvedLayer[]): DamageSum {
  let [value, squares, unknownLayers, quantized] = [0, 0, 0, 0]
  for (const { layer, decision } of layers) {
    if (decision.kind === 'float') continue
    quantized++
    const damage = damageIn(evidence, layer, decision)
    // arithmetic that no sweep looked at follows its neighbours and adds little; a layer with weights is a gap
    if (damage === null) unknownLayers += layer.role === 'weighted' ? 1 : 0
    else {
      value += Math.max(0, damage.value)
      if (damage.interval) squares += ((damage.interval[1] - damage.interval[0]) / 2) ** 2
    }
  }
  return { value, spread: Math.sqrt(squares), unknown: unknownLayers, quantized }
}

function damageOf({ evidence, layers }: EstimateRequest): Estimate {
  if (evidence.metric === null) return unknown('No sensitivity is known of this model yet: run a sensitivity scan.')
  const sum = sumOf(evidence, layers)
  if (sum.unknown > 0) return unknown(gapText(sum.unknown))
  return guessed(sum.value, 'Sum of the layers’ isolated damages.', [
    Math.max(0, sum.value - sum.spread),
    sum.value + sum.spread,
  ])
}

function gapText(count: number): string {
  return `The sensitivity of ${count} ${count === 1 ? 'layer' : 'layers'} at this precision is not known: scan with these bits.`
}

/** A plan that was measured stands for itself; others move from the nearest measured one by the damages that differ. */
function dropOf({ evidence, layers }: EstimateRequest, same: MeasuredPlan | undefined): Estimate {
  if (same)
    return {
      value: same.drop,
      measured: true,
      interval: same.dropInterval,
      basis: `Measured on ${same.samples} samples.`,
    }
  if (evidence.metric === null) return unknown('No sensitivity is known of this model yet: run a sensitivity scan.')
  const sum = sumOf(evidence, layers)
  if (sum.quantized === 0) return guessed(0, 'The plan leaves every layer in float.')
  if (sum.unknown > 0) return unknown(gapText(sum.unknown))
  const anchors = evidence.measured
    .map((plan) => ({ plan, sum: sumOf(evidence, plan.layers), distance: distanceOf(plan.layers, layers) }))
    .filter((anchor) => anchor.sum.unknown === 0)
  if (anchors.length === 0) {
    if (evidence.metric !== 'top1')
      return unknown('Measure one plan: from then on drops are estimated from the layers’ damages.')
    return guessed(sum.value, 'Sum of the layers’ isolated drops; measuring one plan makes it better.')
  }
  const slope = slopeOf(anchors.map((anchor) => [anchor.sum.value, anchor.plan.drop]))
  const nearest = anchors.reduce((best, anchor) => (anchor.distance < best.distance ? anchor : best))
  const value = nearest.plan.drop + slope * (sum.value - nearest.sum.value)
  const half = slope * Math.abs(sum.value - nearest.sum.value) + halfOf(nearest.plan.dropInterval)
  return guessed(
    value,
    `From a measured plan that differs in ${nearest.distance} ${nearest.distance === 1 ? 'layer' : 'layers'}, and the layers’ damages.`,
    [value - half, value + half],
  )
}

function halfOf(interval: readonly [number, number] | null): number {
  return interval === null ? 0 : (interval[1] - interval[0]) / 2
}

function distanceOf(a: readonly ResolvedLayer[], b: readonly ResolvedLayer[]): number {
  return a.filter(({ decision }, i) => decisionKey(decision) !== decisionKey(b[i]!.decision)).length
}

/** Least squares through the origin, not below 0: more damage never helps. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const squares = points.reduce((sum, [x]) => sum + x * x, 0)
  const products = points.reduce((sum, [x, y]) => sum + x * y, 0)
  return squares === 0 ? 0 : Math.max(0, products / squares)
}

/** Scales and zero points by channel, and the nodes and names of its pairs: about what they take in files of ours. */
const OVERHEAD_BYTES = 700

/** Bytes that a weighted layer's constants take, without what the file says around them. */
function layerBytes({ parameters }: LayerInfo, decision: LayerDecision): number {
  const bits = decision.kind === 'float' || !decision.weights ? 32 : containerBits(decision.weights.storage)
  return (parameters * bits) / 8
}

function plainBytes(layers: readonly ResolvedLayer[], summary: ModelSummary): number {
  return layers
    .filter(({ layer }) => layer.role === 'weighted')
    .reduce((sum, { layer, decision }) => sum + layerBytes(layer, decision) - 4 * layer.parameters, summary.sizeBytes)
}

const quantizedCount = (layers: readonly ResolvedLayer[]): number =>
  layers.filter(({ decision }) => decision.kind === 'quantized').length

function bytesOf({ layers, summary, evidence }: EstimateRequest): Estimate {
  const count = quantizedCount(layers)
  if (count === 0) return guessed(summary.sizeBytes, 'The plan leaves every layer in float.')
  const files = [
    ...evidence.measured,
    ...evidence.profiles.flatMap((profile) =>
      profile.layers ? [{ layers: profile.layers, bytes: profile.bytes }] : [],
    ),
  ].filter((file) => quantizedCount(file.layers) > 0)
  const rests = files
    .map((file) => (file.bytes - plainBytes(file.layers, summary)) / quantizedCount(file.layers))
    .sort((a, b) => a - b)
  const overhead = rests[rests.length >> 1] ?? OVERHEAD_BYTES
  const basis =
    rests.length === 0
      ? 'From the bits of the weights, with what scales usually take.'
      : 'From the bits of the weights, with what scales took in measured files.'
  return guessed(Math.round(plainBytes(layers, summary) + overhead * count), basis)
}

interface TimeEstimate {
  readonly ms: Estimate
  readonly floatMs: number | null
}

function timeOf(request: EstimateRequest): TimeEstimate {
  const { layers, evidence } = request
  const float = evidence.profiles.find((profile) => profile.layers === null)
  if (!float)
    return {
      floatMs: null,
      ms: unknown('The layers’ times are not known on this machine: measure a plan, or run a bench.'),
    }
  let sum = 0
  let missing = 0
  for (const { layer, decision } of layers) {
    const ms = layerMs(evidence, layer.id, decision)
    if (ms === null) missing++
    else sum += ms
  }
  if (missing > 0)
    return {
      floatMs: float.ms,
      ms: unknown(
        `The time of ${missing} ${missing === 1 ? 'layer' : 'layers'} at this precision is not known: measure a plan that has it.`,
      ),
    }
  return {
    floatMs: float.ms,
    ms: guessed(sum + otherMs(request), 'From the layers’ profiled times and the borders between float and integers.'),
  }
}

function layerMs({ times }: Evidence, id: string, decision: LayerDecision): number | null {
  return times.get(`${id}\n${kernelKey(decision)}`) ?? null
}

/** Time between the layers: a line through the profiles, over the elements that cross a border. */
function otherMs(request: EstimateRequest): number {
  const { evidence, layers } = request
  const points = evidence.profiles.map((profile) => [bordersOf(request, profile.layers), profile.otherMs] as const)
  const own = bordersOf(request, layers)
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const products = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return Math.max(0, meanY + (squares > 0 ? Math.max(0, products / squares) : 0) * (own - meanX))
}

function bordersOf({ summary, sampleShapes }: EstimateRequest, layers: Profile['layers']): number {
  if (layers === null) return 0
  const isStatic = new Set(
    layers
      .filter(({ decision }) => decision.kind === 'quantized' && decision.mode === 'static')
      .map(({ layer }) => layer.id),
  )
  const { quantized, dequantized } = countBorders(
    summary.layers,
    integerLayers(summary.layers, ({ id }) => isStatic.has(id)),
    new Map(Object.entries(sampleShapes).map(([name, dims]) => [name, dims.reduce((count, dim) => count * dim, 1)])),
    new Set(summary.outputs.map(({ name }) => name)),
  )
  return quantized + dequantized
}

function speedupOf({ ms, floatMs }: TimeEstimate): Estimate {
  if (ms.value === null) return ms
  if (floatMs === null) return unknown('The float model was not timed on this machine.')
  return guessed(floatMs / ms.value, ms.basis)
}
