import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from './model.ts'
import { capturedBy, graphsOf } from './traversal.ts'

/**
 * A model being rewritten: what a pass works on between one model value and the next. Keeps names unique; `finish` gives the
 * new value with nodes sorted topologically. The model it starts from is not touched.
 */
export class Draft {
  readonly model: Model
  nodes: Node[]
  readonly initializers: Map<string, Tensor>
  readonly valueInfo: Map<string, ValueInfo>
  inputs: ValueInfo[]
  outputs: ValueInfo[]
  readonly #tensorNames = new Set<string>()
  readonly #nodeNames = new Set<string>()

  constructor(model: Model) {
    const { graph } = model
    this.model = model
    this.nodes = [...graph.nodes]
    this.initializers = new Map(graph.initializers)
    this.valueInfo = new Map(graph.valueInfo)
    this.inputs = [...graph.inputs]
    this.outputs = [...graph.outputs]
    // names inside subgraphs count: a fresh outer name equal to an inner one would be shadowed there
    for (const { inputs, outputs, initializers, nodes, opaqueNames } of graphsOf(graph)) {
      for (const { name } of [...inputs, ...outputs]) this.#tensorNames.add(name)
      for (const name of [...initializers.keys(), ...(opaqueNames ?? [])]) this.#tensorNames.add(name)
      for (const node of nodes) {
        this.#nodeNames.add(node.name)
        for (const name of [...node.inputs, ...node.outputs]) this.#tensorNames.add(name)
      }
    }
  }

  /** A tensor name nobody uses yet, `base` or `base_2`, `base_3`, …; reserved at once. */
  freshTensorName(base: string): string {
    return fresh(base, this.#tensorNames)
  }

  /** A node name nobody uses yet; reserved at once. */
  freshNodeName(base: string): string {
    return fresh(base, this.#nodeNames)
  }

  /** Adds a constant under a fresh name made from `tensor.name` and gives that name. */
  addInitializer(tensor: Tensor): string {
    const name = this.freshTensorName(tensor.name)
    this.initializers.set(name, { ...tensor, name })
    return name
  }

  /** Appends a node (order is settled by `finish`); its name is made unique. Gives the node as added. */
  addNode(spec: {
    name: string
    opType: string
    inputs: readonly string[]
    outputs: readonly string[]
    attributes?: Iterable<readonly [string, Attribute]>
    domain?: string
  }): Node {
    const node: Node = {
      name: this.freshNodeName(spec.name),
      opType: spec.opType,
      domain: spec.domain ?? '',
      inputs: spec.inputs,
      outputs: spec.outputs,
      attributes: new Map(spec.attributes ?? []),
    }
    for (const output of spec.outputs) this.#tensorNames.add(output)
    this.nodes.push(node)
    return node
  }

  /** Puts `next` in the place of the node with the same name as `previous`. */
  replaceNode(previous: Node, next: Node): void {
    const index = this.nodes.findIndex((node) => node.name === previous.name)
    if (index < 0) throw new Error(`node ${previous.name} is not in the draft`)
    this.nodes[index] = next
  }

  removeNodes(names: ReadonlySet<string>): void {
    this.nodes = this.nodes.filter((node) => !names.has(node.name))
  }

  /** The new model: nodes sorted, unused initializers and value infos dropped. */
  finish(changes: Partial<Pick<Model, 'opsets' | 'irVersion' | 'metadata'>> = {}): Model {
    const nodes = sortTopologically(this.nodes)
    const graph: Graph = {
      ...this.model.graph,
      nodes,
      initializers: this.initializers,
      valueInfo: this.valueInfo,
      inputs: this.inputs,
      outputs: this.outputs,
    }
    return { ...this.model, ...changes, graph: dropUnused(graph) }
  }
}

function fresh(base: string, taken: Set<string>): string {
  let name = base
  for (let i = 2; name === '' || taken.has(name); i++) name = `${base}_${i}`
  taken.add(name)
  return name
}

/**
 * Sorts nodes so that producers stand before consumers, keeping the given order where it is free.
 * @throws Error when the nodes form a cycle: a pass of ours made it (files are checked when they are opened)
 */
export function sortTopologically(nodes: readonly Node[]): Node[] {
  const producer = new Map<string, number>()
  nodes.forEach((node, i) => node.outputs.forEach((name) => name !== '' && producer.set(name, i)))
  const state = new Uint8Array(nodes.length)
  const sorted: Node[] = []
  for (let root = 0; root < nodes.length; root++) {
    const stack: { index: number; reads: string[]; next: number }[] = []
    const enter = (index: number): void => {
      state[index] = 1
      const node = nodes[index]!
      stack.push({ index, reads: [...node.inputs, ...capturedBy(node)], next: 0 })
    }
    if (state[root] === 0) enter(root)
    while (stack.length > 0) {
      const top = stack.at(-1)!
      const read = top.reads[top.next++]
      if (read === undefined) {
        state[top.index] = 2
        sorted.push(nodes[top.index]!)
        stack.pop()
        continue
      }
      const source = producer.get(read)
      if (source === undefined || state[source] === 2) continue
      if (state[source] === 1) throw new Error(`cycle through ${nodes[source]!.name}`)
      enter(source)
    }
  }
  return sorted
}

function dropUnused(graph: Graph): Graph {
  const used = new Set<string>(graph.outputs.map((output) => output.name))
  for (const node of graph.nodes) {
    for (const name of [...node.inputs, ...node.outputs, ...capturedBy(node)]) used.add(name)
  }
  const initializers = new Map([...graph.initializers].filter(([name]) => used.has(name)))
  const valueInfo = new Map([...graph.valueInfo].filter(([name]) => used.has(name)))
  return { ...graph, initializers, valueInfo }
}
