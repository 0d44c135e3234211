import type { CandidateView } from '../../shared/contract/api/job-results.ts'
import type { WeightScheme } from '../../shared/contract/plan.ts'
import { shortNumber } from '../components/charts/numbers.ts'
import type { ChartAxis } from '../components/charts/parts.ts'
import type { ScatterLimit, ScatterPlace, ScatterPoint } from '../components/charts/scatter.ts'
import type { Goal } from './goal.ts'

/** What plans can be judged by. */
export type Criterion = 'drop' | 'bytes' | 'speedup'
/** What a drop is a drop of. */
export type DropKind = 'top1' | 'disagreement' | 'nsr'

/** Bytes of the unit that sizes are drawn in. */
export interface SizeUnit {
  readonly bytes: number
  readonly name: 'kB' | 'MB'
}

/** The unit that suits the sizes of plans: that of the largest. */
export function sizeUnitOf(candidates: readonly Pick<CandidateView, 'bytes'>[]): SizeUnit {
  const most = candidates.reduce((largest, { bytes }) => Math.max(largest, bytes), 0)
  return most > 0 && most < 1e6 ? { bytes: 1e3, name: 'kB' } : { bytes: 1e6, name: 'MB' }
}

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
  if (kind === 'nsr') return shortNumber(drop, 3)
  const text = shortNumber(Number((100 * drop).toFixed(3)), 3)
  return `${text} ${text === '1' ? 'point' : 'points'}`
}

/** The axis of a criterion. */
export function axisOfCriterion(criterion: Criterion, kind: DropKind, unit: SizeUnit): ChartAxis {
  switch (criterion) {
    case 'drop':
      return { label: dropName(kind), ...(kind === 'nsr' ? {} : { unit: 'points' }), better: 'less' }
    case 'bytes':
      return { label: 'size', unit: unit.name, better: 'less' }
    case 'speedup':
      return { label: 'speed against float', unit: '×', better: 'more' }
  }
}

interface Measure {
  readonly value: number
  readonly interval: readonly [number, number] | null
}

function measured(candidate: CandidateView, criterion: Criterion, kind: DropKind, unit: SizeUnit): Measure | null {
  switch (criterion) {
    case 'drop': {
      const { drop, dropInterval } = candidate
      const interval = dropInterval && ([dropValue(dropInterval[0], kind), dropValue(dropInterval[1], kind)] as const)
      return { value: dropValue(drop, kind), interval }
    }
    case 'bytes':
      return { value: candidate.bytes / unit.bytes, interval: null }
    case 'speedup':
      return candidate.speedup === null ? null : { value: candidate.speedup, interval: candidate.speedupInterval }
  }
}

function predicted(
  { predicted: own }: CandidateView,
  criterion: Criterion,
  kind: DropKind,
  unit: SizeUnit,
): number | null {
  switch (criterion) {
    case 'drop':
      return own.drop === null ? null : dropValue(own.drop, kind)
    case 'bytes':
      return own.bytes / unit.bytes
    case 'speedup':
      return own.speedup
  }
}

/** A plan by what it does not hold in its usual precision: `all at 8 bits`, `2 float, 12 int4`. */
export function candidateText({ floatLayers, plan }: Pick<CandidateView, 'floatLayers' | 'plan'>): string {
  const usual = plan.defaults.weights
  const counts = new Map<string, number>()
  if (floatLayers.length > 0) counts.set('float', floatLayers.length)
  for (const override of Object.values(plan.layers)) {
    if (override === 'float' || override.weights === undefined) continue
    const name = weightsText({ ...usual, ...override.weights })
    if (name !== weightsText(usual)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  if (counts.size === 0) return `all at ${weightsText(usual)}`
  return [...counts].map(([name, count]) => `${count} ${/^\d/.test(name) ? `at ${name}` : name}`).join(', ')
}

function weightsText({ bits, storage }: Pick<WeightScheme, 'bits' | 'storage'>): string {
  return storage === 'int4' || storage === 'uint4' ? storage : `${bits} bits`
}

/** The plans as points, predicted and measured; a plan that is known in neither way on these axes is left out. */
export function pointsOf(
  candidates: readonly CandidateView[],
  {
    x,
    y,
    kind,
    best,
  }: { readonly x: Criterion; readonly y: Criterion; readonly kind: DropKind; readonly best: string | null },
): ScatterPoint[] {
  const unit = sizeUnitOf(candidates)
  return candidates.flatMap((candidate) => {
    const solid = placeOf(measured(candidate, x, kind, unit), measured(candidate, y, kind, unit))
    const [px, py] = [predicted(candidate, x, kind, unit), predicted(candidate, y, kind, unit)]
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

/** The goal's limits as lines across the plot. @param floatBytes of the source file, what a share of the size is a share of */
export function limitsOf(
  goal: Goal,
  [x, y]: readonly [Criterion, Criterion],
  unit: SizeUnit,
  floatBytes: number | null,
): ScatterLimit[] {
  const bytes = sizeLimit(goal, floatBytes)
  const limits: Readonly<Record<Criterion, { readonly value: number | null; readonly label: string }>> = {
    drop: { value: goal.maxLoss, label: 'most loss asked for' },
    bytes: { value: bytes === null ? null : bytes / unit.bytes, label: 'most size asked for' },
    speedup: { value: goal.minSpeedup, label: 'least speed asked for' },
  }
  const line = (axis: 'x' | 'y', { value, label }: (typeof limits)[Criterion]): ScatterLimit[] =>
    value === null ? [] : [{ axis, value, label }]
  return [...line('x', limits[x]), ...line('y', limits[y])]
}

function sizeLimit({ maxSize }: Goal, floatBytes: number | null): number | null {
  if (maxSize === null) return null
  if (maxSize.unit === 'MB') return maxSize.value * 1e6
  return floatBytes === null ? null : (maxSize.value / 100) * floatBytes
}

/** What is known with a plan that has come: one of the same key takes the place of the earlier one. */
export function mergeCandidate(known: readonly CandidateView[], next: CandidateView): CandidateView[] {
  const at = known.findIndex(({ key }) => key === next.key)
  return at < 0 ? [...known, next] : known.with(at, next)
}
