import os from 'node:os'
import { resolve } from 'node:path'
import type { SampleRange } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import { defaultPlan, type QuantPlan, type WeightStorage } from '../../shared/contract/plan.ts'
import type { ArtifactInfo, Json, LayerResult } from '../../shared/contract/runs.ts'
import { serializePlan } from '../quant/plan.ts'
import { containerBits } from '../quant/scheme.ts'
import { assignmentKey, baseAssignment, floatLayersOf, planOf, weightShares } from '../search/assignment.ts'
import { parseConfigurations, type Configuration } from '../search/grid.ts'
import { FLOAT, type Assignment, type SearchLayer, type Strategy, type Targets } from '../search/port.ts'
import type { CostModel } from '../search/costs.ts'
import type { MetricName } from '../search/scores.ts'
import { STRATEGIES, strategyFor } from '../search/strategies/registry.ts'
import { frontOf, missesOf, type Miss } from '../search/targets.ts'
import { assertWritable, writeTextFile } from './atomic-file.ts'
import { measurePlan } from './measure-plan.ts'
import { pausable, type Pause } from './pause.ts'
import { recordRun, type OpenRun, type RunOutcome } from './record-run.ts'
import { samplesJson, type SampleOptions } from './samples.ts'
import { measureCosts, profilePlan, searchableLayers } from './search/profiles.ts'
import { searchLayers, SearchSession, type Candidate } from './search/session.ts'
import { comparePlans, damageMetric, dropOf, type Comparison, type DropKind } from './search/trials.ts'
import { measureSensitivity } from './sensitivity-run.ts'
import type { Services } from './services.ts'
import { openStudy, type Study } from './study.ts'
import { withWorkFolder } from './work-folder.ts'

/** What `search` is asked for; everything in it goes into the run's parameters, from which `--resume` takes it again. */
export interface SearchRunRequest {
  readonly model: string
  readonly samples: SampleOptions
  /** where the best plan goes, written anew whenever a better one is found */
  readonly output: string
  readonly force: boolean
  /** a row of the strategies' table; null: the one that suits the targets */
  readonly strategy: string | null
  /** names as the user wrote them, the base first; null: what suits the targets */
  readonly configs: string | null
  readonly maxDrop: number | null
  /** bytes, or a share of the source file, 0–1 */
  readonly maxSize: { readonly bytes: number } | { readonly share: number } | null
  readonly minSpeedup: number | null
  readonly maxFloatLayers: number | null
  readonly maxTrials: number | null
  /** repairs that every plan is made with; layers are ranked without them */
  readonly repairs: NonNullable<QuantPlan['repairs']>
  /** intra-op threads that plans are timed with; all cores when null, as `bench` does */
  readonly threads: number | null
  /** id of the run this one goes on with */
  readonly resumes: string | null
}

/** What `search` answers beside the run's id. */
export interface SearchAnswer {
  readonly output: string
  readonly strategy: string
  readonly configurations: readonly string[]
  readonly targets: Targets
  readonly misses: readonly Miss[]
  readonly best: Candidate
  /** every layer of the searched in the base configuration */
  readonly base: Candidate
  /** null where the best plan is the base */
  readonly comparison: Comparison | null
  readonly front: readonly Candidate[]
  readonly layers: readonly SearchLayer[]
  readonly dropKind: DropKind
  readonly samples: { readonly ranking: SampleRange; readonly heldBack: SampleRange }
  readonly sensitivity: { readonly metric: string; readonly evaluations: number; readonly found: number }
  readonly border: { readonly msPerElement: number; readonly fixedMs: number }
  readonly trials: number
  readonly measuredNow: number
  readonly referenceBytes: number
  readonly wallMs: number
  readonly warnings: readonly string[]
}

/** Most plans measured when nobody says. */
const MAX_TRIALS = 24
/** Samples that the ranking takes at most; at most a quarter of all, so that most stay to measure plans on. */
const RANKING_SAMPLES = 512

