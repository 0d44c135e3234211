import type { LayerInfo } from '../../shared/contract/model.ts'
import type { OptimizationLevel } from '../engines/port.ts'
import type { ExecutionReport } from '../quant/execution.ts'
import type { WorkerPool } from './pool.ts'
import type { LayerTable } from './tasks/layer-execution.ts'
import type { VerifyInput } from './tasks/verify.ts'
import type { TaskOptions } from './worker-host.ts'

export interface VerifyRequest {
  /** path of the exported file */
  readonly model: string
  /** layers of the prepared model; those found in the file without */
  readonly layers?: readonly LayerInfo[]
  /** the quantizer's report, where the file was quantized just now */
  readonly report?: LayerTable
  /** length of an open batch axis, 1 by default */
  readonly batch?: number
  /** whole shapes by input name, where the file leaves axes open */
  readonly shapes?: Readonly<Record<string, readonly number[]>>
  /** 1 by default, so that other work on the machine disturbs the times little */
  readonly threads?: number
  readonly optimization?: OptimizationLevel
  /** runs whose times count, 5 by default */
  readonly runs?: number
}

/**
 * The "really integer" check of DESIGN section 5: loads the very file with its optimised graph dumped and a profile taken, and says
 * for each layer whether it is `int8`, `simulated` or `float`, with its time. `errors` of the result name layers planned float that
 * the runtime computes in integers; the caller decides what they mean.
 * @throws Fault file.*, format.*, engine.*, usage.inputShape; the signal's reason when aborted
 */
export async function verifyExecution(
  request: VerifyRequest,
  pool: WorkerPool,
  options: TaskOptions = {},
): Promise<ExecutionReport> {
  const input: VerifyInput = {
    model: request.model,
    layers: request.layers ?? null,
    report: request.report ? tableOf(request.report) : null,
    inputs: { batch: request.batch ?? 1, shapes: request.shapes },
    threads: request.threads ?? 1,
    optimization: request.optimization ?? 'all',
    runs: request.runs ?? 5,
  }
  return pool.run<VerifyInput, ExecutionReport>('verify', input, { ...options, retry: true })
}

/** Only what the reading needs: a report's weights stay where they are. */
export function tableOf({ layers, nodes, tensors }: LayerTable): LayerTable {
  return { layers: layers.map((layer) => ({ ...layer, weights: null })), nodes, tensors }
}

/** Layers that one sentence names. */
const NAMED = 3

/** Sentences: layers computed in integers against the plan, then those meant to be integer that are not, and why. */
export function executionWarnings({ errors, layers }: Pick<ExecutionReport, 'errors' | 'layers'>): string[] {
  // a layer without kernels was merged away: it costs nothing, so there is nothing to warn of
  const simulated = layers.filter(
    ({ execution, reason, kernels }) => execution === 'simulated' && reason !== null && kernels.length > 0,
  )
  const byReason = Map.groupBy(simulated, ({ reason }) => reason!)
  return [
    ...errors,
    ...[...byReason].map(([reason, alike]) => {
      const [first, ...rest] = alike.map(({ id }) => id)
      if (rest.length === 0) return `Layer ${first!} is quantized in the file but computed in float: ${reason}`
      const named = [first!, ...rest].slice(0, NAMED).join(', ')
      const more = alike.length > NAMED ? ` and ${alike.length - NAMED} more` : ''
      return `${alike.length} layers are quantized in the file but computed in float (${named}${more}): ${reason}`
    }),
  ]
}
