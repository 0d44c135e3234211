import type { DataSpec, DataSplit, Preprocess } from '../../../shared/contract/data.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import { readBatches } from '../../data/batches.ts'
import { createFeeder } from '../../data/feeder.ts'
import { shuffledOrder } from '../../data/order.ts'
import type { Engine, Feeds, OptimizationLevel, Session } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import type { ExecutionReport } from '../../quant/execution.ts'
import { readModelFile } from '../model-file.ts'
import type { Task, TaskContext } from '../worker-host.ts'
import { inputsOf, randomFeeds, settleShapes, type InputShapes } from './bench-inputs.ts'
import type { TaskDeps } from './deps.ts'
import { timeInterleaved, type BenchLimits, type Contender, type Interleaved } from './interleave.ts'
import { executionOf, layersOfFile, nodeIds, type LayerTable } from './layer-execution.ts'
import { profileRuns } from './profile.ts'

/** Real samples to run on: the first batch of the order that `seed` gives. */
export interface BenchSamples {
  readonly data: DataSpec
  readonly split: DataSplit
  readonly seed: number
  /** null for data that are tensors already */
  readonly preprocess: Preprocess | null
}

export interface BenchInput {
  readonly model: string
  readonly reference: string | null
  readonly inputs: InputShapes
  /** random inputs where null */
  readonly samples: BenchSamples | null
  readonly threads: number
  readonly optimization: OptimizationLevel
  readonly limits: BenchLimits
  /** layers of the prepared float model; those of the file where null */
  readonly layers: readonly LayerInfo[] | null
  /** the quantizer's table; null for a file that was not quantized just now */
  readonly report: LayerTable | null
}

export interface BenchOutput {
  readonly timed: Interleaved
  readonly layers: readonly LayerInfo[]
  readonly execution: ExecutionReport
  readonly referenceExecution: ExecutionReport | null
  /** samples in a run */
  readonly batch: number
  /** dims of the model's inputs as run */
  readonly shapes: Readonly<Record<string, readonly number[]>>
}

/** A model file with the inputs it is run on. */
interface Runnable {
  readonly path: string
  readonly model: Model
  readonly feeds: Feeds
}

/**
 * Times a model, in turns with a reference in this one process, then profiles both for their layers.
 * @throws Fault file.*, format.*, engine.*, data.*, usage.inputShape, usage.batch
 */
export function createBenchTask(deps: TaskDeps): Task<BenchInput, BenchOutput> {
  return async (input, context) => {
    const model = await openRunnable(deps, input, input.model, null, context)
    const reference = input.reference === null ? null : await openRunnable(deps, input, input.reference, model, context)
    const timed = await timeBoth(deps.engine, model, reference, input, context)
    const layers = input.layers ?? layersOfFile(model.model, reference && nodeIds(reference.model))
    const profile = (runnable: Runnable, medianMs: number, report: LayerTable | null): Promise<ExecutionReport> => {
      context.onProgress({ stage: 'profile', done: 0, total: null, unit: 'runs' })
      const { threads, optimization } = input
      const runs = profileRuns(medianMs)
      return executionOf(deps.engine, {
        ...runnable,
        layers,
        report,
        threads,
        optimization,
        runs,
        signal: context.signal,
      })
    }
    return {
      timed,
      layers,
      execution: await profile(model, timed.medianMs, input.report),
      referenceExecution: reference && (await profile(reference, timed.referenceMedianMs!, null)),
      batch: batchOf(model.feeds),
      shapes: Object.fromEntries(Object.entries(model.feeds).map(([name, { dims }]) => [name, dims])),
    }
  }
}

async function openRunnable(
  deps: TaskDeps,
  input: BenchInput,
  path: string,
  other: Runnable | null,
  { signal }: TaskContext,
): Promise<Runnable> {
  const { model } = await readModelFile(path, { signal })
  if (other) return { path, model, feeds: sameFeeds(model, other, input) }
  const feeds = input.samples
    ? await sampleFeeds(deps, model, input.samples, input.inputs.batch)
    : madeUpFeeds(model, input.inputs)
  return { path, model, feeds }
}

