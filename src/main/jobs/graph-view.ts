import type { GraphView } from '../../shared/contract/graph-view.ts'
import type { WorkerPool } from './pool.ts'
import type { GraphViewInput } from './tasks/graph-view.ts'

/**
 * Opens a model in a worker and gives its graph as the canvas draws it.
 * @throws Fault file.*, format.*, model.*; in the prepared form also what `prepareModel` throws
 */
export async function describeModelGraph(
  pool: Pick<WorkerPool, 'run'>,
  input: GraphViewInput,
  options: { readonly signal?: AbortSignal } = {},
): Promise<GraphView> {
  return pool.run<GraphViewInput, GraphView>('graphView', input, options)
}
