import {
  argmax,
  crossEntropy,
  isDistribution,
  klDivergence,
  klOfLogits,
  logSumExp,
  measurePair,
  rankOf,
  softmaxOf,
  type Numbers,
  type ScoreKind,
  type Softmax,
} from '../quant/metrics.ts'
import type { SampleOutputs } from '../quant/accumulator.ts'
import type { MetricName } from './scores.ts'

/** Numbers a sample leaves behind, whatever metric is asked for later. NaN marks what is not known (no label, no class output). */
export const ROW_LENGTH = 8
const [DISTRIBUTION, LOGIT_LOSS, PROBABILITY_LOSS, LOGIT_KL, PROBABILITY_KL, TOP1, NSR, SPREAD] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const

/** Damage that stands for outputs that are no numbers: worse than any that are, and finite, as JSON needs it. */
const BROKEN = 1e9

/** Rows of consecutive samples, `[samples, ROW_LENGTH]`, row-major. */
export type SampleRows = Float64Array

/** What the float model says of a sample, with what every comparison with it needs. */
export interface ReferenceSample {
  readonly outputs: SampleOutputs
  /** class index, null when unlabelled */
  readonly label: number | null
  /** null for models that do not classify */
  readonly classes: ReferenceClasses | null
}

interface ReferenceClasses {
  readonly output: string
  readonly isDistribution: boolean
  readonly softmax: Softmax
  readonly spread: number
}

/** @param classOutput output that holds one score per class, null for models that do not classify */
export function referenceSample(
  outputs: SampleOutputs,
  classOutput: string | null,
  label: number | null,
): ReferenceSample {
  if (classOutput === null) return { outputs, label, classes: null }
  const scores = outputs[classOutput]!
  return {
    outputs,
    label,
    classes: {
      output: classOutput,
      isDistribution: isDistribution(scores),
      softmax: softmaxOf(scores),
      spread: spreadOf(scores),
    },
  }
}

/**
 * Compares one sample's outputs of a changed model with the float model's, into `rows` at `sample`. What reads scores as probabilities
 * stays unknown where they are none: `scoreKindOf` then asks for the other.
 */
export function fillRow(rows: SampleRows, sample: number, reference: ReferenceSample, test: SampleOutputs): void {
  const at = sample * ROW_LENGTH
  rows.fill(NaN, at, at + ROW_LENGTH)
  const { outputs, classes, label } = reference
  rows[at + NSR] = known(noiseToSignal(outputs, test))
  if (classes === null) return
  const float = outputs[classes.output]!
  const changed = test[classes.output]!
  rows[at + DISTRIBUTION] = classes.isDistribution ? 1 : 0
  rows[at + LOGIT_KL] = known(klOfLogits(classes.softmax, changed))
  if (classes.isDistribution) rows[at + PROBABILITY_KL] = known(klDivergence(float, changed, 'probabilities'))
  rows[at + SPREAD] = classes.spread
  if (label === null) return
  const lossOf = (scores: Numbers, kind: ScoreKind): number => crossEntropy(scores, label, kind)
  rows[at + LOGIT_LOSS] = known(lossOf(changed, 'logits') + classes.softmax.logP[label]!)
  if (classes.isDistribution)
    rows[at + PROBABILITY_LOSS] = known(lossOf(changed, 'probabilities') - lossOf(float, 'probabilities'))
  rows[at + TOP1] = right(float, label) - right(changed, label)
}

function known(damage: number): number {
  return Number.isFinite(damage) ? damage : BROKEN
}

/**
 * How open a float decision is: 1 − Σ p², in [0, 1). Small disturbances of the scores with equal spread move the KL by half of it times
 * their square, the trace of the softmax's Fisher information, whatever layer they come from.
 */
export function spreadOf(scores: Numbers): number {
  const isProbability = isDistribution(scores)
  const norm = isProbability ? 0 : logSumExp(scores)
  let squares = 0
  for (let i = 0; i < scores.length; i++) squares += (isProbability ? scores[i]! : Math.exp(scores[i]! - norm)) ** 2
  return Math.max(0, 1 - squares)
}

const right = (scores: Numbers, label: number): number => (argmax(scores) >= 0 && rankOf(scores, label) === 0 ? 1 : 0)

/** Σ noise / Σ signal over all outputs; outputs that are equal, or all zero in both, count 0. */
function noiseToSignal(reference: SampleOutputs, test: SampleOutputs): number {
  let noise = 0
  let signal = 0
  for (const name in reference) {
    const sums = measurePair(reference[name]!, test[name]!)
    noise += sums.noise
    signal += sums.signal
  }
  return noise === 0 ? 0 : noise / signal
}

/** Whether every float sample's scores are probabilities: then loss and KL read them as such. */
export function scoreKindOf(rows: Iterable<SampleRows>): ScoreKind {
  for (const part of rows) {
    for (let i = DISTRIBUTION; i < part.length; i += ROW_LENGTH) if (part[i] !== 1) return 'logits'
  }
  return 'probabilities'
}

/** One metric of consecutive rows, a value a sample. */
export function metricOf(rows: SampleRows, metric: MetricName, kind: ScoreKind): Float64Array {
  const column = columnOf(metric, kind)
  const values = new Float64Array(rows.length / ROW_LENGTH)
  for (let i = 0; i < values.length; i++) values[i] = rows[i * ROW_LENGTH + column]!
  return values
}

function columnOf(metric: MetricName, kind: ScoreKind): number {
  switch (metric) {
    case 'loss':
      return kind === 'logits' ? LOGIT_LOSS : PROBABILITY_LOSS
    case 'kl':
      return kind === 'logits' ? LOGIT_KL : PROBABILITY_KL
    case 'top1':
      return TOP1
    case 'nsr':
      return NSR
  }
}
