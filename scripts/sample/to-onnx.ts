import { float, int, ints } from '../../src/main/graph/attributes.ts'
import type { Attribute, Model, Node, Tensor } from '../../src/main/graph/model.ts'
import { floatTensor } from '../../src/main/graph/tensors.ts'
import { CLASSES, EPSILON, FEATURES, kernelDims, UNITS } from './network.ts'
import type { NetworkWeights, Unit, UnitWeights } from './network.ts'

/** The trained network as an ONNX model, opset 17: input `image` float [batch, 1, 28, 28] in 0–1, output `scores` [batch, 10]. */
export function toOnnx(weights: NetworkWeights, metadata: ReadonlyMap<string, string>): Model {
  const nodes: Node[] = []
  const initializers = new Map<string, Tensor>()
  const constant = (name: string, dims: readonly number[], values: Float32Array): string => {
    initializers.set(name, floatTensor(name, dims, values))
    return name
  }
  const add = (
    name: string,
    opType: string,
    inputs: readonly string[],
    attributes: readonly (readonly [string, Attribute])[] = [],
    output = `${name}_output`,
  ): string => {
    nodes.push({ name, opType, domain: '', inputs, outputs: [output], attributes: new Map(attributes) })
    return output
  }
  const outputs = new Map<string, string>()
  let x = 'image'
  UNITS.forEach((unit, i) => {
    const { gamma, beta, mean, variance, kernel } = weights.units[i]!
    const { name, outChannels } = unit
    const weight = constant(`${name}/conv.weight`, onnxDims(unit), toOutputFirst(unit, kernel))
    x = add(`${name}/conv`, 'Conv', [x, weight], convAttributes(unit))
    const parameters = Object.entries({ weight: gamma, bias: beta, running_mean: mean, running_var: variance })
    const norms = parameters.map(([key, values]) => constant(`${name}/bn.${key}`, [outChannels], values))
    x = add(`${name}/bn`, 'BatchNormalization', [x, ...norms], [['epsilon', float(EPSILON)]])
    if (unit.addFrom !== null) x = add(`${name}/add`, 'Add', [x, outputs.get(unit.addFrom)!])
    if (unit.relu) x = add(`${name}/relu`, 'Relu', [x])
    outputs.set(name, x)
  })
  x = add('head/pool', 'GlobalAveragePool', [x])
  x = add('head/flatten', 'Flatten', [x], [['axis', int(1)]])
  const dense = constant('head/gemm.weight', [FEATURES, CLASSES], weights.dense)
  const bias = constant('head/gemm.bias', [CLASSES], weights.bias)
  add('head/gemm', 'Gemm', [x, dense, bias], [], 'scores')
  return {
    irVersion: 8,
    opsets: new Map([['', 17]]),
    producerName: 'quantbench make-sample',
    producerVersion: '1',
    domain: '',
    modelVersion: 1n,
    docString: 'A small CNN for synthetic-digits. Made by scripts/make-sample.ts.',
    metadata,
    graph: {
      name: 'digits-cnn',
      nodes,
      inputs: [{ name: 'image', dataType: 'float', shape: ['batch', 1, 28, 28] }],
      outputs: [{ name: 'scores', dataType: 'float', shape: ['batch', CLASSES] }],
      valueInfo: new Map(),
      initializers,
    },
  }
}

function convAttributes({ kernel, stride, depthwise, inChannels }: Unit): readonly (readonly [string, Attribute])[] {
  const pad = kernel === 3 ? 1 : 0
  return [
    ['kernel_shape', ints([kernel, kernel])],
    ['strides', ints([stride, stride])],
    ['pads', ints([pad, pad, pad, pad])],
    ['group', int(depthwise ? inChannels : 1)],
  ]
}

function onnxDims(unit: Unit): readonly number[] {
  const [height, width, inChannels] = kernelDims(unit)
  return [unit.outChannels, unit.depthwise ? 1 : inChannels, height, width]
}

/** [kH, kW, in, out] to [out, in, kH, kW]; depthwise [kH, kW, channels, 1] to [channels, 1, kH, kW]. */
function toOutputFirst(unit: Unit, kernel: UnitWeights['kernel']): Float32Array {
  const area = unit.kernel * unit.kernel
  const result = new Float32Array(kernel.length)
  const inner = unit.depthwise ? 1 : unit.inChannels
  for (let out = 0; out < unit.outChannels; out++) {
    for (let input = 0; input < inner; input++) {
      for (let at = 0; at < area; at++) {
        const from = unit.depthwise ? at * unit.outChannels + out : (at * inner + input) * unit.outChannels + out
        result[(out * inner + input) * area + at] = kernel[from]!
      }
    }
  }
  return result
}
