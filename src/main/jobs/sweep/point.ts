import type { EvaluationResult } from '../../quant/accumulator.ts'
import { wilsonInterval, type Interval } from '../../quant/intervals.ts'
import type { BitsCurve } from '../../search/bits.ts'
import { worstSqnrDb } from '../evaluate-run.ts'

/** One measured point of a sweep; rates in 0–1. What the data or the model do not tell is null. */
export interface SweepPoint {
  readonly what: BitsCurve
  readonly bits: number
  readonly top1: number | null
  readonly loss: number | null
  /** share of samples whose best class is the float model's */
  readonly agreement: number | null
  /** over all outputs the lowest */
  readonly sqnrDb: number | null
  /** float top-1 minus this */
  readonly drop: number | null
  /** 95 %: of `drop`, paired over the samples, where there are labels; else of `agreement` */
  readonly interval: Pick<Interval, 'low' | 'high'> | null
  /** of the file as stored */
  readonly bytes: number
}

/** The float model on the same samples. */
export interface SweepReference {
  readonly top1: number | null
  readonly loss: number | null
  readonly bytes: number
}

/** A point from its evaluation against the float model. */
export function pointOf(what: BitsCurve, bits: number, result: EvaluationResult, bytes: number): SweepPoint {
  const { model, agreement, drop } = result
  return {
    what,
    bits,
    top1: model?.top1 ?? null,
    loss: model && Number.isFinite(model.loss) ? model.loss : null,
    agreement,
    sqnrDb: finiteSqnr(result),
    drop: drop?.value ?? null,
    interval: intervalOf(result),
    bytes,
  }
}

function intervalOf({ drop, agreement, samples }: EvaluationResult): SweepPoint['interval'] {
  if (drop !== null) return { low: drop.low, high: drop.high }
  if (agreement === null) return null
  const { low, high } = wilsonInterval(Math.round(agreement * samples), samples)
  return { low, high }
}

/** Outputs of one bit may be NaN throughout, and JSON has no infinities. */
function finiteSqnr(result: EvaluationResult): number | null {
  const value = worstSqnrDb(result)
  return value === null || !Number.isFinite(value) ? null : value
}

/** A point with the fields scripts rely on; those that are not known are left out. */
export function pointJson(point: SweepPoint): { [key: string]: string | number | readonly number[] } {
  const { what, bits, top1, loss, agreement, sqnrDb, drop, interval, bytes } = point
  return {
    what,
    bits,
    ...(top1 === null ? {} : { top1 }),
    ...(loss === null ? {} : { loss }),
    ...(agreement === null ? {} : { agreement }),
    ...(sqnrDb === null ? {} : { sqnr: sqnrDb }),
    ...(drop === null ? {} : { drop }),
    ...(interval === null ? {} : { interval: [interval.low, interval.high] }),
    bytes,
  }
}

const COLUMNS = ['what', 'bits', 'top1', 'loss', 'agreement', 'sqnrDb', 'drop', 'low', 'high', 'bytes'] as const

/** The points as CSV (RFC 4180, LF), the float model as the first row with 32 bits; rates in 0–1, empty where nothing is known. */
export function pointsCsv(points: readonly SweepPoint[], { top1, loss, bytes }: SweepReference): string {
  const float = ['float', 32, top1, loss, null, null, null, null, null, bytes]
  const rows = points.map((point) => [
    point.what,
    point.bits,
    point.top1,
    point.loss,
    point.agreement,
    point.sqnrDb,
    point.drop,
    point.interval?.low ?? null,
    point.interval?.high ?? null,
    point.bytes,
  ])
  return [COLUMNS, float, ...rows].map((row) => `${row.map((cell) => cell ?? '').join(',')}\n`).join('')
}
