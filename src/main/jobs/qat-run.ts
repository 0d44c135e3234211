import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import type { ArtifactInfo, Json } from '../../shared/contract/runs.ts'
import { serializePlan } from '../quant/plan.ts'
import type { EpochMetrics } from '../training/loop.ts'
import type { TrainOptions } from '../training/options.ts'
import { FROZEN_SHARE, learnsStepsOf, qatOptions } from '../training/qat/defaults.ts'
import { parseRecipe } from '../training/recipes/recipe.ts'
import { assertWritable } from './atomic-file.ts'
import { evaluateModel, type Evaluation } from './evaluate.ts'
import { evaluationMetrics } from './evaluate-run.ts'
import { prepareOnce } from './prepare-once.ts'
import { layerAnswers, layerResult, publish, warningsOf, type QuantizedLayerAnswer } from './quantize-run.ts'
import { measuredOnly, type OpenRun, type RunOutcome } from './record-run.ts'
import type { Services } from './services.ts'
import { BEST_STATE, type QatInput, type QatOutput } from './tasks/qat.ts'
import { runTraining, type TrainRequest } from './train-run.ts'
import { keptCurve, type KeptCurve } from './training-curve.ts'
import { checkpointFolder, hasCheckpoint } from './training/checkpoints.ts'
import { recordTraining, trainingMetrics } from './training/record.ts'
import {
  defined,
  describeTraining,
  lengthOf,
  testSamples,
  trainingPreprocess,
  trainingRanges,
  type TestSamples,
} from './training/samples.ts'
import { verifyExecution } from './verify.ts'

/** What `qat` is asked for; all of it goes into the run's parameters, from which `--resume` takes it again. */
export interface QatRequest extends Omit<TrainRequest, 'options'> {
  /** static layers of 2 bits and more; the others float */
  readonly plan: QuantPlan
  /** of the float training that comes first, of a recipe or a fresh head; 0 epochs: none */
  readonly floatOptions: Partial<TrainOptions>
  /** of the training for integers; defaults by bits fill the rest */
  readonly options: Partial<TrainOptions>
  /** share of the epochs after which the ranges of activations stand still; null: half */
  readonly freeze: number | null
  /** learned step size instead of ranges by moving average; null: as the bits suggest */
  readonly lsq: boolean | null
}

/** What `qat` answers beside the run's id. Rates in 0–1. */
export interface QatAnswer {
  readonly output: string
  readonly bytes: number
  /** of the float model's file */
  readonly referenceBytes: number
  /** with the ranges that were trained with */
  readonly plan: QuantPlan
  /** version of libtensorflow */
  readonly engine: string
  readonly parameters: number
  readonly options: TrainOptions
  /** why the learning rate is what it is */
  readonly learningRateWhy: string
  readonly history: readonly EpochMetrics[]
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
  readonly samples: { readonly train: number; readonly validation: number }
  /** run of the float training that came first; null without one */
  readonly floatRun: string | null
  /** the float model, measured in ONNX Runtime */
  readonly float: { readonly top1: number; readonly loss: number }
  /** the exported file, measured in ONNX Runtime beside the float model */
  readonly test: { readonly split: string; readonly evaluation: Evaluation }
  /** QAT's own evaluation of the same samples, on TensorFlow */
  readonly own: { readonly top1: number; readonly loss: number; readonly samples: number }
  /** between QAT's own top-1 and that of the exported file */
  readonly gap: number
  readonly layers: readonly QuantizedLayerAnswer[]
  readonly warnings: readonly string[]
}

/** More than this between QAT's own evaluation and that of its file is told. Source: DESIGN section 7. */
const LARGEST_GAP = 0.001

/** Names in the run's folder. */
export const FLOAT_MODEL = 'float.onnx'
export const FLOAT_RUN = 'float-run.txt'
const KEPT = [BEST_STATE, FLOAT_MODEL, FLOAT_RUN]