/**
 * `quantbench search`: ranks the layers, profiles the configurations, searches, and writes the best plan; a run of the store. Whatever
 * is measured is kept by content at once, so that a search cut off, or one with other targets, measures only what is new. The output
 * file and the run's `plan` artifact hold the best plan so far at any moment.
 * @throws Fault usage.configuration, usage.strategy, usage.tooFewSamples; file.*; as `openStudy`, `measureSensitivity` and `measurePlan`;
 *   the signal's reason when aborted (the best plan so far is written)
 */
export async function runSearch(
  request: SearchRunRequest,
  given: Services,
  pause?: Pause,
): Promise<{ run: string; value: SearchAnswer }> {
  const services = pausable(given, pause)
  const start = performance.now()
  const configurations = parseConfigurations(request.configs ?? defaultConfigurations(request))
  if (request.strategy !== null && !STRATEGIES.some(({ name }) => name === request.strategy)) {
    const names = STRATEGIES.map(({ name }) => name).join(', ')
    throw new Fault('usage.strategy', `--strategy ${request.strategy} is not known: choose one of ${names}.`)
  }
  await assertWritable(request.output, { force: request.force })
  const { model, ...parameters } = request
  const { resumes } = request
  return recordRun(
    services,
    { kind: 'search', modelPath: model, parameters: parameters as unknown as Json, resumes },
    (run) => withWorkFolder('search', (folder) => searchIn(folder, request, configurations, run, services, start)),
  )
}

/** Smaller files need fewer bits to choose from; for accuracy and speed 8 bits and float do. */
function defaultConfigurations({ maxSize, strategy }: SearchRunRequest): string {
  return maxSize !== null || strategy === 'pareto' ? '8,int4' : '8'
}

/** A search under way: what it decides on, and where its plans are measured. */
interface Setting {
  readonly folder: string
  readonly request: SearchRunRequest
  readonly configurations: readonly Configuration[]
  readonly study: Study
  readonly targets: Targets
  readonly samples: SearchAnswer['samples']
  readonly threads: number
  readonly planOf: (assignment: Assignment) => QuantPlan
  readonly layers: readonly SearchLayer[]
  readonly strategy: Strategy
  readonly publish: (plan: QuantPlan) => Promise<void>
}

async function searchIn(
  folder: string,
  request: SearchRunRequest,
  configurations: readonly Configuration[],
  run: OpenRun,
  services: Services,
  start: number,
): Promise<RunOutcome<SearchAnswer>> {
  const setting = await openSearch(folder, request, configurations, run, services)
  const { study, samples, targets, layers, strategy, publish } = setting
  const basePlan = setting.planOf(baseAssignment(layers))
  const base = await measurePlan(folder, study, { plan: basePlan, range: samples.heldBack }, services)
  await publish(basePlan) // from here on there is a plan to export
  const { result } = base.evaluation
  const metric = damageMetric(result)
  services.onLog(
    'info',
    `All layers in ${configurations[0]!.name}: drop ${dropOf(result).value.toFixed(4)} (${dropOf(result).kind}).`,
  )
  const scores = await rankLayers(setting, metric, services)
  const costs = await costsOf(setting, services)
  const maxTrials = request.maxTrials ?? MAX_TRIALS
  const session = new SearchSession(
    {
      ...setting,
      ...scores,
      costs,
      objective: strategy.name === 'prefix' ? 'ms' : 'bytes',
      heldBack: samples.heldBack,
      maxTrials,
      onBetter: ({ plan }) => publish(plan),
    },
    services,
  )
  services.onLog('info', `Strategy ${strategy.name}: ${strategy.about}.`)
  const { damageOf, gainOf } = scores
  const problem = {
    layers,
    damageOf,
    gainOf,
    costs,
    targets,
    maxTrials,
    measure: (a: Assignment) => session.measure(a),
    isKnown: (a: Assignment) => session.isKnown(a),
  }
  await session.measure(baseAssignment(layers))
  for await (const _ of strategy.search(problem)) services.signal.throwIfAborted()
  const answer = await concludeSearch(setting, session, services, {
    strategy: strategy.name,
    sensitivity: scores.sensitivity,
    border: costs.border,
    start,
  })
  return outcomeOf(answer, study, services)
}

