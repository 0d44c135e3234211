import type { Attribute, Model, Node, Tensor } from '../graph/model.ts'
import { boundsOfActivation, clippedByReaders, withoutActivation, type Bounds } from './activations.ts'
import { subgraphsOf } from '../graph/traversal.ts'

/** Tensor name → number of its value; two tensors with one number hold the same values whatever they are called. */
export interface NumberedModel {
  readonly model: Model
  readonly numbers: ReadonlyMap<string, number>
  /** tensors that depend on what is fed; the others are constants */
  readonly fed: ReadonlySet<string>
}

/** A value that is another one clipped to bounds. */
interface Clipped {
  readonly number: number
  readonly bounds: Bounds
}

/** Whether two pieces of memory hold the same. */
type SameBytes = (a: Uint8Array, b: Uint8Array) => boolean

interface KnownConstant {
  readonly tensor: Tensor
  readonly number: number
}

/**
 * Gives values numbers: a graph input has one by its name, a constant by its content, a node's output by operator, attributes and the
 * numbers of its inputs. Tensors of two models that get one number are computed by equal kernels from equal data, and so are equal to the
 * last bit. Numbers of a fork are its own: what a variant adds is forgotten with it.
 * Source: value numbering, Alpern, Wegman, Zadeck 1988.
 */
export class ValueNumbers {
  readonly #parent: ValueNumbers | null
  readonly #known = new Map<string, number>()
  readonly #constants = new Map<string, KnownConstant[]>()
  /** key of a node without its activation, or number of a tensor → what it is once clipped */
  readonly #clipped = new Map<string, Clipped[]>()
  readonly #areSame: SameBytes
  #next: number

  /** @param areSame compares constants: a host's own way is ten times as fast as the one here */
  constructor(areSame: SameBytes = areSameBytes, parent: ValueNumbers | null = null) {
    this.#areSame = areSame
    this.#parent = parent
    this.#next = parent ? parent.#next : 0
  }

  /** Numbers that start where these end: finds what these know, and leaves them as they are. */
  fork(): ValueNumbers {
    return new ValueNumbers(this.#areSame, this)
  }

  /** Numbers every tensor of a model's main graph. Nodes stand in topological order. */
  number(model: Model): NumberedModel {
    const { graph } = model
    const numbers = new Map<string, number>()
    const fed = new Set<string>()
    for (const [name, tensor] of graph.initializers) numbers.set(name, this.#constant(tensor))
    for (const { name } of graph.inputs) {
      if (graph.initializers.has(name)) continue
      numbers.set(name, this.#intern(`input ${name}`))
      fed.add(name)
    }
    const saturating = clippedByReaders(graph)
    for (const node of graph.nodes) {
      this.#numberNode(node, numbers, fed, saturating)
      this.#noteActivation(node, numbers, graph.initializers)
    }
    return { model, numbers, fed }
  }

  #numberNode(
    node: Node,
    numbers: Map<string, number>,
    fed: Set<string>,
    saturating: ReadonlyMap<string, Bounds>,
  ): void {
    const isFed = node.inputs.some((name) => fed.has(name)) || subgraphsOf(node).length > 0
    const key = this.#keyOf(node, numbers)
    node.outputs.forEach((name, i) => {
      if (name === '') return
      // what cannot be compared is a value of its own
      const plain = key === null ? this.#next++ : this.#intern(`${key} ${i}`)
      const bounds = saturating.get(name)
      numbers.set(
        name,
        bounds === undefined ? plain : this.#clippedValue([`node ${key}`, `value ${plain}`], bounds, plain),
      )
      if (isFed) fed.add(name)
    })
  }

  /**
   * The number of a value whose readers all saturate at `bounds`: that of the parent's value clipped to at least these, where it has
   * one. The runtime drops a Relu or Clip before a QuantizeLinear that saturates alike, so that a convolution which the base computes
   * with its activation stands in the variant without; to the readers both are the same.
   */
  #clippedValue(keys: readonly string[], bounds: Bounds, plain: number): number {
    if (!this.#parent) return plain
    for (const key of keys) {
      const found = this.#parent.#clipped
        .get(key)
        ?.find((value) => value.bounds.low <= bounds.low && value.bounds.high >= bounds.high)
      if (found) return found.number
    }
    return plain
  }

  /** Notes what a node's value would be called without its activation. */
  #noteActivation(node: Node, numbers: ReadonlyMap<string, number>, constants: ReadonlyMap<string, Tensor>): void {
    const bounds = boundsOfActivation(node, constants)
    const output = node.outputs[0]
    if (bounds === null || output === undefined) return
    const plain = withoutActivation(node)
    const key = plain === null ? `value ${numbers.get(node.inputs[0]!)}` : `node ${this.#keyOf(plain, numbers)}`
    const clipped = { number: numbers.get(output)!, bounds }
    const list = this.#clipped.get(key)
    if (list) list.push(clipped)
    else this.#clipped.set(key, [clipped])
  }

  /** Null for nodes that hold graphs, or attributes nobody reads. */
  #keyOf(node: Node, numbers: ReadonlyMap<string, number>): string | null {
    const attributes: string[] = []
    for (const name of [...node.attributes.keys()].sort()) {
      const text = this.#attributeText(node.attributes.get(name)!)
      if (text === null) return null
      attributes.push(`${name}=${text}`)
    }
    const inputs = node.inputs.map((name) => (name === '' ? '-' : (numbers.get(name) ?? `?${name}`)))
    return `${node.domain}.${node.opType}(${inputs.join()})${JSON.stringify(attributes)}`
  }

