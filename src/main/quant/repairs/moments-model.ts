import { intsAttribute, int, ints } from '../../graph/attributes.ts'
import type { Attribute, Model, Node, Tensor, ValueInfo } from '../../graph/model.ts'
import { floatTensor, int64Tensor } from '../../graph/tensors.ts'
import type { WeightGeometry } from './geometry.ts'

/** Names of the moments model's inputs and outputs. */
export const MOMENT_INPUTS = { float: 'x', quantized: 'q' } as const
export const MOMENT_OUTPUTS = ['gram', 'cross', 'floatGram', 'sumQ', 'sumX', 'count'] as const

/**
 * A model that sums the second moments of a layer's input over one batch, so that the runtime's matrix kernels do the work: the inputs as
 * columns (a Conv with one-hot kernels of the layer's own attributes, so that pads, strides, dilations and groups are the runtime's),
 * then products of columns.
 * Inputs `x` and `q` have the shape of the layer's input; outputs are [blocks, size, size] and
 * [blocks, size] in float32, and `count`, the number of columns, in int64.
 * @param dims of the weights
 */
export function momentsModel(node: Node, geometry: WeightGeometry, dims: readonly number[]): Model {
  return new MomentsBuilder(node, geometry, dims).model()
}

class MomentsBuilder {
  readonly #node: Node
  readonly #geometry: WeightGeometry
  readonly #dims: readonly number[]
  readonly #nodes: Node[] = []
  readonly #initializers = new Map<string, Tensor>()

  /** @param dims of the weights */
  constructor(node: Node, geometry: WeightGeometry, dims: readonly number[]) {
    this.#node = node
    this.#geometry = geometry
    this.#dims = dims
  }

  model(): Model {
    const x = this.#columns(MOMENT_INPUTS.float)
    const q = this.#columns(MOMENT_INPUTS.quantized)
    const turned = this.#add('Transpose', [q], 'q_turned', [['perm', ints([0, 2, 1])]])
    const turnedX = this.#add('Transpose', [x], 'x_turned', [['perm', ints([0, 2, 1])]])
    this.#add('MatMul', [q, turned], 'gram')
    this.#add('MatMul', [x, turned], 'cross')
    this.#add('MatMul', [x, turnedX], 'floatGram')
    this.#constant(int64Tensor('columns', [1], [2]))
    this.#add('ReduceSum', [q, 'columns'], 'sumQ', [['keepdims', int(0)]])
    this.#add('ReduceSum', [x, 'columns'], 'sumX', [['keepdims', int(0)]])
    this.#constant(int64Tensor('last', [], [2]))
    this.#add('Gather', [this.#add('Shape', [q], 'shape'), 'last'], 'count')
    const value = (name: string): ValueInfo => ({ name, dataType: 'float', shape: null })
    return {
      irVersion: 8,
      opsets: new Map([['', 13]]),
      producerName: 'quantbench',
      producerVersion: '',
      domain: '',
      modelVersion: 0n,
      docString: '',
      metadata: new Map(),
      graph: {
        name: 'moments',
        nodes: this.#nodes,
        inputs: Object.values(MOMENT_INPUTS).map((name) => ({ ...value(name), shape: this.#inputShape() })),
        outputs: MOMENT_OUTPUTS.map((name) => (name === 'count' ? { ...value(name), dataType: 'int64' } : value(name))),
        valueInfo: new Map(),
        initializers: this.#initializers,
      },
    }
  }

  #inputShape(): ValueInfo['shape'] {
    if (this.#node.opType !== 'Conv') return null
    const channels = this.#dims[1]! * this.#geometry.groups
    return [null, channels, ...this.#dims.slice(2).map(() => null)]
  }

  /** The values each output is summed over, [blocks, size, columns]. */
  #columns(input: string): string {
    const { groups, splits, size } = this.#geometry
    const blocks = groups * splits
    const entries = size / splits
    if (this.#node.opType !== 'Conv') {
      const flat = this.#reshape(input, `${input}_flat`, [-1, splits, entries])
      return this.#add('Transpose', [flat], `${input}_columns`, [['perm', ints([1, 2, 0])]])
    }
    const patches = this.#patches(input, blocks)
    const apart = this.#reshape(patches, `${input}_apart`, [0, blocks, entries, -1])
    const turned = this.#add('Transpose', [apart], `${input}_blocks`, [['perm', ints([1, 2, 0, 3])]])
    return this.#reshape(turned, `${input}_columns`, [blocks, entries, -1])
  }

  /** im2col: a grouped Conv whose kernel r picks the one value that weight r would meet. */
  #patches(input: string, blocks: number): string {
    const { groups, splits, size } = this.#geometry
    const entries = size / splits
    const kernel = this.#dims.slice(2)
    if (!this.#initializers.has('picks')) {
      const picks = new Float32Array(blocks * entries * entries)
      for (let r = 0; r < blocks * entries; r++) picks[r * entries + (r % entries)] = 1
      this.#constant(floatTensor('picks', [blocks * entries, (this.#dims[1]! * groups) / blocks, ...kernel], picks))
    }
    const kept = ['auto_pad', 'dilations', 'pads', 'strides']
    const attributes = [...this.#node.attributes].filter(([name]) => kept.includes(name))
    const shape = intsAttribute(this.#node, 'kernel_shape') ?? kernel
    return this.#add('Conv', [input, 'picks'], `${input}_patches`, [
      ...attributes,
      ['kernel_shape', ints(shape)],
      ['group', int(blocks)],
    ])
  }

  #reshape(input: string, output: string, shape: readonly number[]): string {
    this.#constant(int64Tensor(`${output}_shape`, [shape.length], shape))
    return this.#add('Reshape', [input, `${output}_shape`], output)
  }

  #constant(tensor: Tensor): void {
    this.#initializers.set(tensor.name, tensor)
  }

  #add(opType: string, inputs: readonly string[], output: string, attributes: [string, Attribute][] = []): string {
    this.#nodes.push({ name: output, opType, domain: '', inputs, outputs: [output], attributes: new Map(attributes) })
    return output
  }
}
