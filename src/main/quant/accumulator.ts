import type { PairSums, Numbers, ScoreKind } from './metrics.ts'
import {
  addPairSums,
  argmax,
  cosineOf,
  crossEntropy,
  isDistribution,
  klDivergence,
  logitsOf,
  maxRelativeErrorOf,
  measurePair,
  noPairSums,
  rankOf,
  sqnrDbOf,
} from './metrics.ts'
import type { Interval } from './intervals.ts'
import { meanInterval, pairedDifference } from './intervals.ts'

/** What is compared, fixed before the first sample; the same in every worker. */
export interface EvaluationSpec {
  /** outputs compared with the reference, in the order they are reported */
  readonly outputs: readonly string[]
  /** output that holds one score per class (`[N, classes]` or `[N, classes, 1, 1]`), null for models that do not classify */
  readonly classOutput: string | null
  /** number of scores in `classOutput`; 0 without one */
  readonly classes: number
}

/** One sample's values of every output, flattened, without the batch axis. */
export type SampleOutputs = Readonly<Record<string, Numbers>>

/** An accumulator as it travels between processes (structured clone or JSON-free typed arrays). */
export interface EvaluationState {
  readonly indices: Float64Array
  /** `[indices.length, row length of the spec]`, row-major */
  readonly rows: Float64Array
}

/** Quality of one model against the labels; rates in 0–1. */
export interface ClassScores {
  readonly top1: number
  /** null with fewer than six classes, where it says nothing */
  readonly top5: number | null
  /** mean cross-entropy in nats */
  readonly loss: number
  /** confusion matrix: `[label, predicted class, samples]`, sorted, pairs that occur (the diagonal too) */
  readonly confusion: readonly (readonly [number, number, number])[]
  readonly classes: number
}

/** One output against the reference's. */
interface OutputScores {
  readonly output: string
  /** over all samples: 10 · log10(Σ signal / Σ noise) */
  readonly sqnrDb: number
  /** mean over samples */
  readonly cosine: number
  readonly maxAbsError: number
  /** max |ref − test| / max |ref| over all samples */
  readonly maxRelativeError: number
}

/** What the samples seen so far say. Fields that need labels, a reference or a class output are null without them. */
export interface EvaluationResult {
  readonly samples: number
  readonly labelled: number
  /** how the model's scores were read */
  readonly scoreKind: ScoreKind | null
  readonly model: ClassScores | null
  readonly reference: ClassScores | null
  /** share of samples whose argmax is the reference's */
  readonly agreement: number | null
  /** mean KL(reference ‖ model) of the class distributions, in nats */
  readonly kl: number | null
  /** reference top-1 minus model top-1, positive when the model is worse; 95 % interval by Newcombe's paired method */
  readonly drop: Interval | null
  /** model loss minus reference loss, positive when the model is worse; 95 % interval by Student's t */
  readonly lossIncrease: Interval | null
  readonly outputs: readonly OutputScores[] | null
}

/** Columns of one model's class scores within a row. */
const classColumns = 5
const [rankColumn, predictedColumn, logitLossColumn, probabilityLossColumn, distributionColumn] = [0, 1, 2, 3, 4]
/** Columns of one output's pair sums within a row. */
const pairColumns = 7
/** label, model scores, reference scores, KL by how the two are read (`klKinds`); then the outputs */
const modelStart = 1
const referenceStart = modelStart + classColumns
const klColumn = referenceStart + classColumns
/** how reference and model are read, a column each */
const klKinds = [
  ['logits', 'logits'],
  ['probabilities', 'probabilities'],
  ['logits', 'probabilities'],
  ['probabilities', 'logits'],
] as const satisfies readonly (readonly [ScoreKind, ScoreKind])[]
const pairStart = klColumn + klKinds.length
/** beyond 0–1 by this much, scores are no probabilities, however coarsely they were quantized */
const probabilityMargin = 0.25

/**
 * Gathers evaluation results sample by sample and merges those of several workers. Each sample leaves a row of numbers under its
 * index, and `result` sums rows in the order of the indices: the outcome is the same to the last bit whatever the number of
 * workers, their speed or the order of merging. Memory: about 8 · (15 + 7 · outputs) bytes a sample.
 *
 * NaN marks what a row does not know (no label, no reference).
 */
export class EvaluationAccumulator {
  readonly spec: EvaluationSpec
  /** sample index → place of its row in `#values`; one growing array, since an array a sample is a burden on small models */
  readonly #places = new Map<number, number>()
  readonly #rowLength: number
  #values = new Float64Array(0)

  constructor(spec: EvaluationSpec) {
    this.spec = spec
    this.#rowLength = pairStart + pairColumns * spec.outputs.length
  }

  /** Samples seen. */
  get size(): number {
    return this.#places.size
  }

