import type { Dim } from '../../../../../shared/contract/tensor.ts'
import type { Model, Node, Tensor } from '../../../../graph/model.ts'
import { Unsupported } from '../../lower/problem.ts'
import { isPlain, type Order } from '../../lower/value.ts'
import { entryOf, storeKernel, storeList, type EncodedWeight } from '../encode-weight.ts'
import type { StoredEntry } from '../files.ts'
import { Forms } from '../forms.ts'
import { storeWeight, type WeightStorage } from '../weight-codes.ts'

/** One layer of the written model. */
export interface WrittenLayer {
  readonly className: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** names of the layers it reads */
  readonly inputs: readonly string[]
  readonly weights: readonly StoredEntry[]
}

/** A kernel with what is computed right behind it. */
export interface Weighted {
  readonly className: string
  readonly config: Readonly<Record<string, unknown>>
  /** name of the kernel in the layer */
  readonly weight: string
  readonly shape: readonly number[]
  readonly values: Float32Array
  /** how many of the last axes are output channels */
  readonly channelAxes: number
  readonly bias: Float32Array | null
  readonly activation: string
}

/** Keras layers under construction from an ONNX graph: every layer keeps the batch as its first axis. */
export class LayerExporter extends Forms {
  readonly layers: WrittenLayer[] = []
  /** the kernels, with the layers that hold them */
  readonly kernels: { readonly layer: string; readonly account: EncodedWeight }[] = []
  readonly #names = new Set<string>()
  readonly #storageOf: (node: string) => WeightStorage
  #owner = ''

  constructor(model: Model, storageOf: (node: string) => WeightStorage) {
    super(model)
    this.#storageOf = storageOf
  }

  /** Says for which node layers are written from now on. */
  begin(node: Node): void {
    this.#owner = node.name
  }

  /** A layer's name that nobody has, of the letters that TensorFlow.js takes. Source: tfjs-layers, common.ts, tensorNameRegex. */
  freshName(base: string): string {
    const clean = layerName(base)
    let name = clean
    for (let i = 1; this.#names.has(name); i++) name = `${clean}_${i}`
    this.#names.add(name)
    return name
  }

  /** Adds a layer without weights and gives its name. */
  add(
    className: string,
    base: string,
    inputs: readonly string[],
    config: Readonly<Record<string, unknown>> = {},
  ): string {
    return this.#put(className, this.freshName(base), inputs, config, [])
  }

  /** Adds a layer whose weights are lists, in the order TensorFlow.js creates them. */
  addWithLists(
    className: string,
    base: string,
    input: string,
    config: Readonly<Record<string, unknown>>,
    lists: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }>>,
  ): string {
    const name = this.freshName(base)
    const weights = Object.entries(lists).map(([weight, { shape, values }]) =>
      storeList({ name: `${name}/${weight}`, shape, owner: this.#owner }, values),
    )
    return this.#put(className, name, [input], config, weights)
  }

  /** y = factor · x + addend, each a list over the last axis. */
  addAffine(base: string, input: string, factor: Float32Array, addend: Float32Array | null): string {
    const name = this.freshName(base)
    const shape = [factor.length]
    const weight = (key: string): { name: string; shape: number[]; owner: string } => ({
      name: `${name}/${key}`,
      shape,
      owner: this.#owner,
    })
    // one value throughout takes a byte each as uint8, and is exact
    const even = (key: string, value: number): StoredEntry =>
      entryOf(`${name}/${key}`, shape, storeWeight(new Float32Array(factor.length).fill(value), 'uint8'))
    const config = { axis: -1, momentum: 0.99, epsilon: 0, center: addend !== null, scale: true }
    return this.#put('BatchNormalization', name, [input], config, [
      storeList(weight('gamma'), factor),
      ...(addend ? [storeList(weight('beta'), addend)] : []),
      even('moving_mean', 0),
      even('moving_variance', 1),
    ])
  }

  /**
   * Adds a layer with a kernel, stored as the owner's weights are; where its channels are brought to one size (`storeKernel`), a
   * BatchNormalization behind multiplies by the sizes and adds the bias.
   */
  addWeighted(base: string, input: string, layer: Weighted): string {
    const { className, config, weight, shape, values, channelAxes, bias, activation } = layer
    const name = this.freshName(base)
    const spec = { name: `${name}/${weight}`, shape, owner: this.#owner, channelAxes }
    const { stored, sizes, account } = storeKernel(spec, values, this.#storageOf(this.#owner))
    this.kernels.push({ layer: name, account })
    const kernel = entryOf(spec.name, shape, stored)
    // TensorFlow.js fills every kernel before it loads it; random numbers, its default, would take seconds a million
    const zeros = {
      [`${weight.replace(/_?kernel$/, '') || 'kernel'}_initializer`]: { class_name: 'Zeros', config: {} },
    }
    if (sizes === null) {
      const list = bias && storeList({ name: `${name}/bias`, shape: [bias.length], owner: this.#owner }, bias)
      const full = { ...config, ...zeros, use_bias: bias !== null, activation }
      return this.#put(className, name, [input], full, list ? [kernel, list] : [kernel])
    }
    const codes = this.#put(className, name, [input], { ...config, ...zeros, use_bias: false, activation: 'linear' }, [
      kernel,
    ])
    const scaled = this.addAffine(`${name}/channel_sizes`, codes, sizes, bias)
    return activation === 'linear' ? scaled : this.add('Activation', `${name}/${activation}`, [scaled], { activation })
  }

  #put(
    className: string,
    name: string,
    inputs: readonly string[],
    config: Readonly<Record<string, unknown>>,
    weights: readonly StoredEntry[],
  ): string {
    this.layers.push({ className, name, config, inputs, weights })
    return name
  }

  /** A pooled value [batch, channels] that the ONNX graph has with lengths of 1 behind. */
  holdPooled(tensor: string, name: string): void {
    const dims = this.dims(tensor)
    if (dims.length === 2) return this.hold(tensor, name, [0, 1])
    this.define(`${tensor}/pooled`, name, dims.slice(0, 2))
    this.reshaped(`${tensor}/pooled`, tensor)
  }

  protected constantForm({ name }: Tensor): string {
    throw new Unsupported(`reads the constant "${name}", which no layer holds`)
  }

  protected transposedForm(tensor: string, held: string, perm: readonly number[], order: Order): string {
    if (perm[0] !== 0) throw new Unsupported('moves the axis of the batch')
    return this.add('Permute', `${tensor}/${isPlain(order) ? 'onnx_order' : 'channels_last'}`, [held], {
      dims: perm.slice(1),
    })
  }

  protected reshapedForm(tensor: string, held: string, dims: readonly Dim[], from: readonly Dim[]): string {
    if (dims[0] !== from[0]) throw new Unsupported('changes the length of the batch')
    if (dims.length === from.length && dims.every((dim, axis) => dim === from[axis])) return held
    if (dims.length === 2 && from.length > 2) return this.add('Flatten', tensor, [held])
    const lengths = dims.slice(1)
    if (lengths.filter((dim) => typeof dim !== 'number').length > 1)
      throw new Unsupported('reshapes to more than one open length')
    return this.add('Reshape', tensor, [held], {
      target_shape: lengths.map((dim) => (typeof dim === 'number' ? dim : -1)),
    })
  }
}

/** A name of the letters that TensorFlow.js takes for layers. */
export function layerName(name: string): string {
  const clean = name.replaceAll(/[^-A-Za-z0-9._/]/g, '_').replace(/^[^A-Za-z0-9]+/, '')
  return clean === '' ? 'layer' : clean
}
