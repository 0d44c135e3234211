import type { ModelSummary } from '../../../shared/contract/model.ts'
import { defaultPlan, type QuantPlan } from '../../../shared/contract/plan.ts'
import type { Environment, Json, RunDetail } from '../../../shared/contract/runs.ts'
import { isFault } from '../../../shared/contract/fault.ts'
import { canonicalJson } from '../../store/content-key.ts'
import type { Store } from '../../store/store.ts'
import type { LayerDecision, ResolvedLayer } from '../../quant/setup.ts'
import { parseConfigurations } from '../../search/grid.ts'
import type { EvaluationResult } from '../../quant/accumulator.ts'
import { machineContent } from '../search/machine.ts'
import { damageOf, dropOf, type DropKind, type PlanSpeed } from '../search/trials.ts'
import type { LatencyProfile } from '../search/profiles.ts'

/** What is known of a model from what was measured before; plans are estimated from it. */
export interface Evidence {
  /** isolated damage of a layer in a decision, by `damageKey`; from the newest exact sweep */
  readonly damages: ReadonlyMap<string, Damage>
  /** the same by `precisionKey`: what stands in where only calibrator or granularity differ */
  readonly nearDamages: ReadonlyMap<string, Damage>
  /** metric of the damages, null where there are none */
  readonly metric: string | null
  /** plans measured with all layers together, newest first */
  readonly measured: readonly MeasuredPlan[]
  /** times by layer and decision; the float profile under `float` */
  readonly times: ReadonlyMap<string, number>
  readonly profiles: readonly Profile[]
  readonly speeds: readonly { readonly plan: string; readonly speed: PlanSpeed }[]
}

export interface Damage {
  readonly value: number
  readonly interval: readonly [number, number] | null
}

export interface MeasuredPlan {
  /** canonical JSON of the plan, its model and order aside */
  readonly plan: string
  readonly layers: readonly ResolvedLayer[]
  readonly drop: number
  readonly dropKind: DropKind
  readonly dropInterval: readonly [number, number] | null
  readonly damage: number
  /** of the float model on the same samples; null without labels */
  readonly floatTop1: number | null
  readonly samples: number
  readonly bytes: number
}

export interface Profile {
  /** null: the float model */
  readonly layers: readonly ResolvedLayer[] | null
  readonly ms: number
  readonly otherMs: number
  readonly bytes: number
}

export interface EvidenceRequest {
  readonly store: Store
  readonly environment: Environment
  readonly summary: ModelSummary
  readonly threads: number
  readonly resolve: (plan: QuantPlan) => readonly ResolvedLayer[]
}

/** Rows of each kind that are read at most, the newest: they tell the most. Fewer of large models, whose plans take longer to resolve. */
const MOST_ROWS = 100
const MOST_LAYERS = 20_000
const MOST_SWEEPS = 12

/** Reads what earlier jobs measured of a model. Some ms: done once after each job, not at each toggle. */
export function readEvidence(request: EvidenceRequest): Evidence {
  const { profiles, times } = readProfiles(request)
  return { ...readDamages(request), measured: readMeasured(request), profiles, times, speeds: readSpeeds(request) }
}

/** Equal for equal decisions of a layer. */
export function decisionKey(decision: LayerDecision): string {
  return decision.kind === 'float' ? 'float' : canonicalJson(decision)
}

/** The same without what hardly changes a layer's time: how its ranges were found, symmetry, granularity. */
export function kernelKey(decision: LayerDecision): string {
  if (decision.kind === 'float') return 'float'
  const { mode, weights, activations } = decision
  const block = weights?.granularity === 'perBlock' ? weights.blockSize : 0
  return [mode, weights?.storage ?? '', block, mode === 'static' ? (activations.bits > 8 ? 16 : 8) : 0].join(' ')
}

/** Only what decides most of a layer's damage: how many bits. */
export function precisionKey(decision: LayerDecision): string {
  if (decision.kind === 'float') return 'float'
  const { mode, weights, activations } = decision
  return [mode, weights?.bits ?? '', mode === 'static' ? activations.bits : ''].join(' ')
}

/** Equal for plans that say the same. */
export function planKey({ model: _, ...plan }: QuantPlan): string {
  return canonicalJson(plan)
}

/** Damages of the newest sweeps, the newest of a layer and decision first; all in the metric of the newest. */
function readDamages({
  store,
  summary,
  resolve,
}: EvidenceRequest): Pick<Evidence, 'damages' | 'nearDamages' | 'metric'> {
  const damages = new Map<string, Damage>()
  const nearDamages = new Map<string, Damage>()
  let metric: string | null = null
  for (const id of store.facts.newest(summary.hash, 'sensitivity', MOST_SWEEPS)) {
    const run = store.runs.get(id)
    if (!isSweepOnFloat(run)) continue
    const own = ['loss', 'kl', 'top1', 'nsr'].find((name) => run.layers.some(({ metrics }) => name in metrics))
    if (own === undefined || (metric !== null && own !== metric)) continue
    metric = own
    for (const [layer, config, decision] of decisionsOf(run, resolve)) {
      const row = run.layers.find((one) => one.id === layer && one.type === config)!
      const value = row.metrics[own]
      if (value === undefined) continue
      const { low, high } = row.metrics
      const damage: Damage = { value, interval: low === undefined || high === undefined ? null : [low, high] }
      setOnce(damages, `${layer}\n${decisionKey(decision)}`, damage)
      setOnce(nearDamages, `${layer}\n${precisionKey(decision)}`, damage)
    }
  }
  return { damages, nearDamages, metric }
}

