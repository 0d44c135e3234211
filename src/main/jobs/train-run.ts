import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { StepView } from '../../shared/contract/api/training.ts'
import type { DataInfo, DataSpec } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { Json } from '../../shared/contract/runs.ts'
import type { EpochMetrics } from '../training/loop.ts'
import { DEFAULT_OPTIONS, type TrainOptions } from '../training/options.ts'
import { assertWritable, writeFilesAtomic } from './atomic-file.ts'
import { evaluateModel, type Evaluation } from './evaluate.ts'
import { evaluationMetrics } from './evaluate-run.ts'
import { measuredOnly, type OpenRun, type RunOutcome } from './record-run.ts'
import type { Services } from './services.ts'
import type { BuildModelInput, TrainStart } from './tasks/build-model.ts'
import type { ModelDescription } from './tasks/describe-model.ts'
import { BEST, type TrainInput, type TrainOutput } from './tasks/train.ts'
import { keptCurve } from './training-curve.ts'
import { checkpointFolder } from './training/checkpoints.ts'
import { recordTraining, trainingMetrics } from './training/record.ts'
import {
  defined,
  describeTraining,
  lengthOf,
  testSamples,
  trainingPreprocess,
  trainingRanges,
} from './training/samples.ts'

/** What `train` is asked for; all of it goes into the run's parameters, from which `--resume` takes it again. */
export interface TrainRequest {
  readonly start: TrainStart
  readonly data: DataSpec
  readonly preprocess: string | null
  /** learn from at most so many samples */
  readonly samples: number | null
  /** samples held out to choose the best epoch; null: a tenth, at most 5,000 */
  readonly validation: number | null
  /** classes of the data, where they do not tell themselves; a model with another number of them gets a fresh head */
  readonly classes: number | null
  /** [height, width] that pictures of different sizes are brought to */
  readonly size: readonly [number, number] | null
  /** what the user said; the recipe, then DEFAULT_OPTIONS fill the rest */
  readonly options: Partial<TrainOptions>
  readonly output: string
  readonly force: boolean
}

/** What `train` answers beside the run's id. Rates in 0–1. */
export interface TrainAnswer {
  readonly output: string
  readonly bytes: number
  readonly parameters: number
  /** version of libtensorflow */
  readonly engine: string
  readonly options: TrainOptions
  readonly history: readonly EpochMetrics[]
  readonly bestEpoch: number
  readonly stoppedEarly: boolean
  readonly samples: { readonly train: number; readonly validation: number }
  /** of the written file, measured in ONNX Runtime; on the test split where there is one, else on the validation samples */
  readonly test: { readonly split: string; readonly evaluation: Evaluation }
}

/**
 * `quantbench train`: builds or opens a model, trains it on TensorFlow, writes it and measures the file in ONNX Runtime.
 * @param resumes a run that was interrupted: its request is taken again, and its checkpoint gone on from
 * @throws Fault format.recipe, model.untrainable, data.*, usage.*, file.*, engine.*
 */
export async function runTraining(
  request: TrainRequest,
  services: Services,
  resumes: string | null = null,
): Promise<{ run: string; value: TrainAnswer }> {
  await assertWritable(request.output, { force: request.force })
  return recordTraining('train', request, resumes, [], services, (run) => trainAs(run, request, services, resumes))
}

