import type { EpochView, StepView, TrainingStage } from '../../shared/contract/api/training.ts'
import type { LinePoint, LinesMark, LineSeries } from '../components/charts/lines.ts'

/** How a training went so far. */
export interface Curve {
  /** in order */
  readonly epochs: readonly EpochView[]
  readonly steps: readonly StepView[]
}

/** The curves of a training: in float, then for integers. */
export type Curves = Readonly<Record<TrainingStage, Curve>>

export const noCurve: Curve = { epochs: [], steps: [] }
export const noCurves: Curves = { float: noCurve, qat: noCurve }

/** Steps that are kept; more would make one blot of the curve. */
const MOST_STEPS = 1200

/** A curve with what became known: epochs replace those of the same number, steps those from where they begin (a feed may tell again). */
export function mergeCurve(curve: Curve, { epochs, steps }: Curve): Curve {
  const byEpoch = new Map([...curve.epochs, ...epochs].map((epoch) => [epoch.epoch, epoch]))
  const [first] = steps
  let all = [...(first ? curve.steps.filter(({ at }) => at < first.at) : curve.steps), ...steps]
  while (all.length > MOST_STEPS) all = halved(all)
  return { epochs: [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch), steps: all }
}

/** Two neighbours become one, at the later of them, with their mean loss. */
function halved(steps: readonly StepView[]): StepView[] {
  return steps.flatMap((step, i) => {
    if (i % 2 === 1) return []
    const next = steps[i + 1]
    return [next ? { at: next.at, loss: (step.loss + next.loss) / 2 } : step]
  })
}

/** The epoch whose weights are kept: the lowest validation loss, the last where nothing was held out; null before the first. */
export function bestEpoch(epochs: readonly EpochView[]): EpochView | null {
  let best: EpochView | null = null
  for (const epoch of epochs) {
    if (best === null || (epoch.validationLoss ?? 0) <= (best.validationLoss ?? 0)) best = epoch
  }
  return best
}

const STAGES = ['float', 'qat'] as const
const STAGE_WORDS: Readonly<Record<TrainingStage, string>> = { float: 'float', qat: 'QAT' }

interface Part {
  readonly stage: TrainingStage
  readonly curve: Curve
  /** epochs before it on the common axis */
  readonly from: number
  /** before each label; empty where there is one stage only */
  readonly prefix: string
}

/** Epochs of each stage that a training will have; 0 where it has ended or has none. */
export type Planned = Readonly<Record<TrainingStage, number>>
const NOTHING: Planned = { float: 0, qat: 0 }

/** The stages there are, one after the other on a common axis of epochs. */
function partsOf(curves: Curves, planned: Planned = NOTHING): Part[] {
  const there = STAGES.filter(
    (stage) => planned[stage] > 0 || curves[stage].epochs.length > 0 || curves[stage].steps.length > 0,
  )
  let from = 0
  return there.map((stage) => {
    const part = { stage, curve: curves[stage], from, prefix: there.length > 1 ? `${STAGE_WORDS[stage]} ` : '' }
    from += Math.max(planned[stage], curves[stage].epochs.at(-1)?.epoch ?? 0)
    return part
  })
}

/** Points without a value that keep the axis as long as the training will be: nothing moves while it runs. */
function room(from: number, length: number): LineSeries['points'] {
  if (length === 0) return []
  return [from, from + length].map((x) => ({ x, y: null }))
}

/** What was learned from is scored while it is learned: the mean of an epoch stands in its middle, what is held out at its end. */
function meanPoint(from: number, epoch: number, y: number): LinePoint {
  return { x: from + epoch - 0.5, y, name: `${from + epoch}, mean` }
}

/**
 * Loss of the steps, and of each epoch on what is learned from and on what is held out.
 * @param planned keeps the axis as long as the training will be
 */
export function lossSeries(curves: Curves, planned: Planned = NOTHING): LineSeries[] {
  return partsOf(curves, planned).flatMap(({ stage, curve: { epochs, steps }, from, prefix }) => [
    {
      id: `${stage}:steps`,
      label: `${prefix}steps`,
      colour: 'var(--line-strong)',
      bareEnd: true,
      points: [...steps.map(({ at, loss }) => ({ x: from + at, y: loss })), ...room(from, planned[stage])],
    },
    {
      id: `${stage}:training`,
      label: `${prefix}training`,
      dots: true,
      points: epochs.map(({ epoch, loss }) => meanPoint(from, epoch, loss)),
    },
    ...heldOut(stage, prefix, epochs, ({ epoch, validationLoss }) => ({ x: from + epoch, y: validationLoss })),
  ])
}

/** Accuracy of each epoch in percent, on what is learned from and on what is held out. */
export function accuracySeries(curves: Curves, planned: Planned = NOTHING): LineSeries[] {
  return partsOf(curves, planned).flatMap(({ stage, curve: { epochs }, from, prefix }) => [
    {
      id: `${stage}:training`,
      label: `${prefix}training`,
      dots: true,
      points: [
        ...epochs.map(({ epoch, accuracy }) => meanPoint(from, epoch, accuracy * 100)),
        ...room(from, planned[stage]),
      ],
    },
    ...heldOut(stage, prefix, epochs, ({ epoch, validationAccuracy }) => ({
      x: from + epoch,
      y: validationAccuracy === null ? null : validationAccuracy * 100,
    })),
  ])
}

function heldOut(
  stage: TrainingStage,
  prefix: string,
  epochs: readonly EpochView[],
  pointOf: (epoch: EpochView) => { readonly x: number; readonly y: number | null },
): LineSeries[] {
  const points = epochs.map(pointOf)
  const isKnown = epochs.length === 0 || points.some(({ y }) => y !== null)
  return isKnown ? [{ id: `${stage}:validation`, label: `${prefix}validation`, dots: true, points }] : []
}

/** The checkpoints that count: the epoch that is kept, and where training for integers begins. */
export function curveMarks(curves: Curves, planned: Planned = NOTHING): LinesMark[] {
  const marks = partsOf(curves, planned).flatMap(({ stage, curve, from }) => {
    const best = bestEpoch(curve.epochs)
    const begin = from > 0 ? [{ x: from, label: `${STAGE_WORDS[stage]} begins` }] : []
    return best === null ? begin : [...begin, { x: from + best.epoch, label: 'kept' }]
  })
  // one line for what falls together, else its words lie on each other
  const byPlace = Map.groupBy(marks, ({ x }) => x)
  return [...byPlace].map(([x, own]) => ({ x, label: own.map(({ label }) => label).join(', ') }))
}

/** The newest epoch in a sentence, for who cannot see the curve. */
export function curveText(curves: Curves): string {
  const part = partsOf(curves).findLast(({ curve }) => curve.epochs.length > 0)
  const last = part?.curve.epochs.at(-1)
  if (!part || !last) return 'No epoch is done yet.'
  const held =
    last.validationAccuracy === null
      ? ''
      : `; validation loss ${last.validationLoss!.toFixed(4)}, accuracy ${(last.validationAccuracy * 100).toFixed(2)} %`
  return `${part.prefix}${part.prefix === '' ? 'Epoch' : 'epoch'} ${last.epoch}: loss ${last.loss.toFixed(4)}, accuracy ${(last.accuracy * 100).toFixed(2)} %${held}.`
}
