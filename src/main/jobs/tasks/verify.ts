import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { OptimizationLevel } from '../../engines/port.ts'
import type { ExecutionReport } from '../../quant/execution.ts'
import { readModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import { inputsOf, randomFeeds, settleShapes, type InputShapes } from './bench-inputs.ts'
import type { TaskDeps } from './deps.ts'
import { executionOf, layersOfFile, type LayerTable } from './layer-execution.ts'

export interface VerifyInput {
  /** the exported file itself */
  readonly model: string
  /** layers of the prepared model; null: those of the file */
  readonly layers: readonly LayerInfo[] | null
  /** the quantizer's table of nodes and tensors; null for a file that was not quantized just now */
  readonly report: LayerTable | null
  readonly inputs: InputShapes
  readonly threads: number
  readonly optimization: OptimizationLevel
  readonly runs: number
}

/** Says how each layer of a file really runs. @throws Fault file.*, format.*, engine.*, usage.inputShape */
export function createVerifyTask({ engine }: Pick<TaskDeps, 'engine'>): Task<VerifyInput, ExecutionReport> {
  return async (input, { signal, onProgress }) => {
    const { model } = await readModelFile(input.model, { signal })
    onProgress({ stage: 'verify', done: 0, total: input.runs, unit: 'runs' })
    const inputs = inputsOf(model)
    const feeds = randomFeeds(inputs, settleShapes(inputs, input.inputs), 1)
    const { threads, optimization, runs } = input
    const layers = input.layers ?? layersOfFile(model, null)
    const report = await executionOf(engine, {
      path: input.model,
      model,
      layers,
      feeds,
      report: input.report,
      threads,
      optimization,
      runs,
      signal,
    })
    onProgress({ stage: 'verify', done: input.runs, total: input.runs, unit: 'runs' })
    return report
  }
}