async function trainAs(
  run: OpenRun,
  request: TrainRequest,
  services: Services,
  resumes: string | null,
): Promise<RunOutcome<TrainAnswer>> {
  const { pool, signal, store } = services
  const info = await describeTraining(request.data, services)
  const folder = await checkpointFolder(run.id, resumes, [BEST], services)
  const model = join(folder, 'start.onnx')
  const build: BuildModelInput = {
    start: request.start,
    picture: pictureOf(request, info),
    classes: request.classes ?? info.classes?.length ?? null,
    replaceHead: request.classes,
    seed: request.options.seed ?? DEFAULT_OPTIONS.seed,
    output: model,
  }
  const { settings } = await pool.run<BuildModelInput, { settings: Partial<TrainOptions> }>('buildModel', build, {
    signal,
  })
  const options: TrainOptions = { ...DEFAULT_OPTIONS, ...defined(settings), ...defined(request.options) }
  const description = await pool.run<{ path: string }, ModelDescription>('describeModel', { path: model }, { signal })
  run.identify({ modelHash: description.hash, dataHash: info.hash })
  const preprocess = trainingPreprocess(request.preprocess, description, info, services)
  checkClasses(info, description.outputs)
  const ranges = trainingRanges(request, info, services)
  store.catalog.keepData(info, services.now())
  const input: TrainInput = {
    model,
    data: request.data,
    split: info.split,
    dataHash: info.hash,
    preprocess,
    ranges,
    options,
    folder,
  }
  const { onProgress, onLog } = services
  const { curve, onPartial } = keptCurve(services.onPartial)
  const trained = await pool.run<TrainInput, TrainOutput>('train', input, { signal, onProgress, onLog, onPartial })
  const output = resolve(request.output)
  const best = createReadStream(join(folder, BEST)) as AsyncIterable<Uint8Array>
  await writeFilesAtomic([{ path: output, chunks: best }], { force: request.force, signal })
  const test = await measure(input, output, info, services)
  const answer: TrainAnswer = {
    output,
    bytes: (await stat(output)).size,
    parameters: trained.parameters,
    engine: trained.engine,
    options,
    history: trained.history,
    bestEpoch: trained.bestEpoch,
    stoppedEarly: trained.stoppedEarly,
    samples: { train: lengthOf(ranges.train), validation: lengthOf(ranges.validation) },
    test,
  }
  return outcomeOf(answer, curve.steps, await store.artifacts.putFile(output))
}

/** @throws Fault data.labelOutOfRange where the data have more classes than the model scores */
function checkClasses({ classes }: DataInfo, outputs: ModelDescription['outputs']): void {
  const scored = outputs[0]?.shape?.slice(1)
  if (!classes || !scored?.every((length) => typeof length === 'number')) return
  const count = scored.reduce((product, length) => product * length, 1)
  if (classes.length <= count) return
  throw new Fault(
    'data.labelOutOfRange',
    `The data have ${classes.length} classes, and the model scores ${count}. Train with --classes ${classes.length} to give it a fresh head.`,
    { label: classes.length - 1, classes: count },
  )
}

function pictureOf({ size }: TrainRequest, { pictureShape }: DataInfo): BuildModelInput['picture'] {
  if (size) return [size[0], size[1], pictureShape?.[2] ?? 3]
  return pictureShape
}

/** Accuracy of the written file. */
async function measure(
  input: TrainInput,
  model: string,
  info: DataInfo,
  services: Services,
): Promise<TrainAnswer['test']> {
  const { pool, signal, onProgress, onLog } = services
  const { name, ...samples } = await testSamples(input.data, info, input.ranges, services)
  const result = await evaluateModel(
    {
      model,
      reference: null,
      data: input.data,
      ...samples,
      seed: input.options.seed,
      preprocess: input.preprocess,
      batch: input.options.batch,
    },
    pool,
    { signal, onProgress, onLog },
  )
  return { split: name, evaluation: result }
}

function outcomeOf(
  answer: TrainAnswer,
  steps: readonly StepView[],
  file: { readonly sha256: string; readonly bytes: number },
): RunOutcome<TrainAnswer> {
  const { history, test, output } = answer
  return {
    value: answer,
    metrics: measuredOnly({
      ...evaluationMetrics(test.evaluation.result),
      ...trainingMetrics(answer),
      bytes: answer.bytes,
    }),
    results: {
      file: basename(output),
      options: answer.options as unknown as Json,
      history: history as unknown as Json,
      steps: steps as unknown as Json,
      engine: answer.engine,
      test: test as unknown as Json,
    },
    artifacts: [{ role: 'model', sha256: file.sha256, bytes: file.bytes, path: output }],
  }
}
