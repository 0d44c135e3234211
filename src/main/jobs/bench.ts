import os from 'node:os'
import type { Execution, LayerInfo } from '../../shared/contract/model.ts'
import { hasInt8DotProduct, readEnvironment } from '../engines/environment.ts'
import type { OptimizationLevel } from '../engines/port.ts'
import { explainSpeed } from '../quant/execution-speed.ts'
import type { OtherKernels } from '../quant/execution.ts'
import type { WorkerPool } from './pool.ts'
import type { BenchInput, BenchOutput, BenchSamples } from './tasks/bench.ts'
import type { Ratio } from './tasks/bench-statistics.ts'
import { defaultBenchLimits, type BenchLimits } from './tasks/interleave.ts'
import type { LayerTable } from './tasks/layer-execution.ts'
import { executionWarnings, tableOf } from './verify.ts'
import type { TaskOptions } from './worker-host.ts'

export interface BenchRequest {
  /** path of the model */
  readonly model: string
  /** path of the float model to compare with */
  readonly reference?: string | null
  /** length of an open batch axis, 1 by default */
  readonly batch?: number
  /** intra-op threads of both; all cores by default */
  readonly threads?: number
  /** whole shapes by input name, where the file leaves axes open */
  readonly shapes?: Readonly<Record<string, readonly number[]>>
  /** lengths by the name of a symbolic dimension */
  readonly dims?: Readonly<Record<string, number>>
  /** real samples to run on; seeded random values without */
  readonly samples?: BenchSamples | null
  readonly optimization?: OptimizationLevel
  readonly limits?: Partial<BenchLimits>
  /** layers of the prepared float model; those found in the file without */
  readonly layers?: readonly LayerInfo[]
  /** the quantizer's report, where the file was quantized just now */
  readonly report?: LayerTable
}

/** One layer's time and how it ran, as ONNX Runtime's profile and optimised graph show. */
interface BenchLayer {
  readonly id: string
  readonly op: string
  /** time of its kernels in one run; 0 for one merged away */
  readonly ms: number | null
  readonly execution: Execution
  /** its time in the reference, null without one */
  readonly referenceMs: number | null
  /** operators of its kernels */
  readonly kernels: readonly string[]
  /** why it is simulated, null where it is not */
  readonly reason: string | null
}

export interface BenchResult {
  readonly medianMs: number
  readonly referenceMedianMs: number | null
  /** reference time / model time, above 1 where the model is faster */
  readonly speedup: number | null
  /** 95 % interval of the speedup */
  readonly interval: Pick<Ratio, 'low' | 'high'> | null
  readonly rounds: number
  readonly runs: number
  /** samples in a run, as run */
  readonly batch: number
  readonly threads: number
  readonly optimization: OptimizationLevel
  /** dims of the model's inputs as run */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  readonly layers: readonly BenchLayer[]
  /** kernels that belong to no layer */
  readonly other: readonly OtherKernels[]
  /** sentences: layers that are not what they were meant to be, and why int8 is not faster */
  readonly warnings: readonly string[]
}

/**
 * Measures a model's time, and a float reference's in turn with it in one process at the same threads, on a machine where this
 * application runs nothing else meanwhile; then the time and execution of each layer.
 * @throws Fault file.*, format.*, engine.*, data.*, usage.inputShape, usage.batch; the signal's reason when aborted
 */
export async function benchModel(
  request: BenchRequest,
  pool: WorkerPool,
  options: TaskOptions = {},
): Promise<BenchResult> {
  const input = benchInput(request)
  const output = await pool.run<BenchInput, BenchOutput>('bench', input, { ...options, exclusive: true })
  const { timed, execution, referenceExecution } = output
  const referenceMs = new Map(referenceExecution?.layers.map(({ id, ms }) => [id, ms]))
  return {
    medianMs: timed.medianMs,
    referenceMedianMs: timed.referenceMedianMs,
    speedup: timed.speedup?.value ?? null,
    interval: timed.speedup && { low: timed.speedup.low, high: timed.speedup.high },
    rounds: timed.rounds,
    runs: timed.runs,
    batch: output.batch,
    threads: input.threads,
    optimization: input.optimization,
    shapes: output.shapes,
    layers: execution.layers.map((layer) => ({ ...layer, referenceMs: referenceMs.get(layer.id) ?? null })),
    other: execution.other,
    warnings: warningsOf(output),
  }
}

function benchInput(request: BenchRequest): BenchInput {
  const { batch = 1, shapes, dims } = request
  return {
    model: request.model,
    reference: request.reference ?? null,
    inputs: { batch, shapes, dims },
    samples: request.samples ?? null,
    threads: request.threads ?? os.availableParallelism(),
    optimization: request.optimization ?? 'all',
    limits: { ...defaultBenchLimits, ...request.limits },
    layers: request.layers ?? null,
    report: request.report ? tableOf(request.report) : null,
  }
}

function warningsOf({ timed, execution, referenceExecution, layers, batch }: BenchOutput): string[] {
  const warnings = executionWarnings(execution)
  const isQuantized = execution.layers.some((layer) => layer.execution !== 'float')
  if (timed.speedup === null || !isQuantized) return warnings
  const vnni = hasInt8DotProduct(readEnvironment().isa)
  return [
    ...warnings,
    ...explainSpeed({
      speedup: timed.speedup.value,
      quantized: execution,
      float: referenceExecution,
      layers,
      vnni,
      batch,
    }),
  ]
}
