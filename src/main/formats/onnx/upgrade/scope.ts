import type { Attribute, Graph, Model, Node, Tensor } from '../../../graph/model.ts'
import type { OnProblem } from '../../../graph/problem.ts'
import type { Fact, ShapeMap } from '../../../graph/shapes/index.ts'
import { tensorFact, UNKNOWN } from '../../../graph/shapes/index.ts'
import { capturedBy, subgraphsOf } from '../../../graph/traversal.ts'

/**
 * Rewrites one node from the version before a change to the version of that change. Gives the nodes that stand in its place,
 * in order, all valid at that version; a node that cannot be carried over is reported and given back as it is.
 */
export type Adapter = (node: Node, scope: Scope) => readonly Node[]

/** Names taken anywhere in a model, subgraphs included, so that a new name never shadows or captures another. */
export class Names {
  readonly #taken = new Set<string>()

  constructor(graph: Graph) {
    this.#collect(graph)
  }

  #collect(graph: Graph): void {
    for (const { name } of [...graph.inputs, ...graph.outputs]) this.#taken.add(name)
    for (const name of graph.initializers.keys()) this.#taken.add(name)
    for (const node of graph.nodes) {
      for (const name of [node.name, ...node.inputs, ...node.outputs]) this.#taken.add(name)
      subgraphsOf(node).forEach((inner) => this.#collect(inner))
    }
  }

  /** `base`, or `base_2`, `base_3`, …; taken from then on. Serves tensors and nodes alike. */
  fresh(base: string): string {
    let name = base
    for (let i = 2; name === '' || this.#taken.has(name); i++) name = `${base}_${i}`
    this.#taken.add(name)
    return name
  }
}

/** What an adapter may ask and do in the graph that its node stands in. */
export class Scope {
  /** version of ai.onnx that the node comes from */
  readonly from: number
  readonly #initializers: Map<string, Tensor>
  readonly #added = new Set<string>()
  readonly #names: Names
  readonly #facts: ShapeMap
  readonly #read: ReadonlySet<string>
  readonly #onProblem: OnProblem

  constructor(graph: Graph, from: number, facts: ShapeMap, names: Names, onProblem: OnProblem) {
    this.from = from
    this.#initializers = new Map(graph.initializers)
    this.#names = names
    this.#facts = facts
    this.#read = readNames(graph)
    this.#onProblem = onProblem
  }

  /** What is known of a tensor, from before the upgrade or from a constant added since. */
  fact(name: string): Fact {
    const known = this.#facts.get(name)
    if (known !== undefined) return known
    const added = this.#initializers.get(name)
    return added === undefined ? UNKNOWN : tensorFact(added)
  }

  /** All elements of a tensor when they are known numbers, else null. */
  numbers(name: string): number[] | null {
    const { values } = this.fact(name)
    return values !== null && values.every((value) => typeof value === 'number') ? (values as number[]) : null
  }

  /** True when a node, a subgraph or the graph's outputs read the tensor. */
  isRead(name: string): boolean {
    return name !== '' && this.#read.has(name)
  }

  /** A name nobody uses yet, made from the node's own. */
  fresh(node: Node, suffix: string): string {
    return this.#names.fresh(`${node.name || node.outputs[0] || node.opType}_${suffix}`)
  }

  /** Adds a constant to the graph under a fresh name and gives that name. */
  constant(node: Node, suffix: string, tensor: Omit<Tensor, 'name'>): string {
    const name = this.fresh(node, suffix)
    this.#initializers.set(name, { ...tensor, name })
    this.#added.add(name)
    return name
  }

  /** The graph's constants after the upgrade: those it came with, and the added ones that `nodes` read. */
  initializersFor(nodes: readonly Node[]): Map<string, Tensor> {
    const read = new Set(nodes.flatMap((node) => node.inputs))
    return new Map([...this.#initializers].filter(([name]) => !this.#added.has(name) || read.has(name)))
  }

  /** A helper node beside `node`, with one output under a fresh name. */
  helper(
    node: Node,
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output?: string,
  ): Node {
    const name = this.fresh(node, opType.toLowerCase())
    const outputs = [output ?? this.fresh(node, `${opType.toLowerCase()}_out`)]
    return { name, opType, domain: '', inputs, outputs, attributes: new Map(Object.entries(attributes)) }
  }

  /** Reports that the node cannot be carried over, and gives it back. */
  refuse(node: Node, message: string): readonly Node[] {
    this.#onProblem({ where: placeOf(node), op: node.opType, message })
    return [node]
  }
}

/** The node's name, or the tensor it writes where it has none. */
export function placeOf(node: Node): string {
  return node.name || node.outputs.find((name) => name !== '') || node.opType
}

function readNames(graph: Graph): Set<string> {
  const read = new Set(graph.outputs.map(({ name }) => name))
  for (const node of graph.nodes) for (const name of [...node.inputs, ...capturedBy(node)]) read.add(name)
  return read
}

/** `node` with other inputs, outputs, operator or attributes; an attribute set to null is removed. */
export function changed(
  node: Node,
  change: {
    readonly opType?: string
    readonly inputs?: readonly string[]
    readonly outputs?: readonly string[]
    readonly attributes?: Readonly<Record<string, Attribute | null>>
  },
): Node {
  const attributes = new Map(node.attributes)
  for (const [name, value] of Object.entries(change.attributes ?? {})) {
    if (value === null) attributes.delete(name)
    else attributes.set(name, value)
  }
  return {
    ...node,
    opType: change.opType ?? node.opType,
    inputs: change.inputs ?? node.inputs,
    outputs: change.outputs ?? node.outputs,
    attributes,
  }
}

/** Inputs with `name` at place `i`, the gap before it filled with omitted ones. */
export function withInput(inputs: readonly string[], i: number, name: string): string[] {
  const result = [...inputs]
  while (result.length <= i) result.push('')
  result[i] = name
  return result
}

/** Version of ai.onnx that a model asks for, or null when it uses none. */
export function standardOpset(model: Model): number | null {
  return model.opsets.get('') ?? model.opsets.get('ai.onnx') ?? null
}
