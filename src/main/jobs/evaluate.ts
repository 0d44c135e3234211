import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { OptimizationLevel } from '../engines/port.ts'
import type { EvaluationResult, EvaluationSpec } from '../quant/accumulator.ts'
import type { WorkerPool } from './pool.ts'
import type { EvaluateInput, EvaluateOutput, EvaluationEngine } from './tasks/evaluate.ts'
import type { SummarizeInput } from './tasks/summarize.ts'
import type { TaskOptions } from './worker-host.ts'

export interface EvaluationRequest {
  /** path of the model under test */
  readonly model: string
  /** path of the float model to compare with */
  readonly reference?: string | null
  readonly data: DataSpec
  readonly split: DataSplit
  /** `DataInfo.hash` where the caller has just opened the data: spares every worker reading all files */
  readonly dataHash?: string | null
  /** positions of the order that `seed` gives */
  readonly range: SampleRange
  readonly seed: number
  /** null for data that are tensors already (npz) */
  readonly preprocess: Preprocess | null
  /**
   * Samples in a batch, 1 by default. Part of the measurement: the ranges of a dynamic model depend on it. A model's fixed
   * batch goes before it.
   */
  readonly batch?: number
  /** intra-op threads of one session, 1 by default: float sums depend on how they are split */
  readonly threads?: number
  /** worker processes, the pool's size by default; has no influence on the result */
  readonly workers?: number
  readonly optimization?: OptimizationLevel
  /** what runs the model, ONNX Runtime by default; the reference always runs there */
  readonly engine?: EvaluationEngine
  /** output that holds the class scores; found by its shape unless told */
  readonly classOutput?: string | null
}

export interface Evaluation {
  readonly result: EvaluationResult
  readonly spec: EvaluationSpec
  /** as used; part of what identifies the measurement */
  readonly batch: number
  readonly threads: number
  readonly optimization: OptimizationLevel
  /** what ran the model; absent in measurements kept by earlier versions, which all were ONNX Runtime's */
  readonly engine?: EvaluationEngine
  readonly workers: number
  readonly time: EvaluationTime
}

interface EvaluationTime {
  readonly wallMs: number
  /** inside `session.run`, summed over workers */
  readonly modelMs: number
  readonly referenceMs: number
  /** the workers' loops over their samples, summed; the rest above the two is reading, preprocessing and metrics */
  readonly loopMs: number
}

/** A share smaller than this is not worth a further worker: opening data and model costs as much. */
const minShare = 16

/**
 * Measures a model on labelled or unlabelled data, spread over worker processes. Every worker takes a run of whole batches whose
 * boundaries depend only on the range and the batch, leaves one row of numbers per sample, and the rows are summed in the order of
 * the samples: the result is the same to the last bit for any number of workers.
 * @throws Fault usage.range for an empty range; data.*, model.* and engine.* naming sample, output or node; the signal's reason
 */
export async function evaluateModel(
  request: EvaluationRequest,
  pool: WorkerPool,
  options: TaskOptions = {},
): Promise<Evaluation> {
  const start = performance.now()
  const { outputs, common, workers } = await runShares(request, pool, options)
  const spec = commonSpec(outputs)
  const states = outputs.map(({ state }) => state)
  const result = await pool.run<SummarizeInput, EvaluationResult>(
    'summarize',
    { spec, states },
    { signal: options.signal, retry: true },
  )
  return {
    result,
    spec,
    batch: outputs[0]!.batch,
    threads: common.threads,
    optimization: common.optimization,
    engine: common.engine,
    workers,
    time: {
      wallMs: performance.now() - start,
      modelMs: sumOf(outputs, ({ modelMs }) => modelMs),
      referenceMs: sumOf(outputs, ({ referenceMs }) => referenceMs),
      loopMs: sumOf(outputs, ({ loopMs }) => loopMs),
    },
  }
}

/**
 * KL(reference ‖ model) of each sample in nats, in the order of the data set's indices; null for models that do not classify.
 * @throws as `evaluateModel`
 */
export async function klOfSamples(
  request: EvaluationRequest & { readonly reference: string },
  pool: WorkerPool,
  options: TaskOptions = {},
): Promise<Float64Array | null> {
  const { outputs } = await runShares(request, pool, options)
  const input = { spec: commonSpec(outputs), states: outputs.map(({ state }) => state) }
  return pool.run<SummarizeInput, Float64Array | null>('sampleKl', input, { signal: options.signal, retry: true })
}

async function runShares(
  request: EvaluationRequest,
  pool: WorkerPool,
  options: TaskOptions,
): Promise<{ outputs: EvaluateOutput[]; common: Omit<EvaluateInput, 'share'>; workers: number }> {
  const total = request.range.end - request.range.start
  if (total < 1) throw new Fault('usage.range', 'The range to evaluate holds no samples.')
  const common = taskInput(request)
  // TensorFlow takes all cores in one process
  const most = common.engine === 'tfjs' ? 1 : (request.workers ?? pool.size)
  const count = Math.max(1, Math.min(most, pool.size, Math.ceil(total / minShare)))
  const inputs = Array.from({ length: count }, (_, index): EvaluateInput => ({ ...common, share: { index, count } }))
  const answers = await pool.map<EvaluateInput, EvaluateOutput | null>('evaluate', inputs, {
    ...options,
    retry: true,
    progressTotal: total,
  })
  return { outputs: answers.filter((answer) => answer !== null), common, workers: count }
}

function taskInput(request: EvaluationRequest): Omit<EvaluateInput, 'share'> {
  const { model, data, split, range, seed, preprocess } = request
  return {
    model,
    reference: request.reference ?? null,
    data,
    split,
    dataHash: request.dataHash ?? null,
    range,
    seed,
    preprocess,
    batch: request.batch ?? 1,
    threads: request.threads ?? 1,
    optimization: request.optimization ?? 'all',
    engine: request.engine ?? 'onnxruntime',
    classOutput: request.classOutput ?? null,
  }
}

/** What is compared; every worker finds the same from the model's outputs. */
function commonSpec(outputs: readonly EvaluateOutput[]): EvaluationSpec {
  const [first] = outputs
  if (!first) throw new Error('no share of the evaluation held samples')
  const text = JSON.stringify(first.spec)
  if (outputs.some(({ spec }) => JSON.stringify(spec) !== text))
    throw new Error('workers disagree on the outputs of the model')
  return first.spec
}

function sumOf<T>(values: readonly T[], read: (value: T) => number): number {
  return values.reduce((sum, value) => sum + read(value), 0)
}
