import type { Graph, Node } from './model.ts'

/** Tensor name → the node that writes it. */
export function producersOf(graph: Graph): Map<string, Node> {
  const producers = new Map<string, Node>()
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node)
  }
  return producers
}

/** Graphs held in a node's attributes (If, Loop, Scan). */
export function subgraphsOf(node: Node): Graph[] {
  const graphs: Graph[] = []
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === 'graph') graphs.push(attribute.value)
    else if (attribute.kind === 'graphs') graphs.push(...attribute.value)
  }
  return graphs
}

/** Names that a node reads from the enclosing scope through its subgraphs. */
export function capturedBy(node: Node): Set<string> {
  const captured = new Set<string>()
  for (const graph of subgraphsOf(node)) {
    const local = new Set<string>([...graph.initializers.keys(), ...graph.inputs.map((input) => input.name)])
    for (const inner of graph.nodes) {
      for (const name of [...inner.inputs, ...capturedBy(inner)]) if (name !== '' && !local.has(name)) captured.add(name)
      for (const output of inner.outputs) local.add(output)
    }
    for (const output of graph.outputs) if (!local.has(output.name)) captured.add(output.name)
  }
  return captured
}

/** Tensor name → the nodes that read it, in graph order, a node once per name; reads from subgraphs count. */
export function consumersOf(graph: Graph): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>()
  for (const node of graph.nodes) {
    for (const name of new Set([...node.inputs, ...capturedBy(node)])) {
      if (name === '') continue
      const list = consumers.get(name)
      if (list) list.push(node)
      else consumers.set(name, [node])
    }
  }
  return consumers
}
