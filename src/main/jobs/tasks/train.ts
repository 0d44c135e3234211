import { existsSync } from 'node:fs'
import path from 'node:path'
import { toTensorFault } from '../../engines/tf/errors.ts'
import { installTensorFlow } from '../../engines/tf/install.ts'
import { loadTensorEngine } from '../../engines/tf/load.ts'
import type { TrainResult } from '../../training/loop.ts'
import type { TrainOptions } from '../../training/options.ts'
import { scoresOf, withWeightsOf } from '../../training/scores.ts'
import { createTrainable, type TrainableGraph } from '../../training/trainable/graph.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import { openTrainData, type TrainSamples } from './training/data.ts'
import { CHECKPOINT, readCheckpoint, trainInWorker } from './training/run.ts'

export interface TrainInput extends TrainSamples {
  /** the model to begin with; the one of the checkpoint's folder */
  readonly model: string
  readonly options: TrainOptions
  /** where `checkpoint.bin` and `best.onnx` are kept */
  readonly folder: string
}

export interface TrainOutput extends TrainResult {
  readonly engine: string
  /** values learned by gradient */
  readonly parameters: number
}

/** Name of the best model in a checkpoint's folder. */
export const BEST = 'best.onnx'

/**
 * Trains a model on TensorFlow, from its checkpoint where there is one. After each epoch the checkpoint is replaced whole, and `best.onnx`
 * when the epoch was the best so far.
 * @throws Fault engine.notInstalled, engine.trainingDiverged, model.untrainable, data.*, file.diskFull
 */
export function createTrainTask(): Task<TrainInput, TrainOutput> {
  return async (input, context) => {
    const { folder, options } = input
    const { signal } = context
    const engine = loadTensorEngine(await installTensorFlow(context))
    const { model } = await readModelFile(input.model, { signal })
    const data = await openTrainData(model, input, context)
    let graph: TrainableGraph | null = null
    try {
      const trained = createTrainable(engine, scoresOf(model))
      graph = trained
      const resume = await readCheckpoint(path.join(folder, CHECKPOINT))
      const onBest = async (): Promise<void> => {
        await writeModelFile(withWeightsOf(model, trained.toModel()), path.join(folder, BEST), { force: true, signal })
      }
      const training = { engine, graph, data, options, folder, stage: 'train', onBest }
      const result = await trainInWorker(training, resume, context)
      // a training of no epochs leaves the model as it was
      if (!existsSync(path.join(folder, BEST))) await onBest()
      const variables = [...graph.variables.values()].filter(({ trainable }) => trainable)
      return { ...result, engine: engine.version, parameters: variables.reduce((sum, { size }) => sum + size, 0) }
    } catch (error) {
      throw toTensorFault(error, engine.version)
    } finally {
      graph?.dispose()
      await data.close()
    }
  }
}
