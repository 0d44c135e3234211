import { float, int } from '../../../graph/attributes.ts'
import { clip, elementwise, leakyRelu, scalar } from './elementwise.ts'
import type { Lowering } from './lowering.ts'
import { Unsupported } from './problem.ts'
import { heldOrder, type Value } from './value.ts'

type Activation = (to: Lowering, name: string, x: Value) => Value

/** A function that ONNX has under this name. */
const plain =
  (opType: string): Activation =>
  (to, name, x) =>
    to.unary(name, opType, x)

/** Activations by the names that layers and fused operators use, small letters without underscores. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  linear: (_to, _name, x) => x,
  relu: plain('Relu'),
  relu6: (to, name, x) => clip(to, name, x, 0, 6),
  elu: plain('Elu'),
  selu: plain('Selu'),
  sigmoid: plain('Sigmoid'),
  hardsigmoid: (to, name, x) =>
    to.unary(name, 'HardSigmoid', x, [
      ['alpha', float(0.2)],
      ['beta', float(0.5)],
    ]),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  tanh: plain('Tanh'),
  softmax: (to, name, x) => softmax(to, name, x, -1),
  logsoftmax: (to, name, x) => softmax(to, name, x, -1, 'LogSoftmax'),
  swish: (to, name, x) => elementwise(to, name, 'Mul', [x, to.unary(`${name}/sigmoid`, 'Sigmoid', x)]),
  silu: (to, name, x) => ACTIVATIONS['swish']!(to, name, x),
  mish: (to, name, x) =>
    elementwise(to, name, 'Mul', [x, to.unary(`${name}/tanh`, 'Tanh', to.unary(`${name}/softplus`, 'Softplus', x))]),
  gelu: (to, name, x) => {
    const erf = to.unary(
      `${name}/erf`,
      'Erf',
      elementwise(to, `${name}/scaled`, 'Mul', [x, scalar(to, `${name}/half_root`, Math.SQRT1_2)]),
    )
    return gate(to, name, x, erf)
  },
  leakyrelu: (to, name, x) => leakyRelu(to, name, x, 0.2),
}

/** x · (1 + y) / 2. */
function gate(to: Lowering, name: string, x: Value, y: Value): Value {
  const half = elementwise(to, `${name}/half`, 'Mul', [x, scalar(to, `${name}/one_half`, 0.5)])
  const raised = elementwise(to, `${name}/raised`, 'Add', [y, scalar(to, `${name}/one`, 1)])
  return elementwise(to, name, 'Mul', [half, raised])
}

/** Applies an activation by name. @throws Unsupported for one that TensorFlow.js does not have */
export function activate(to: Lowering, name: string, activation: string, x: Value): Value {
  const key = activation.toLowerCase().replaceAll('_', '')
  // a file may name an activation `constructor`
  if (!Object.hasOwn(ACTIVATIONS, key)) throw new Unsupported(`has the activation "${activation.slice(0, 40)}"`)
  return ACTIVATIONS[key]!(to, name, x)
}

/** Softmax along one axis of the source's order. */
export function softmax(
  to: Lowering,
  name: string,
  x: Value,
  axis: number,
  opType: 'Softmax' | 'LogSoftmax' = 'Softmax',
): Value {
  const order = heldOrder(x)
  const along = order.indexOf(axis < 0 ? axis + x.dims.length : axis)
  if (along < 0) throw new Unsupported(`has a softmax over axis ${axis} of an input of rank ${x.dims.length}`)
  return to.unary(name, opType, x, [['axis', int(along)]])
}
