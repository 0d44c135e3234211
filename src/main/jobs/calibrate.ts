import { join } from 'node:path'
import type { DataSpec, DataSplit, Preprocess, SampleRange } from '../../shared/contract/data.ts'
import { Fault, isFault } from '../../shared/contract/fault.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { decodeCollection } from '../calibration/collection-codec.ts'
import type { Collection } from '../calibration/collection.ts'
import type { StoredBlob } from '../store/artifacts.ts'
import type { WorkerPool } from './pool.ts'
import type { Services } from './services.ts'
import type { CalibrateInput, CalibrateOutput } from './tasks/calibrate.ts'
import type { InstrumentInput, InstrumentOutput } from './tasks/instrument.ts'
import type { CollectionDescription } from './tasks/merge-collections.ts'
import { withWorkFolder } from './work-folder.ts'
import type { TaskOptions } from './worker-host.ts'

export interface CalibrationRequest {
  /** path of the prepared float model */
  readonly model: string
  readonly data: DataSpec
  readonly split: DataSplit
  /** positions of the order that `seed` gives */
  readonly range: SampleRange
  readonly seed: number
  /** null for data that are tensors already (npz) */
  readonly preprocess: Preprocess | null
  /**
   * elements of one tensor that one sample gives to its histogram, about; by default 64 to 16,384, by the cost of the model and the
   * number of samples (`elementLimit`). Bounds are always exact.
   */
  readonly elementsPerSample?: number
  /** intra-op threads of one session, 1 by default */
  readonly threads?: number
  /** worker processes, the pool's size by default; has no influence on the result */
  readonly workers?: number
}

export interface Calibration {
  /** the collection as it is stored */
  readonly bytes: Uint8Array
  /** Decodes it: some ms for each megabyte, so not for the main side of a host. */
  readonly decode: () => Collection
  /** samples in a batch as run */
  readonly batch: number
  readonly workers: number
  readonly time: CalibrationTime
}

export interface CalibrationTime {
  readonly wallMs: number
  /** inside `session.run` of the instrumented model, summed over workers */
  readonly modelMs: number
  /** the workers' loops over their samples, summed: the rest is reading, preprocessing and counting */
  readonly loopMs: number
}

/** A share smaller than this is not worth a further worker. */
const MIN_SHARE = 16

/**
 * Collects the statistics of all tensors that can be quantized, spread over worker processes. Every worker takes a run of whole
 * batches whose boundaries do not depend on the number of workers, and merging is exact: the result is the same to the last bit for
 * any number of workers. A model that declares an open batch but cannot run several samples at once is run one by one.
 * @throws Fault usage.range for an empty range; data.*, model.* and engine.* naming sample, tensor or node; the signal's reason
 */
export async function calibrateModel(
  request: CalibrationRequest,
  pool: WorkerPool,
  options: TaskOptions = {},
): Promise<Calibration> {
  const start = performance.now()
  if (request.range.end <= request.range.start)
    throw new Fault('usage.range', 'The range to calibrate on holds no samples.')
  return withWorkFolder('calibrate', async (folder) => {
    const output = join(folder, 'instrumented.onnx')
    const { plan, batch } = await pool.run<InstrumentInput, InstrumentOutput>(
      'instrument',
      instrumentInput(request, output),
      { ...options, retry: true },
    )
    const common = { ...dataInput(request), model: output, plan, range: request.range, threads: request.threads ?? 1 }
    const found = await runShares({ ...common, batch }, request, pool, options)
    return { ...found, time: { ...found.time, wallMs: performance.now() - start } }
  })
}

/**
 * As `calibrateModel`, or what an equal calibration collected before, from the store (DESIGN section 6: calibration runs once).
 * @param hashes content of the prepared model and of the data
 */
