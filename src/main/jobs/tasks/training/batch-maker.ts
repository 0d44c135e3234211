import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../../shared/contract/data.ts'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { ValueSpec } from '../../../../shared/contract/tensor.ts'
import { readBatches } from '../../../data/batches.ts'
import { createFeeder } from '../../../data/feeder.ts'
import { shuffledOrder } from '../../../data/order.ts'
import type { SampleSource } from '../../../data/port.ts'
import { createRandom } from '../../../data/random.ts'
import { openSamples } from '../../../data/registry.ts'
import { augmentBatch } from '../../../training/augment.ts'
import type { TrainBatch } from '../../../training/measure.ts'
import type { TrainOptions } from '../../../training/options.ts'

/** What is learned from, and how it becomes batches; plain values, so that they reach another thread. */
export interface BatchPlan {
  readonly data: DataSpec
  readonly split: DataSplit
  readonly dataHash: string
  /** the model's, with an open batch */
  readonly inputs: readonly ValueSpec[]
  readonly preprocess: Preprocess | null
  /** positions of the order of the seed that are learned from, and that decide which epoch is best */
  readonly ranges: { readonly train: SampleRange; readonly validation: SampleRange }
  readonly options: Pick<TrainOptions, 'seed' | 'batch' | 'augment'>
}

/** Which batches: those of an epoch, or those held out. */
export type BatchSeries = { readonly kind: 'train'; readonly epoch: number } | { readonly kind: 'validation' }

/** Makes the batches of one data set. */
export interface BatchMaker {
  /** lowest and highest label of the plan's samples; null where samples must be decoded to know */
  readonly labelRange: readonly [number, number] | null
  /** In an order, and with chances of augmentation, that depend on seed and epoch only. @throws Fault data.*, usage.augment */
  read(series: BatchSeries, signal: AbortSignal): AsyncGenerator<TrainBatch, void, void>
  close(): Promise<void>
}

/** Seeds of unrelated streams. */
const AUGMENT_STREAM = 2
const ORDER_STREAM = 3

/** @throws Fault data.* where the data cannot be opened */
export async function createBatchMaker(plan: BatchPlan): Promise<BatchMaker> {
  const { options, ranges } = plan
  const source = await openSamples(plan.data, plan.split, { knownHash: plan.dataHash })
  const order = shuffledOrder(source.info.count, options.seed)
  const [learned, held] = [ranges.train, ranges.validation].map(({ start, end }) => order.slice(start, end)) as [
    Uint32Array,
    Uint32Array,
  ]
  return {
    labelRange: labelRangeOf(source, [learned, held]),
    read: (series, signal) => {
      if (series.kind === 'validation') return batchesOf(source, plan, held, signal)
      const { epoch } = series
      const turn = shuffledOrder(learned.length, createRandom(options.seed, epoch, ORDER_STREAM).below(2 ** 32))
      const positions = turn.map((position) => learned[position]!)
      return augmented(batchesOf(source, plan, positions, signal), plan, epoch)
    },
    close: () => source.close(),
  }
}

function labelRangeOf(
  { info, readNow }: SampleSource,
  positions: readonly Uint32Array[],
): readonly [number, number] | null {
  if (info.classes !== null) return [0, info.classes.length - 1]
  if (!readNow) return null
  let [lowest, highest] = [Infinity, -Infinity]
  for (const list of positions) {
    for (const index of list) {
      const { label, name } = readNow(index)
      const known = labelOf(label, name)
      lowest = Math.min(lowest, known)
      highest = Math.max(highest, known)
    }
  }
  return lowest <= highest ? [lowest, highest] : null
}

async function* batchesOf(
  source: SampleSource,
  { inputs, preprocess, options: { batch } }: BatchPlan,
  order: Uint32Array,
  signal: AbortSignal,
): AsyncGenerator<TrainBatch, void, void> {
  const feeder = createFeeder(inputs, preprocess)
  const range = { start: 0, end: order.length }
  for await (const { samples, feeds } of readBatches(source, { order, range, batch, feeder, signal })) {
    const tensor = Object.values(feeds)[0]!
    const labels = Int32Array.from(samples, ({ label, name }) => labelOf(label, name))
    yield { values: tensor.data as Float32Array, dims: tensor.dims, labels }
  }
}

async function* augmented(
  batches: AsyncIterable<TrainBatch>,
  { preprocess, options: { augment, seed } }: BatchPlan,
  epoch: number,
): AsyncGenerator<TrainBatch, void, void> {
  const random = createRandom(seed, epoch, AUGMENT_STREAM)
  const isNhwc = preprocess?.layout === 'NHWC'
  for await (const batch of batches) {
    yield { ...batch, values: augmentBatch(batch.values, batch.dims, augment, random, isNhwc) }
  }
}

function labelOf(label: number | null, name: string): number {
  if (label !== null) return label
  throw new Fault('data.labelMissing', `Sample ${name} has no label; training needs one for every sample.`, { name })
}
