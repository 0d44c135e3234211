import type { Attribute, Graph, Node } from './model.ts'

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
      for (const name of [...inner.inputs, ...capturedBy(inner)])
        if (name !== '' && !local.has(name)) captured.add(name)
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

/** Every graph of the model: the main one first, then the bodies its nodes hold, depth first in node order. */
export function* graphsOf(graph: Graph): Generator<Graph> {
  yield graph
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) yield* graphsOf(body)
  }
}

/** The node with every graph in its attributes replaced by `change(graph, attribute name, index)`; the same node when it holds none. */
export function mapSubgraphs(node: Node, change: (graph: Graph, attribute: string, index: number) => Graph): Node {
  if (subgraphsOf(node).length === 0) return node
  const attributes = new Map<string, Attribute>()
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind === 'graph') attributes.set(name, { kind: 'graph', value: change(attribute.value, name, 0) })
    else if (attribute.kind === 'graphs') {
      attributes.set(name, { kind: 'graphs', value: attribute.value.map((graph, i) => change(graph, name, i)) })
    } else attributes.set(name, attribute)
  }
  return { ...node, attributes }
}

/**
 * The node reading other tensors: inputs are renamed by `names`, and so is what its subgraphs capture from outside. Names
 * that a subgraph defines itself are left alone.
 */
export function renameReads(node: Node, names: ReadonlyMap<string, string>): Node {
  const renamed = mapSubgraphs(node, (graph) => renameCaptures(graph, names))
  if (!node.inputs.some((input) => names.has(input))) return renamed
  return { ...renamed, inputs: node.inputs.map((input) => names.get(input) ?? input) }
}

function renameCaptures(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const outer = new Map(names)
  for (const { name } of graph.inputs) outer.delete(name)
  for (const name of graph.initializers.keys()) outer.delete(name)
  for (const node of graph.nodes) for (const output of node.outputs) outer.delete(output)
  if (outer.size === 0) return graph
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renameReads(node, outer)),
    outputs: graph.outputs.map((output) => ({ ...output, name: outer.get(output.name) ?? output.name })),
  }
}
