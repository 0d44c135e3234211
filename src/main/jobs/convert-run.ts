import { mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'
import type { LayerOverride, QuantPlan } from '../../shared/contract/plan.ts'
import type { Json } from '../../shared/contract/runs.ts'
import { findInstallation } from '../engines/tf/cache.ts'
import type { WeightStorage } from '../formats/tfjs/index.ts'
import type { Evaluation } from './evaluate.ts'
import { evaluationMetrics, runEvaluation } from './evaluate-run.ts'
import { asFileFault } from './file-fault.ts'
import { measuredOnly, recordRun } from './record-run.ts'
import type { SampleOptions } from './samples.ts'
import type { Services } from './services.ts'
import type { ConvertFormat, ConvertInput, ConvertOutput } from './tasks/convert.ts'
import type { EvaluationEngine } from './tasks/evaluate.ts'

export interface ConvertRequest {
  readonly model: string
  /** NAME.onnx, or a folder (or the model.json in it) for TensorFlow.js */
  readonly output: string
  /** null: by the name of the output, a graph-model for a folder */
  readonly to?: ConvertFormat | null
  readonly force: boolean
  /** how weights are stored for TensorFlow.js */
  readonly weights: WeightStorage
  /** ids of layers whose weights stay float32 */
  readonly keepFloat: readonly string[]
  /** decides for each layer, in the place of `weights` */
  readonly plan: QuantPlan | null
  /** the data that the written model is measured on, beside the source; none by default */
  readonly samples?: SampleOptions | null
}

/** How right the written model is, as its own engine computes it. */
export interface ConvertedAccuracy {
  /** the run that holds the measurement */
  readonly run: string
  readonly engine: EvaluationEngine
  /** reference: the source, in ONNX Runtime */
  readonly evaluation: Evaluation
}

export interface ConvertAnswer extends ConvertOutput {
  readonly output: string
  readonly target: 'onnx' | 'tfjs'
  readonly format: ConvertFormat
  /** null where no data were named */
  readonly accuracy: ConvertedAccuracy | null
}

/**
 * `quantbench convert`: a model in another format, as a run of the store.
 * @throws Fault as the task `convert`; usage.convertOptions; with samples as `runEvaluation`
 */
export async function runConversion(
  request: ConvertRequest,
  services: Services,
): Promise<{ run: string; value: ConvertAnswer }> {
  const { format, folder, output } = targetOf(request.output, request.to ?? null)
  const target = format === 'onnx' ? 'onnx' : 'tfjs'
  assertOptionsFit(request, target)
  const { pool, signal } = services
  const storage = { default: storageOf(request), layers: layerStorage(request) }
  const parameters = { output, target, format, storage } as unknown as Json
  return recordRun(services, { kind: 'convert', modelPath: request.model, parameters }, async (run) => {
    const input: ConvertInput = { path: request.model, output, format, force: request.force, storage }
    const convert = (): Promise<ConvertOutput> => pool.run<ConvertInput, ConvertOutput>('convert', input, { signal })
    const written = target === 'tfjs' ? await withFolder(folder, convert) : await convert()
    run.identify({ modelHash: written.modelHash })
    const accuracy = await measureWritten(request, { target, output }, services)
    const value: ConvertAnswer = { ...written, output, target, format, accuracy }
    return {
      value,
      warnings: [],
      metrics: {
        bytes: written.sizeBytes,
        referenceBytes: written.sourceBytes,
        maxRelativeError: written.maxRelativeError,
        ...(accuracy && evaluationMetrics(accuracy.evaluation.result)),
      },
      layers: written.layers.map(({ id, op, storage: type, weightSqnrDb }) => ({
        id,
        op,
        type,
        execution: null,
        ms: null,
        reason: null,
        metrics: measuredOnly({ weightSqnrDb }),
      })),
      results: {
        files: written.files,
        notes: written.notes,
        sourceFormat: written.sourceFormat,
        accuracy: accuracy && { run: accuracy.run, engine: accuracy.engine },
      },
    }
  })
}

/** Samples in a batch of that measurement: float32 models do not depend on it, and TensorFlow is faster with more. */
const BATCH = 32

/** Measures what was written against the source: in TensorFlow.js itself where that is the format and libtensorflow is there. */
async function measureWritten(
  { model, samples }: ConvertRequest,
  { target, output }: { readonly target: 'onnx' | 'tfjs'; readonly output: string },
  services: Services,
): Promise<ConvertedAccuracy | null> {
  if (!samples) return null
  const engine = target === 'tfjs' && findInstallation() !== null ? 'tfjs' : 'onnxruntime'
  if (target === 'tfjs' && engine !== 'tfjs') {
    services.onLog(
      'warning',
      'libtensorflow is not installed, so the written model is read back and measured in ONNX Runtime; `doctor --install-tensorflow` lets TensorFlow.js measure it.',
    )
  }
  const asked = { model: output, reference: model, samples, engine, batch: BATCH } as const
  const { run, value } = await runEvaluation(asked, services)
  return { run, engine, evaluation: value.evaluation }
}

/**
 * What is written and where: as told, else by the name of the output.
 * @throws Fault usage.convertOptions where the two do not fit
 */
function targetOf(given: string, to: ConvertFormat | null): { format: ConvertFormat; folder: string; output: string } {
  const path = resolve(given)
  const isFile = path.toLowerCase().endsWith('.onnx')
  const format = to ?? (isFile ? 'onnx' : 'graph-model')
  if (isFile !== (format === 'onnx')) {
    const wanted = format === 'onnx' ? 'NAME.onnx' : 'a folder for model.json and its shards'
    throw new Fault('usage.convertOptions', `--to ${format} does not fit ${given}: name ${wanted}.`)
  }
  if (isFile) return { format, folder: dirname(path), output: path }
  const folder = path.endsWith('model.json') ? dirname(path) : path
  return { format, folder, output: folder }
}

function assertOptionsFit({ weights, keepFloat, plan }: ConvertRequest, target: 'onnx' | 'tfjs'): void {
  if (target === 'tfjs' || (weights === 'float32' && keepFloat.length === 0 && plan === null)) return
  throw new Fault(
    'usage.convertOptions',
    '--weights, --keep-float and --plan say how TensorFlow.js weights are stored; for an ONNX file use `quantbench quantize`.',
  )
}

function storageOf({ weights, plan }: ConvertRequest): WeightStorage {
  return plan ? storageOfBits(plan.defaults.weights.bits) : weights
}

/** Up to 8 bits are kept in uint8, more in uint16: TensorFlow.js has no other integers. */
function storageOfBits(bits: number): WeightStorage {
  return bits <= 8 ? 'uint8' : 'uint16'
}

function layerStorage({ plan, keepFloat }: ConvertRequest): Record<string, WeightStorage> {
  const planned = Object.entries(plan?.layers ?? {}).map(([id, layer]): [string, WeightStorage] => [
    id,
    overridden(layer, plan!),
  ])
  return Object.fromEntries([...planned, ...keepFloat.map((id): [string, WeightStorage] => [id, 'float32'])])
}

function overridden(layer: LayerOverride, plan: QuantPlan): WeightStorage {
  if (layer === 'float') return 'float32'
  return storageOfBits(layer.weights?.bits ?? plan.defaults.weights.bits)
}

/** Makes a folder for what `work` writes; one that was made for nothing goes again. */
async function withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const found = await stat(folder).catch(() => null)
  if (found && !found.isDirectory()) {
    throw new Fault('file.exists', `${folder} is a file: name a folder for the TensorFlow.js model, or NAME.onnx.`, {
      path: folder,
    })
  }
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw asFileFault(error, folder, 'write')
  })
  try {
    return await work()
  } catch (error) {
    // fails where something is in it, which then stays
    if (!found) await rmdir(folder).catch(() => undefined)
    throw error
  }
}
