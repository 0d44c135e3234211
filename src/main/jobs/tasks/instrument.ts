import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import type { ValueSpec } from '../../../shared/contract/tensor.ts'
import {
  elementLimit,
  instrument,
  observableTensors,
  type ProbePlan,
  type RunShapes,
} from '../../calibration/instrument.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { Feeds } from '../../engines/port.ts'
import { findLayers } from '../../graph/layers/index.ts'
import type { Model } from '../../graph/model.ts'
import { inferShapes } from '../../graph/shapes/index.ts'
import { elementCount } from '../../graph/tensors.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import { observeShapes } from '../prepare/observe-shapes.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

/** Most samples in a batch: beyond it the cost of a run no longer matters. */
const MOST_BATCH = 32
/** Bytes of all observed tensors of a batch together; a run holds less, since buffers are reused. */
const BATCH_BYTES = 64 * 2 ** 20

export interface InstrumentInput {
  /** path of the prepared model */
  readonly model: string
  /** where the instrumented model is written */
  readonly output: string
  readonly data: DataSpec
  readonly split: DataSplit
  readonly seed: number
  /** positions to be run: shapes are taken from the first, the amount of thinning from their number */
  readonly range: SampleRange
  readonly preprocess: Preprocess | null
  /** null: as many as `elementLimit` thinks right */
  readonly elementsPerSample: number | null
}

export interface InstrumentOutput {
  readonly plan: ProbePlan
  /** samples in a batch: depends on the model alone, since the order of thinning depends on it */
  readonly batch: number
}

/** Writes the instrumented model of a calibration, with shapes as the first sample makes them. @throws Fault as `readModelFile`, data.* */
export function createInstrumentTask(deps: TaskDeps): Task<InstrumentInput, InstrumentOutput> {
  return async (input, { signal }) => {
    const { model } = await readModelFile(input.model, { signal })
    const shapes = await observeShapes(deps.engine, model, dimsOf(await firstFeeds(deps, model, input)))
    signal.throwIfAborted()
    const facts = inferShapes(model, { onProblem: () => undefined })
    const layers = findLayers(model, facts)
    const tensors = observableTensors(model, layers, facts)
    const samples = input.range.end - input.range.start
    const elementsPerSample = input.elementsPerSample ?? elementLimit(layers, tensors.length, samples)
    const instrumented = instrument(model, tensors, shapes, { elementsPerSample })
    await writeModelFile(instrumented.model, input.output, { force: true, signal })
    return { plan: instrumented.plan, batch: batchFor(tensors, shapes) }
  }
}

/** Inputs that are fed; older files list initializers among them. */
function fedInputs({ graph }: Model): ValueSpec[] {
  return graph.inputs.flatMap(({ name, dataType, shape }) =>
    dataType === null || graph.initializers.has(name) ? [] : [{ name, dataType, shape }],
  )
}

async function firstFeeds(deps: TaskDeps, model: Model, input: InstrumentInput): Promise<Feeds> {
  const source = await deps.openSamples(input.data, input.split)
  try {
    const feeder = createFeeder(fedInputs(model), input.preprocess)
    const index = shuffledOrder(source.info.count, input.seed)[input.range.start]
    if (index === undefined) throw new Error(`position ${input.range.start} is outside ${source.info.count} samples`)
    return feeder.toFeeds([await feeder.prepare(await source.read(index))])
  } finally {
    await source.close()
  }
}

function dimsOf(feeds: Feeds): RunShapes {
  return new Map(Object.entries(feeds).map(([name, { dims }]) => [name, dims]))
}

/** A power of two, so that the tensors of a batch stay within `BATCH_BYTES`. */
function batchFor(tensors: readonly string[], shapes: RunShapes): number {
  const elements = tensors.reduce((sum, name) => sum + elementCount(shapes.get(name) ?? []), 1)
  const fitting = BATCH_BYTES / (4 * elements)
  return Math.max(1, Math.min(MOST_BATCH, 2 ** Math.floor(Math.log2(fitting))))
}