function setOnce(map: Map<string, Damage>, key: string, damage: Damage): void {
  if (!map.has(key)) map.set(key, damage)
}

function isSweepOnFloat({ parameters }: RunDetail): boolean {
  const said = (parameters ?? {}) as { readonly base?: Json; readonly quick?: Json }
  return said.quick !== true && said.base !== 'quantized'
}

/** What each row of a sweep was: its configuration as the decision that a plan would come to. */
function* decisionsOf(
  run: RunDetail,
  resolve: EvidenceRequest['resolve'],
): Generator<readonly [layer: string, config: string, decision: LayerDecision]> {
  for (const config of new Set(run.layers.map(({ type }) => type))) {
    const resolved = resolveConfiguration(config, resolve)
    if (!resolved) continue
    const decisions = new Map(resolved.map(({ layer, decision }) => [layer.id, decision]))
    for (const { id, type } of run.layers) {
      const decision = decisions.get(id)
      if (type === config && decision !== undefined) yield [id, config, decision]
    }
  }
}

/** Every layer named in the configuration, so that none falls back to float for its neighbours' sake. Null for a name of another version. */
function resolveConfiguration(config: string, resolve: EvidenceRequest['resolve']): readonly ResolvedLayer[] | null {
  try {
    const [parsed] = parseConfigurations(config)
    const { override } = parsed!
    const { defaults } = defaultPlan
    const plain: QuantPlan = {
      ...defaultPlan,
      defaults: {
        ...defaults,
        mode: override.mode ?? (override.weights?.granularity === 'perBlock' ? 'weightOnly' : defaults.mode),
        weights: { ...defaults.weights, ...override.weights },
        activations: { ...defaults.activations, ...override.activations },
      },
    }
    const named = resolve(plain).filter(({ layer }) => layer.quantizable)
    return resolve({ ...plain, layers: Object.fromEntries(named.map(({ layer }) => [layer.id, {}])) })
  } catch (error) {
    if (isFault(error)) return null
    throw error
  }
}

function rowLimit({ layers }: ModelSummary): number {
  return Math.max(8, Math.min(MOST_ROWS, Math.round(MOST_LAYERS / Math.max(1, layers.length))))
}

function readMeasured({ store, summary, resolve }: EvidenceRequest): MeasuredPlan[] {
  return store.measurements.list('plan', summary.hash, rowLimit(summary)).map(({ content, result }) => {
    const plan = content['plan'] as unknown as QuantPlan
    const { evaluation, bytes } = result as unknown as { evaluation: { result: EvaluationResult }; bytes: number }
    const { kind, value, interval } = dropOf(evaluation.result)
    return {
      plan: planKey(plan),
      layers: resolve(plan),
      drop: value,
      dropKind: kind,
      dropInterval: interval && [interval.low, interval.high],
      damage: damageOf(evaluation.result),
      floatTop1: evaluation.result.reference?.top1 ?? null,
      samples: evaluation.result.samples,
      bytes,
    }
  })
}

function isOfThisMachine(
  content: { readonly [key: string]: Json },
  { environment, threads }: EvidenceRequest,
): boolean {
  return Object.entries(machineContent(environment, threads)).every(
    ([name, value]) => canonicalJson(content[name] ?? null) === canonicalJson(value),
  )
}

function readProfiles(request: EvidenceRequest): Pick<Evidence, 'profiles' | 'times'> {
  const { store, summary, resolve } = request
  const times = new Map<string, number>()
  const profiles: Profile[] = []
  for (const { content, result } of store.measurements.list('latency', summary.hash, rowLimit(summary))) {
    if (!isOfThisMachine(content, request)) continue
    const profile = result as unknown as LatencyProfile
    const plan = content['plan'] as unknown as QuantPlan | null
    const layers = plan === null ? null : resolve(plan)
    const decisions = new Map(layers?.map(({ layer, decision }) => [layer.id, kernelKey(decision)]))
    for (const [id, ms] of profile.layers) {
      const key = `${id}\n${decisions.get(id) ?? 'float'}`
      if (!times.has(key)) times.set(key, ms)
    }
    profiles.push({
      layers,
      otherMs: profile.otherMs,
      bytes: profile.bytes,
      ms: profile.otherMs + profile.layers.reduce((sum, [, ms]) => sum + ms, 0),
    })
  }
  return { profiles, times }
}

function readSpeeds(request: EvidenceRequest): Evidence['speeds'] {
  return request.store.measurements
    .list('speed', request.summary.hash, rowLimit(request.summary))
    .filter(({ content }) => isOfThisMachine(content, request))
    .map(({ content, result }) => ({
      plan: planKey(content['plan'] as unknown as QuantPlan),
      speed: result as unknown as PlanSpeed,
    }))
}
