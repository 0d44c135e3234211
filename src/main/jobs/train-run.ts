import { copyFile, mkdir, stat } from 'node:fs/promises'
import { createReadStream, existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { OnPartial } from '../../shared/contract/api/jobs.ts'
import type { StepView } from '../../shared/contract/api/training.ts'
import type { DataInfo, DataSpec, SampleRange } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { resolvePreprocess } from '../data/preprocess.ts'
import type { EpochMetrics } from '../training/loop.ts'
import { DEFAULT_OPTIONS, type TrainOptions } from '../training/options.ts'
import { assertWritable, writeFilesAtomic } from './atomic-file.ts'
import { evaluateModel, type Evaluation } from './evaluate.ts'
import { evaluationMetrics } from './evaluate-run.ts'
import { recordRun, type OpenRun, type RunOutcome } from './record-run.ts'
import type { Services } from './services.ts'
import type { BuildModelInput, TrainStart } from './tasks/build-model.ts'
import type { DataDescription, DescribeDataInput } from './tasks/describe-data.ts'
import type { ModelDescription } from './tasks/describe-model.ts'
import { KeptCurve } from './training-curve.ts'
import { BEST, type TrainInput, type TrainOutput } from './tasks/train.ts'

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

const VALIDATION_PART = 0.1
const MOST_VALIDATION = 5000

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
  const { start } = request
  const modelPath = start.kind === 'model' ? start.path : start.file
  const parameters = request as unknown as Json
  return recordRun(
    services,
    { kind: 'train', modelPath, parameters: { request: parameters, resumes }, resumes },
    (run) => trainAs(run, request, services, resumes),
  )
}

/**
 * The request of a run that can be gone on with.
 * @throws Fault usage.resume where it was no training
 */
export function requestOfRun(
  run: string,
  { store }: Services,
): { readonly id: string; readonly request: TrainRequest } {
  const { id, kind, parameters } = store.runs.get(run)
  if (kind !== 'train')
    throw new Fault('usage.resume', `Run ${run} is no training, so there is nothing to go on with.`, { run })
  return { id, request: (parameters as unknown as { request: TrainRequest }).request }
}

async function trainAs(
  run: OpenRun,
  request: TrainRequest,
  services: Services,
  resumes: string | null,
): Promise<RunOutcome<TrainAnswer>> {
  const { pool, signal, store } = services
  const info = await describeTraining(request.data, services)
  const folder = await checkpointFolder(run.id, resumes, services)
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
  const { preprocess, why } = resolvePreprocess(
    request.preprocess ?? undefined,
    description.inputs,
    info,
    new Map(Object.entries(description.metadata)),
  )
  services.onLog('info', `Preprocessing: ${why}`)
  const ranges = rangesOf(request, info, services)
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
  const curve = new KeptCurve()
  const onPartial: OnPartial = (partial) => {
    if (partial.kind === 'training') curve.add(partial)
    services.onPartial?.(partial)
  }
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

/** The split that is learned from. */
async function describeTraining(spec: DataSpec, { pool, signal }: Services): Promise<DataInfo> {
  const input: DescribeDataInput = { spec, split: null, calibrate: true, sameSplit: false }
  const { evaluation, calibration } = await pool.run<DescribeDataInput, DataDescription>('describeData', input, {
    signal,
    retry: true,
  })
  const info = calibration ?? evaluation
  if (info.labelled) return info
  throw new Fault('data.labelMissing', 'These data have no labels; training needs one for every sample.')
}

/** A resumed training goes on in a copy of what it left, so that the first run's checkpoint stays what it was. */
async function checkpointFolder(run: string, resumes: string | null, { store }: Services): Promise<string> {
  const root = join(store.home, 'checkpoints')
  const folder = join(root, run)
  await mkdir(folder, { recursive: true })
  if (resumes === null) return folder
  const left = join(root, resumes)
  if (!existsSync(join(left, 'checkpoint.bin'))) {
    throw new Fault(
      'usage.resume',
      `Run ${resumes} left no checkpoint: it ended before its first epoch. Train without --resume.`,
      { run: resumes },
    )
  }
  for (const name of ['checkpoint.bin', BEST]) await copyFile(join(left, name), join(folder, name))
  return folder
}

function pictureOf({ size }: TrainRequest, { pictureShape }: DataInfo): BuildModelInput['picture'] {
  if (size) return [size[0], size[1], pictureShape?.[2] ?? 3]
  return pictureShape
}

/** The first positions of the order are held out, the rest is learned from. */
function rangesOf(request: TrainRequest, { count, split }: DataInfo, { onLog }: Services): TrainInput['ranges'] {
  const held = request.validation ?? Math.min(MOST_VALIDATION, Math.floor(count * VALIDATION_PART))
  if (held >= count) {
    throw new Fault(
      'usage.range',
      `--validation ${held} leaves nothing to learn from: the ${split} split has ${count} samples.`,
      { count },
    )
  }
  const end = request.samples === null ? count : Math.min(count, held + request.samples)
  onLog('info', `Training on ${split} ${held}:${end} of ${count}, choosing the best epoch on 0:${held}.`)
  return { train: { start: held, end }, validation: { start: 0, end: held } }
}

/** Accuracy of the written file: on the test split where there is one apart, else on what was held out, else on nothing new. */
async function measure(
  input: TrainInput,
  model: string,
  info: DataInfo,
  services: Services,
): Promise<TrainAnswer['test']> {
  const { pool, signal, onProgress, onLog } = services
  const ask: DescribeDataInput = { spec: input.data, split: null, calibrate: false, sameSplit: false }
  const { evaluation } = await pool.run<DescribeDataInput, DataDescription>('describeData', ask, {
    signal,
    retry: true,
  })
  const apart = evaluation.hash !== info.hash
  const held = lengthOf(input.ranges.validation) > 0 ? input.ranges.validation : input.ranges.train
  const result = await evaluateModel(
    {
      model,
      reference: null,
      data: input.data,
      split: evaluation.split,
      dataHash: evaluation.hash,
      range: apart ? { start: 0, end: evaluation.count } : held,
      seed: input.options.seed,
      preprocess: input.preprocess,
      batch: input.options.batch,
    },
    pool,
    { signal, onProgress, onLog },
  )
  return { split: apart ? evaluation.split : 'validation', evaluation: result }
}

const lengthOf = ({ start, end }: SampleRange): number => end - start

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>
}

function outcomeOf(
  answer: TrainAnswer,
  steps: readonly StepView[],
  file: { readonly sha256: string; readonly bytes: number },
): RunOutcome<TrainAnswer> {
  const { history, bestEpoch, test, output } = answer
  const best = history.find(({ epoch }) => epoch === bestEpoch)
  const metrics: Record<string, number | null | undefined> = {
    ...evaluationMetrics(test.evaluation.result),
    epochs: history.length,
    bestEpoch,
    trainLoss: best?.loss,
    validationLoss: best?.validationLoss,
    validationTop1: best?.validationAccuracy,
    samplesPerSecond: history.at(-1)?.samplesPerSecond,
    bytes: answer.bytes,
  }
  return {
    value: answer,
    metrics: Object.fromEntries(
      Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    ),
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
