import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Model, Node, Tensor } from '../../../graph/model.ts'
import { inferShapes, UNKNOWN, type Fact, type ShapeMap } from '../../../graph/shapes/index.ts'
import { elementCount, toFloat32 } from '../../../graph/tensors.ts'
import { numbersIn, permuteTensor } from '../lower/constants.ts'
import { Unsupported } from '../lower/problem.ts'
import { inverse, isPlain, orderOf, permuted, plainOrder, sameNumbers, type Order } from '../lower/value.ts'
import { tf, type TfAttribute, type TfNode, type TfType } from './tf-node.ts'

/** A constant of the written graph. `owner`: the ONNX node it was written for. */
export interface TfWeight {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array
  readonly owner: string
  /** how many of the last axes are output channels; 0 where the last axes are something else */
  readonly channelAxes: number
}

/** Which tensor a form has the numbers of, before it was reshaped. */
interface Reshaping {
  readonly source: string
}

/** [batch, …spatial, channels] of a tensor that is [batch, channels, …spatial]. */
export function channelsLast(rank: number): Order {
  return rank < 3 ? plainOrder(rank) : [0, ...plainOrder(rank).slice(2), 1]
}

/**
 * A GraphDef under construction from an ONNX graph: the mirror image of `Lowering`. Tensors of the ONNX graph keep their own order of
 * axes as values; what a convolution writes is held channels last, and nothing is transposed until another form is read.
 */
export class Exporter {
  readonly nodes: TfNode[] = []
  readonly weights: TfWeight[] = []
  readonly model: Model
  readonly #facts: ShapeMap
  readonly #names = new Set<string>()
  /** ONNX tensor → order → name in the written graph */
  readonly #forms = new Map<string, Map<string, string>>()
  readonly #reshapings = new Map<string, Reshaping>()
  readonly #constants = new Map<string, string>()
  readonly #readers = new Map<string, Node[]>()
  /** nodes that were written together with the one before */
  readonly done = new Set<string>()
  #owner = ''

  constructor(model: Model) {
    this.model = model
    this.#facts = inferShapes(model, { onProblem: () => undefined })
    for (const node of model.graph.nodes) {
      for (const input of node.inputs) this.#readers.set(input, [...(this.#readers.get(input) ?? []), node])
    }
    // outputs are written under their own names at the end
    for (const { name } of model.graph.outputs) this.#names.add(name)
  }

  /** Says for which node constants are written from now on. */
  begin(node: Node): void {
    this.#owner = node.name
  }

  fact(tensor: string): Fact {
    return this.#facts.get(tensor) ?? UNKNOWN
  }

  /** @throws Unsupported where the rank is not known */
  dims(tensor: string): readonly Dim[] {
    const { shape } = this.fact(tensor)
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

  /** The only node that reads a tensor that is no output, or null. */
  soleReader(tensor: string): Node | null {
    const readers = this.#readers.get(tensor) ?? []
    return readers.length === 1 && !this.model.graph.outputs.some(({ name }) => name === tensor) ? readers[0]! : null
  }

  freshName(base: string): string {
    // a colon chooses an output and a caret marks order only; neither may stand in a name
    const clean = base.replaceAll(/[:^\s]/g, '_')
    let name = clean
    for (let i = 2; name === '' || this.#names.has(name); i++) name = `${clean}_${i}`
    this.#names.add(name)
    return name
  }

  /** Adds a node and gives its name. */
  emit(
    op: string,
    name: string,
    input: readonly string[],
    attr: Readonly<Record<string, TfAttribute>> = {},
    type: TfType = 'DT_FLOAT',
  ): string {
    const made = this.freshName(name)
    this.nodes.push({ name: made, op, input, attr: { T: tf.type(type), ...attr } })
    return made
  }

  /** A constant of the written graph. */
  weight(name: string, shape: readonly number[], values: Float32Array | Int32Array, channelAxes = 0): string {
    const made = this.freshName(name)
    const dtype = tf.type(values instanceof Int32Array ? 'DT_INT32' : 'DT_FLOAT')
    this.nodes.push({ name: made, op: 'Const', input: [], attr: { dtype } })
    this.weights.push({ name: made, shape, values, owner: this.#owner, channelAxes })
    return made
  }

  integers(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.weight(name, shape, Int32Array.from(values))
  }

  number(name: string, value: number): string {
    return this.weight(name, [], Float32Array.of(value))
  }

  /** A constant made from one of the ONNX graph, once for every `key`. `channelAxes`: see `TfWeight`. */
  madeWeight(tensor: Tensor, key: string, make: () => Tensor, channelAxes = 0): string {
    const known = this.#constants.get(`${key} ${tensor.name}`)
    if (known !== undefined) return known
    const made = make()
    const isInteger = made.dataType === 'int64' || made.dataType === 'int32' || made.dataType === 'bool'
    const values = isInteger ? Int32Array.from(numbersIn(made)) : toFloat32(made)
    const name = this.weight(tensor.name, made.dims, values, channelAxes)
    this.#constants.set(`${key} ${tensor.name}`, name)
    return name
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
    if (constant) return this.madeWeight(constant, order.join(), () => permuteTensor(constant, order))
    const reshaping = this.#reshapings.get(tensor)
    const dims = this.dims(tensor)
    if (reshaping && this.#formsOf(tensor).size === 0) {
      if (sameNumbers(dims, order)) return this.#reshape(tensor, reshaping.source, permuted(dims, order))
      this.read(tensor)
    }
    const [form] = this.#formsOf(tensor)
    if (!form) throw new Unsupported(`reads "${tensor}", which is not there`)
    const from = inverse(orderOf(form[0]))
    const suffix = isPlain(order) ? 'onnx_order' : 'channels_last'
    const perm = this.integers(
      `${tensor}/${suffix}/perm`,
      order.map((axis) => from[axis]!),
    )
    return this.emit(
      'Transpose',
      `${tensor}/${suffix}`,
      [form[1], perm],
      { Tperm: tf.type('DT_INT32') },
      this.typeOf(tensor),
    )
  }

  #reshape(tensor: string, source: string, dims: readonly Dim[]): string {
    const forms = [...this.#formsOf(source)]
    const held = forms.find(([key]) => sameNumbers(this.dims(source), orderOf(key)))?.[1] ?? this.read(source)
    if (dims.filter((dim) => typeof dim !== 'number').length > 1)
      throw new Unsupported('reshapes to more than one open length')
    return this.reshape(
      tensor,
      held,
      dims.map((dim) => (typeof dim === 'number' ? dim : -1)),
      this.typeOf(tensor),
    )
  }

  reshape(name: string, input: string, lengths: readonly number[], type: TfType = 'DT_FLOAT'): string {
    const shape = this.integers(`${name}/shape`, lengths)
    return this.emit('Reshape', name, [input, shape], { Tshape: tf.type('DT_INT32') }, type)
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

  /** True for a constant of one element. */
  isScalar(tensor: string): boolean {
    const constant = this.constant(tensor)
    return constant !== null && elementCount(constant.dims) === 1
  }
}
