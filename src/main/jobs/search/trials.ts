import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { SampleRange } from '../../../shared/contract/data.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Json } from '../../../shared/contract/runs.ts'
import type { EvaluationResult } from '../../quant/accumulator.ts'
import { meanInterval, type Interval } from '../../quant/intervals.ts'
import type { MetricName } from '../../search/scores.ts'
import { benchModel, type BenchResult } from '../bench.ts'
import { klOfSamples } from '../evaluate.ts'
import { measureOnce, worstSqnrDb } from '../evaluate-run.ts'
import type { Services } from '../services.ts'
import { applyPlan, type Study } from '../study.ts'
import { machineContent } from './machine.ts'
import { removeFolder } from '../work-folder.ts'

/** What `drop` means: lost top-1, disagreement with float where there are no labels, noise-to-signal ratio where there are no classes. */
export type DropKind = 'top1' | 'disagreement' | 'nsr'

/** The drop of a plan as `Measured.drop` defines it, with its 95 % interval where there is one. */
export function dropOf(result: EvaluationResult): {
  kind: DropKind
  value: number
  interval: Pick<Interval, 'low' | 'high'> | null
} {
  if (result.drop !== null) return { kind: 'top1', value: result.drop.value, interval: result.drop }
  if (result.agreement !== null) return { kind: 'disagreement', value: 1 - result.agreement, interval: null }
  return { kind: 'nsr', value: nsrOf(result), interval: null }
}

/** The metric that suits a model: KL needs no labels and tells more of each sample than loss or top-1. */
export function damageMetric(result: EvaluationResult): MetricName {
  return result.kl === null ? 'nsr' : 'kl'
}

/** The whole plan's damage in `damageMetric`. */
export function damageOf(result: EvaluationResult): number {
  return result.kl ?? nsrOf(result)
}

function nsrOf(result: EvaluationResult): number {
  return 10 ** (-(worstSqnrDb(result) ?? 0) / 10)
}

/** A plan's speed against the float model. */
export interface PlanSpeed {
  readonly speedup: number
  readonly interval: Pick<Interval, 'low' | 'high'>
  readonly medianMs: number
  readonly referenceMedianMs: number
  readonly layers: readonly Pick<BenchResult['layers'][number], 'id' | 'ms' | 'execution' | 'referenceMs'>[]
}

/** What a plan is timed with where that is not one sample. */
export interface TimedInputs {
  /** length of open first axes; null: 1 */
  readonly batch: number | null
  /** whole shapes by input name */
  readonly shapes: Readonly<Record<string, readonly number[]>>
}

/** Long enough for an interval of some per cent, short beside a trial's accuracy. */
const LIMITS = { minMs: 800, maxMs: 6000 } as const

/**
 * Times a plan in turn with the float model, with nothing else running, or gives back what was timed before on this machine.
 * @param inputs null: one sample; what is timed otherwise is kept apart, estimates stand on single samples
 * @throws Fault as `applyPlan` and `benchModel`
 */
export async function timePlan(
  folder: string,
  study: Study,
  plan: QuantPlan,
  threads: number,
  services: Services,
  inputs: TimedInputs | null = null,
): Promise<PlanSpeed> {
  const { store, pool, signal, environment, now, onProgress } = services
  const shapes = inputs === null ? study.sampleShapes : shapesOf(study, inputs)
  const content = {
    kind: inputs === null ? 'speed' : 'speedOfShapes',
    ...(inputs === null ? {} : { shapes }),
    model: study.summary.hash,
    prepared: study.preparedHash,
    statistics: study.statistics?.sha256 ?? null,
    plan,
    ...machineContent(environment, threads),
  }
  const kept = store.measurements.find(content)
  if (kept !== null) return kept as unknown as PlanSpeed
  const speed = await withFile(folder, study, plan, services, async (model, report) => {
    const request = { model, reference: study.preparedPath, threads, shapes, limits: LIMITS }
    return speedOf(await benchModel({ ...request, layers: study.summary.layers, report }, pool, { signal, onProgress }))
  })
  store.measurements.keep(content, speed as unknown as Json, now())
  return speed
}

