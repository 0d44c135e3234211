import type { Targets, Trial } from './port.ts'

/** A target that a plan misses: which, what was asked and what is. */
export interface Miss {
  readonly target: keyof Targets
  readonly asked: number
  readonly found: number
  /** how far off, relative; larger is worse */
  readonly by: number
}

/** A drop of one point weighs as much as a file or a time twice as large as asked. */
const DROP_WEIGHT = 100

/** The targets that a measured plan misses. A speed that was asked for and not measured is judged by its estimate. */
export function missesOf({ measured, predicted, floatLayers }: Trial, targets: Targets): Miss[] {
  const misses: Miss[] = []
  const { maxDrop, maxBytes, minSpeedup, maxFloatLayers } = targets
  const add = (target: keyof Targets, asked: number, found: number, by: number): void => {
    if (by > 0) misses.push({ target, asked, found, by })
  }
  if (maxDrop !== null) add('maxDrop', maxDrop, measured.drop, (measured.drop - maxDrop) * DROP_WEIGHT)
  if (maxBytes !== null) add('maxBytes', maxBytes, measured.bytes, measured.bytes / maxBytes - 1)
  const speedup = measured.speedup ?? predicted.speedup
  if (minSpeedup !== null) add('minSpeedup', minSpeedup, speedup, minSpeedup / speedup - 1)
  if (maxFloatLayers !== null) add('maxFloatLayers', maxFloatLayers, floatLayers, floatLayers - maxFloatLayers)
  return misses
}

/**
 * Whether a budget (size, speed, number of float layers) is to be kept: then the drop is what is made small within it. A search for the
 * smallest file stays one when some layers may be float.
 */
function hasBudget({ maxBytes, minSpeedup, maxFloatLayers }: Targets, objective: Objective): boolean {
  return maxBytes !== null || minSpeedup !== null || (maxFloatLayers !== null && objective === 'ms')
}

/** What a plan costs when the drop is the limit: time, or bytes for a search for size. */
export type Objective = 'ms' | 'bytes'

/** What two plans are compared by. */
export interface Preference {
  readonly targets: Targets
  readonly objective: Objective
  /** drop of the base plan, above which no plan within a budget is worth its price */
  readonly baseDrop: number
}

/**
 * Below 0 where `a` is the better answer: the one that misses less; of two that meet the targets, the one with less damage where a
 * budget is to be kept or nothing is asked, else the cheaper one. Damage decides and not the drop: single samples that flip make the
 * drop of near plans chance, and the best of many by chance is no better; but a plan that drops more than the base comes behind it.
 */
export function compareTrials(a: Trial, b: Trial, { targets, objective, baseDrop }: Preference): number {
  const missed = totalMiss(a, targets) - totalMiss(b, targets)
  if (missed !== 0) return missed
  const isWorse = ({ measured }: Trial): number => (measured.drop > baseDrop ? 1 : 0)
  const byDamage = a.measured.damage - b.measured.damage || a.measured.drop - b.measured.drop
  if (targets.maxDrop === null || hasBudget(targets, objective)) {
    const budgeted = targets.maxBytes === null ? isWorse(a) - isWorse(b) : 0
    return budgeted || byDamage
  }
  const bySize = a.measured.bytes - b.measured.bytes
  const bySpeed = (b.measured.speedup ?? b.predicted.speedup) - (a.measured.speedup ?? a.predicted.speedup)
  return (objective === 'bytes' ? bySize || bySpeed : a.floatLayers - b.floatLayers || bySpeed) || byDamage
}

function totalMiss(trial: Trial, targets: Targets): number {
  return missesOf(trial, targets).reduce((sum, { by }) => sum + by, 0)
}

/** The trials no other of which is at least as good in drop, bytes and speed and better in one, by bytes. */
export function frontOf(trials: readonly Trial[]): Trial[] {
  const speed = ({ measured, predicted }: Trial): number => measured.speedup ?? predicted.speedup
  const dominates = (a: Trial, b: Trial): boolean => {
    const gains = [b.measured.drop - a.measured.drop, b.measured.bytes - a.measured.bytes, speed(a) - speed(b)]
    return gains.every((gain) => gain >= 0) && gains.some((gain) => gain > 0)
  }
  return trials
    .filter((trial) => !trials.some((other) => dominates(other, trial)))
    .sort((a, b) => a.measured.bytes - b.measured.bytes || a.measured.drop - b.measured.drop)
}
