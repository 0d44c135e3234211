import type { Dim } from '../../../../shared/contract/tensor.ts'
import { float } from '../../../graph/attributes.ts'
import { productOf } from '../../../graph/shapes/facts.ts'
import { activate, softmax } from '../lower/activations.ts'
import { cast, concatenate, gather, targetDims } from '../lower/arrange.ts'
import { clip, elementwise, leakyRelu, prelu, scalar } from '../lower/elementwise.ts'
import { dense, matMul } from '../lower/matrix.ts'
import { batchNormalize, layerNormalize } from '../lower/normalization.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import { normalAxes, reduce } from '../lower/reduction.ts'
import { plainOrder, type Value } from '../lower/value.ts'
import { onlyInput, type Call } from './call.ts'

/** Layers that do nothing outside training. */
export const identityLayer = (call: Call): Value => onlyInput(call)

export function denseLayer(call: Call): Value {
  const { to, name, config, weight } = call
  const x = onlyInput(call)
  const inner = x.dims.at(-1)
  const units = config.number('units', NaN)
  const kernel = weight('kernel', [typeof inner === 'number' ? inner : null, units])
  const bias = config.boolean('use_bias', true) ? weight('bias', [units]) : null
  return activate(to, `${name}/${config.activation()}`, config.activation(), dense(to, name, x, kernel, bias))
}

export function activationLayer(call: Call): Value {
  return activate(call.to, call.name, call.config.activation(), onlyInput(call))
}

export function flattenLayer(call: Call): Value {
  const x = onlyInput(call)
  if (call.config.isChannelsFirst() && x.dims.length > 2) {
    // the channels go last before the axes are joined
    const order = [0, ...plainOrder(x.dims.length).slice(2), 1]
    return flattened(call, call.to.transposed(`${call.name}/channels_last`, x, order))
  }
  return flattened(call, x)
}

function flattened({ to, name }: Call, x: Value): Value {
  return to.reshaped(name, x, [x.dims[0]!, productOf(x.dims.slice(1))])
}

export function reshapeLayer(call: Call): Value {
  const x = onlyInput(call)
  const given = call.config.get('target_shape')
  if (!Array.isArray(given)) throw new Malformed('has no target_shape')
  // what is left is written as null or as −1
  const target = given.map((dim: unknown): number => {
    if (dim !== null && !Number.isSafeInteger(dim))
      throw new Malformed(`has a target_shape of ${JSON.stringify(given).slice(0, 60)}`)
    return dim === null ? -1 : (dim as number)
  })
  const [batch, ...rest] = x.dims
  return call.to.reshaped(call.name, x, [batch!, ...targetDims(rest, target)])
}

export function permuteLayer(call: Call): Value {
  const x = onlyInput(call)
  const dims = call.config.list('dims')
  const order = [0, ...(dims ?? [])]
  if ([...order].sort((a, b) => a - b).join() !== plainOrder(x.dims.length).join()) {
    throw new Malformed(`has dims of [${(dims ?? []).join(', ')}] for an input of rank ${x.dims.length}`)
  }
  return call.to.transposed(call.name, x, order)
}

export function repeatLayer(call: Call): Value {
  const x = onlyInput(call)
  const count = call.config.number('n', NaN)
  if (x.dims.length !== 2) throw new Malformed(`gets an input of rank ${x.dims.length}, expected 2`)
  const copies = call.to.reshaped(`${call.name}/item`, x, [x.dims[0]!, 1, x.dims[1]!])
  if (!Number.isInteger(count) || count < 1 || count > 1024) throw new Malformed(`repeats ${count} times`)
  return concatenate(call.to, call.name, new Array<Value>(count).fill(copies), 1)
}

export function embeddingLayer(call: Call): Value {
  const { to, name, weight, config } = call
  const table = weight('embeddings', [config.number('input_dim', NaN), config.number('output_dim', NaN)])
  if (config.boolean('mask_zero', false)) throw new Unsupported('masks its input (mask_zero)')
  return gather(to, name, table, cast(to, `${name}/indices`, onlyInput(call), 'int32'), 0)
}

export function batchNormLayer(call: Call): Value {
  const { to, name, config, weight } = call
  const axis = config.get('axis')
  return batchNormalize(to, name, {
    x: onlyInput(call),
    axis: Array.isArray(axis) && axis.length === 1 ? Number(axis[0]) : config.number('axis', -1),
    gamma: config.boolean('scale', true) ? weight('gamma') : null,
    beta: config.boolean('center', true) ? weight('beta') : null,
    mean: weight('moving_mean'),
    variance: weight('moving_variance'),
    epsilon: config.number('epsilon', 1e-3),
  })
}

