import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Model, Node, Tensor } from '../../../graph/model.ts'
import { inferShapes, UNKNOWN, type Fact, type ShapeMap } from '../../../graph/shapes/index.ts'
import { elementCount } from '../../../graph/tensors.ts'
import { numbersIn } from '../lower/constants.ts'
import { Unsupported } from '../lower/problem.ts'
import { inverse, orderOf, permuted, plainOrder, sameNumbers, type Order } from '../lower/value.ts'
import type { TfType } from './tf-node.ts'

/** Which tensor a form has the numbers of, before it was reshaped. */
interface Reshaping {
  readonly source: string
}

/** [batch, …spatial, channels] of a tensor that is [batch, channels, …spatial]. */
export function channelsLast(rank: number): Order {
  return rank < 3 ? plainOrder(rank) : [0, ...plainOrder(rank).slice(2), 1]
}

/** An order that ends in `axis`: the held one where it does, channels last where they are the axis, else the plain one with it moved. */
export function orderEndingIn(axis: number, held: Order): Order {
  const rank = held.length
  if (held.at(-1) === axis) return held
  if (axis === 1 && rank > 2) return channelsLast(rank)
  return [...plainOrder(rank).filter((other) => other !== axis), axis]
}

/**
 * In which forms a written model holds the tensors of an ONNX graph: the mirror image of `Lowering`. Tensors of the ONNX graph keep their
 * own order of axes as values; what a convolution writes is held channels last, and nothing is transposed or reshaped until another form
 * is read. Forms are names in the written model; how they are made is the format's own.
 */
export abstract class Forms {
  readonly model: Model
  /** nodes that were written together with the one before */
  readonly done = new Set<string>()
  readonly #facts: ShapeMap
  /** ONNX tensor → order → name in the written model */
  readonly #forms = new Map<string, Map<string, string>>()
  readonly #reshapings = new Map<string, Reshaping>()
  readonly #defined = new Map<string, readonly Dim[]>()
  readonly #readers = new Map<string, Node[]>()
  readonly #producers = new Map<string, Node>()

  constructor(model: Model) {
    this.model = model
    this.#facts = inferShapes(model, { onProblem: () => undefined })
    for (const node of model.graph.nodes) {
      for (const input of node.inputs) this.#readers.set(input, [...(this.#readers.get(input) ?? []), node])
      for (const output of node.outputs) this.#producers.set(output, node)
    }
  }

  /** A constant of the ONNX graph in an order. */
  protected abstract constantForm(tensor: Tensor, order: Order): string

  /** What is held as `held` with its axes rearranged by `perm`, so that it has `tensor` in `order`. */
  protected abstract transposedForm(tensor: string, held: string, perm: readonly number[], order: Order): string

  /** What is held as `held`, whose dims are `from`, under other dims. */
  protected abstract reshapedForm(tensor: string, held: string, dims: readonly Dim[], from: readonly Dim[]): string

  /** A tensor that the ONNX graph does not name, held in the plain order. */
  protected define(tensor: string, name: string, dims: readonly Dim[]): void {
    this.#defined.set(tensor, dims)
    this.hold(tensor, name, plainOrder(dims.length))
  }

  fact(tensor: string): Fact {
    return this.#facts.get(tensor) ?? UNKNOWN
  }

  /** @throws Unsupported where the rank is not known */
  dims(tensor: string): readonly Dim[] {
    const shape = this.#defined.get(tensor) ?? this.fact(tensor).shape
    if (shape === null) throw new Unsupported(`reads or writes "${tensor}", whose shape cannot be told`)
    return shape
  }

  constant(tensor: string | undefined): Tensor | null {
    return tensor ? (this.model.graph.initializers.get(tensor) ?? null) : null
  }

  /** The numbers of an input that must be constant. */
  numbers(tensor: string | undefined): number[] | null {
    const constant = this.constant(tensor)
    if (constant) return numbersIn(constant)
    const values = tensor ? this.fact(tensor).values : null
    return values?.every((value) => typeof value === 'number') ? [...values] : null
  }

  /** The node that computes a tensor; null for inputs and constants. */
  producer(tensor: string): Node | null {
    return this.#producers.get(tensor) ?? null
  }

  /** The only node that reads a tensor that is no output, or null. */
  soleReader(tensor: string): Node | null {
    const readers = this.#readers.get(tensor) ?? []
    return readers.length === 1 && !this.model.graph.outputs.some(({ name }) => name === tensor) ? readers[0]! : null
  }

