import type { DataSplit, SampleRange } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import { createRandom } from './random.ts'

/** Samples calibrated on when nobody says how many. Ranges of picture models settle well before; tuned by measurement. */
export const DEFAULT_CALIBRATION_SAMPLES = 512
/** Largest part of an undivided data set that calibration takes by default; the rest is evaluated. */
export const DEFAULT_CALIBRATION_PART = 0.3

/**
 * The order in which samples are used: position → index in the data set. Ranges are cut from positions, so that a range of
 * a sorted data set still holds all classes. A Fisher-Yates shuffle with `createRandom(seed)`; the same on every machine.
 * @returns a permutation of 0 … count − 1
 */
export function shuffledOrder(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  const random = createRandom(seed)
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const moved = order[i]!
    order[i] = order[j]!
    order[j] = moved
  }
  return order
}

/**
 * Reads `A:B` (half open), `A:` or `:B`.
 * @param option name of the option, for the message
 * @throws Fault usage.range
 */
export function parseRange(text: string, option = '--range'): { readonly start: number; readonly end: number | null } {
  const match = /^\s*(\d*)\s*:\s*(\d*)\s*$/.exec(text)
  const start = match?.[1] ? Number(match[1]) : 0
  const end = match?.[2] ? Number(match[2]) : null
  if (
    !match ||
    (match[1] === '' && match[2] === '') ||
    !Number.isSafeInteger(start) ||
    (end !== null && !Number.isSafeInteger(end))
  ) {
    throw new Fault('usage.range', `${option} "${text}" is not A:B with whole numbers, for example 0:500.`, { text })
  }
  if (end !== null && end <= start) {
    throw new Fault('usage.range', `${option} "${text}" is empty: the end must be above the start.`, { text })
  }
  return { start, end }
}

/** A range as the user gave it; `end` null means up to the last sample. */
export type AskedRange = { readonly start: number; readonly end: number | null }

/** What the choice of ranges needs to know of a split. */
export interface SplitSize {
  readonly split: DataSplit
  readonly count: number
  /** content hash: equal hashes mean the same samples, whatever the paths or split names */
  readonly hash: string
}

export interface RangeRequest {
  readonly evaluation: SplitSize
  /** null when nothing is calibrated (evaluation only, dynamic, weight-only) */
  readonly calibration: SplitSize | null
  readonly range?: AskedRange
  readonly calibrationRange?: AskedRange
  /** at most so many samples are evaluated */
  readonly samples?: number
  /** at most so many samples are calibrated on; default 512 */
  readonly calibrationSamples?: number
  readonly allowOverlap?: boolean
}

export interface ChosenRanges {
  readonly evaluation: SampleRange
  readonly calibration: SampleRange | null
  /** positions that both ranges share; above 0 only with `allowOverlap` */
  readonly overlap: number
  /** sentences: which ranges, and why where nobody said */
  readonly why: readonly string[]
}

/**
 * Settles which positions are calibrated on and which are evaluated. Where the two splits differ, calibration takes the first
 * 512 of its split and evaluation all of its own. Where both read the same samples, calibration takes the first 30 % (at most
 * 512) and evaluation the rest; when one range is given the other is cut from the largest part left free.
 * @throws Fault usage.overlap when the ranges share samples and `allowOverlap` is not set; usage.range when a range reaches
 *   beyond the data or no sample is left; usage.samples for a count below 1
 */
export function chooseRanges(request: RangeRequest): ChosenRanges {
  const { evaluation, calibration, samples } = request
  checkCount('--samples', samples)
  checkCount('the number of calibration samples', request.calibrationSamples)
  const asked = request.range ? within(request.range, evaluation, '--range') : null
  if (!calibration) {
    const range = cut(asked ?? { start: 0, end: evaluation.count }, samples)
    return {
      evaluation: range,
      calibration: null,
      overlap: 0,
      why: [say('Evaluating', range, evaluation, asked !== null)],
    }
  }
  const askedCalibration = request.calibrationRange
    ? within(request.calibrationRange, calibration, '--calibration-range')
    : null
  const same = calibration.hash === evaluation.hash
  const pair =
    same && !request.allowOverlap
      ? disjoint(request, asked, askedCalibration)
      : apart(request, asked, askedCalibration, same)
  const ranges = { evaluation: cut(pair.evaluation, samples), calibration: pair.calibration }
  const overlap = same ? overlapOf(ranges.evaluation, ranges.calibration) : 0
  if (overlap > 0 && !request.allowOverlap) throw overlapFault(ranges.evaluation, ranges.calibration, overlap)
  const why = [
    say('Calibrating on', ranges.calibration, calibration, askedCalibration !== null),
    say('evaluating', ranges.evaluation, evaluation, asked !== null),
  ]
  if (overlap > 0)
    why.push(`${overlap} samples are both calibrated on and evaluated (--allow-overlap): the figures flatter.`)
  return { ...ranges, overlap, why }
}