export function layerNormLayer(call: Call): Value {
  const { to, name, config, weight } = call
  const x = onlyInput(call)
  const given = config.get('axis')
  const axes = normalAxes(Array.isArray(given) ? given.map(Number) : [config.number('axis', -1)], x.dims.length)
  const first = axes[0]!
  // the last axes, without a gap
  if (axes.length !== x.dims.length - first)
    throw new Unsupported(`normalizes the axes ${axes.join(', ')} of an input of rank ${x.dims.length}`)
  return layerNormalize(to, name, {
    x,
    axis: first,
    gamma: config.boolean('scale', true) ? weight('gamma') : null,
    beta: config.boolean('center', true) ? weight('beta') : null,
    epsilon: config.number('epsilon', 1e-3),
  })
}

export function reluLayer(call: Call): Value {
  const { to, name, config } = call
  const x = onlyInput(call)
  for (const key of ['negative_slope', 'threshold']) {
    if (config.number(key, 0) !== 0) throw new Unsupported(`has a ${key}, which TensorFlow.js does not compute`)
  }
  const most = config.get('max_value')
  return most === null ? to.unary(name, 'Relu', x) : clip(to, name, x, 0, config.number('max_value', 6))
}

export function leakyReluLayer(call: Call): Value {
  return leakyRelu(call.to, call.name, onlyInput(call), call.config.number('alpha', 0.3))
}

export function preluLayer(call: Call): Value {
  return prelu(call.to, call.name, onlyInput(call), call.weight('alpha'))
}

export function eluLayer(call: Call): Value {
  return call.to.unary(call.name, 'Elu', onlyInput(call), [['alpha', float(call.config.number('alpha', 1))]])
}

export function thresholdedReluLayer(call: Call): Value {
  return call.to.unary(call.name, 'ThresholdedRelu', onlyInput(call), [
    ['alpha', float(call.config.number('theta', 1))],
  ])
}

/** Without an axis TensorFlow.js takes axis 1, unlike Keras, which always writes it. */
export function softmaxLayer(call: Call): Value {
  return softmax(call.to, call.name, onlyInput(call), call.config.number('axis', 1))
}

export function rescalingLayer(call: Call): Value {
  const { to, name, config } = call
  const scaled = elementwise(to, `${name}/scaled`, 'Mul', [
    onlyInput(call),
    scalar(to, `${name}/scale`, config.number('scale', 1)),
  ])
  return elementwise(to, name, 'Add', [scaled, scalar(to, `${name}/offset`, config.number('offset', 0))])
}

/** Add, Multiply and the like of two or more inputs, two at a time: those operators have integer kernels. */
export const mergeLayer =
  (opType: string) =>
  (call: Call): Value => {
    const [first, ...rest] = call.inputs
    if (!first || rest.length === 0) throw new Malformed(`gets ${call.inputs.length} inputs, expected 2 or more`)
    // operands of lower rank are aligned behind the batch, not from the right
    const rank = Math.max(...call.inputs.map((value) => value.dims.length))
    const aligned = (value: Value): Value => {
      const missing = new Array<Dim>(rank - value.dims.length).fill(1)
      if (missing.length === 0) return value
      return call.to.reshaped(`${value.name}/aligned`, value, [value.dims[0]!, ...missing, ...value.dims.slice(1)])
    }
    return rest.reduce(
      (sum, value, i) =>
        elementwise(call.to, i === rest.length - 1 ? call.name : `${call.name}/${i}`, opType, [sum, aligned(value)]),
      aligned(first),
    )
  }

export function averageLayer(call: Call): Value {
  const sum = mergeLayer('Add')({ ...call, name: `${call.name}/sum` })
  return elementwise(call.to, call.name, 'Mul', [sum, scalar(call.to, `${call.name}/share`, 1 / call.inputs.length)])
}

export function concatenateLayer(call: Call): Value {
  return concatenate(call.to, call.name, call.inputs, call.config.number('axis', -1))
}

/** Sum of products along one axis of each of two inputs. Source: tfjs-layers, Dot. */
export function dotLayer(call: Call): Value {
  const { to, name, config, inputs } = call
  const [a, b] = inputs
  if (!a || !b || inputs.length !== 2) throw new Malformed(`gets ${inputs.length} inputs, expected 2`)
  if (config.boolean('normalize', false)) throw new Unsupported('normalizes its inputs')
  const given = config.get('axes')
  const axes = Array.isArray(given) ? given.map(Number) : [config.number('axes', -1), config.number('axes', -1)]
  const [left] = normalAxes([axes[0]!], a.dims.length)
  const [right] = normalAxes([axes[1]!], b.dims.length)
  if (left === 0 || right === 0) throw new Unsupported('sums over the batch')
  if (a.dims.length === 2 && b.dims.length === 2) {
    return reduce(to, name, 'ReduceSum', elementwise(to, `${name}/product`, 'Mul', [a, b]), [1], true)
  }
  if (a.dims.length !== 3 || b.dims.length !== 3)
    throw new Unsupported(`multiplies inputs of rank ${a.dims.length} and ${b.dims.length}`)
  return matMul(to, name, a, b, left === 1, right === 2)
}
