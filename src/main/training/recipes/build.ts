import { Fault } from '../../../shared/contract/fault.ts'
import type { Attribute, Model, Node, Tensor } from '../../graph/model.ts'
import { float, int, ints } from '../../graph/attributes.ts'
import { elementCount, floatTensor } from '../../graph/tensors.ts'
import { fillNormal, type Random } from '../random.ts'
import type { Recipe, RecipeLayer } from './recipe.ts'

export interface BuildOptions {
  /** [height, width, channels] of the data's pictures; the recipe may ask for another height and width */
  readonly picture: readonly [number, number, number]
  readonly classes: number
  readonly random: Random
}

/** Opset and IR version of built models: what ONNX Runtime and every converter of the last years read. */
const OPSET = 17
const IR_VERSION = 8

/**
 * A recipe as an ONNX graph with fresh weights: input `input` [N, channels, height, width], output `scores` [N, classes] before softmax.
 * @throws Fault data.shapeMismatch where the pictures are too small for the recipe
 */
export function buildRecipe(recipe: Recipe, { picture, classes, random }: BuildOptions): Model {
  const [height, width] = recipe.input ?? [picture[0], picture[1]]
  const builder = new Builder(random, classes, recipe.name)
  const end = builder.layers(recipe.layers, { name: 'input', shape: [picture[2], height, width] })
  const nodes = [...builder.nodes]
  const last = nodes.at(-1)!
  nodes[nodes.length - 1] = { ...last, outputs: ['scores'] }
  return {
    irVersion: IR_VERSION,
    opsets: new Map([['', OPSET]]),
    producerName: 'quantbench',
    producerVersion: '',
    domain: '',
    modelVersion: 1n,
    docString: recipe.title,
    metadata: new Map([['quantbench.recipe', recipe.name]]),
    graph: {
      name: recipe.name,
      nodes,
      inputs: [{ name: 'input', dataType: 'float', shape: ['N', picture[2], height, width] }],
      outputs: [{ name: 'scores', dataType: 'float', shape: ['N', ...end.shape] }],
      valueInfo: new Map(),
      initializers: builder.initializers,
    },
  }
}

/** A tensor on the way: its name and shape without the batch axis. */
interface Edge {
  readonly name: string
  readonly shape: readonly number[]
}

class Builder {
  readonly nodes: Node[] = []
  readonly initializers = new Map<string, Tensor>()
  readonly #random: Random
  readonly #classes: number
  readonly #recipe: string
  readonly #counts = new Map<string, number>()

  constructor(random: Random, classes: number, recipe: string) {
    this.#random = random
    this.#classes = classes
    this.#recipe = recipe
  }

  layers(layers: readonly RecipeLayer[], from: Edge): Edge {
    return layers.reduce((edge, layer) => this.#layer(layer, edge), from)
  }

  #layer(layer: RecipeLayer, x: Edge): Edge {
    switch (layer.op) {
      case 'conv':
        return this.#conv(x, layer.out, 1, { ...layer, pad: padOf(layer, x) }, layer.bias)
      case 'depthwise':
        return this.#conv(x, x.shape[0]!, x.shape[0]!, layer, layer.bias)
      case 'maxPool':
        return this.#pool('MaxPool', x, layer)
      case 'averagePool':
        return this.#pool('AveragePool', x, layer)
      case 'relu':
        return this.#add('Relu', [x.name], x.shape)
      case 'tanh':
        return this.#add('Tanh', [x.name], x.shape)
      case 'sigmoid':
        return this.#add('Sigmoid', [x.name], x.shape)
      case 'hardSwish':
        return this.#add('HardSwish', [x.name], x.shape)
      case 'clip':
        return this.#add(
          'Clip',
          [x.name, this.#constant('clip_min', [], [0]), this.#constant('clip_max', [], [layer.max])],
          x.shape,
        )
      case 'batchNorm':
        return this.#batchNorm(x)
      case 'flatten':
        return this.#add('Flatten', [x.name], [elementCount(x.shape)])
      case 'globalAveragePool':
        return this.#add('GlobalAveragePool', [x.name], [x.shape[0]!, 1, 1])
      case 'dense':
        return this.#dense(x, layer.out === 'classes' ? this.#classes : layer.out)
      case 'dropout':
        return this.#add('Dropout', [x.name, this.#constant('dropout_ratio', [], [layer.ratio])], x.shape)
      case 'repeat':
        return Array.from({ length: layer.times }).reduce<Edge>((edge) => this.layers(layer.layers, edge), x)
      case 'residual': {
        const [body, shortcut] = [this.layers(layer.layers, x), this.layers(layer.shortcut, x)]
        return this.#add('Add', [body.name, shortcut.name], body.shape)
      }
    }
  }

