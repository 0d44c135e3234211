import type { ModelSummary } from '../../../shared/contract/model.ts'
import { summaryOf } from '../inspect.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import { prepareModel } from '../prepare-model.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

export interface InspectInput {
  readonly path: string
  /** as `PrepareOptions.opset` */
  readonly opset?: number
  /** as `PrepareOptions.inputShapes` */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>
  /** where the prepared model goes, overwriting what is there; absent: it is not kept */
  readonly preparedPath?: string
}

export interface InspectOutput {
  readonly summary: ModelSummary
  /** dims of the inputs that shapes and multiply-accumulates hold for, by name */
  readonly sampleShapes: Readonly<Record<string, readonly number[]>>
  /** largest relative error of the prepared model's outputs on seeded inputs; null when preparation changed nothing */
  readonly maxRelativeError: number | null
}

/** Reads, prepares and describes a model. @throws Fault as `readModelFile`, `prepareModel` and `writeModelFile` */
export function createInspectTask(deps: Pick<TaskDeps, 'engine'>): Task<InspectInput, InspectOutput> {
  return async ({ path, opset, inputShapes, preparedPath }, { signal, onProgress }) => {
    const onStage = (stage: string): void => onProgress({ stage, done: 0, total: null, unit: 'steps' })
    onStage('reading')
    const file = await readModelFile(path, { signal })
    const prepared = await prepareModel(
      file.model,
      { engine: deps.engine, signal, sourcePath: path, onStage },
      { opset, inputShapes },
    )
    if (preparedPath !== undefined) {
      onStage('writing')
      await writeModelFile(prepared.model, preparedPath, { force: true, signal })
    }
    return {
      summary: summaryOf(path, file, prepared),
      sampleShapes: Object.fromEntries(prepared.sampleShapes),
      maxRelativeError: prepared.check?.maxRelativeError ?? null,
    }
  }
}
