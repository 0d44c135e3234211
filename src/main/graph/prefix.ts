import type { Model, Node } from './model.ts'
import { capturedBy, producersOf } from './traversal.ts'

/**
 * What of a model computes one tensor: its ancestors, with that tensor as the only output and the graph inputs they read.
 * @param tensor a tensor that a node computes
 */
export function prefixOf(model: Model, tensor: string): Model {
  const { graph } = model
  const producers = producersOf(graph)
  const needed = new Set<Node>()
  const stack = [tensor]
  while (stack.length > 0) {
    const node = producers.get(stack.pop()!)
    if (!node || needed.has(node)) continue
    needed.add(node)
    stack.push(...node.inputs, ...capturedBy(node))
  }
  const nodes = graph.nodes.filter((node) => needed.has(node))
  const used = new Set(nodes.flatMap((node) => [...node.inputs, ...node.outputs, ...capturedBy(node)]))
  return {
    ...model,
    graph: {
      ...graph,
      nodes,
      inputs: graph.inputs.filter(({ name }) => used.has(name)),
      outputs: [graph.valueInfo.get(tensor) ?? { name: tensor, dataType: 'float', shape: null }],
      initializers: new Map([...graph.initializers].filter(([name]) => used.has(name))),
      valueInfo: new Map([...graph.valueInfo].filter(([name]) => used.has(name))),
    },
  }
}