/** Every input's shape as it is timed: as asked, else one sample's, its open first axis the batch. */
export function shapesOf(
  { summary, sampleShapes }: Pick<Study, 'summary' | 'sampleShapes'>,
  { batch, shapes }: TimedInputs,
): Record<string, readonly number[]> {
  const open = new Set(summary.inputs.filter(({ shape }) => typeof shape?.[0] !== 'number').map(({ name }) => name))
  const batched = Object.entries(sampleShapes).map(([name, [first, ...rest]]): [string, readonly number[]] => [
    name,
    first === undefined ? [] : [open.has(name) ? (batch ?? first) : first, ...rest],
  ])
  return { ...Object.fromEntries(batched), ...shapes }
}

function speedOf({ speedup, interval, medianMs, referenceMedianMs, layers }: BenchResult): PlanSpeed {
  return {
    speedup: speedup!,
    // JSON has no infinity, which the upper end of too few rounds is
    interval: { low: interval!.low, high: Math.min(interval!.high, 1e9) },
    medianMs,
    referenceMedianMs: referenceMedianMs!,
    layers: layers.map(({ id, ms, execution, referenceMs }) => ({ id, ms, execution, referenceMs })),
  }
}

/** Two plans on the same samples: the first against the second, positive where the first is better. */
export interface Comparison {
  readonly samples: number
  /** top-1 of the first minus the second's, paired, 95 %; null without labels */
  readonly top1Gain: Interval | null
  /** loss of the second minus the first's, paired, 95 %, in nats; null without labels */
  readonly lossGain: Interval | null
  /** KL to the float model of the second minus the first's, paired, 95 %, in nats; null for models that do not classify */
  readonly klGain: Interval | null
}

/** Measures two plans against each other, sample by sample. Kept by content. @throws Fault as `applyPlan` and `evaluateModel` */
export async function comparePlans(
  folder: string,
  study: Study,
  plans: { readonly plan: QuantPlan; readonly baseline: QuantPlan },
  range: SampleRange,
  services: Services,
): Promise<Comparison> {
  const chosen = study.chosen!
  const { store, now } = services
  const content = {
    kind: 'comparison',
    version: 2, // with klGain
    model: study.summary.hash,
    prepared: study.preparedHash,
    statistics: study.statistics?.sha256 ?? null,
    ...plans,
    data: chosen.evaluation.hash,
    range: [range.start, range.end],
    seed: chosen.seed,
    preprocess: chosen.preprocess,
    runtime: services.environment.versions['onnxruntime'] ?? '',
    isa: services.environment.isa,
    product: services.environment.versions['quantbench'] ?? '',
  }
  const kept = store.measurements.find(content)
  if (kept !== null) return kept as unknown as Comparison
  const comparison = await withFile(folder, study, plans.plan, services, (model) =>
    withFile(folder, study, plans.baseline, services, (reference) => compare(model, reference, study, range, services)),
  )
  store.measurements.keep(content, comparison as unknown as Json, now())
  return comparison
}

async function compare(
  model: string,
  reference: string,
  { chosen, preparedPath }: Study,
  range: SampleRange,
  services: Services,
): Promise<Comparison> {
  const hash = (path: string): Promise<{ hash: string }> =>
    services.pool.run('describeModel', { path }, { signal: services.signal, retry: true })
  const hashes = { model: (await hash(model)).hash, reference: (await hash(reference)).hash }
  const { spec: data, seed, preprocess, evaluation } = chosen!
  const samples = { data, split: evaluation.split, dataHash: evaluation.hash, range, seed, preprocess }
  const { result } = await measureOnce({ model, reference, ...samples }, hashes, chosen!, services)
  const klOf = (file: string): Promise<Float64Array | null> =>
    klOfSamples({ model: file, reference: preparedPath, ...samples }, services.pool, { signal: services.signal })
  const [first, second] = [await klOf(model), await klOf(reference)]
  return {
    samples: result.samples,
    top1Gain: result.drop && negated(result.drop),
    lossGain: result.lossIncrease && negated(result.lossIncrease),
    klGain: first && second && meanInterval(first.map((kl, i) => second[i]! - kl)),
  }
}

function negated({ value, low, high }: Interval): Interval {
  return { value: 0 - value, low: 0 - high, high: 0 - low }
}

async function withFile<Value>(
  folder: string,
  study: Study,
  plan: QuantPlan,
  services: Services,
  use: (path: string, report: Awaited<ReturnType<typeof applyPlan>>['report']) => Promise<Value>,
): Promise<Value> {
  const own = await mkdtemp(join(folder, 'plan-'))
  try {
    const path = join(own, 'model.onnx')
    const { report } = await applyPlan(study, plan, path, services)
    return await use(path, report)
  } finally {
    await removeFolder(own)
  }
}
