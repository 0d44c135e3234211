import os from 'node:os'
import type { JobResultOf } from '../../../shared/contract/api/job-results.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { ArtifactInfo, Json } from '../../../shared/contract/runs.ts'
import { serializePlan } from '../../quant/plan.ts'
import { evaluationMetrics } from '../evaluate-run.ts'
import { measurePlan } from '../measure-plan.ts'
import { recordRun } from '../record-run.ts'
import { samplesJson, type SampleOptions } from '../samples.ts'
import { profilePlan } from '../search/profiles.ts'
import { dropOf, shapesOf, timePlan, type PlanSpeed, type TimedInputs } from '../search/trials.ts'
import type { Services } from '../services.ts'
import { openStudy, planNeedsRanges, type Study } from '../study.ts'
import { withWorkFolder } from '../work-folder.ts'

export interface MeasureRunRequest {
  readonly model: string
  readonly plan: QuantPlan
  readonly samples: SampleOptions
  readonly time: boolean
  /** intra-op threads of the timing; all cores when null */
  readonly threads: number | null
  /** what it is timed with; one sample when absent */
  readonly inputs?: TimedInputs | null
}

type Answer = Omit<JobResultOf<'measurePlan'>, 'kind' | 'run'>

/**
 * Measures a plan: accuracy on the samples, size of the file, and, where asked, its time in turn with the float model, with the profile
 * that later estimates stand on. A run of the store; equal measurements are found again.
 * @throws Fault as `openStudy`, `measurePlan` and `timePlan`
 */
export async function runMeasurement(
  request: MeasureRunRequest,
  services: Services,
): Promise<{ run: string; value: Answer }> {
  const { model, plan, samples } = request
  const { time, threads, inputs = null } = request
  const parameters = { plan, samples, time, threads, ...inputs } as unknown as Json
  return recordRun(services, { kind: 'measurePlan', modelPath: model, parameters }, (run) =>
    withWorkFolder('measure', async (folder) => {
      const identify = (known: { modelHash?: string; dataHash?: string }): void => run.identify(known)
      const study = await openStudy(folder, { model, samples, needsRanges: planNeedsRanges(plan), identify }, services)
      const { evaluation, bytes, isNew } = await measurePlan(folder, study, { plan }, services)
      const speed = request.time ? await timed(folder, study, request, services) : null
      const { kind, value: drop } = dropOf(evaluation.result)
      const value: Answer = {
        evaluation: evaluation.result,
        drop,
        dropKind: kind,
        bytes,
        referenceBytes: study.summary.sizeBytes,
        speed: speed && { ...speed, shapes: inputs && shapesOf(study, inputs) },
        isNew,
        warnings: study.findings,
      }
      return {
        value,
        metrics: {
          ...evaluationMetrics(evaluation.result),
          drop,
          bytes,
          referenceBytes: value.referenceBytes,
          ...(speed && {
            speedup: speed.speedup,
            medianMs: speed.medianMs,
            referenceMedianMs: speed.referenceMedianMs,
          }),
        },
        layers: speed ? layerResults(study, speed) : [],
        artifacts: artifactsOf(study, plan, services),
        warnings: study.findings,
        results: {
          samples: samplesJson(study.chosen!),
          evaluation: evaluation as unknown as Json,
          ...(value.speed && {
            speed: { interval: [value.speed.interval.low, value.speed.interval.high], shapes: value.speed.shapes },
          }),
        },
      }
    }),
  )
}

/** Profiles of the float model and of the plan first: they say what each layer takes of a sample, for the estimates of other plans. */
async function timed(folder: string, study: Study, request: MeasureRunRequest, services: Services): Promise<PlanSpeed> {
  const { plan, inputs = null } = request
  const threads = request.threads ?? os.availableParallelism()
  if (inputs === null) {
    await profilePlan(folder, study, null, threads, services)
    await profilePlan(folder, study, plan, threads, services)
  }
  return timePlan(folder, study, plan, threads, services, inputs)
}

function layerResults(
  { summary }: Study,
  { layers }: PlanSpeed,
): {
  id: string
  op: string
  type: string
  execution: PlanSpeed['layers'][number]['execution']
  ms: number | null
  metrics: Record<string, number>
  reason: null
}[] {
  const ops = new Map(summary.layers.map(({ id, op }) => [id, op]))
  return layers.map(({ id, execution, ms, referenceMs }) => ({
    id,
    op: ops.get(id) ?? '',
    type: execution,
    execution,
    ms,
    metrics: metricsOf(referenceMs),
    reason: null,
  }))
}

function metricsOf(referenceMs: number | null): Record<string, number> {
  return referenceMs === null ? {} : { referenceMs }
}

function artifactsOf({ statistics }: Study, plan: QuantPlan, { store }: Services): ArtifactInfo[] {
  const kept = store.artifacts.putBytes(new TextEncoder().encode(serializePlan(plan)))
  const artifacts: ArtifactInfo[] = [{ role: 'plan', ...kept, path: null }]
  if (statistics)
    artifacts.push({ role: 'calibration', sha256: statistics.sha256, bytes: statistics.bytes, path: null })
  return artifacts
}
