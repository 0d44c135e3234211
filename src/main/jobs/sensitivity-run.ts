import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { SampleRange } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { Json, LayerResult } from '../../shared/contract/runs.ts'
import type { LayerExplanation, RankedLayer } from '../search/explain.ts'
import { gridLayers, parseConfigurations, type Configuration } from '../search/grid.ts'
import { scoreOf, type Population } from '../search/racing.ts'
import { scoreKindOf } from '../search/sample-rows.ts'
import { rankScores, type LayerScore, type MetricName, type SensitivityTable } from '../search/scores.ts'
import { recordRun, type RunOutcome } from './record-run.ts'
import { pausable, type Pause } from './pause.ts'
import { samplesJson, type SampleOptions } from './samples.ts'
import { explainWorst } from './sensitivity/explain.ts'
import { PartialRows } from './sensitivity/partial.ts'
import { SweepProgress } from './sensitivity/progress.ts'
import { runQuickScan, type QuickScan } from './sensitivity/quick.ts'
import { Suffixes, type SweepTime, type TensorMemory } from './sensitivity/suffixes.ts'
import { chooseChunks, isClassifier } from './sensitivity/screen.ts'
import {
  countPlans,
  sweepVariants,
  uniqueByKey,
  valuesOf,
  type SweepChange,
  type VariantRows,
} from './sensitivity/sweep.ts'
import { gridVariants, type Variant, type VariantGroup } from './sensitivity/variants.ts'
import type { Services } from './services.ts'
import { openStudy, type Study } from './study.ts'
import { removeFolder, withWorkFolder } from './work-folder.ts'

/** What is swept over a study. */
export interface SensitivityRequest {
  readonly configurations: readonly Configuration[]
  /** `float`: one layer quantized at a time (default); `quantized`: all but one */
  readonly base?: SensitivityTable['base']
  /** the paired loss where there are labels, else the KL to the float model */
  readonly metric?: MetricName
  /** true: every layer takes every sample; default false: layers whose rank is settled stop */
  readonly exact?: boolean
  /** what every plan of the grid starts from, for example repairs; its layers are left aside */
  readonly template?: QuantPlan
  /** ids; all that can be quantized when absent */
  readonly layers?: readonly string[]
  /** the study's evaluation range when absent */
  readonly range?: SampleRange
  readonly batch?: number
  readonly threads?: number
  readonly pause?: Pause
  /**
   * bytes of cached tensors all workers may keep in memory, a quarter of the machine's when absent; beyond it they are read from the
   * temporary folder. 512 MiB a worker at most.
   */
  readonly memoryBytes?: number
}

/** The exact sweep with what it took. */
export interface SensitivityResult extends SensitivityTable {
  /** evaluations (one layer and configuration on one chunk of samples) measured now */
  readonly evaluations: number
  /** evaluations found in the store */
  readonly found: number
  /** evaluations of every layer on all samples that the sweep takes; those above were not needed, ranks being settled */
  readonly possible: number
  /** samples of the range */
  readonly samples: number
  /** the damage of the whole quantized model by configuration; only with base `quantized` */
  readonly whole: readonly Omit<LayerScore, 'rank' | 'layerId'>[]
  readonly wallMs: number
  readonly time: SweepTime
}

/**
 * Bytes of cached tensors that a worker keeps at most: about what the processor's own caches hold. The files beyond are in the system's
 * page cache mostly, and copying from there into memory that is near takes a third less than into memory that is not; workers share out
 * the layers, so that few tensors are read twice by one.
 */
const WORKER_CACHE_BYTES = 2 ** 22

/** Bytes that a worker holds at most: frontiers may have several tensors a layer. */
const WORKER_HELD_BYTES = 2 ** 29

/**
 * Measures how much each layer suffers from each configuration (DESIGN section 6, exact sweep). Every evaluation is kept by content
 * the moment it is over, and found again by any later sweep of the same model, data and configuration.
 * @param folder where models and cached tensors lie meanwhile
 * @throws Fault usage.metric; as `applyPlan`; engine.*; the signal's reason
 */
