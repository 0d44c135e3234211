import { z } from 'zod'
import type { IntervalView, JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { RunDetail } from '../../shared/contract/runs.ts'
import { noCurve, noCurves, type Curves } from './curves.ts'

/** What came of a training, whether it has just ended or is a former run. */
export interface Outcome {
  readonly run: string
  /** the trained model; null where the file was not kept */
  readonly output: string | null
  readonly bytes: number | null
  /** of the written file in ONNX Runtime; null where nothing was measured */
  readonly top1: number | null
  readonly loss: number | null
  readonly split: string
  readonly samples: number
  readonly epochs: number
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
  /** what training for integers is held against; null for a float training */
  readonly qat: QatOutcome | null
}

/** What only training for integers says. */
interface QatOutcome {
  readonly floatTop1: number | null
  readonly floatBytes: number | null
  /** 95 %, of top-1 against float */
  readonly drop: IntervalView | null
  /** by its own evaluation on TensorFlow */
  readonly ownTop1: number | null
  readonly learningRateWhy: string
  readonly warnings: readonly string[]
}

/** A training that has just ended. */
export function outcomeOfResult(result: JobResultOf<'train'> | JobResultOf<'qat'>): Outcome {
  const { run, output, bytes, test, history, bestEpoch, stoppedEarly } = result
  const { top1, loss, split, samples } = test
  const common = { run, output, bytes, top1, loss, split, samples, epochs: history.length, bestEpoch, stoppedEarly }
  if (result.kind === 'train') return { ...common, qat: null }
  const { float, referenceBytes, own, learningRateWhy, warnings } = result
  return {
    ...common,
    qat: {
      floatTop1: float.top1,
      floatBytes: referenceBytes,
      drop: result.test.drop,
      ownTop1: own.top1,
      learningRateWhy,
      warnings,
    },
  }
}

const rate = z.number().nullable()
const epoch = z.object({
  epoch: z.number(),
  learningRate: z.number(),
  loss: z.number(),
  accuracy: z.number(),
  validationLoss: rate,
  validationAccuracy: rate,
  samplesPerSecond: z.number(),
})
const stored = z.object({
  history: z.array(epoch),
  /** absent in runs of older versions */
  steps: z.array(z.object({ at: z.number(), loss: z.number() })).default([]),
  test: z
    .object({
      split: z.string(),
      evaluation: z.object({
        result: z.object({
          samples: z.number(),
          drop: z.object({ value: z.number(), low: z.number(), high: z.number() }).nullable().default(null),
        }),
      }),
    })
    .nullable()
    .default(null),
})

/** The curves that a run keeps; none where it is no training, or did not come to its end. */
export function curvesOfRun({ kind, results }: Pick<RunDetail, 'kind' | 'results'>): Curves {
  const found = stored.safeParse(results)
  if (!found.success || (kind !== 'train' && kind !== 'qat')) return noCurves
  const { history: epochs, steps } = found.data
  return kind === 'qat' ? { float: noCurve, qat: { epochs, steps } } : { float: { epochs, steps }, qat: noCurve }
}

/** A former training; null where the run is none that came to its end. */
export function outcomeOfRun(run: RunDetail): Outcome | null {
  const found = stored.safeParse(run.results)
  if (!found.success) return null
  const { history, test } = found.data
  const { metrics, artifacts } = run
  const bestEpoch = metrics['bestEpoch'] ?? history.length
  return {
    run: run.id,
    output: artifacts.find(({ role }) => role === 'model' || role === 'output')?.path ?? null,
    bytes: metrics['bytes'] ?? null,
    top1: metrics['top1'] ?? null,
    loss: metrics['loss'] ?? null,
    split: test?.split ?? '',
    samples: test?.evaluation.result.samples ?? 0,
    epochs: history.length,
    bestEpoch,
    // a training that was not stopped ends with all epochs that were asked for: the run keeps its options
    stoppedEarly: history.length < epochsAsked(run.results),
    qat: run.kind === 'qat' ? qatOfRun(run, test?.evaluation.result.drop ?? null) : null,
  }
}

function epochsAsked(results: RunDetail['results']): number {
  const found = z.object({ options: z.object({ epochs: z.number() }) }).safeParse(results)
  return found.success ? found.data.options.epochs : 0
}

function qatOfRun({ metrics, results, warnings }: RunDetail, drop: IntervalView | null): QatOutcome {
  const found = z.object({ learningRateWhy: z.string() }).safeParse(results)
  return {
    floatTop1: metrics['referenceTop1'] ?? null,
    floatBytes: metrics['referenceBytes'] ?? null,
    drop,
    ownTop1: metrics['ownTop1'] ?? null,
    learningRateWhy: found.success ? found.data.learningRateWhy : '',
    warnings,
  }
}
