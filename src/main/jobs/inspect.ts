import type { ModelSummary } from '../../shared/contract/model.ts'
import type { OnProgress } from '../../shared/contract/progress.ts'
import type { ModelFile } from './model-file.ts'
import type { WorkerPool } from './pool.ts'
import type { PreparedModel } from './prepare-model.ts'
import type { InspectInput, InspectOutput } from './tasks/inspect.ts'

/**
 * Opens a model in a worker, prepares it and says what it is made of; with `preparedPath` the prepared model is written there.
 * @throws Fault file.*, format.*, model.* and engine.*, as `readModelFile` and `prepareModel`
 */
export async function inspectModel(
  pool: Pick<WorkerPool, 'run'>,
  input: InspectInput,
  options: { readonly signal?: AbortSignal; readonly onProgress?: OnProgress } = {},
): Promise<InspectOutput> {
  return pool.run<InspectInput, InspectOutput>('inspect', input, { ...options, retry: true })
}

/** What the user sees of a model: the file as it came, the layers as they were prepared. */
export function summaryOf(path: string, file: ModelFile, prepared: PreparedModel): ModelSummary {
  const { model } = file
  return {
    path,
    hash: file.hash,
    format: file.format,
    producer: [model.producerName, model.producerVersion].filter((text) => text !== '').join(' '),
    irVersion: model.irVersion,
    opset: Object.fromEntries(model.opsets),
    inputs: prepared.inputs,
    outputs: prepared.outputs,
    sizeBytes: file.sizeBytes,
    parameters: prepared.parameters,
    macs: prepared.macs,
    nodeCount: model.graph.nodes.length,
    layers: prepared.layers,
    notes: [...file.notes, ...prepared.notes],
  }
}
