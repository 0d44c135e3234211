import type { Tensor, Tfjs } from '../engines/tensor-api.ts'
import type { ForwardOptions, TrainableGraph } from './trainable/graph.ts'

/** The first node, in the graph's order, whose output holds a value that is no finite number; null where all are finite. */
export function firstNonFinite(
  tf: Tfjs,
  graph: TrainableGraph,
  feeds: Readonly<Record<string, Tensor>>,
  options: ForwardOptions,
): string | null {
  const producers = new Map(graph.model.graph.nodes.map((node) => [node.outputs[0]!, node.name]))
  let found: string | null = null
  tf.tidy(() =>
    graph.forward(feeds, {
      ...options,
      onTensor: (name, tensor) => {
        const seen = options.onTensor?.(name, tensor) ?? tensor
        // one sum is enough: a NaN or an infinity never sums to a finite number
        if (found === null && !Number.isFinite(tf.sum(seen).dataSync()[0]!)) found = producers.get(name) ?? name
        return seen
      },
    }),
  )
  return found
}
