import type { BenchView, JobResultOf, SensitivityRow } from '../../../shared/contract/api/job-results.ts'
import type { BenchResult } from '../bench.ts'
import type { LayerScore } from '../../search/scores.ts'
import { missText, type SearchAnswer } from '../search-run.ts'
import { candidateView } from '../search/candidate-view.ts'
import type { SensitivityResult } from '../sensitivity-run.ts'
import type { QatAnswer } from '../qat-run.ts'
import type { QuickScan } from '../sensitivity/quick.ts'
import type { Study } from '../study.ts'
import type { TrainAnswer } from '../train-run.ts'

/** What jobs answer, as the window shows it. */

type Bounds = readonly [number, number] | null

function boundsOf(interval: { readonly low: number; readonly high: number } | null): Bounds {
  if (interval === null || !Number.isFinite(interval.low) || !Number.isFinite(interval.high)) return null
  return [interval.low, interval.high]
}

/** A bench's figures without what only the command line prints. */
export function benchView(result: BenchResult): BenchView {
  const { medianMs, referenceMedianMs, speedup, interval, batch, threads, runs, warnings } = result
  return {
    medianMs,
    referenceMedianMs,
    speedup,
    interval: interval && { low: interval.low, high: Math.min(interval.high, Number.MAX_VALUE) },
    batch,
    threads,
    runs,
    warnings,
    layers: result.layers.map(({ id, op, ms, execution, referenceMs, reason }) => ({
      id,
      op,
      ms,
      execution,
      referenceMs,
      reason,
    })),
    other: result.other.map(({ kernel, count, ms }) => ({ kernel, count, ms })),
  }
}

/** One cell of the exact sweep; `rank` null while it may still change. */
export function sensitivityRow(score: Omit<LayerScore, 'rank'> & { readonly rank: number | null }): SensitivityRow {
  const { layerId, config, metric, value, interval, samples, rank } = score
  return { layer: layerId, config, metric, value, interval: boundsOf(interval), samples, rank }
}

/** The exact sweep. */
export function sensitivityResult(run: string, result: SensitivityResult, study: Study): JobResultOf<'sensitivity'> {
  const { base, scores, whole, evaluations, found, samples, wallMs } = result
  return {
    kind: 'sensitivity',
    run,
    base,
    rows: scores.map(sensitivityRow),
    whole: whole.map(({ config, value }) => ({ config, value })),
    evaluations,
    found,
    samples,
    wallMs,
    warnings: study.findings,
  }
}

/** The quick scan. */
export function quickResult(
  run: string,
  { layers, samples, wallMs }: QuickScan,
  study: Study,
): JobResultOf<'quickScan'> {
  return {
    kind: 'quickScan',
    run,
    rows: layers.map(({ id, config, rank, sqnrDb, weightSqnrDb, clippingNsr, roundingNsr }) => ({
      layer: id,
      config,
      metric: 'sqnrDb' as const,
      value: sqnrDb,
      interval: null,
      samples,
      rank,
      weightSqnrDb,
      clippingNsr,
      roundingNsr,
    })),
    samples,
    wallMs,
    warnings: study.findings,
  }
}

/** A search. */
export function searchResult(run: string, answer: SearchAnswer): JobResultOf<'search'> {
  const { output, strategy, dropKind, trials, measuredNow, referenceBytes, wallMs, warnings } = answer
  return {
    kind: 'search',
    run,
    output,
    strategy,
    dropKind,
    best: candidateView(answer.best),
    base: candidateView(answer.base),
    front: answer.front.map(candidateView),
    misses: answer.misses.map(missText),
    trials,
    measuredNow,
    referenceBytes,
    wallMs,
    warnings,
  }
}

/** A training in float. */
export function trainResult(run: string, answer: TrainAnswer): JobResultOf<'train'> {
  return { kind: 'train', run, ...trainedOf(answer), test: testOf(answer.test) }
}

/** A training for integers. */
export function qatResult(run: string, answer: QatAnswer): JobResultOf<'qat'> {
  const { referenceBytes, plan, learningRateWhy, floatRun, float, own, gap, layers, warnings, test } = answer
  return {
    kind: 'qat',
    run,
    ...trainedOf(answer),
    referenceBytes,
    plan,
    learningRateWhy,
    floatRun,
    float,
    own,
    gap,
    layers,
    warnings,
    test: { ...testOf(test), drop: test.evaluation.result.drop },
  }
}

function trainedOf(answer: TrainAnswer | QatAnswer): Omit<JobResultOf<'train'>, 'kind' | 'run' | 'test'> {
  const { output, bytes, parameters, engine, options, history, bestEpoch, stoppedEarly, samples } = answer
  return { output, bytes, parameters, engine, options, history, bestEpoch, stoppedEarly, samples }
}

function testOf({ split, evaluation: { result } }: TrainAnswer['test']): JobResultOf<'train'>['test'] {
  return { split, samples: result.samples, top1: result.model?.top1 ?? null, loss: result.model?.loss ?? null }
}
