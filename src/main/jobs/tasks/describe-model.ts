import type { ModelFormat } from '../../../shared/contract/model.ts'
import type { ValueSpec } from '../../../shared/contract/tensor.ts'
import type { ValueInfo } from '../../graph/model.ts'
import { readModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'

/** What a job must know of a model file before it starts; no preparation, so that quantized files are welcome too. */
export interface ModelDescription {
  readonly format: ModelFormat
  readonly hash: string
  readonly sizeBytes: number
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  /** the file's metadata properties */
  readonly metadata: Readonly<Record<string, string>>
  readonly notes: readonly string[]
}

/** Opens a model file and says what it is. @throws Fault as `readModelFile` */
export function createDescribeModelTask(): Task<{ readonly path: string }, ModelDescription> {
  return async ({ path }, { signal }) => {
    const { model, format, hash, sizeBytes, notes } = await readModelFile(path, { signal })
    const { graph } = model
    // files older than IR 4 list their initializers as inputs; only the others are fed
    const inputs = graph.inputs.filter((input) => !graph.initializers.has(input.name))
    return {
      format,
      hash,
      sizeBytes,
      inputs: inputs.flatMap(specOf),
      outputs: graph.outputs.flatMap(specOf),
      metadata: Object.fromEntries(model.metadata),
      notes,
    }
  }
}

function specOf({ name, dataType, shape }: ValueInfo): ValueSpec[] {
  return dataType === null ? [] : [{ name, dataType, shape }]
}
