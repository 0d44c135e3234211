import type { Node } from '../../../../graph/model.ts'
import { floatAttribute, intAttribute } from '../../../../graph/attributes.ts'
import { toFloat32 } from '../../../../graph/tensors.ts'
import { Unsupported } from '../../lower/problem.ts'
import { channelsLast, orderEndingIn } from '../forms.ts'
import type { LayerExporter } from './exporter.ts'

/** Operators that are an activation of Keras by name, as they stand. Source: tfjs-layers 4.22, activations.ts. */
const NAMED: Readonly<Record<string, string>> = {
  Relu: 'relu',
  Selu: 'selu',
  Sigmoid: 'sigmoid',
  Softplus: 'softplus',
  Softsign: 'softsign',
  Tanh: 'tanh',
}

/** The Keras activation that a node is, by name; null where it is none, or has an input of another order. */
function activationOf(to: LayerExporter, node: Node): string | null {
  const named = NAMED[node.opType]
  if (named !== undefined) return named
  if (node.opType === 'HardSigmoid') {
    const isKeras = near(floatAttribute(node, 'alpha', 0.2), 0.2) && near(floatAttribute(node, 'beta', 0.5), 0.5)
    return isKeras ? 'hard_sigmoid' : null
  }
  if (node.opType === 'Elu') return floatAttribute(node, 'alpha', 1) === 1 ? 'elu' : null
  if (node.opType !== 'Clip') return null
  const { low, high } = boundsOf(to, node)
  return low === 0 && high === 6 ? 'relu6' : null
}

/** Equal up to the rounding to float32. */
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6

function boundsOf(to: LayerExporter, node: Node): { low: number; high: number } {
  const bound = (input: string | undefined, fallback: number): number => {
    if (!input) return fallback
    const constant = to.constant(input)
    if (!constant) throw new Unsupported('has bounds that are computed')
    return toFloat32(constant)[0]!
  }
  return { low: bound(node.inputs[1], -Infinity), high: bound(node.inputs[2], Infinity) }
}

/** An activation that a layer computes itself, with the node that asks for it and the tensor it gives. */
export function fusedActivation(to: LayerExporter, output: string): { word: string; output: string } {
  const reader = to.soleReader(output)
  if (!reader || reader.inputs[0] !== output || reader.domain !== '') return { word: 'linear', output }
  const word = isLastSoftmax(to, reader) ? 'softmax' : activationOf(to, reader)
  if (word === null) return { word: 'linear', output }
  to.done.add(reader.name)
  return { word, output: reader.outputs[0]! }
}

/** A softmax over the channels, which a layer has last. */
function isLastSoftmax(to: LayerExporter, node: Node): boolean {
  if (node.opType !== 'Softmax') return false
  const rank = to.dims(node.inputs[0]!).length
  const axis = intAttribute(node, 'axis', -1)
  return (axis < 0 ? axis + rank : axis) === channelsLast(rank).at(-1)
}

/** A node that is one activation by name. */
export function named(to: LayerExporter, node: Node): void {
  const activation = activationOf(to, node)
  if (activation === null) throw new Unsupported('has parameters that no activation of Keras has')
  apply(to, node, 'Activation', { activation })
}

/** One input, one output, element by element, in whatever order it is held. */
function apply(to: LayerExporter, node: Node, className: string, config: Readonly<Record<string, unknown>>): void {
  const x = node.inputs[0]!
  const order = to.heldOrder(x)
  to.hold(node.outputs[0]!, to.add(className, node.name, [to.read(x, order)], config), order)
}

export function elu(to: LayerExporter, node: Node): void {
  apply(to, node, 'ELU', { alpha: floatAttribute(node, 'alpha', 1) })
}

export function leakyRelu(to: LayerExporter, node: Node): void {
  apply(to, node, 'LeakyReLU', { alpha: floatAttribute(node, 'alpha', 0.01) })
}

/** Clip from 0 on, to 6 or any other height. */
export function clip(to: LayerExporter, node: Node): void {
  const { low, high } = boundsOf(to, node)
  if (low !== 0 || !(high > 0)) throw new Unsupported(`clips to ${low} … ${high}; from 0 on is written`)
  if (high === 6) return apply(to, node, 'Activation', { activation: 'relu6' })
  apply(to, node, 'ReLU', high === Infinity ? {} : { max_value: high })
}

/** max(0, min(1, alpha · x + beta)), times x for HardSwish, of a Rescaling and a ReLU with a height. */
export function hardSigmoid(to: LayerExporter, node: Node): void {
  if (node.opType === 'HardSigmoid' && activationOf(to, node) !== null) return named(to, node)
  const isSwish = node.opType === 'HardSwish'
  const x = node.inputs[0]!
  const order = to.heldOrder(x)
  const input = to.read(x, order)
  const scale = isSwish ? 1 / 6 : floatAttribute(node, 'alpha', 0.2)
  const offset = isSwish ? 0.5 : floatAttribute(node, 'beta', 0.5)
  const line = to.add('Rescaling', `${node.name}/line`, [input], { scale, offset })
  const gate = to.add('ReLU', isSwish ? `${node.name}/gate` : node.name, [line], { max_value: 1 })
  to.hold(node.outputs[0]!, isSwish ? to.add('Multiply', node.name, [input, gate]) : gate, order)
}

/** The axis must be the last one of what is held. */
export function softmax(to: LayerExporter, node: Node): void {
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  const given = intAttribute(node, 'axis', -1)
  const axis = given < 0 ? given + rank : given
  if (axis === 0) throw new Unsupported('runs over the batch')
  const order = orderEndingIn(axis, to.heldOrder(x))
  const activation = node.opType === 'LogSoftmax' ? 'log_softmax' : 'softmax'
  to.hold(node.outputs[0]!, to.add('Activation', node.name, [to.read(x, order)], { activation }), order)
}

/** A slope for each channel, or one for all. */
export function prelu(to: LayerExporter, node: Node): void {
  const [x, slope] = [node.inputs[0]!, to.constant(node.inputs[1])]
  if (!slope) throw new Unsupported('has slopes that are computed')
  const dims = to.dims(x)
  const channels = dims[1]
  const values = toFloat32(slope)
  if (dims.length < 2 || typeof channels !== 'number') throw new Unsupported('has no channels')
  if (values.length === 1) return apply(to, node, 'LeakyReLU', { alpha: values[0]! })
  // aligned from the right, the channels stand where the axes of the picture leave them
  const isList = values.length === channels && slope.dims.at(-(dims.length - 1)) === channels
  if (!isList) throw new Unsupported('has slopes that are no list over the channels')
  const order = channelsLast(dims.length)
  const shared = Array.from({ length: dims.length - 2 }, (_, i) => i + 1)
  const shape = [...shared.map(() => 1), channels]
  const config = { shared_axes: shared.length > 0 ? shared : null }
  to.hold(
    node.outputs[0]!,
    to.addWithLists('PReLU', node.name, to.read(x, order), config, { alpha: { shape, values } }),
    order,
  )
}
