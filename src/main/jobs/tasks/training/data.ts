import type { Preprocess, SampleRange } from '../../../../shared/contract/data.ts'
import { Fault } from '../../../../shared/contract/fault.ts'
import { readBatches } from '../../../data/batches.ts'
import { createFeeder, type Feeder } from '../../../data/feeder.ts'
import { shuffledOrder } from '../../../data/order.ts'
import type { SampleSource } from '../../../data/port.ts'
import { createRandom } from '../../../data/random.ts'
import type { Model } from '../../../graph/model.ts'
import type { TrainData } from '../../../training/loop.ts'
import type { TrainBatch } from '../../../training/measure.ts'
import type { TrainOptions } from '../../../training/options.ts'
import type { TaskContext } from '../../worker-host.ts'

/** What is learned from, and how it becomes batches. */
export interface TrainSamples {
  readonly preprocess: Preprocess | null
  /** positions of the order of the seed that are learned from, and that decide which epoch is best */
  readonly ranges: { readonly train: SampleRange; readonly validation: SampleRange }
  readonly options: Pick<TrainOptions, 'seed' | 'batch'>
}

/** Seed of the stream that an epoch's order is drawn from. */
const ORDER_STREAM = 3

/**
 * Batches of a data set as training takes them: each epoch in an order of its own, samples read and decoded while the engine computes.
 * @param model whose input the samples are made for
 */
export function openTrainData(
  source: SampleSource,
  model: Model,
  input: TrainSamples,
  { signal }: Pick<TaskContext, 'signal'>,
): TrainData {
  const { ranges, options } = input
  const inputs = model.graph.inputs.flatMap(({ name, dataType, shape }) =>
    // the training's batch is its own: a length that the file fixes is left open
    dataType === null ? [] : [{ name, dataType, shape: shape && ['N', ...shape.slice(1)] }],
  )
  const order = shuffledOrder(source.info.count, options.seed)
  const cut = ({ start, end }: SampleRange): Uint32Array => order.slice(start, end)
  const [learned, held] = [cut(ranges.train), cut(ranges.validation)]
  const read = (positions: Uint32Array): AsyncIterable<TrainBatch> =>
    batchesOf(source, createFeeder(inputs, input.preprocess), positions, options.batch, signal)
  return {
    trainCount: learned.length,
    validationCount: held.length,
    train: (epoch) => {
      const turn = shuffledOrder(learned.length, createRandom(options.seed, epoch, ORDER_STREAM).below(2 ** 32))
      return read(turn.map((position) => learned[position]!))
    },
    validation: () => read(held),
  }
}

/** Samples are read and decoded while the engine computes. */
async function* batchesOf(
  source: SampleSource,
  feeder: Feeder,
  order: Uint32Array,
  batch: number,
  signal: AbortSignal,
): AsyncGenerator<TrainBatch> {
  const range = { start: 0, end: order.length }
  for await (const { samples, feeds } of readBatches(source, { order, range, batch, feeder, signal })) {
    const tensor = Object.values(feeds)[0]!
    const labels = Int32Array.from(samples, ({ label, name }) => labelOf(label, name))
    yield { values: tensor.data as Float32Array, dims: tensor.dims, labels }
  }
}

function labelOf(label: number | null, name: string): number {
  if (label !== null) return label
  throw new Fault('data.labelMissing', `Sample ${name} has no label; training needs one for every sample.`, { name })
}