/**
 * `quantbench qat`: trains a model for integers on TensorFlow, from a trained float model or from scratch (in float first), writes the quantized
 * file, and measures it in ONNX Runtime beside QAT's own evaluation.
 * @param resumes a run that was interrupted: its checkpoint is gone on from
 * @throws Fault plan.*, model.*, data.*, usage.*, file.*, engine.*
 */
export async function runQat(
  request: QatRequest,
  services: Services,
  resumes: string | null = null,
): Promise<{ run: string; value: QatAnswer }> {
  await assertWritable(request.output, { force: request.force })
  return recordTraining('qat', request, resumes, KEPT, services, (run) => qatAs(run, request, services, resumes))
}

/** The float model that is trained for integers. */
export interface FloatModel {
  readonly path: string
  readonly run: string | null
}

async function qatAs(
  run: OpenRun,
  request: QatRequest,
  services: Services,
  resumes: string | null,
): Promise<RunOutcome<QatAnswer>> {
  const { pool, signal, store, onLog } = services
  const folder = await checkpointFolder(run.id, resumes, KEPT, services)
  const info = await describeTraining(request.data, services)
  const float = await floatModel(request, folder, services)
  const prepared = join(folder, 'prepared.onnx')
  const preparation = await prepareOnce(float.path, prepared, services)
  const { summary } = preparation
  run.identify({ modelHash: summary.hash, dataHash: info.hash })
  store.catalog.keepModel(summary, services.now())
  store.catalog.keepData(info, services.now())
  const plan = { ...request.plan, model: request.plan.model ?? summary.hash }
  const learnsSteps = learnsStepsOf(plan, request.lsq)
  const { options, why } = qatOptions(plan, { ...recipeOptions(request), ...defined(request.options) }, learnsSteps)
  onLog('info', `Learning rate ${why}.`)
  const ranges = trainingRanges(request, info, services)
  const test = await testSamples(request.data, info, ranges, services)
  const staged = join(await freshFolder(folder), basename(request.output))
  const input: QatInput = {
    prepared,
    layers: summary.layers,
    plan,
    hash: summary.hash,
    data: request.data,
    split: info.split,
    dataHash: info.hash,
    preprocess: trainingPreprocess(
      request.preprocess,
      { inputs: summary.inputs, metadata: preparation.prepared.metadata },
      info,
      services,
    ),
    ranges,
    options,
    frozenAfter: Math.ceil(options.epochs * (request.freeze ?? FROZEN_SHARE)),
    learnsSteps,
    folder,
    test: { split: test.split, dataHash: test.dataHash, range: test.range },
    output: staged,
  }
  const { curve, onPartial } = keptCurve(services.onPartial)
  const trained = await pool.run<QatInput, QatOutput>('qat', input, { ...listeners(services), signal, onPartial })
  const execution = await verifyExecution(
    { model: staged, layers: summary.layers, report: trained.report, shapes: preparation.sampleShapes },
    pool,
    { signal },
  )
  const evaluation = await measure(input, staged, test, services)
  const own = { top1: trained.own.accuracy, loss: trained.own.loss, samples: trained.own.samples }
  const { model, reference } = evaluation.result
  const gap = Math.abs(own.top1 - model!.top1)
  const answer: QatAnswer = {
    output: resolve(request.output),
    bytes: trained.sizeBytes,
    referenceBytes: summary.sizeBytes,
    plan: trained.plan,
    engine: trained.engine,
    parameters: trained.parameters,
    options,
    learningRateWhy: why,
    history: trained.history,
    bestEpoch: trained.bestEpoch,
    stoppedEarly: trained.stoppedEarly,
    samples: { train: lengthOf(ranges.train), validation: lengthOf(ranges.validation) },
    floatRun: float.run,
    float: { top1: reference!.top1, loss: reference!.loss },
    test: { split: test.name, evaluation },
    own,
    gap,
    layers: layerAnswers(summary.layers, trained.report, execution),
    warnings: [...gapWarning(gap), ...warningsOf(summary, trained, execution)],
  }
  await publish(staged, request, signal)
  return outcomeOf(answer, curve, services)
}

