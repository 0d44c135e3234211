import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { TensorEngine } from '../../../engines/tensor-api.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../../../training/checkpoint.ts'
import {
  train,
  type EpochMetrics,
  type TrainData,
  type TrainQuantizer,
  type TrainResult,
  type TrainState,
} from '../../../training/loop.ts'
import type { TrainOptions } from '../../../training/options.ts'
import type { TrainableGraph } from '../../../training/trainable/graph.ts'
import { writeFilesAtomic } from '../../atomic-file.ts'
import type { TaskContext } from '../../worker-host.ts'
import { createTrainingReport } from './report.ts'

/** Name of the checkpoint in its folder. */
export const CHECKPOINT = 'checkpoint.bin'

/** A training inside a worker: what is trained on what, and where its checkpoints go. */
export interface WorkerTraining {
  readonly engine: TensorEngine
  readonly graph: TrainableGraph
  readonly data: TrainData
  readonly options: TrainOptions
  /** where `checkpoint.bin` is kept; gone on from where there is one */
  readonly folder: string
  /** stage of the progress: train, qat */
  readonly stage: string
  readonly quantizer?: TrainQuantizer
  /** keeps what an epoch came to that was better than all before, ahead of its checkpoint */
  readonly onBest: (state: TrainState) => Promise<void>
}

/**
 * Trains, from the folder's checkpoint where there is one; after each epoch the checkpoint is replaced whole.
 * @param resume what `readCheckpoint` gave
 * @throws Fault as `train`; file.diskFull
 */
export async function trainInWorker(
  training: WorkerTraining,
  resume: TrainState | null,
  context: TaskContext,
): Promise<TrainResult> {
  const { engine, graph, data, options, folder, stage, quantizer, onBest } = training
  const { signal, onProgress, onLog } = context
  const live = createTrainingReport(context.onPartial, stage === 'qat' ? 'qat' : 'float', data.trainCount, () =>
    performance.now(),
  )
  resume?.history.forEach(live.epoch)
  const before = data.trainCount * (resume?.epoch ?? 0)
  const begun = performance.now()
  const ports = {
    data,
    signal,
    now: () => performance.now(),
    onStep: ({ epoch, done, loss }: { epoch: number; done: number; loss: number }) => {
      const total = data.trainCount * options.epochs
      const note = `epoch ${epoch} of ${options.epochs}, loss ${loss.toFixed(3)}`
      const all = data.trainCount * (epoch - 1) + done
      const etaMs = ((performance.now() - begun) / (all - before)) * (total - all)
      onProgress({ stage, done: all, total, unit: 'samples', etaMs, note })
      live.step({ epoch, done, loss })
    },
    onEpoch: async (metrics: EpochMetrics, state: TrainState, best: boolean) => {
      if (best) await onBest(state)
      await writeCheckpoint(path.join(folder, CHECKPOINT), state, signal)
      live.epoch(metrics)
      onLog('info', epochText(metrics, options.epochs))
    },
    ...(quantizer && { quantizer }),
  }
  return train(engine, graph, options, ports, resume)
}

/** Replaces a checkpoint whole. @throws Fault file.* */
export async function writeCheckpoint(file: string, state: TrainState, signal: AbortSignal): Promise<void> {
  await writeFilesAtomic([{ path: file, chunks: encodeCheckpoint(state) }], { force: true, signal })
}

/** The state a checkpoint holds; null where there is no file. @throws Fault format.checkpoint */
export async function readCheckpoint(file: string): Promise<TrainState | null> {
  return existsSync(file) ? decodeCheckpoint(await readFile(file), file) : null
}

function epochText(metrics: EpochMetrics, epochs: number): string {
  const { epoch, loss, accuracy, validationLoss, validationAccuracy, samplesPerSecond } = metrics
  const validation =
    validationAccuracy === null
      ? ''
      : `, validation loss ${validationLoss!.toFixed(4)}, accuracy ${(validationAccuracy * 100).toFixed(2)} %`
  return `Epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}, accuracy ${(accuracy * 100).toFixed(2)} %${validation}; ${samplesPerSecond.toFixed(0)} samples/s.`
}
