import { isFault } from '../../../shared/contract/fault.ts'
import type { GraphForm, GraphView } from '../../../shared/contract/graph-view.ts'
import { findLayers } from '../../graph/layers/index.ts'
import { assignIds } from '../../graph/passes/assign-ids.ts'
import { inferShapes } from '../../graph/shapes/index.ts'
import { describeGraph } from '../../graph/view/describe-graph.ts'
import { readModelFile } from '../model-file.ts'
import { prepareModel, type PreparedModel } from '../prepare-model.ts'
import type { Task } from '../worker-host.ts'
import type { TaskDeps } from './deps.ts'

export interface GraphViewInput {
  readonly path: string
  /** absent: prepared */
  readonly form?: GraphForm
  /** as `PrepareOptions.opset` */
  readonly opset?: number
  /** as `PrepareOptions.inputShapes` */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>
}

/**
 * Reads a model and describes its graph. The file's own form is given also for models that cannot be prepared (quantized ones among
 * them), then with the layers as they stand in the file.
 * @throws Fault as `readModelFile`; in the prepared form as `prepareModel`
 */
export function createGraphViewTask(deps: Pick<TaskDeps, 'engine'>): Task<GraphViewInput, GraphView> {
  return async ({ path, form = 'prepared', opset, inputShapes }, { signal, onLog }) => {
    const { model } = await readModelFile(path, { signal })
    const prepare = (): Promise<PreparedModel> =>
      prepareModel(model, { engine: deps.engine, signal, sourcePath: path }, { opset, inputShapes })
    if (form === 'prepared') {
      const prepared = await prepare()
      return describeGraph(form, prepared.model, prepared.layers, prepared.shapes)
    }
    const named = assignIds(model)
    const shapes = inferShapes(named, { onProblem: () => {} })
    const layers = await prepare().then(
      (prepared) => prepared.layers,
      (error: unknown) => {
        if (!isFault(error)) throw error
        onLog('warning', `${error.message} The layers are those of the file as it is.`)
        return findLayers(named, shapes)
      },
    )
    return describeGraph(form, named, layers, shapes)
  }
}