export async function measureSensitivity(
  folder: string,
  study: Study,
  request: SensitivityRequest,
  given: Services,
): Promise<SensitivityResult> {
  const start = performance.now()
  const services = pausable(given, request.pause)
  const chosen = study.chosen
  if (chosen === null) throw new Error('a study without samples cannot be measured')
  const base = request.base ?? 'float'
  const groups = gridVariants({ ...request, base, layers: chosenLayers(study, request.layers) }, study.summary.layers)
  const range = request.range ?? chosen.ranges.evaluation
  const settings = { batch: request.batch ?? 1, threads: request.threads ?? 1 }
  const exact = request.exact ?? false
  const budget = request.memoryBytes ?? services.memoryBytes ?? services.environment.memoryBytes / 4
  const allowed = budget / services.pool.size
  const memory: TensorMemory = {
    readBytes: Math.min(WORKER_CACHE_BYTES, Math.floor(allowed)),
    heldBytes: Math.min(WORKER_HELD_BYTES, Math.floor(allowed)),
  }
  const time: SweepTime = { sessionMs: 0, runMs: 0 }
  const scores: Omit<LayerScore, 'rank'>[] = []
  const whole: SensitivityResult['whole'][number][] = []
  const screening = { ...settings, time }
  const own = await mkdtemp(join(folder, 'sweep-'))
  const sweeps = groups.map((group, i) => ({
    group,
    folder: join(own, String(i)),
    suffixes: new Suffixes(join(own, String(i)), study, group, { ...settings, memory }, services),
  }))
  let metric: MetricName
  let progress: SweepProgress
  try {
    const scored =
      request.metric === 'nsr' ||
      (await isClassifier(study, range, screening, services, () => prepareAll(sweeps[0]!, services)))
    metric = metricFor(request.metric, chosen.evaluation.labelled, scored)
    const { chunks, population } = await chooseChunks(
      study,
      { range, bytesPerSample: bytesPerSample(study), metric, exact, settings: screening },
      services,
    )
    const plans = groups.reduce((sum, { variants }) => sum + countPlans(variants), 0)
    const samples = chunks.map(({ positions }) => positions.length)
    progress = new SweepProgress(plans, samples, services)
    for (const { group, suffixes, folder: used } of sweeps) {
      const partial = new PartialRows(group.variants, { base, metric, population }, services)
      const tell = (change: SweepChange): void => progress.add(change)
      const common = { study, variants: group.variants, chunks, population, settings, metric, exact, tell }
      const rows = await sweepVariants({ ...common, onRows: partial.add }, suffixes, services)
      partial.tell()
      await removeFolder(used)
      time.sessionMs += suffixes.time.sessionMs
      time.runMs += suffixes.time.runMs
      for (const { layerId, ...score } of scoresOf(group, rows, metric, population)) {
        if (layerId === null) whole.push(score)
        else scores.push({ layerId, ...score })
      }
    }
  } finally {
    await removeFolder(own)
  }
  const { measured: evaluations, found, possible } = progress
  return {
    metric,
    base,
    scores: rankScores(scores, base),
    whole,
    evaluations,
    found,
    possible,
    samples: range.end - range.start,
    wallMs: performance.now() - start,
    time,
  }
}

/** Makes the suffixes that a first chunk needs: all of them. */
function prepareAll(
  { group, suffixes }: { readonly group: VariantGroup; readonly suffixes: Suffixes },
  { onProgress }: Services,
): Promise<void> {
  return suffixes.prepare(uniqueByKey(group.variants), (done, total) =>
    onProgress({ stage: 'cut', done, total, unit: 'variants' }),
  )
}

/**
 * KL to float where nothing is asked for, with labels too: a label tells of a sample only whether it is right, the distribution how far it
 * moved, so that the same samples give far narrower intervals.
 */
function metricFor(asked: MetricName | undefined, labelled: boolean, scored: boolean): MetricName {
  if ((asked === 'loss' || asked === 'top1') && !labelled)
    throw new Fault('usage.metric', `--metric ${asked} needs labels, which these data do not have: use kl or nsr.`, {
      metric: asked,
    })
  if (asked !== undefined && !scored)
    throw new Fault('usage.metric', `--metric ${asked} needs class scores, which this model does not give: use nsr.`, {
      metric: asked,
    })
  return asked ?? (scored ? 'kl' : 'nsr')
}

function chosenLayers({ summary }: Study, ids: readonly string[] | undefined): ReturnType<typeof gridLayers> {
  const layers = gridLayers(summary.layers).filter(({ id }) => ids?.includes(id) ?? true)
  if (layers.length > 0) return layers
  throw new Fault(
    'model.nothingToQuantize',
    `${summary.path} has no layer that can be quantized: nothing to compare.`,
    {
      path: summary.path,
    },
  )
}

/** Of the outputs of all layers, in float; null where a shape is not known. */
function bytesPerSample({ summary }: Study): number | null {
  let bytes = 0
  for (const { outputShape } of summary.layers) {
    if (outputShape === null) return null
    bytes += outputShape.slice(1).reduce<number>((size, dim) => size * (typeof dim === 'number' ? dim : 1), 4)
  }
  return bytes
}

function scoresOf(
  { variants }: VariantGroup,
  rows: VariantRows,
  metric: MetricName,
  population: Population,
): (Omit<LayerScore, 'rank' | 'layerId'> & { layerId: Variant['layerId'] })[] {
  const kind = scoreKindOf([...rows.values()].flat())
  return variants.map(({ layerId, config, key }) => {
    const values = valuesOf(rows.get(key)!, metric, kind)
    if (values.some((value) => Number.isNaN(value))) throw unknownMetric(metric)
    return { layerId, config, metric, ...scoreOf(values, population), samples: values.length }
  })
}

