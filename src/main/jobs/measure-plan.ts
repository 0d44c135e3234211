import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { SampleRange } from '../../shared/contract/data.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'
import type { Evaluation } from './evaluate.ts'
import { measureOnce } from './evaluate-run.ts'
import type { Services } from './services.ts'
import { applyPlan, type Study } from './study.ts'
import { removeFolder } from './work-folder.ts'

export interface PlanTrial {
  readonly plan: QuantPlan
  /** positions of the order that the study's seed gives; its evaluation range when absent */
  readonly range?: SampleRange
  /** samples in a batch, 1 by default; part of the measurement */
  readonly batch?: number
  readonly threads?: number
}

/** A plan as it was measured, all layers together. */
export interface PlanMeasurement {
  readonly evaluation: Evaluation
  /** of the file as stored */
  readonly bytes: number
  /** false where the kept result of an equal trial is given back */
  readonly isNew: boolean
}

/**
 * Measures what a plan makes of a study against the float model, in ONNX Runtime, or gives back what an equal trial measured before
 * without even writing the file: the key holds everything the exported file depends on (prepared model, statistics, plan).
 * @param folder where the file lies meanwhile
 * @throws Fault as `applyPlan` and `evaluateModel`
 */
export async function measurePlan(
  folder: string,
  study: Study,
  trial: PlanTrial,
  services: Services,
): Promise<PlanMeasurement> {
  const { store, now } = services
  const content = trialContent(study, trial, services)
  const kept = store.measurements.find(content)
  if (kept !== null) return { ...(kept as unknown as Pick<PlanMeasurement, 'evaluation' | 'bytes'>), isNew: false }
  const own = await mkdtemp(join(folder, 'trial-'))
  try {
    const output = join(own, 'model.onnx')
    const { sizeBytes } = await applyPlan(study, trial.plan, output, services)
    const evaluation = await evaluateTrial(output, study, trial, services)
    store.measurements.keep(content, { evaluation: evaluation as unknown as Json, bytes: sizeBytes }, now())
    return { evaluation, bytes: sizeBytes, isNew: true }
  } finally {
    await removeFolder(own)
  }
}

/** Whether an equal trial is kept, so that `measurePlan` gives it back at once. */
export function isMeasured(study: Study, trial: PlanTrial, services: Services): boolean {
  return services.store.measurements.find(trialContent(study, trial, services)) !== null
}

async function evaluateTrial(
  model: string,
  study: Study,
  { range, batch, threads }: PlanTrial,
  services: Services,
): Promise<Evaluation> {
  const chosen = study.chosen!
  const described = await services.pool.run<{ path: string }, { hash: string }>(
    'describeModel',
    { path: model },
    { signal: services.signal, retry: true },
  )
  return measureOnce(
    {
      model,
      reference: study.preparedPath,
      data: chosen.spec,
      split: chosen.evaluation.split,
      dataHash: chosen.evaluation.hash,
      range: range ?? chosen.ranges.evaluation,
      seed: chosen.seed,
      preprocess: chosen.preprocess,
      batch,
      threads,
    },
    { model: described.hash, reference: study.preparedHash },
    chosen,
    services,
  )
}

function trialContent(
  study: Study,
  trial: PlanTrial,
  { environment }: Services,
): { kind: string; model: string } & Record<string, Json> {
  const chosen = study.chosen
  if (chosen === null) throw new Error('a study without samples cannot be measured')
  const range = trial.range ?? chosen.ranges.evaluation
  return {
    kind: 'plan',
    model: study.summary.hash,
    prepared: study.preparedHash,
    statistics: study.statistics?.sha256 ?? null,
    plan: trial.plan,
    data: chosen.evaluation.hash,
    range: [range.start, range.end],
    seed: chosen.seed,
    preprocess: chosen.preprocess,
    batch: trial.batch ?? 1,
    threads: trial.threads ?? 1,
    runtime: environment.versions['onnxruntime'] ?? '',
    isa: environment.isa,
    product: environment.versions['quantbench'] ?? '',
  }
}