async function openSearch(
  folder: string,
  request: SearchRunRequest,
  configurations: readonly Configuration[],
  run: OpenRun,
  services: Services,
): Promise<Setting> {
  const identify = (known: { modelHash?: string; dataHash?: string }): void => run.identify(known)
  const study = await openStudy(
    folder,
    { model: request.model, samples: request.samples, needsRanges: true, identify },
    services,
  )
  const samples = splitSamples(study.chosen!.ranges.evaluation)
  const { ranking, heldBack } = samples
  services.onLog(
    'info',
    `Layers are ranked on ${ranking.start}:${ranking.end}; plans are measured on ${heldBack.start}:${heldBack.end}, held back from the ranking.`,
  )
  const { repairs } = request
  const template: QuantPlan = {
    ...defaultPlan,
    model: study.summary.hash,
    ...(repairs.length > 0 ? { repairs } : {}),
  }
  const toPlan = (assignment: Assignment): QuantPlan =>
    planOf(assignment, configurations, template, study.summary.layers)
  const threads = request.threads ?? os.availableParallelism()
  const allBase = await profilePlan(folder, study, toPlan(new Map()), threads, services)
  const found = searchableLayers(study.summary.layers, allBase)
  if (found.length === 0)
    throw new Fault(
      'model.nothingToQuantize',
      `${study.summary.path} has no layer that can be quantized: nothing to search.`,
    )
  const names = configurations.map(({ name }) => name)
  const targets = targetsOf(request, study)
  const strategy =
    STRATEGIES.find(({ name }) => name === request.strategy) ?? strategyFor(targets, configurations.length)
  return {
    folder,
    request,
    configurations,
    study,
    samples,
    threads,
    targets,
    planOf: toPlan,
    // arithmetic has no weights: to an allocation of bytes its float would look free, though every border costs time
    layers: searchLayers(found, names, {
      weighted: request.maxFloatLayers !== 0,
      arithmetic: request.maxFloatLayers !== 0 && strategy.name === 'prefix',
    }),
    strategy,
    publish: (plan) => publishPlan(plan, request.output, run, services),
  }
}

/**
 * The first samples rank, the rest measures plans. Positions are in the order that the seed gives, so both are random samples.
 * @throws Fault usage.tooFewSamples
 */
function splitSamples({ start, end }: SampleRange): SearchAnswer['samples'] {
  const count = Math.min(RANKING_SAMPLES, Math.ceil((end - start) / 4))
  if (end - start < 2)
    throw new Fault(
      'usage.tooFewSamples',
      'A search needs at least two samples: some to rank layers on, others to measure plans on.',
    )
  return { ranking: { start, end: start + count }, heldBack: { start: start + count, end } }
}

function targetsOf({ maxDrop, maxSize, minSpeedup, maxFloatLayers }: SearchRunRequest, { summary }: Study): Targets {
  const maxBytes =
    maxSize === null ? null : 'bytes' in maxSize ? maxSize.bytes : Math.floor(maxSize.share * summary.sizeBytes)
  return { maxDrop, maxBytes, minSpeedup, maxFloatLayers }
}

/** Writes the best plan so far to the output, and to the run, whole or not at all. */
async function publishPlan(plan: QuantPlan, output: string, run: OpenRun, { store }: Services): Promise<void> {
  const json = serializePlan(plan)
  const kept = store.artifacts.putBytes(new TextEncoder().encode(json))
  store.runs.attach(run.id, [{ role: 'plan', ...kept, path: resolve(output) }])
  await writeTextFile(output, json, { force: true })
}

