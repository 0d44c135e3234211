import { z } from 'zod'
import type { CandidateView, JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { Estimate, PlanEstimate } from '../../shared/contract/api/plans.ts'
import type { RunDetail } from '../../shared/contract/runs.ts'

/** What `drop` counts: points of top-1, share of answers that differ from float's, or the noise-to-signal ratio of the outputs. */
export type DropKind = 'top1' | 'disagreement' | 'nsr'

/** What was measured of one plan, all layers together. */
export interface MeasuredFigures {
  readonly run: string
  readonly bytes: number
  /** null: the run does not say */
  readonly referenceBytes: number | null
  readonly drop: number
  readonly dropKind: DropKind
  readonly dropInterval: readonly [number, number] | null
  /** 0–1, null without labels */
  readonly top1: number | null
  readonly referenceTop1: number | null
  /** null: the run does not say of each plan */
  readonly samples: number | null
  /** null where it was not timed */
  readonly speed: {
    readonly speedup: number
    readonly interval: readonly [number, number] | null
    /** dims of the inputs as timed; null: one sample's */
    readonly shapes: Readonly<Record<string, readonly number[]>> | null
  } | null
}

/** The figures of a measurement. */
export function figuresOf(result: JobResultOf<'measurePlan'>): MeasuredFigures {
  const { run, bytes, referenceBytes, drop, dropKind, evaluation, speed } = result
  const interval = dropKind === 'top1' ? evaluation.drop : null
  return {
    run,
    bytes,
    referenceBytes,
    drop,
    dropKind,
    dropInterval: interval && [interval.low, interval.high],
    top1: evaluation.model?.top1 ?? null,
    referenceTop1: evaluation.reference?.top1 ?? null,
    samples: evaluation.samples,
    speed: speed && {
      speedup: speed.speedup,
      interval: [speed.interval.low, speed.interval.high],
      shapes: speed.shapes,
    },
  }
}

/** The figures of a plan that a search has measured. @param run of the search */
export function figuresOfCandidate(
  { bytes, top1, agreement, drop, dropInterval, speedup, speedupInterval }: CandidateView,
  run: string,
): MeasuredFigures {
  return {
    run,
    bytes,
    referenceBytes: null,
    drop,
    dropKind: top1 !== null ? 'top1' : agreement !== null ? 'disagreement' : 'nsr',
    dropInterval,
    top1,
    referenceTop1: top1 === null ? null : top1 + drop,
    samples: null,
    speed: speedup === null ? null : { speedup, interval: speedupInterval, shapes: null },
  }
}

const stored = z.object({
  evaluation: z.object({
    result: z.object({
      samples: z.number(),
      model: z.object({ top1: z.number() }).nullable(),
      reference: z.object({ top1: z.number() }).nullable(),
      agreement: z.number().nullable(),
      drop: z.object({ low: z.number(), high: z.number() }).nullable(),
    }),
  }),
  speed: z
    .object({
      interval: z.tuple([z.number(), z.number()]).nullable().default(null),
      shapes: z.record(z.string(), z.array(z.number())).nullable().default(null),
    })
    .nullable()
    .catch(null),
})

/** The figures that a stored measurement keeps; null where it is of a version that kept them otherwise. */
export function figuresOfRun({
  id,
  metrics,
  results,
}: Pick<RunDetail, 'id' | 'metrics' | 'results'>): MeasuredFigures | null {
  const parsed = stored.safeParse(results)
  const { bytes, drop, speedup, referenceBytes } = metrics
  if (!parsed.success || bytes === undefined || drop === undefined) return null
  const { samples, model, reference, agreement, drop: interval } = parsed.data.evaluation.result
  return {
    run: id,
    bytes,
    referenceBytes: referenceBytes ?? null,
    drop,
    dropKind: interval ? 'top1' : agreement === null ? 'nsr' : 'disagreement',
    dropInterval: interval && [interval.low, interval.high],
    top1: model?.top1 ?? null,
    referenceTop1: reference?.top1 ?? null,
    samples,
    speed:
      speedup === undefined
        ? null
        : { speedup, interval: parsed.data.speed?.interval ?? null, shapes: parsed.data.speed?.shapes ?? null },
  }
}

/** One number of the bottom line. */
export interface Figure {
  readonly value: number
  readonly interval: readonly [number, number] | null
  /** a sentence: what it stands on */
  readonly basis: string
}

/** Size, quality or speed of the plan: measured and estimated side by side, as far as either is known. */
export interface Answer {
  readonly name: 'size' | 'accuracy' | 'speed'
  /** of the float model, in the same unit; null where it is not known */
  readonly float: number | null
  /** null: not measured */
  readonly measured: Figure | null
  /** of this very plan, or of the one before the edits */
  readonly isMeasuredNow: boolean
  /** null where `reason` says why; not given where the plan itself was measured */
  readonly estimated: Figure | null
  readonly reason: string | null
  /** run the measured number comes from */
  readonly run: string | null
}

interface AnswerSource {
  readonly estimate: PlanEstimate | null
  /** what was estimated of this plan before it was measured: it stays beside the measurement */
  readonly guess: PlanEstimate | null
  /** of this plan; null: not measured */
  readonly measured: MeasuredFigures | null
  /** the newest of another plan: what stood here before the edits */
  readonly former: MeasuredFigures | null
}

const WAITING = 'The estimate is on its way.'

function figure(estimate: Estimate | undefined, measured: boolean): Figure | null {
  if (estimate === undefined || estimate.value === null || estimate.measured !== measured) return null
  return { value: estimate.value, interval: estimate.interval, basis: estimate.basis }
}

function reasonOf(estimate: Estimate | undefined): string | null {
  if (estimate === undefined) return WAITING
  return estimate.value === null ? estimate.reason : null
}

function answerOf(
  name: Answer['name'],
  float: number | null,
  own: Figure | null,
  former: Figure | null,
  run: string | null,
  estimate: Estimate | undefined,
  guess: Estimate | undefined,
): Answer {
  const now = own ?? figure(estimate, true)
  return {
    name,
    float,
    measured: now ?? former,
    isMeasuredNow: now !== null,
    estimated: figure(estimate, false) ?? figure(guess, false),
    reason: now === null ? reasonOf(estimate) : null,
    run,
  }
}

const measuredText = (samples: number | null): string =>
  samples === null ? 'Measured by the search.' : `Measured on ${samples} samples.`

function timedText(shapes: Readonly<Record<string, readonly number[]>> | null): string {
  const of = Object.entries(shapes ?? {}).map(([name, dims]) => `${name} ${dims.join('×')}`)
  return `Timed in turn with the float model${of.length === 0 ? '' : `, with ${of.join(', ')}`}.`
}

/** The three figures of the bottom line. Accuracy is what is lost against float, in the unit of `dropKind`. */
export function answersOf({ estimate, guess, measured, former }: AnswerSource): readonly Answer[] {
  const run = (measured ?? former)?.run ?? null
  const sizeOf = (from: MeasuredFigures | null): Figure | null =>
    from && { value: from.bytes, interval: null, basis: 'Size of the file as measured.' }
  const dropOf = (from: MeasuredFigures | null): Figure | null =>
    from && { value: from.drop, interval: from.dropInterval, basis: measuredText(from.samples) }
  const speedOf = (from: MeasuredFigures | null): Figure | null =>
    from?.speed
      ? { value: from.speed.speedup, interval: from.speed.interval, basis: timedText(from.speed.shapes) }
      : null
  const floatBytes = estimate?.floatBytes ?? (measured ?? former)?.referenceBytes ?? null
  return [
    answerOf('size', floatBytes, sizeOf(measured), sizeOf(former), run, estimate?.bytes, guess?.bytes),
    answerOf(
      'accuracy',
      (measured ?? former)?.referenceTop1 ?? estimate?.floatTop1 ?? null,
      dropOf(measured),
      dropOf(former),
      run,
      estimate?.drop,
      guess?.drop,
    ),
    answerOf('speed', 1, speedOf(measured), speedOf(former), run, estimate?.speedup, guess?.speedup),
  ]
}

/** True where an estimate holds anything that was not measured. */
export function isGuess({ bytes, drop, speedup }: PlanEstimate): boolean {
  return [bytes, drop, speedup].some((one) => one.value !== null && !one.measured)
}