  /**
   * Takes one sample. A sample that was taken before is left as it is (a task repeated after a crash).
   * @param index position of the sample, unique over all workers
   * @param label class index, null when unlabelled; the caller checks that it lies within the classes
   * @param model outputs of the model under test; must hold the spec's outputs and class output
   * @param reference the float model's outputs, null when there is none
   */
  add(index: number, label: number | null, model: SampleOutputs, reference: SampleOutputs | null): void {
    if (this.#places.has(index)) return
    const row = this.#newRow(index).fill(NaN)
    if (label !== null) row[0] = label
    const { classOutput, outputs } = this.spec
    if (classOutput !== null) {
      fillClassScores(row, modelStart, valuesOf(model, classOutput), label)
      if (reference !== null) {
        fillClassScores(row, referenceStart, valuesOf(reference, classOutput), label)
        fillKl(row, valuesOf(reference, classOutput), valuesOf(model, classOutput))
      }
    }
    if (reference !== null) {
      outputs.forEach((name, i) => fillPair(row, i, measurePair(valuesOf(reference, name), valuesOf(model, name))))
    }
  }

  #newRow(index: number): Float64Array {
    const place = this.#places.size
    this.#places.set(index, place)
    if ((place + 1) * this.#rowLength > this.#values.length) {
      const grown = new Float64Array(Math.max(64, 2 * place) * this.#rowLength)
      grown.set(this.#values)
      this.#values = grown
    }
    return this.#rowAt(place)
  }

  #rowAt(place: number): Float64Array {
    return this.#values.subarray(place * this.#rowLength, (place + 1) * this.#rowLength)
  }

  /** Takes what another accumulator of the same spec has seen. */
  merge(state: EvaluationState): void {
    state.indices.forEach((index, i) => {
      if (this.#places.has(index)) return
      this.#newRow(index).set(state.rows.subarray(i * this.#rowLength, (i + 1) * this.#rowLength))
    })
  }

  /** A copy that can be sent to another process. */
  state(): EvaluationState {
    const indices = this.#sortedIndices()
    const rows = new Float64Array(indices.length * this.#rowLength)
    indices.forEach((index, i) => rows.set(this.#rowAt(this.#places.get(index)!), i * this.#rowLength))
    return { indices, rows }
  }

  /** KL(reference ‖ model) of each sample in the order of the indices, in nats; null without a reference or a class output. */
  klOfSamples(): Float64Array | null {
    const rows = this.#sortedRows()
    if (this.spec.classOutput === null || !areReferenced(rows)) return null
    const column = klColumnOf(scoreKindsOf(rows))
    return Float64Array.from(rows, (row) => row[column]!)
  }

  /** The metrics over all samples seen so far. */
  result(): EvaluationResult {
    const rows = this.#sortedRows()
    const { spec } = this
    const labelledRows = rows.filter((row) => !Number.isNaN(row[0]!))
    const referenced = areReferenced(rows)
    const hasPairs = rows.length > 0 && rows.every((row) => spec.outputs.length === 0 || !Number.isNaN(row[pairStart]!))
    const kinds = spec.classOutput === null || rows.length === 0 ? null : scoreKindsOf(rows)
    const kind = kinds?.model ?? null
    const scored = kinds !== null && labelledRows.length > 0
    return {
      samples: rows.length,
      labelled: labelledRows.length,
      scoreKind: kind,
      model: scored ? classScores(labelledRows, modelStart, spec.classes, kinds.model) : null,
      reference: scored && referenced ? classScores(labelledRows, referenceStart, spec.classes, kinds.reference) : null,
      agreement: kinds !== null && referenced ? agreementOf(rows) : null,
      kl: kinds !== null && referenced ? meanOf(rows, klColumnOf(kinds)) : null,
      drop: scored && referenced ? dropOf(labelledRows) : null,
      lossIncrease: scored && referenced ? lossIncreaseOf(labelledRows, kinds) : null,
      outputs: hasPairs ? spec.outputs.map((output, i) => outputScores(rows, output, i)) : null,
    }
  }

  #sortedRows(): Float64Array[] {
    return Array.from(this.#sortedIndices(), (index) => this.#rowAt(this.#places.get(index)!))
  }

  #sortedIndices(): Float64Array {
    return Float64Array.from(this.#places.keys()).sort()
  }
}

function areReferenced(rows: readonly Float64Array[]): boolean {
  return rows.length > 0 && rows.every((row) => !Number.isNaN(row[referenceStart + predictedColumn]!))
}

function valuesOf(outputs: SampleOutputs, name: string): Numbers {
  const values = outputs[name]
  if (values === undefined) throw new Error(`no values for output ${name}`)
  return values
}

function fillClassScores(row: Float64Array, start: number, scores: Numbers, label: number | null): void {
  row[start + predictedColumn] = argmax(scores)
  row[start + distributionColumn] = isDistribution(scores) ? 1 : isNear(scores) ? 0 : -1
  if (label === null) return
  row[start + rankColumn] = rankOf(scores, label)
  row[start + logitLossColumn] = crossEntropy(scores, label, 'logits')
  row[start + probabilityLossColumn] = crossEntropy(scores, label, 'probabilities')
}

function isNear(scores: Numbers): boolean {
  for (let i = 0; i < scores.length; i++)
    if (!(scores[i]! >= -probabilityMargin && scores[i]! <= 1 + probabilityMargin)) return false
  return true
}

function fillKl(row: Float64Array, reference: Numbers, test: Numbers): void {
  klKinds.forEach(([ofReference, ofTest], i) => {
    row[klColumn + i] =
      ofReference === ofTest
        ? klDivergence(reference, test, ofTest)
        : klDivergence(logitsOf(reference, ofReference), logitsOf(test, ofTest), 'logits')
  })
}

function fillPair(row: Float64Array, output: number, sums: PairSums): void {
  const { count, signal, noise, testSquares, dot, maxAbsError, maxReference } = sums
  row.set([count, signal, noise, testSquares, dot, maxAbsError, maxReference], pairStart + pairColumns * output)
}

function pairOf(row: Float64Array, output: number): PairSums {
  const at = pairStart + pairColumns * output
  return {
    count: row[at]!,
    signal: row[at + 1]!,
    noise: row[at + 2]!,
    testSquares: row[at + 3]!,
    dot: row[at + 4]!,
    maxAbsError: row[at + 5]!,
    maxReference: row[at + 6]!,
  }
}

interface ScoreKinds {
  readonly model: ScoreKind
  /** of the model where there is no reference */
  readonly reference: ScoreKind
}

/**
 * How scores are to be read. The reference decides for a model that could be its copy, since quantization may push a softmax sum off 1; one
 * that gives probabilities for every sample, or what can be none, is read as it is: a reference may be any other model.
 */
function scoreKindsOf(rows: readonly Float64Array[]): ScoreKinds {
  const isEach = (column: number): boolean => rows.every((row) => row[column + distributionColumn] === 1)
  const own = isEach(modelStart) ? 'probabilities' : 'logits'
  if (Number.isNaN(rows[0]![referenceStart + distributionColumn]!)) return { model: own, reference: own }
  const reference = isEach(referenceStart) ? 'probabilities' : 'logits'
  if (own === 'probabilities' || reference === 'logits') return { model: own, reference }
  const isNone = rows.some((row) => row[modelStart + distributionColumn] === -1)
  return { model: isNone ? 'logits' : 'probabilities', reference }
}

function klColumnOf({ model, reference }: ScoreKinds): number {
  return klColumn + klKinds.findIndex(([ofReference, ofModel]) => ofReference === reference && ofModel === model)
}

function lossColumnOf(kind: ScoreKind): number {
  return kind === 'logits' ? logitLossColumn : probabilityLossColumn
}

function classScores(rows: readonly Float64Array[], start: number, classes: number, kind: ScoreKind): ClassScores {
  let top1 = 0
  let top5 = 0
  for (const row of rows) {
    const rank = row[start + rankColumn]!
    if (rank < 1) top1++
    if (rank < 5) top5++
  }
  return {
    top1: top1 / rows.length,
    top5: classes > 5 ? top5 / rows.length : null,
    loss: meanOf(rows, start + lossColumnOf(kind)),
    confusion: confusionOf(rows, start, classes),
    classes,
  }
}

function confusionOf(rows: readonly Float64Array[], start: number, classes: number): [number, number, number][] {
  const counts = new Map<number, number>()
  for (const row of rows) {
    const predicted = row[start + predictedColumn]!
    if (predicted < 0) continue // all scores NaN: nothing was predicted
    const cell = row[0]! * classes + predicted
    counts.set(cell, (counts.get(cell) ?? 0) + 1)
  }
  const cells = [...counts].sort((a, b) => a[0] - b[0])
  return cells.map(([cell, count]) => [Math.floor(cell / classes), cell % classes, count])
}

function meanOf(rows: readonly Float64Array[], column: number): number {
  let sum = 0
  for (const row of rows) sum += row[column]!
  return sum / rows.length
}

function agreementOf(rows: readonly Float64Array[]): number {
  let same = 0
  for (const row of rows) if (row[modelStart + predictedColumn] === row[referenceStart + predictedColumn]) same++
  return same / rows.length
}

function dropOf(rows: readonly Float64Array[]): Interval {
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 }
  for (const row of rows) {
    const reference = row[referenceStart + rankColumn] === 0
    const model = row[modelStart + rankColumn] === 0
    counts[reference ? (model ? 'both' : 'onlyFirst') : model ? 'onlySecond' : 'neither']++
  }
  return pairedDifference(counts)
}

function lossIncreaseOf(rows: readonly Float64Array[], { model, reference }: ScoreKinds): Interval {
  const [own, other] = [modelStart + lossColumnOf(model), referenceStart + lossColumnOf(reference)]
  return meanInterval(Float64Array.from(rows, (row) => row[own]! - row[other]!))
}

function outputScores(rows: readonly Float64Array[], output: string, i: number): OutputScores {
  let total = noPairSums
  let cosines = 0
  for (const row of rows) {
    const sums = pairOf(row, i)
    total = addPairSums(total, sums)
    cosines += cosineOf(sums)
  }
  return {
    output,
    sqnrDb: sqnrDbOf(total),
    cosine: cosines / rows.length,
    maxAbsError: total.maxAbsError,
    maxRelativeError: maxRelativeErrorOf(total),
  }
}
