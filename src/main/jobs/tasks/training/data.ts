import type { Model } from '../../../graph/model.ts'
import type { TrainData } from '../../../training/loop.ts'
import type { TaskContext } from '../../worker-host.ts'
import type { BatchPlan } from './batch-maker.ts'
import { openReader } from './reader.ts'

/** What is learned from, and how it becomes batches. */
export type TrainSamples = Omit<BatchPlan, 'inputs'>

/** Data of a training, with the thread that reads them. */
export interface OpenTrainData extends TrainData {
  close(): Promise<void>
}

/**
 * Batches of a data set as training takes them: each epoch in an order of its own, read, decoded and augmented in a thread beside the
 * engine's.
 * @param model whose input the samples are made for
 * @throws Fault data.*
 */
export async function openTrainData(
  model: Model,
  { data, split, dataHash, preprocess, ranges, options: { seed, batch, augment } }: TrainSamples,
  { signal }: Pick<TaskContext, 'signal'>,
): Promise<OpenTrainData> {
  const inputs = model.graph.inputs.flatMap(({ name, dataType, shape }) =>
    // the training's batch is its own: a length that the file fixes is left open
    dataType === null ? [] : [{ name, dataType, shape: shape && ['N', ...shape.slice(1)] }],
  )
  const options = { seed, batch, augment }
  const reader = await openReader({ data, split, dataHash, inputs, preprocess, ranges, options })
  return {
    trainCount: ranges.train.end - ranges.train.start,
    validationCount: ranges.validation.end - ranges.validation.start,
    labelRange: reader.labelRange,
    train: (epoch) => reader.read({ kind: 'train', epoch }, signal),
    validation: () => reader.read({ kind: 'validation' }, signal),
    close: () => reader.close(),
  }
}
