import { Fault } from '../../../shared/contract/fault.ts'
import type { Engine } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import { ownRounding } from './conditioning.ts'
import { isFloating, relativeError, toleranceOf } from './difference.ts'
import { runExposed } from './expose.ts'
import { withSession } from './open-session.ts'
import type { Trial } from './trials.ts'

export interface NumericsCheck {
  /** largest relative error over all outputs and trials; see `relativeError` */
  readonly maxRelativeError: number
  /** names of the trials that both models were run on */
  readonly trials: readonly string[]
}

/** A difference is ours when it is more than this many times what the original's own rounding brings. */
const OWN_ROUNDINGS = 10

/** The two models, and what they are compared on. */
export interface NumericsQuestion {
  readonly engine: Engine
  readonly source: Model
  readonly prepared: Model
  /** inputs and what the original gave for them */
  readonly trials: readonly Trial[]
  readonly signal?: AbortSignal
  readonly note: (sentence: string) => void
}

/**
 * Runs the prepared model on what the original was run on, and compares all outputs. A larger difference is excused, and
 * noted, only where the original itself moves as much when it is rounded otherwise (`ownRounding`).
 * @throws Fault model.preparationDiverges naming the first node of the prepared graph, in order, whose result differs
 */
export async function checkNumerics(question: NumericsQuestion): Promise<NumericsCheck> {
  const { engine, prepared, trials, signal } = question
  const tolerance = toleranceOf(prepared)
  const outputs = prepared.graph.outputs.map((output) => output.name)
  const suspects: { trial: Trial; output: string; error: number }[] = []
  let maxRelativeError = 0
  await withSession(engine, prepared, async (session) => {
    for (const trial of trials) {
      signal?.throwIfAborted()
      const found = await session.run(trial.feeds, outputs)
      for (const output of outputs) {
        const error = relativeError(trial.expected[output]!, found[output]!)
        if (error > tolerance) suspects.push({ trial, output, error })
        else maxRelativeError = Math.max(maxRelativeError, error)
      }
    }
  })
  for (const { trial, output, error } of suspects) await explain(question, trial, output, error)
  return { maxRelativeError, trials: trials.map((trial) => trial.name) }
}

/** Finds where the models part. Integer outputs may flip on a tie: without a float result that differs, that is only noted. */
async function explain(question: NumericsQuestion, trial: Trial, output: string, error: number): Promise<void> {
  if (
    isFloating(trial.expected[output]!) &&
    error <= OWN_ROUNDINGS * (await ownRounding(question.engine, question.source, trial, output))
  ) {
    question.note(
      `The output ${output} is too sensitive on ${trial.name} to be compared: rounding alone moves the original about as much.`,
    )
    return
  }
  const tolerance = toleranceOf(question.prepared)
  const first = await firstDiverging(question, trial, tolerance)
  if (first === null && !isFloating(trial.expected[output]!)) {
    question.note(
      `The integer output ${output} differs after preparation although every float result before it agrees: a tie was broken otherwise.`,
    )
    return
  }
  const { node, tensor, error: size } = first ?? { node: producerOf(question.prepared, output), tensor: output, error }
  throw new Fault(
    'model.preparationDiverges',
    `Preparing the model changed its results: at node ${node} the tensor ${tensor} differs by ${size.toExponential(1)} relative to its ` +
      `largest value on ${trial.name}, more than ${tolerance}. Please report this model; it cannot be quantized safely.`,
    { node, tensor, error: Number.isFinite(size) ? size : null, trial: trial.name },
  )
}

function producerOf(model: Model, tensor: string): string {
  return model.graph.nodes.find((node) => node.outputs.includes(tensor))?.name ?? tensor
}

interface Divergence {
  readonly node: string
  readonly tensor: string
  readonly error: number
}

/** Compares every float tensor that both graphs compute, in the order of the prepared graph. */
async function firstDiverging(question: NumericsQuestion, trial: Trial, tolerance: number): Promise<Divergence | null> {
  const { engine, source, prepared } = question
  const original = new Set(source.graph.nodes.flatMap((node) => node.outputs))
  const writers = prepared.graph.nodes.flatMap((node) =>
    node.outputs.filter((name) => original.has(name)).map((tensor) => ({ node: node.name, tensor })),
  )
  const names = writers.map(({ tensor }) => tensor)
  const expected = await runExposed(engine, source, names, trial.feeds)
  const found = await runExposed(engine, prepared, names, trial.feeds)
  for (const writer of writers) {
    const [a, b] = [expected[writer.tensor], found[writer.tensor]]
    if (a === undefined || b === undefined || !isFloating(a)) continue
    const error = relativeError(a, b)
    if (error > tolerance) return { ...writer, error }
  }
  return null
}