function madeUpFeeds(model: Model, inputs: InputShapes): Feeds {
  const specs = inputsOf(model)
  return randomFeeds(specs, settleShapes(specs, inputs), 1)
}

/** The model's tensors under the reference's names, where types and shapes fit; both must take batches of the same length. */
function sameFeeds(reference: Model, { feeds, path }: Runnable, input: BenchInput): Feeds {
  const specs = inputsOf(reference)
  const given = Object.values(feeds)
  const own = specs.map(({ name, dataType, shape }, i) => {
    const tensor = feeds[name] ?? (specs.length === given.length ? given[i] : undefined)
    const fits =
      tensor?.dataType === dataType &&
      (shape === null ||
        (shape.length === tensor.dims.length &&
          shape.every((dim, axis) => typeof dim !== 'number' || dim === tensor.dims[axis])))
    return fits ? ([name, tensor] as const) : null
  })
  if (own.every((entry) => entry !== null)) return Object.fromEntries(own)
  const batch = batchOf(feeds)
  const made = madeUpFeeds(reference, { ...input.inputs, batch })
  if (batchOf(made) === batch) return made
  const sentence = `${path} takes batches of ${batch}, ${input.reference} of ${batchOf(made)}: their times cannot be compared.`
  throw new Fault('usage.batch', `${sentence} Use models with the same or an open batch.`, {
    batch,
    referenceBatch: batchOf(made),
  })
}

async function sampleFeeds(deps: TaskDeps, model: Model, samples: BenchSamples, batch: number): Promise<Feeds> {
  const source = await deps.openSamples(samples.data, samples.split)
  try {
    const feeder = createFeeder(inputsOf(model), samples.preprocess)
    const order = shuffledOrder(source.info.count, samples.seed)
    const length = feeder.fixedBatch ?? batch
    if (length > source.info.count) {
      throw new Fault('usage.batch', `A batch of ${length} needs as many samples; there are ${source.info.count}.`, {
        batch: length,
      })
    }
    for await (const { feeds } of readBatches(source, {
      order,
      range: { start: 0, end: length },
      batch: length,
      feeder,
    }))
      return feeds
    throw new Error('no batch was read')
  } finally {
    await source.close()
  }
}

/**
 * Threads of a session go on spinning for some time after a run, on the cores that the other model's run, which comes next, is
 * timed on (m: batch 16 on 4 threads, taking turns, 2.2 times float with it and 3.0 without; the model alone is not slower).
 * Source: onnxruntime_session_options_config_keys.h, kOrtSessionOptionsConfigForceSpinningStop.
 */
const STOP_SPINNING = { 'session.force_spinning_stop': '1' }

async function timeBoth(
  engine: Engine,
  model: Runnable,
  reference: Runnable | null,
  input: BenchInput,
  context: TaskContext,
): Promise<Interleaved> {
  const sessions: Session[] = []
  const open = async ({ path, feeds }: Runnable): Promise<Contender> => {
    const session = await engine.createSession(path, {
      threads: input.threads,
      optimization: input.optimization,
      config: STOP_SPINNING,
    })
    sessions.push(session)
    return { session, feeds }
  }
  try {
    const contenders = [await open(model), reference && (await open(reference))] as const
    let rounds = 0
    return await timeInterleaved(...contenders, input.limits, context.signal, () =>
      context.onProgress({ stage: 'time', done: ++rounds, total: null, unit: 'rounds' }),
    )
  } finally {
    for (const session of sessions) await session.release()
  }
}

/** Length of the first axis of the first input that has one. */
function batchOf(feeds: Feeds): number {
  return Object.values(feeds).find(({ dims }) => dims.length > 0)?.dims[0] ?? 1
}
