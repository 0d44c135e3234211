import path from 'node:path'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder, type Feeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { SampleSource } from '../../data/port.ts'
import { createRandom } from '../../data/random.ts'
import { toTensorFault } from '../../engines/tf/errors.ts'
import { installTensorFlow } from '../../engines/tf/install.ts'
import { loadTensorEngine } from '../../engines/tf/load.ts'
import type { Model } from '../../graph/model.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../../training/checkpoint.ts'
import { train, type EpochMetrics, type TrainBatch, type TrainData, type TrainResult } from '../../training/loop.ts'
import type { TrainOptions } from '../../training/options.ts'
import { scoresOf, withWeightsOf } from '../../training/scores.ts'
import { createTrainable, type TrainableGraph } from '../../training/trainable/graph.ts'
import { writeFilesAtomic } from '../atomic-file.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

export interface TrainInput {
  /** the model to begin with; the one of the checkpoint's folder */
  readonly model: string
  readonly data: DataSpec
  readonly split: DataSplit
  readonly dataHash: string
  readonly preprocess: Preprocess | null
  /** positions of the order of the seed that are learned from, and that decide which epoch is best */
  readonly ranges: { readonly train: SampleRange; readonly validation: SampleRange }
  readonly options: TrainOptions
  /** where `checkpoint.bin` and `best.onnx` are kept */
  readonly folder: string
}

export interface TrainOutput extends TrainResult {
  readonly engine: string
  /** values learned by gradient */
  readonly parameters: number
}

/** Names in a checkpoint's folder. */
export const CHECKPOINT = 'checkpoint.bin'
export const BEST = 'best.onnx'

/** Seed of the stream that an epoch's order is drawn from. */
const ORDER_STREAM = 3

/**
 * Trains a model on TensorFlow, from its checkpoint where there is one. After each epoch the checkpoint is replaced whole, and `best.onnx`
 * when the epoch was the best so far.
 * @throws Fault engine.notInstalled, engine.trainingDiverged, model.untrainable, data.*, file.diskFull
 */
export function createTrainTask(deps: TaskDeps): Task<TrainInput, TrainOutput> {
  return async (input, context) => {
    const engine = loadTensorEngine(await installTensorFlow(context))
    const { model } = await readModelFile(input.model, { signal: context.signal })
    const source = await deps.openSamples(input.data, input.split, { knownHash: input.dataHash })
    let graph: TrainableGraph | null = null
    try {
      graph = createTrainable(engine, scoresOf(model))
      const resume = await readCheckpoint(input.folder)
      const trained = graph
      const result = await train(
        engine,
        graph,
        input.options,
        {
          data: openData(source, model, input, context),
          signal: context.signal,
          random: createRandom,
          now: () => performance.now(),
          onStep: ({ epoch, done, loss }) => reportStep(context, input, epoch, done, loss),
          onEpoch: async (metrics, state, best) => {
            if (best) {
              const whole = withWeightsOf(model, trained.toModel())
              await writeModelFile(whole, path.join(input.folder, BEST), { force: true, signal: context.signal })
            }
            const file = path.join(input.folder, CHECKPOINT)
            await writeFilesAtomic([{ path: file, chunks: encodeCheckpoint(state) }], {
              force: true,
              signal: context.signal,
            })
            context.onLog('info', epochText(metrics, input.options.epochs))
          },
        },
        resume,
      )
      const variables = [...graph.variables.values()].filter(({ trainable }) => trainable)
      return { ...result, engine: engine.version, parameters: variables.reduce((sum, { size }) => sum + size, 0) }
    } catch (error) {
      throw toTensorFault(error, engine.version)
    } finally {
      graph?.dispose()
      await source.close()
    }
  }
}

async function readCheckpoint(folder: string): Promise<ReturnType<typeof decodeCheckpoint> | null> {
  const file = path.join(folder, CHECKPOINT)
  return existsSync(file) ? decodeCheckpoint(await readFile(file), file) : null
}

function reportStep(
  { onProgress }: TaskContext,
  { options, ranges }: TrainInput,
  epoch: number,
  done: number,
  loss: number,
): void {
  const size = ranges.train.end - ranges.train.start
  const total = size * options.epochs
  const note = `epoch ${epoch} of ${options.epochs}, loss ${loss.toFixed(3)}`
  onProgress({ stage: 'train', done: size * (epoch - 1) + done, total, unit: 'samples', note })
}

function epochText(metrics: EpochMetrics, epochs: number): string {
  const { epoch, loss, accuracy, validationLoss, validationAccuracy, samplesPerSecond } = metrics
  const validation =
    validationAccuracy === null
      ? ''
      : `, validation loss ${validationLoss!.toFixed(4)}, accuracy ${(validationAccuracy * 100).toFixed(2)} %`
  return `Epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}, accuracy ${(accuracy * 100).toFixed(2)} %${validation}; ${samplesPerSecond.toFixed(0)} samples/s.`
}

function openData(source: SampleSource, model: Model, input: TrainInput, { signal }: TaskContext): TrainData {
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
