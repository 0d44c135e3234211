import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { SampleSource } from '../../data/port.ts'
import type { EngineTensor, Session } from '../../engines/port.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'
import { classesOf } from './outputs.ts'

export interface TryPreprocessInput {
  /** path of the float model */
  readonly model: string
  readonly data: DataSpec
  readonly dataHash: string
  readonly split: DataSplit
  readonly seed: number
  readonly range: SampleRange
  /** preprocessings by name; the one in use first */
  readonly candidates: readonly { readonly name: string; readonly preprocess: Preprocess }[]
}

/** What the float model makes of some samples under one preprocessing. */
export interface PreprocessTrial {
  readonly name: string
  /** of all input values */
  readonly min: number
  readonly max: number
  readonly mean: number
  /** predicted class of each sample, in order; empty for a model that does not classify */
  readonly predictions: readonly number[]
}

export interface TryPreprocessOutput {
  readonly trials: readonly PreprocessTrial[]
  /** class index of each sample, null where unlabelled */
  readonly labels: readonly (number | null)[]
  /** scores of the class output; 0 for a model that does not classify */
  readonly classes: number
}

/** Runs the float model over a few samples under each candidate. @throws Fault data.*, engine.* */
export function createTryPreprocessTask(deps: TaskDeps): Task<TryPreprocessInput, TryPreprocessOutput> {
  return async (input, { signal }) => {
    const source = await deps.openSamples(input.data, input.split, { knownHash: input.dataHash, signal })
    const session = await deps.engine.createSession(input.model, { threads: 1 })
    try {
      const trials: PreprocessTrial[] = []
      let found: Omit<Observed, 'trial'> = { labels: [], classes: 0 }
      for (const { name, preprocess } of input.candidates) {
        const { trial, ...rest } = await observe(name, preprocess, source, session, input, signal)
        trials.push(trial)
        found = rest
      }
      return { trials, ...found }
    } finally {
      await session.release()
      await source.close()
    }
  }
}

interface Observed {
  readonly trial: PreprocessTrial
  readonly labels: readonly (number | null)[]
  readonly classes: number
}

async function observe(
  name: string,
  preprocess: Preprocess,
  source: SampleSource,
  session: Session,
  { seed, range }: TryPreprocessInput,
  signal: AbortSignal,
): Promise<Observed> {
  const feeder = createFeeder(session.inputs, preprocess)
  const order = shuffledOrder(source.info.count, seed)
  const bounds = { min: Infinity, max: -Infinity, sum: 0, count: 0 }
  const predictions: number[] = []
  const labels: (number | null)[] = []
  let classes = 0
  for await (const { samples, feeds } of readBatches(source, { order, range, batch: 1, feeder, signal })) {
    widen(bounds, feeds[session.inputs[0]!.name]!)
    const outputs = await session.run(feeds)
    const lengths = new Map(
      Object.entries(outputs).map(([output, { data, dims }]) => [output, data.length / (dims[0] || 1)]),
    )
    const scored = classesOf(session.outputs, lengths, null)
    classes = scored?.count ?? 0
    for (const [row, { label }] of samples.entries()) {
      labels.push(label)
      if (scored) predictions.push(argmax(outputs[scored.output]!, row, scored.count))
    }
  }
  return {
    trial: { name, min: bounds.min, max: bounds.max, mean: bounds.sum / Math.max(1, bounds.count), predictions },
    labels,
    classes,
  }
}

function widen(bounds: { min: number; max: number; sum: number; count: number }, { data }: EngineTensor): void {
  for (const raw of data) {
    const value = Number(raw)
    if (value < bounds.min) bounds.min = value
    if (value > bounds.max) bounds.max = value
    bounds.sum += value
  }
  bounds.count += data.length
}

function argmax({ data }: EngineTensor, row: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) if (data[row * count + i]! > data[row * count + best]!) best = i
  return best
}
