import type { QuantizeReport } from '../../quant/quantize.ts'
import { writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import { PlanBuilder, type PlanInput } from './plan-builder.ts'

export interface QuantizeTaskInput extends PlanInput {
  /** where the quantized model goes, overwriting what is there */
  readonly output: string
}

export interface QuantizeTaskOutput {
  readonly report: QuantizeReport
  readonly sizeBytes: number
}

/** Applies a plan to a prepared model and writes the result. @throws Fault plan.*, model.opsetUpgrade, file.* */
export function createQuantizeTask(): Task<QuantizeTaskInput, QuantizeTaskOutput> {
  const builder = new PlanBuilder()
  return async ({ output, ...input }, { signal }) => {
    const { model, report } = await builder.build(input, signal)
    signal.throwIfAborted()
    const { sizeBytes } = await writeModelFile(model, output, { force: true, signal })
    return { report, sizeBytes }
  }
}