  #conv(x: Edge, out: number, group: number, window: Window, bias: boolean): Edge {
    const name = this.#name('conv')
    const { kernel } = window
    const dims = [out, x.shape[0]! / group, kernel, kernel]
    const inputs = [x.name, this.#weight(`${name}.weight`, dims)]
    if (bias) inputs.push(this.#zeros(`${name}.bias`, out))
    const attributes = { kernel_shape: ints([kernel, kernel]), ...windowAttributes(window), group: int(group) }
    return this.#node('Conv', name, inputs, [out, ...this.#slid(x, window)], attributes)
  }

  #pool(op: string, x: Edge, window: Window): Edge {
    const { kernel } = window
    const attributes = { kernel_shape: ints([kernel, kernel]), ...windowAttributes(window) }
    return this.#node(op, this.#name('pool'), [x.name], [x.shape[0]!, ...this.#slid(x, window)], attributes)
  }

  /** Height and width behind a window. */
  #slid(x: Edge, { kernel, stride, pad }: Window): number[] {
    return x.shape.slice(1).map((length) => {
      const output = Math.floor((length + 2 * pad - kernel) / stride) + 1
      if (output >= 1) return output
      const message = `The pictures are too small for the recipe ${this.#recipe}: a window of ${kernel} meets ${length} pixels.`
      throw new Fault('data.shapeMismatch', message, { kernel, length })
    })
  }

  #dense(x: Edge, out: number): Edge {
    const flat = x.shape.length === 1 ? x : this.#add('Flatten', [x.name], [elementCount(x.shape)])
    const name = this.#name('dense')
    const inputs = [flat.name, this.#weight(`${name}.weight`, [out, flat.shape[0]!]), this.#zeros(`${name}.bias`, out)]
    return this.#node('Gemm', name, inputs, [out], { transB: int(1) })
  }

  #batchNorm(x: Edge): Edge {
    const name = this.#name('norm')
    const channels = x.shape[0]!
    const one = new Float32Array(channels).fill(1)
    const inputs = [
      x.name,
      this.#keep(floatTensor(`${name}.scale`, [channels], one)),
      this.#zeros(`${name}.bias`, channels),
      this.#zeros(`${name}.mean`, channels),
      this.#keep(floatTensor(`${name}.variance`, [channels], one.slice())),
    ]
    return this.#node('BatchNormalization', name, inputs, x.shape, { epsilon: float(1e-5), momentum: float(0.9) })
  }

  #add(op: string, inputs: readonly string[], shape: readonly number[]): Edge {
    return this.#node(op, this.#name(op.toLowerCase()), inputs, shape, {})
  }

  #node(
    opType: string,
    name: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: Readonly<Record<string, Attribute>>,
  ): Edge {
    const output = `${name}_out`
    this.nodes.push({
      name,
      opType,
      domain: '',
      inputs,
      outputs: [output],
      attributes: new Map(Object.entries(attributes)),
    })
    return { name: output, shape }
  }

  #name(kind: string): string {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    return `${kind}${count}`
  }

  /** Source: He et al. 2015, eq. 10. */
  #weight(name: string, dims: readonly number[]): string {
    const fanIn = elementCount(dims.slice(1))
    const values = fillNormal(new Float32Array(elementCount(dims)), this.#random, Math.sqrt(2 / fanIn))
    return this.#keep(floatTensor(name, dims, values))
  }

  #zeros(name: string, count: number): string {
    return this.#keep(floatTensor(name, [count], new Float32Array(count)))
  }

  #constant(kind: string, dims: readonly number[], values: readonly number[]): string {
    return this.#keep(floatTensor(this.#name(kind), dims, values))
  }

  #keep(tensor: Tensor): string {
    this.initializers.set(tensor.name, tensor)
    return tensor.name
  }
}

interface Window {
  readonly kernel: number
  readonly stride: number
  readonly pad: number
}

const windowAttributes = ({ stride, pad }: Window): Record<string, Attribute> => ({
  strides: ints([stride, stride]),
  pads: ints([pad, pad, pad, pad]),
})

/** Half of what is missing to the wanted length, on each side. */
function padOf(layer: Extract<RecipeLayer, { op: 'conv' }>, x: Edge): number {
  return layer.padTo === undefined ? layer.pad : Math.max(0, Math.ceil((layer.padTo - x.shape[1]!) / 2))
}
