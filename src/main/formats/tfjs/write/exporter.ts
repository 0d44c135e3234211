import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Model, Node, Tensor } from '../../../graph/model.ts'
import { toFloat32 } from '../../../graph/tensors.ts'
import { numbersIn, permuteTensor } from '../lower/constants.ts'
import { Unsupported } from '../lower/problem.ts'
import { isPlain, type Order } from '../lower/value.ts'
import { Forms } from './forms.ts'
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

/** A GraphDef under construction from an ONNX graph. */
export class Exporter extends Forms {
  readonly nodes: TfNode[] = []
  readonly weights: TfWeight[] = []
  readonly #names = new Set<string>()
  readonly #constants = new Map<string, string>()
  #owner = ''

  constructor(model: Model) {
    super(model)
    // outputs are written under their own names at the end
    for (const { name } of model.graph.outputs) this.#names.add(name)
  }

  /** Says for which node constants are written from now on. */
  begin(node: Node): void {
    this.#owner = node.name
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

  protected constantForm(tensor: Tensor, order: Order): string {
    return this.madeWeight(tensor, order.join(), () => permuteTensor(tensor, order))
  }

  protected transposedForm(tensor: string, held: string, perm: readonly number[], order: Order): string {
    const suffix = isPlain(order) ? 'onnx_order' : 'channels_last'
    const along = this.integers(`${tensor}/${suffix}/perm`, perm)
    const types = { Tperm: tf.type('DT_INT32') }
    return this.emit('Transpose', `${tensor}/${suffix}`, [held, along], types, this.typeOf(tensor))
  }

  protected reshapedForm(tensor: string, held: string, dims: readonly Dim[]): string {
    if (dims.filter((dim) => typeof dim !== 'number').length > 1)
      throw new Unsupported('reshapes to more than one open length')
    const lengths = dims.map((dim) => (typeof dim === 'number' ? dim : -1))
    return this.reshape(tensor, held, lengths, this.typeOf(tensor))
  }

  reshape(name: string, input: string, lengths: readonly number[], type: TfType = 'DT_FLOAT'): string {
    const shape = this.integers(`${name}/shape`, lengths)
    return this.emit('Reshape', name, [input, shape], { Tshape: tf.type('DT_INT32') }, type)
  }
}
