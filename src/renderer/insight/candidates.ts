import type { CandidateView } from '../../shared/contract/api/job-results.ts'
import { shortNumber } from '../components/charts/numbers.ts'
import type { ChartAxis } from '../components/charts/parts.ts'
import type { ScatterLimit, ScatterPlace, ScatterPoint } from '../components/charts/scatter.ts'
import type { Goal } from './goal.ts'

/** What plans can be judged by. */
export type Criterion = 'drop' | 'bytes' | 'speedup'
/** What a drop is a drop of. */
export type DropKind = 'top1' | 'disagreement' | 'nsr'

const MB = 1e6

/** What the drop of a plan is, by what is known of it. */
export function dropKindOf({ top1, agreement }: Pick<CandidateView, 'top1' | 'agreement'>): DropKind {
  return top1 !== null ? 'top1' : agreement !== null ? 'disagreement' : 'nsr'
}

/** A drop in words: `top-1 loss`. */
export function dropName(kind: DropKind): string {
  return { top1: 'top-1 loss', disagreement: 'answers unlike float', nsr: 'noise to signal' }[kind]
}

/** Drops of rates are told in percentage points. */
function dropValue(drop: number, kind: DropKind): number {
  return kind === 'nsr' ? drop : 100 * drop
}

/** A drop as it is written: `0.4 points`; nothing predicted is a dash. */
export function dropText(drop: number | null, kind: DropKind): string {
  if (drop === null) return '–'
  return kind === 'nsr' ? shortNumber(drop, 3) : `${shortNumber(Number((100 * drop).toFixed(3)), 3)} points`
}

/** The axis of a criterion. */
export function axisOfCriterion(criterion: Criterion, kind: DropKind): ChartAxis {
  switch (criterion) {
    case 'drop':
      return { label: dropName(kind), ...(kind === 'nsr' ? {} : { unit: 'points' }), better: 'less' }
    case 'bytes':
      return { label: 'size', unit: 'MB', better: 'less' }
    case 'speedup':
      return { label: 'speed against float', unit: '×', better: 'more' }
  }
}

interface Measure {
  readonly value: number
  readonly interval: readonly [number, number] | null
}

function measured(candidate: CandidateView, criterion: Criterion, kind: DropKind): Measure | null {
  switch (criterion) {
    case 'drop': {
      const { drop, dropInterval } = candidate
      const interval = dropInterval && ([dropValue(dropInterval[0], kind), dropValue(dropInterval[1], kind)] as const)
      return { value: dropValue(drop, kind), interval }
    }
    case 'bytes':
      return { value: candidate.bytes / MB, interval: null }
    case 'speedup':
      return candidate.speedup === null ? null : { value: candidate.speedup, interval: candidate.speedupInterval }
  }
}

function predicted({ predicted: own }: CandidateView, criterion: Criterion, kind: DropKind): number | null {
  switch (criterion) {
    case 'drop':
      return own.drop === null ? null : dropValue(own.drop, kind)
    case 'bytes':
      return own.bytes / MB
    case 'speedup':
      return own.speedup
  }
}

/** A plan by the layers it leaves in float: `all quantized`, `2 float`. */
export function candidateText({ floatLayers }: Pick<CandidateView, 'floatLayers'>): string {
  return floatLayers.length === 0 ? 'all quantized' : `${floatLayers.length} float`
}

/** The plans as points, predicted and measured; a plan that is known in neither way on these axes is left out. */
export function pointsOf(
  candidates: readonly CandidateView[],
  x: Criterion,
  y: Criterion,
  kind: DropKind,
  best: string | null,
): ScatterPoint[] {
  return candidates.flatMap((candidate) => {
    const solid = placeOf(measured(candidate, x, kind), measured(candidate, y, kind))
    const [px, py] = [predicted(candidate, x, kind), predicted(candidate, y, kind)]
    const hollow = px === null || py === null ? null : { x: px, y: py }
    if (solid === null && hollow === null) return []
    const isBest = candidate.key === best
    return [
      {
        id: candidate.key,
        label: isBest ? `best: ${candidateText(candidate)}` : candidateText(candidate),
        measured: solid,
        predicted: hollow,
        ...(isBest ? { colour: 'var(--good)' } : {}),
      },
    ]
  })
}

function placeOf(x: Measure | null, y: Measure | null): ScatterPlace | null {
  if (x === null || y === null) return null
  return { x: x.value, y: y.value, xInterval: x.interval, yInterval: y.interval }
}

/** The goal's limits as lines across the plot. */
export function limitsOf(goal: Goal, x: Criterion, y: Criterion, floatBytes: number | null): ScatterLimit[] {
  const values: Readonly<Record<Criterion, number | null>> = {
    drop: goal.maxLoss,
    bytes:
      goal.maxSize === null
        ? null
        : goal.maxSize.unit === 'MB'
          ? goal.maxSize.value
          : floatBytes === null
            ? null
            : (goal.maxSize.value / 100) * (floatBytes / MB),
    speedup: goal.minSpeedup,
  }
  const words: Readonly<Record<Criterion, string>> = {
    drop: 'most loss asked for',
    bytes: 'most size asked for',
    speedup: 'least speed asked for',
  }
  return (
    [
      ['x', x],
      ['y', y],
    ] as const
  ).flatMap(([axis, criterion]) => {
    const value = values[criterion]
    return value === null ? [] : [{ axis, value, label: words[criterion] }]
  })
}

/** What is known with a plan that has come: one of the same key takes the place of the earlier one. */
export function mergeCandidate(known: readonly CandidateView[], next: CandidateView): CandidateView[] {
  const at = known.findIndex(({ key }) => key === next.key)
  return at < 0 ? [...known, next] : known.with(at, next)
}