const listeners = ({ onProgress, onLog }: Services): Pick<Services, 'onProgress' | 'onLog'> => ({ onProgress, onLog })

/** A folder of its own, as `publish` wants it. */
async function freshFolder(folder: string): Promise<string> {
  const own = join(folder, 'out')
  await mkdir(own, { recursive: true })
  return own
}

/**
 * The float model to begin with: the named one, or, of a recipe or where a fresh head is asked for, what a float training of its own
 * run makes. That training is gone on with where it was cut off.
 */
export async function floatModel(request: QatRequest, folder: string, services: Services): Promise<FloatModel> {
  const { start, classes, floatOptions } = request
  if (start.kind === 'model' && classes === null) return { path: start.path, run: null }
  const path = join(folder, FLOAT_MODEL)
  const note = join(folder, FLOAT_RUN)
  const before = existsSync(note) ? await readFile(note, 'utf8') : null
  if (before !== null && existsSync(path)) return { path, run: before }
  const { plan: _plan, freeze: _freeze, lsq: _lsq, floatOptions: _float, ...subject } = request
  const asked: TrainRequest = { ...subject, options: floatOptions, output: path, force: true }
  const written: Promise<void>[] = []
  const own: Services = { ...services, onRun: (id) => void written.push(writeFile(note, id)) }
  const resumable = before !== null && hasCheckpoint(before, services)
  const { run } = await runTraining(asked, own, resumable ? before : null)
  await Promise.all(written)
  return { path, run }
}

/** What a training for integers takes over from a recipe: how pictures are varied, and the batch. */
export function recipeOptions({ start }: Pick<QatRequest, 'start'>): Partial<TrainOptions> {
  if (start.kind !== 'recipe') return {}
  const { augment, batch } = parseRecipe(start.text, start.file).train
  return defined({ augment, batch })
}

async function measure(
  { prepared, data, options, preprocess }: QatInput,
  model: string,
  { split, dataHash, range }: TestSamples,
  services: Services,
): Promise<Evaluation> {
  const { seed, batch } = options
  const request = { model, reference: prepared, data, split, dataHash, range, seed, preprocess, batch }
  const evaluation = await evaluateModel(request, services.pool, { ...listeners(services), signal: services.signal })
  if (evaluation.result.model && evaluation.result.reference) return evaluation
  throw new Fault(
    'model.untrainable',
    'No output of this model scores classes, so its accuracy cannot be measured: training with labels needs a classifier.',
  )
}

function gapWarning(gap: number): string[] {
  if (gap <= LARGEST_GAP) return []
  return [
    `The exported file's top-1 differs from QAT's own by ${(100 * gap).toFixed(2)} percentage points, more than ${100 * LARGEST_GAP}.`,
  ]
}

async function outcomeOf(answer: QatAnswer, curve: KeptCurve, { store }: Services): Promise<RunOutcome<QatAnswer>> {
  const { history, test, own, output, bytes, referenceBytes } = answer
  const plan = store.artifacts.putBytes(new TextEncoder().encode(serializePlan(answer.plan)))
  const artifacts: ArtifactInfo[] = [
    { role: 'output', ...(await store.artifacts.putFile(output)), path: output },
    { role: 'plan', ...plan, path: null },
  ]
  return {
    value: answer,
    metrics: measuredOnly({
      ...evaluationMetrics(test.evaluation.result),
      ownTop1: own.top1,
      gap: answer.gap,
      ...trainingMetrics(answer),
      bytes,
      referenceBytes,
      sizeRatio: bytes / referenceBytes,
    }),
    layers: answer.layers.map(layerResult),
    artifacts,
    warnings: answer.warnings,
    results: {
      file: basename(output),
      options: answer.options as unknown as Json,
      learningRateWhy: answer.learningRateWhy,
      history: history as unknown as Json,
      steps: curve.steps as unknown as Json,
      engine: answer.engine,
      floatRun: answer.floatRun,
      own: { ...own },
      test: test as unknown as Json,
    },
  }
}
