import { Draft } from '../draft.ts'
import type { Model, Node, Tensor } from '../model.ts'
import { capturedBy, renameReads } from '../traversal.ts'

/**
 * A model under a pass, with producers and readers kept up to date while nodes are replaced and removed. `finish` gives the
 * model it came from when nothing was changed.
 */
export class Rewrite {
  readonly model: Model
  readonly #nodes = new Map<string, Node>()
  readonly #producers = new Map<string, string>()
  readonly #readers = new Map<string, Set<string>>()
  readonly #outputs: ReadonlySet<string>
  readonly #initializers: Map<string, Tensor>
  #draft: Draft | null = null
  #changed = false

  constructor(model: Model) {
    this.model = model
    this.#initializers = new Map(model.graph.initializers)
    this.#outputs = new Set(model.graph.outputs.map((output) => output.name))
    for (const node of model.graph.nodes) this.#enter(node)
  }

  /** The nodes as they stand, in the order of the original graph. */
  nodes(): Node[] {
    return [...this.#nodes.values()]
  }

  /** The node of that name as it stands, or null when it was removed. */
  node(name: string): Node | null {
    return this.#nodes.get(name) ?? null
  }

  /** The node that writes `tensor`, or null for inputs and constants. */
  producer(tensor: string): Node | null {
    const name = this.#producers.get(tensor)
    return name === undefined ? null : this.#nodes.get(name)!
  }

  /** The nodes that read `tensor`, subgraphs included. */
  readers(tensor: string): Node[] {
    return [...(this.#readers.get(tensor) ?? [])].map((name) => this.#nodes.get(name)!)
  }

  isOutput(tensor: string): boolean {
    return this.#outputs.has(tensor)
  }

  /** The node that alone reads `tensor`, once; null where there are several, none, or `tensor` is a graph output. */
  soleReader(tensor: string): Node | null {
    const readers = this.#readers.get(tensor)
    if (readers?.size !== 1 || this.#outputs.has(tensor)) return null
    const node = this.#nodes.get([...readers][0]!)!
    return node.inputs.filter((input) => input === tensor).length === 1 && !capturedBy(node).has(tensor) ? node : null
  }

  /** The constant of that name, or null for anything computed. */
  constant(name: string | undefined): Tensor | null {
    return name === undefined || name === '' ? null : (this.#initializers.get(name) ?? null)
  }

  /** All constants as they stand, by name. */
  get constants(): ReadonlyMap<string, Tensor> {
    return this.#initializers
  }

  /** A tensor name nobody uses, made from `base`. */
  freshTensorName(base: string): string {
    return this.#naming().freshTensorName(base)
  }

  /** Adds a standard node without attributes; its name is made unique. Order is settled by `finish`. */
  add(spec: { name: string; opType: string; inputs: readonly string[]; outputs: readonly string[] }): void {
    const name = this.#naming().freshNodeName(spec.name)
    this.#enter({ ...spec, name, domain: '', attributes: new Map() })
    this.#changed = true
  }

  /** Adds or replaces a constant under exactly this name. */
  setConstant(tensor: Tensor): void {
    this.#initializers.set(tensor.name, tensor)
    this.#changed = true
  }

  /** Adds a constant under a name nobody uses, made from `tensor.name`; gives that name. */
  addConstant(tensor: Tensor): string {
    const name = this.freshTensorName(tensor.name)
    this.setConstant({ ...tensor, name })
    return name
  }

  /** Changes a constant as `node` sees it: in place where `node` is its only reader, else in a copy. Gives the name to read. */
  changeConstant(node: Node, tensor: Tensor): string {
    const readers = this.#readers.get(tensor.name)
    const slots = node.inputs.filter((input) => input === tensor.name).length
    if (readers?.size === 1 && readers.has(node.name) && slots === 1 && !this.#outputs.has(tensor.name)) {
      this.setConstant(tensor)
      return tensor.name
    }
    return this.addConstant({ ...tensor, name: `${tensor.name}_folded` })
  }

  /** Puts `next` in the place of the node with the same name. */
  replace(next: Node): void {
    const previous = this.#nodes.get(next.name)
    if (previous === undefined) throw new Error(`node ${next.name} is not in the graph`)
    this.#leave(previous)
    this.#enter(next)
    this.#changed = true
  }

  remove(name: string): void {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new Error(`node ${name} is not in the graph`)
    this.#leave(node)
    this.#nodes.delete(name)
    this.#changed = true
  }

  /** Lets everybody who reads `from` read `to`. */
  redirect(from: string, to: string): void {
    const names = new Map([[from, to]])
    for (const reader of this.readers(from)) this.replace(renameReads(reader, names))
  }

  /** The new model, or the one it came from when nothing was changed. */
  finish(): Model {
    if (!this.#changed) return this.model
    const draft = this.#naming()
    draft.nodes = this.nodes()
    draft.initializers.clear()
    for (const [name, tensor] of this.#initializers) {
      draft.initializers.set(name, tensor)
      if (this.model.graph.initializers.get(name) !== tensor) draft.valueInfo.delete(name) // it may tell the old shape
    }
    return draft.finish()
  }

  #naming(): Draft {
    return (this.#draft ??= new Draft(this.model))
  }

  #enter(node: Node): void {
    this.#nodes.set(node.name, node)
    for (const output of node.outputs) if (output !== '') this.#producers.set(output, node.name)
    for (const input of readsOf(node)) {
      const readers = this.#readers.get(input)
      if (readers) readers.add(node.name)
      else this.#readers.set(input, new Set([node.name]))
    }
  }

  #leave(node: Node): void {
    for (const output of node.outputs) if (this.#producers.get(output) === node.name) this.#producers.delete(output)
    for (const input of readsOf(node)) this.#readers.get(input)?.delete(node.name)
  }
}

function readsOf(node: Node): Set<string> {
  const reads = new Set([...node.inputs, ...capturedBy(node)])
  reads.delete('')
  return reads
}