function unknownMetric(metric: MetricName): Fault {
  return new Fault(
    'usage.metric',
    `The ${metric} of some samples is not known: they have no label. Use --metric kl, or nsr.`,
    { metric },
  )
}

/** What `sensitivity` is asked for; everything in it goes into the run's parameters, from which `--resume` takes it again. */
export interface SensitivityRunRequest {
  readonly model: string
  readonly samples: SampleOptions
  /** as the user wrote them */
  readonly configs: string
  readonly base: SensitivityTable['base']
  readonly metric: MetricName | null
  readonly exact: boolean
  readonly quick: boolean
  readonly threads: number | null
  /** id of the run this one goes on with */
  readonly resumes: string | null
}

/** A sweep or a quick scan, and the study it was made on. */
export type SensitivityAnswer =
  | (Explained & { readonly kind: 'sweep'; readonly result: SensitivityResult; readonly study: Study })
  | (Explained & { readonly kind: 'quick'; readonly result: QuickScan; readonly study: Study })

interface Explained {
  /** why the three worst layers suffer */
  readonly explanations: readonly LayerExplanation[]
}

/**
 * `quantbench sensitivity`: a run of the store. A run that was cut off is continued by asking for the same again: what it has measured is found.
 * @throws Fault as `openStudy` and `measureSensitivity`; usage.configuration
 */
export async function runSensitivity(
  request: SensitivityRunRequest,
  given: Services,
  pause?: Pause,
): Promise<{ run: string; value: SensitivityAnswer }> {
  const services = pausable(given, pause)
  const configurations = parseConfigurations(request.configs)
  const { model, ...parameters } = request
  return recordRun(
    services,
    { kind: 'sensitivity', modelPath: model, parameters: parameters as unknown as Json, resumes: request.resumes },
    (run) =>
      withWorkFolder('sensitivity', async (folder) => {
        const study = await openStudy(
          folder,
          { model, samples: request.samples, needsRanges: true, identify: (known) => run.identify(known) },
          services,
        )
        const explain = (ranking: readonly RankedLayer[]): Promise<readonly LayerExplanation[]> =>
          explainWorst(study, configurations, ranking, services)
        if (request.quick) {
          const scan = await runQuickScan(folder, study, configurations, services)
          const ranking = scan.layers.map(({ id, config, rank }) => ({ layerId: id, config, rank }))
          return quickOutcome(study, scan, await explain(ranking))
        }
        const { base, exact } = request
        const options = { metric: request.metric ?? undefined, threads: request.threads ?? undefined }
        const result = await measureSensitivity(folder, study, { configurations, base, exact, ...options }, services)
        return sweepOutcome(study, result, await explain(result.scores))
      }),
  )
}

function sweepOutcome(
  study: Study,
  result: SensitivityResult,
  explanations: readonly LayerExplanation[],
): RunOutcome<SensitivityAnswer> {
  const { scores, whole, time, ...rest } = result
  const { evaluations, found, samples, wallMs } = rest
  return {
    value: { kind: 'sweep', result, study, explanations },
    metrics: { evaluations, found, samples, wallMs },
    layers: scores.map((score) =>
      layerResult(study, score.layerId, score.config, {
        [score.metric]: score.value,
        low: score.interval.low,
        high: score.interval.high,
        samples: score.samples,
        rank: score.rank,
      }),
    ),
    warnings: study.findings,
    results: {
      samples: samplesJson(study.chosen!),
      sensitivity: { ...rest, whole, time } as unknown as Json,
      explanations: explanations as unknown as Json,
    },
  }
}

function quickOutcome(
  study: Study,
  result: QuickScan,
  explanations: readonly LayerExplanation[],
): RunOutcome<SensitivityAnswer> {
  const { layers, wallMs, samples } = result
  return {
    value: { kind: 'quick', result, study, explanations },
    metrics: { samples, wallMs },
    layers: layers.map(({ id, config, ...numbers }) =>
      layerResult(study, id, config, {
        sqnrDb: numbers.sqnrDb,
        ...(numbers.weightSqnrDb === null ? {} : { weightSqnrDb: numbers.weightSqnrDb }),
        ...(numbers.clippingNsr === null ? {} : { clippingNsr: numbers.clippingNsr }),
        ...(numbers.roundingNsr === null ? {} : { roundingNsr: numbers.roundingNsr }),
        rank: numbers.rank,
      }),
    ),
    warnings: study.findings,
    results: {
      samples: samplesJson(study.chosen!),
      passes: result.passes,
      explanations: explanations as unknown as Json,
    },
  }
}

/** A row of the run's layers: one a layer and configuration. */
function layerResult(study: Study, id: string, config: string, metrics: Record<string, number>): LayerResult {
  const op = study.summary.layers.find((layer) => layer.id === id)?.op ?? ''
  const finite = Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
  return { id, op, type: config, execution: null, ms: null, metrics: finite, reason: null }
}