interface Scores {
  readonly damageOf: (layerId: string, choice: string) => number
  readonly gainOf: (layerId: string) => number
  readonly sensitivity: SearchAnswer['sensitivity']
}

/** Isolated damage of each choice, and what float gains each layer in the quantized network. */
async function rankLayers(
  { folder, study, samples, configurations, layers }: Setting,
  metric: MetricName,
  services: Services,
): Promise<Scores> {
  const ids = layers.map(({ id }) => id)
  const request = { metric, layers: ids, range: samples.ranking }
  const float = await measureSensitivity(folder, study, { ...request, configurations }, services)
  const reverted = await measureSensitivity(
    folder,
    study,
    { ...request, configurations: configurations.slice(0, 1), base: 'quantized' },
    services,
  )
  const damages = new Map(float.scores.map(({ layerId, config, value }) => [`${config} ${layerId}`, value]))
  const damageOf = (id: string, choice: string): number =>
    choice === FLOAT ? 0 : Math.max(0, damages.get(`${choice} ${id}`) ?? Infinity)
  const whole = reverted.whole[0]?.value ?? null
  const left = new Map(reverted.scores.map(({ layerId, value }) => [layerId, value]))
  return {
    damageOf,
    gainOf: (id) => (whole === null || !left.has(id) ? damageOf(id, configurations[0]!.name) : whole - left.get(id)!),
    sensitivity: {
      metric,
      evaluations: float.evaluations + reverted.evaluations,
      found: float.found + reverted.found,
    },
  }
}

function costsOf(
  { folder, study, layers, configurations, planOf: toPlan, threads }: Setting,
  services: Services,
): Promise<CostModel> {
  const { defaults } = defaultPlan
  const storage = ({ override }: Configuration): WeightStorage => override.weights?.storage ?? defaults.weights.storage
  const isStatic = ({ override }: Configuration): boolean =>
    (override.mode ?? (override.weights?.granularity === 'perBlock' ? 'weightOnly' : defaults.mode)) === 'static'
  return measureCosts(
    folder,
    study,
    {
      searched: layers,
      configurations: configurations.map(({ name }) => name),
      storedBits: new Map(configurations.map((one) => [one.name, containerBits(storage(one))])),
      staticChoices: new Set(configurations.filter(isStatic).map(({ name }) => name)),
      planOf: toPlan,
      threads,
    },
    services,
  )
}

/** Times what is offered, compares the best plan with the base sample by sample, and writes it. */
async function concludeSearch(
  { study, targets, layers, samples, request, publish, folder, planOf: toPlan, configurations }: Setting,
  session: SearchSession,
  services: Services,
  rest: Pick<SearchAnswer, 'strategy' | 'sensitivity' | 'border'> & { readonly start: number },
): Promise<RunOutcome<SearchAnswer>['value']> {
  const base = await session.time(session.candidates.get(assignmentKey(baseAssignment(layers)))!)
  const best = await session.time(session.best!)
  const front: Candidate[] = []
  const all = [...session.candidates.values()]
  for (const trial of frontOf(all.map((candidate) => candidate.trial))) {
    const candidate = session.candidates.get(assignmentKey(trial.assignment))!
    front.push(rest.strategy === 'pareto' ? await session.time(candidate) : candidate)
  }
  const isBase = best.plan === base.plan || serializePlan(best.plan) === serializePlan(base.plan)
  const plans = { plan: best.plan, baseline: toPlan(baseAssignment(layers)) }
  const comparison = isBase ? null : await comparePlans(folder, study, plans, samples.heldBack, services)
  await publish(best.plan)
  const { start, ...known } = rest
  const measured = new Set(frontOf(front.map(({ trial }) => trial)).map(({ assignment }) => assignmentKey(assignment)))
  return {
    ...known,
    output: resolve(request.output),
    configurations: configurations.map(({ name }) => name),
    targets,
    misses: missesOf(best.trial, targets),
    best,
    base,
    comparison,
    front: front.filter(({ trial }) => measured.has(assignmentKey(trial.assignment))),
    layers,
    dropKind: dropOf(best.result).kind,
    samples,
    trials: session.candidates.size,
    measuredNow: session.measuredNow,
    referenceBytes: study.summary.sizeBytes,
    wallMs: performance.now() - start,
    warnings: study.findings,
  }
}