  /** Notes that the written graph holds an ONNX tensor in an order. */
  hold(tensor: string, name: string, order: Order): void {
    const forms = this.#forms.get(tensor) ?? new Map<string, string>()
    forms.set(order.join(), name)
    this.#forms.set(tensor, forms)
  }

  /** Two ONNX tensors with the same numbers and dims. */
  alias(from: string, to: string): void {
    if (this.constant(from)) return this.hold(to, this.read(from), plainOrder(this.dims(from).length))
    this.#forms.set(to, this.#formsOf(from))
    const reshaping = this.#reshapings.get(from)
    if (reshaping) this.#reshapings.set(to, reshaping)
  }

  /** One ONNX tensor is another with its axes in another order; nothing is written. */
  transposed(from: string, to: string, perm: Order): void {
    const back = inverse(perm)
    if (this.constant(from) || this.#formsOf(from).size === 0) this.read(from)
    for (const [key, name] of this.#formsOf(from))
      this.hold(
        to,
        name,
        orderOf(key).map((axis) => back[axis]!),
      )
  }

  /** One ONNX tensor is another under other dims, written when it is read. */
  reshaped(from: string, to: string): void {
    const before = this.#reshapings.get(from)
    this.#reshapings.set(to, { source: before && this.#formsOf(from).size === 0 ? before.source : from })
  }

  #formsOf(tensor: string): Map<string, string> {
    return this.#forms.get(tensor) ?? new Map<string, string>()
  }

  heldOrder(tensor: string): Order {
    const [key] = this.#formsOf(tensor).keys()
    return key === undefined ? plainOrder(this.dims(tensor).length) : orderOf(key)
  }

  /** The form a flattened tensor is held in before it is flattened, where that is not the plain one. */
  heldFlat(tensor: string): { name: string; order: Order; dims: readonly Dim[] } | null {
    const reshaping = this.#reshapings.get(tensor)
    if (!reshaping || this.#formsOf(tensor).size > 0) return null
    const forms = this.#formsOf(reshaping.source)
    const [first] = forms
    const dims = this.dims(reshaping.source)
    if (!first || forms.has(plainOrder(dims.length).join())) return null
    const order = orderOf(first[0])
    if (sameNumbers(dims, order) || order[0] !== 0 || dims[0] !== this.dims(tensor)[0]) return null
    return { name: first[1], order, dims }
  }

  /** The name of what holds an ONNX tensor in an order (its own by default), written where there is none yet. */
  read(tensor: string, order: Order = plainOrder(this.dims(tensor).length)): string {
    const held = this.#formsOf(tensor).get(order.join())
    if (held !== undefined) return held
    const made = this.#make(tensor, order)
    this.hold(tensor, made, order)
    return made
  }

  #make(tensor: string, order: Order): string {
    const constant = this.constant(tensor)
    if (constant) return this.constantForm(constant, order)
    const reshaping = this.#reshapings.get(tensor)
    const dims = this.dims(tensor)
    if (reshaping && this.#formsOf(tensor).size === 0) {
      if (sameNumbers(dims, order)) return this.#reshape(tensor, reshaping.source, permuted(dims, order))
      this.read(tensor)
    }
    const [form] = this.#formsOf(tensor)
    if (!form) throw new Unsupported(`reads "${tensor}", which is not there`)
    const from = inverse(orderOf(form[0]))
    return this.transposedForm(
      tensor,
      form[1],
      order.map((axis) => from[axis]!),
      order,
    )
  }

  #reshape(tensor: string, source: string, dims: readonly Dim[]): string {
    const forms = [...this.#formsOf(source)]
    const all = this.dims(source)
    const form = forms.find(([key]) => sameNumbers(all, orderOf(key)))
    if (form) return this.reshapedForm(tensor, form[1], dims, permuted(all, orderOf(form[0])))
    return this.reshapedForm(tensor, this.read(source), dims, all)
  }

  /** True for a constant of one element. */
  isScalar(tensor: string): boolean {
    const constant = this.constant(tensor)
    return constant !== null && elementCount(constant.dims) === 1
  }

  /** @throws Unsupported for types TensorFlow.js does not have */
  typeOf(tensor: string): TfType {
    switch (this.fact(tensor).dataType) {
      case 'float':
      case null:
        return 'DT_FLOAT'
      case 'int32':
      case 'int64':
        return 'DT_INT32'
      case 'bool':
        return 'DT_BOOL'
      default:
        throw new Unsupported(
          `has values of type ${this.fact(tensor).dataType}, which TensorFlow.js does not compute with`,
        )
    }
  }
}