/** Number of positions two ranges share. */
export function overlapOf(a: SampleRange, b: SampleRange): number {
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start))
}

/** The split to evaluate when nobody says: `test`, or the only one there is. */
export function defaultSplit(splits: readonly DataSplit[]): DataSplit {
  return splits.includes('test') ? 'test' : 'train'
}

/** The split to calibrate on when nobody says: `train` where it exists, else the one that is evaluated. */
export function defaultCalibrationSplit(splits: readonly DataSplit[]): DataSplit {
  return splits.includes('train') ? 'train' : defaultSplit(splits)
}

type Pair = { readonly evaluation: SampleRange; readonly calibration: SampleRange }

function disjoint(request: RangeRequest, asked: SampleRange | null, askedCalibration: SampleRange | null): Pair {
  const { count } = request.evaluation
  if (asked && askedCalibration) return { evaluation: asked, calibration: askedCalibration }
  if (askedCalibration)
    return { evaluation: largestGap(askedCalibration, count, 'evaluate'), calibration: askedCalibration }
  const wanted = request.calibrationSamples ?? DEFAULT_CALIBRATION_SAMPLES
  if (asked) {
    // evaluation takes only the first `samples` of its range; what it leaves is free for calibration
    const kept = cut(asked, request.samples)
    return { evaluation: asked, calibration: cut(largestGap(kept, count, 'calibrate on'), wanted) }
  }
  const part = request.calibrationSamples ?? Math.min(wanted, Math.max(1, Math.floor(count * DEFAULT_CALIBRATION_PART)))
  const calibration = { start: 0, end: Math.min(part, count) }
  return { calibration, evaluation: largestGap(calibration, count, 'evaluate') }
}

function apart(
  request: RangeRequest,
  asked: SampleRange | null,
  askedCalibration: SampleRange | null,
  same: boolean,
): Pair {
  const { evaluation, calibration } = request
  const wanted = request.calibrationSamples ?? DEFAULT_CALIBRATION_SAMPLES
  // with overlap allowed nothing forces it: where nobody asked and the data suffice, the ranges stay apart
  if (same && evaluation.count > 1 && !(asked && askedCalibration)) {
    const covered = asked ?? askedCalibration
    if (!covered || overlapOf(covered, { start: 0, end: evaluation.count }) < evaluation.count) {
      return disjoint(request, asked, askedCalibration)
    }
  }
  return {
    evaluation: asked ?? { start: 0, end: evaluation.count },
    calibration: askedCalibration ?? cut({ start: 0, end: calibration!.count }, wanted),
  }
}

function largestGap(taken: SampleRange, count: number, purpose: string): SampleRange {
  const before = { start: 0, end: taken.start }
  const after = { start: taken.end, end: count }
  const gap = after.end - after.start >= before.end - before.start ? after : before
  if (gap.end <= gap.start) {
    const sentence = `The range ${taken.start}:${taken.end} covers all ${count} samples: none is left to ${purpose}.`
    throw new Fault('usage.overlap', `${sentence} Name ranges that do not overlap, or give --allow-overlap.`, { count })
  }
  return gap
}

function within(range: AskedRange, { count, split }: SplitSize, option: string): SampleRange {
  const end = range.end ?? count
  if (range.start >= count || end > count || end <= range.start) {
    const text = `${range.start}:${range.end ?? ''}`
    throw new Fault(
      'usage.range',
      `${option} ${text} does not fit: the ${split} split has ${count} samples (0:${count}).`,
      { count },
    )
  }
  return { start: range.start, end }
}

function cut(range: SampleRange, samples: number | undefined): SampleRange {
  return samples === undefined ? range : { start: range.start, end: Math.min(range.end, range.start + samples) }
}

function checkCount(name: string, value: number | undefined): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
    throw new Fault('usage.samples', `${name} must be a whole number above 0, not ${value}.`)
  }
}

function overlapFault(evaluation: SampleRange, calibration: SampleRange, overlap: number): Fault {
  const sentence =
    `Calibration (${calibration.start}:${calibration.end}) and evaluation (${evaluation.start}:${evaluation.end}) ` +
    `share ${overlap} samples of the same data, so the accuracy would flatter.`
  return new Fault('usage.overlap', `${sentence} Choose other ranges, or give --allow-overlap.`, { overlap })
}

function say(verb: string, range: SampleRange, { split, count }: SplitSize, asked: boolean): string {
  return `${verb} ${split} ${range.start}:${range.end} of ${count}${asked ? '' : ' (default)'}`
}