function outcomeOf(answer: SearchAnswer, study: Study, { store }: Services): RunOutcome<SearchAnswer> {
  const { best, base, comparison, front, misses, samples, layers } = answer
  const plan = store.artifacts.putBytes(new TextEncoder().encode(serializePlan(best.plan)))
  const artifacts: ArtifactInfo[] = [{ role: 'plan', ...plan, path: answer.output }]
  if (study.statistics)
    artifacts.push({
      role: 'calibration',
      sha256: study.statistics.sha256,
      bytes: study.statistics.bytes,
      path: null,
    })
  return {
    value: answer,
    metrics: {
      ...(best.result.model === null ? {} : { top1: best.result.model.top1 }),
      drop: best.trial.measured.drop,
      bytes: best.trial.measured.bytes,
      speedup: best.trial.measured.speedup ?? NaN,
      floatLayers: best.trial.floatLayers,
      trials: answer.trials,
      wallMs: answer.wallMs,
    },
    layers: layerResults(best, layers, study),
    artifacts,
    warnings: [...answer.warnings, ...misses.map(missText)],
    results: {
      samples: samplesJson(study.chosen!),
      ranges: samples as unknown as Json,
      strategy: answer.strategy,
      targets: answer.targets as unknown as Json,
      misses: misses as unknown as Json,
      comparison: comparison as unknown as Json,
      base: summaryJson(base, layers),
      best: summaryJson(best, layers),
      front: front.map((candidate) => summaryJson(candidate, layers)),
    },
  }
}

function layerResults({ trial, speed }: Candidate, layers: readonly SearchLayer[], { summary }: Study): LayerResult[] {
  const timed = new Map(speed?.layers.map((layer) => [layer.id, layer]))
  const ops = new Map(summary.layers.map(({ id, op }) => [id, op]))
  return layers.map(({ id }) => ({
    id,
    op: ops.get(id) ?? '',
    type: trial.assignment.get(id)!,
    execution: timed.get(id)?.execution ?? null,
    ms: timed.get(id)?.ms ?? null,
    metrics: {},
    reason: null,
  }))
}

/** A measured plan as JSON: predicted and measured side by side. */
export function summaryJson(
  { trial, result, speed, plan }: Candidate,
  layers: readonly SearchLayer[],
): { [key: string]: Json } {
  const { predicted, measured, assignment, floatLayers } = trial
  const drop = dropOf(result)
  return {
    floatLayers,
    float: floatLayersOf(assignment),
    weights: weightShares(layers, assignment),
    ...(result.model === null ? {} : { top1: result.model.top1, loss: result.model.loss }),
    ...(result.agreement === null ? {} : { agreement: result.agreement }),
    ...(result.kl === null ? {} : { kl: result.kl }),
    drop: drop.value,
    dropInterval: drop.interval && [drop.interval.low, drop.interval.high],
    bytes: measured.bytes,
    speedup: measured.speedup,
    speedupInterval: speed && [speed.interval.low, speed.interval.high],
    medianMs: speed && speed.medianMs,
    predicted: { ...predicted },
    measured: { ...measured },
    layers: plan.layers,
  }
}

/** A missed target in words. */
export function missText({ target, asked, found }: Miss): string {
  switch (target) {
    case 'maxDrop':
      return `the drop is ${found.toFixed(4)}, asked was at most ${asked}`
    case 'maxBytes':
      return `the file has ${found} bytes, asked were at most ${asked}`
    case 'minSpeedup':
      return `the speedup is ${found.toFixed(2)}, asked was at least ${asked}`
    case 'maxFloatLayers':
      return `${found} layers are in float, asked were at most ${asked}`
  }
}