  #attributeText(attribute: Attribute): string | null {
    switch (attribute.kind) {
      case 'float':
      case 'int':
        return String(attribute.value)
      case 'string':
        return `s${attribute.value.join()}`
      case 'floats':
      case 'ints':
        return `[${attribute.value.join()}]`
      case 'strings':
        return attribute.value.map((value) => value.join()).join(';')
      case 'tensor':
        return `t${this.#constant(attribute.value)}`
      case 'graph':
      case 'graphs':
      case 'other':
        return null
    }
  }

  #find(key: string): number | undefined {
    return this.#known.get(key) ?? (this.#parent ? this.#parent.#find(key) : undefined)
  }

  #intern(key: string): number {
    const known = this.#find(key)
    if (known !== undefined) return known
    this.#known.set(key, this.#next)
    return this.#next++
  }

  #constant(tensor: Tensor): number {
    const key = constantKey(tensor)
    const known = this.#findConstant(key, tensor)
    if (known !== undefined) return known
    const list = this.#constants.get(key)
    const entry = { tensor, number: this.#next++ }
    if (list) list.push(entry)
    else this.#constants.set(key, [entry])
    return entry.number
  }

  #findConstant(key: string, tensor: Tensor): number | undefined {
    const own = this.#constants.get(key)?.find((entry) => this.#areEqual(entry.tensor, tensor))
    if (own) return own.number
    return this.#parent ? this.#parent.#findConstant(key, tensor) : undefined
  }

  #areEqual(a: Tensor, b: Tensor): boolean {
    return !a.strings && !b.strings && (a.data === b.data || this.#areSame(a.data, b.data))
  }
}

/** Type, shape, and a sum over some of the bytes: equal constants share it, others rarely do. */
function constantKey({ dataType, dims, data }: Tensor): string {
  const step = Math.max(1, Math.floor(data.length / 256))
  let sum = 0
  for (let i = 0; i < data.length; i += step) sum = (Math.imul(sum, 31) + data[i]!) | 0
  return `${dataType} ${dims.join()} ${sum}`
}

/** By words, wherever they begin: weights inside a file rarely lie where an Int32Array may. */
function areSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  const left = new DataView(a.buffer, a.byteOffset, a.length)
  const right = new DataView(b.buffer, b.byteOffset, b.length)
  const end = a.length - (a.length % 4)
  for (let i = 0; i < end; i += 4) if (left.getInt32(i) !== right.getInt32(i)) return false
  for (let i = end; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
