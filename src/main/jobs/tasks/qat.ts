import path from 'node:path'
import type { DataSplit, SampleRange } from '../../../shared/contract/data.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { TensorEngine } from '../../engines/tensor-api.ts'
import { toTensorFault } from '../../engines/tf/errors.ts'
import { installTensorFlow } from '../../engines/tf/install.ts'
import { loadTensorEngine } from '../../engines/tf/load.ts'
import type { Model } from '../../graph/model.ts'
import type { QuantizeReport } from '../../quant/quantize.ts'
import { resolvePlan } from '../../quant/resolve-plan.ts'
import type { TrainData, TrainResult, TrainState } from '../../training/loop.ts'
import { measureGraph, tensorsOf } from '../../training/measure.ts'
import type { TrainOptions } from '../../training/options.ts'
import { Quantizer } from '../../training/qat/quantizer.ts'
import { quantizeTrained } from '../../training/qat/export.ts'
import { setUpQat } from '../../training/qat/setup.ts'
import { scoresOf } from '../../training/scores.ts'
import { assignTensors } from '../../training/state.ts'
import { createTrainable, type TrainableGraph } from '../../training/trainable/graph.ts'
import { readOwnModelFile, writeModelFile } from '../model-file.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import { raiseOpset } from './raise-opset.ts'
import { openTrainData, type TrainSamples } from './training/data.ts'
import { CHECKPOINT, readCheckpoint, trainInWorker, writeCheckpoint } from './training/run.ts'

export interface QatInput extends TrainSamples {
  /** path of the prepared float model (BatchNormalization folded) */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly plan: QuantPlan
  /** `sha256:…` of the source model, which the plan must be for */
  readonly hash: string
  readonly options: TrainOptions
  /** last epoch in which ranges move */
  readonly frozenAfter: number
  readonly learnsSteps: boolean
  /** where checkpoints are kept */
  readonly folder: string
  /** what QAT evaluates itself on when it is done */
  readonly test: { readonly split: DataSplit; readonly dataHash: string; readonly range: SampleRange }
  /** where the quantized model goes, overwriting what is there */
  readonly output: string
}

export interface QatOutput extends TrainResult {
  readonly engine: string
  /** values learned by gradient */
  readonly parameters: number
  /** the plan with the ranges that were trained with */
  readonly plan: QuantPlan
  readonly report: QuantizeReport
  readonly sizeBytes: number
  /** QAT's own evaluation, on TensorFlow; accuracy in 0–1 */
  readonly own: { readonly loss: number; readonly accuracy: number; readonly samples: number }
}

/** State of the best epoch, beside the checkpoint. */
export const BEST_STATE = 'best.bin'
/** Batches of the float model that ranges begin with. */
const LOOKED_AT = 16

/**
 * Trains a prepared model for the integers of a plan, from its checkpoint where there is one, evaluates it as training sees it, and writes the quantized
 * model: the weights of the best epoch, on the very grids that it was trained with.
 * @throws Fault plan.*, engine.notInstalled, engine.trainingDiverged, model.untrainable, data.*, file.diskFull
 */
export function createQatTask(): Task<QatInput, QatOutput> {
  return async (input, context) => {
    const engine = loadTensorEngine(await installTensorFlow(context))
    try {
      return await trainForIntegers(engine, input, context)
    } catch (error) {
      throw toTensorFault(error, engine.version)
    }
  }
}

async function trainForIntegers(engine: TensorEngine, input: QatInput, context: TaskContext): Promise<QatOutput> {
  const { layers, plan, hash, options, folder, learnsSteps, frozenAfter } = input
  const { signal } = context
  const { model } = await readOwnModelFile(input.prepared, { signal })
  const setup = setUpQat(model, resolvePlan(plan, layers, model, hash))
  const graph = createTrainable(engine, scoresOf(setup.model), (name) => !setup.constants.has(name))
  const quantizer = new Quantizer(engine, graph, setup, { frozenAfter, learnsSteps })
  const data = await openTrainData(model, input, context)
  try {
    const resume = await readCheckpoint(path.join(folder, CHECKPOINT))
    if (!resume) await lookAt(engine, graph, quantizer, data, signal)
    const best = path.join(folder, BEST_STATE)
    const onBest = (state: TrainState): Promise<void> => writeCheckpoint(best, state, signal)
    const training = { engine, graph, data, options, folder, stage: 'qat', quantizer, onBest }
    const result = await trainInWorker(training, resume, context)
    // the best epoch may lie before an interruption
    const kept = await readCheckpoint(best)
    if (kept) restore(engine, graph, quantizer, kept)
    const own = await evaluate(engine, graph, quantizer, model, input, context)
    const quantized = quantizeTrained({ setup, graph, quantizer, layers, hash, raiseOpset })
    const { sizeBytes } = await writeModelFile(quantized.model, input.output, { force: true, signal })
    const learned = [...graph.variables.values(), ...quantizer.learned.map(({ variable }) => variable)]
    const parameters = learned.reduce((sum, { trainable, size }) => sum + (trainable ? size : 0), 0)
    const { report, plan: trained } = quantized
    return { ...result, engine: engine.version, parameters, plan: trained, report, sizeBytes, own }
  } finally {
    quantizer.dispose()
    graph.dispose()
    await data.close()
  }
}

async function lookAt(
  { tf }: TensorEngine,
  graph: TrainableGraph,
  quantizer: Quantizer,
  data: TrainData,
  signal: AbortSignal,
): Promise<void> {
  let looked = 0
  for await (const batch of data.train(0)) {
    signal.throwIfAborted()
    tf.tidy(() => quantizer.look({ [graph.model.graph.inputs[0]!.name]: tensorsOf(tf, batch).x }))
    if (++looked === LOOKED_AT) break
  }
}

function restore({ tf }: TensorEngine, graph: TrainableGraph, quantizer: Quantizer, { tensors }: TrainState): void {
  const steps = quantizer.learned.map(({ name, variable }) => [name, variable] as const)
  assignTensors(tf, [...graph.variables, ...graph.statistics, ...steps], tensors)
  quantizer.load(tensors)
}

/** What training itself thinks of its model, on the samples that the file is measured on too. */
async function evaluate(
  engine: TensorEngine,
  graph: TrainableGraph,
  quantizer: Quantizer,
  model: Model,
  { data, test, preprocess, options }: QatInput,
  context: TaskContext,
): Promise<QatOutput['own']> {
  const { split, dataHash } = test
  const ranges = { train: { start: 0, end: 0 }, validation: test.range }
  const samples = await openTrainData(model, { data, split, dataHash, preprocess, ranges, options }, context)
  try {
    return await measureGraph(
      engine,
      graph,
      samples.validation(),
      () => quantizer.hooks(options.epochs, false),
      context.signal,
    )
  } finally {
    await samples.close()
  }
}