export async function calibrateOnce(
  request: CalibrationRequest,
  hashes: { readonly model: string; readonly data: string },
  services: Pick<Services, 'store' | 'pool' | 'signal' | 'onProgress' | 'onLog' | 'now'>,
): Promise<StoredBlob & { readonly calibration: Calibration | null }> {
  const { store, pool, signal, onProgress, onLog, now } = services
  const content = contentOf(request, hashes)
  const kept = store.blobs.find('calibration', content)
  if (kept && (await isSound(store.artifacts.pathOf(kept.sha256), pool, signal))) {
    onLog('info', 'Calibrated before with equal content; the kept statistics are used.')
    return { ...kept, calibration: null }
  }
  const calibration = await calibrateModel(request, pool, { signal, onProgress, onLog })
  const blob = store.artifacts.putBytes(calibration.bytes)
  store.blobs.keep('calibration', content, blob, now())
  return { ...blob, calibration }
}

/** Everything the statistics depend on. */
function contentOf(request: CalibrationRequest, hashes: { readonly model: string; readonly data: string }): Json {
  const { split, range, seed, preprocess } = request
  return {
    ...hashes,
    split,
    range: [range.start, range.end],
    seed,
    preprocess: preprocess as Json,
    elementsPerSample: request.elementsPerSample ?? null,
    threads: request.threads ?? 1,
  }
}

/** False where kept statistics are damaged or of another version: they are collected anew. */
async function isSound(path: string, pool: Pick<WorkerPool, 'run'>, signal: AbortSignal): Promise<boolean> {
  const found = await pool.run<{ path: string }, CollectionDescription | null>(
    'describeCollection',
    { path },
    { signal },
  )
  return found !== null
}

function dataInput({
  data,
  split,
  seed,
  preprocess,
}: CalibrationRequest): Pick<CalibrateInput, 'data' | 'split' | 'seed' | 'preprocess'> {
  return { data, split, seed, preprocess }
}

function instrumentInput(request: CalibrationRequest, output: string): InstrumentInput {
  const { model, range } = request
  return { ...dataInput(request), model, output, range, elementsPerSample: request.elementsPerSample ?? null }
}

async function runShares(
  common: Omit<CalibrateInput, 'share'>,
  request: CalibrationRequest,
  pool: WorkerPool,
  options: TaskOptions,
): Promise<Calibration> {
  try {
    return await runOnce(common, request, pool, options)
  } catch (error) {
    if (common.batch === 1 || !needsSingleSamples(error)) throw error
    options.onLog?.('info', 'The model does not take several samples at once; it is calibrated one by one.')
    return runOnce({ ...common, batch: 1 }, request, pool, options)
  }
}

/** Pictures of different sizes, or a graph that holds on to the batch it was exported with. */
function needsSingleSamples(error: unknown): boolean {
  return (
    isFault(error) &&
    (error.code === 'data.shapeMismatch' || (error.code.startsWith('engine.') && error.code !== 'engine.crashed'))
  )
}

async function runOnce(
  common: Omit<CalibrateInput, 'share'>,
  request: CalibrationRequest,
  pool: WorkerPool,
  options: TaskOptions,
): Promise<Calibration> {
  const total = common.range.end - common.range.start
  const count = Math.max(1, Math.min(request.workers ?? pool.size, pool.size, Math.ceil(total / MIN_SHARE)))
  const inputs = Array.from({ length: count }, (_, index): CalibrateInput => ({ ...common, share: { index, count } }))
  const answers = await pool.map<CalibrateInput, CalibrateOutput | null>('calibrate', inputs, {
    ...options,
    retry: true,
    progressTotal: total,
  })
  const outputs = answers.filter((answer) => answer !== null)
  const parts = outputs.map(({ collection }) => collection)
  const bytes =
    parts.length === 1
      ? parts[0]!
      : await pool.run<{ parts: readonly Uint8Array[] }, Uint8Array>(
          'mergeCollections',
          { parts },
          { signal: options.signal },
        )
  const sumOf = (read: (output: CalibrateOutput) => number): number =>
    outputs.reduce((sum, output) => sum + read(output), 0)
  return {
    bytes,
    decode: () => decodeCollection(bytes),
    batch: common.batch,
    workers: count,
    time: { wallMs: 0, modelMs: sumOf(({ modelMs }) => modelMs), loopMs: sumOf(({ loopMs }) => loopMs) },
  }
}
