import type { Node, Tensor } from '../../../graph/model.ts'
import { floatAttribute, intAttribute, stringAttribute } from '../../../graph/attributes.ts'
import { dataTypeOfNumber } from '../../../graph/data-types.ts'
import { toFloat32 } from '../../../graph/tensors.ts'
import { permuteTensor } from '../lower/constants.ts'
import { Unsupported } from '../lower/problem.ts'
import { isPlain, plainOrder, type Order } from '../lower/value.ts'
import type { Exporter } from './exporter.ts'
import { channelsLast, orderEndingIn } from './forms.ts'
import { tf, type TfAttribute, type TfType } from './tf-node.ts'

/** One input, one output, element by element. */
export const unary =
  (op: string, attributes: (node: Node) => Record<string, TfAttribute> = () => ({})) =>
  (to: Exporter, node: Node): void => {
    const x = node.inputs[0]!
    const order = to.heldOrder(x)
    to.hold(node.outputs[0]!, to.emit(op, node.name, [to.read(x, order)], attributes(node), to.typeOf(x)), order)
  }

/** Two or more inputs that are broadcast, two at a time. */
export const binary =
  (op: string) =>
  (to: Exporter, node: Node): void => {
    const output = node.outputs[0]!
    const rank = to.dims(output).length
    const order = commonOrder(to, node.inputs, rank)
    const type = to.typeOf(node.inputs[0]!)
    const [first, ...rest] = node.inputs.map((input) => broadcast(to, input, rank, order))
    const name = rest.reduce(
      (left, right, i) => to.emit(op, i === rest.length - 1 ? node.name : `${node.name}/${i}`, [left, right], {}, type),
      first!,
    )
    to.hold(output, name, order)
  }

/** The order most computed inputs of full rank are held in; of two the one with channels last. */
export function commonOrder(to: Exporter, inputs: readonly string[], rank: number): Order {
  const votes = new Map<string, { order: Order; count: number }>()
  for (const input of inputs) {
    if (to.constant(input) || to.dims(input).length !== rank) continue
    const order = to.heldOrder(input)
    const vote = votes.get(order.join()) ?? { order, count: 0 }
    vote.count++
    votes.set(order.join(), vote)
  }
  const ranked = [...votes.values()].sort(
    (a, b) => b.count - a.count || Number(isPlain(a.order)) - Number(isPlain(b.order)),
  )
  return ranked[0]?.order ?? plainOrder(rank)
}

/** An input broadcast from the right to `rank` axes, in an order of that rank. */
export function broadcast(to: Exporter, input: string, rank: number, order: Order): string {
  const dims = to.dims(input)
  const missing = rank - dims.length
  if (missing === 0) return to.read(input, order)
  const constant = to.constant(input)
  if (to.isScalar(input) || isPlain(order)) return to.read(input)
  const ones = new Array<number>(missing).fill(1)
  if (constant) {
    return to.madeWeight(constant, `${missing}:${order.join()}`, () =>
      trimmed(permuteTensor({ ...constant, dims: [...ones, ...constant.dims] }, order)),
    )
  }
  const all = [...ones, ...dims]
  const moved = order.map((axis) => all[axis]!)
  const source = to.heldOrder(input)
  const held = to.read(input, plainOrder(source.length))
  if (moved.filter((dim) => typeof dim !== 'number').length > 1)
    throw new Unsupported('broadcasts an input of several open lengths')
  // the axes added stand before all others: where what is left keeps its order, a reshape is enough
  const kept = order.filter((axis) => all[axis] !== 1)
  if (kept.some((axis, i) => i > 0 && axis < kept[i - 1]!))
    throw new Unsupported(`broadcasts "${input}" to another order of axes`)
  return to.reshape(
    `${input}/broadcast`,
    held,
    moved.map((dim) => (typeof dim === 'number' ? dim : -1)),
    to.typeOf(input),
  )
}

/** Leading axes of length 1 say nothing: a list of channels stays a list. */
function trimmed(tensor: Tensor): Tensor {
  let dims = tensor.dims
  while (dims.length > 1 && dims[0] === 1) dims = dims.slice(1)
  return { ...tensor, dims }
}

/** Names an intermediate result of a node that takes several operators. */
function steps(
  to: Exporter,
  node: Node,
): {
  x: string
  order: Order
  put: (op: string, what: string, inputs: readonly string[]) => string
  number: (what: string, value: number) => string
  end: (name: string) => void
} {
  const x = node.inputs[0]!
  const order = to.heldOrder(x)
  return {
    x: to.read(x, order),
    order,
    put: (op, what, inputs) => to.emit(op, what === '' ? node.name : `${node.name}/${what}`, inputs),
    number: (what, value) => to.number(`${node.name}/${what}`, value),
    end: (name) => to.hold(node.outputs[0]!, name, order),
  }
}

export function clip(to: Exporter, node: Node): void {
  const bound = (input: string | undefined, fallback: number): number => {
    if (!input) return fallback
    const constant = to.constant(input)
    if (!constant) throw new Unsupported('has bounds that are computed')
    return toFloat32(constant)[0]!
  }
  const most = 3.4028234663852886e38
  const { x, put, number, end } = steps(to, node)
  const [low, high] = [bound(node.inputs[1], -most), bound(node.inputs[2], most)]
  if (low === 0 && high === 6) return end(put('Relu6', '', [x]))
  end(put('ClipByValue', '', [x, number('min', low), number('max', high)]))
}

/** max(0, min(1, alpha · x + beta)), times x for HardSwish. */
export function hardSigmoid(to: Exporter, node: Node): void {
  const isSwish = node.opType === 'HardSwish'
  const { x, put, number, end } = steps(to, node)
  const alpha = isSwish ? 1 / 6 : floatAttribute(node, 'alpha', 0.2)
  const beta = isSwish ? 0.5 : floatAttribute(node, 'beta', 0.5)
  const sum = put('AddV2', 'sum', [put('Mul', 'scaled', [x, number('alpha', alpha)]), number('beta', beta)])
  const gate = put('ClipByValue', isSwish ? 'gate' : '', [sum, number('zero', 0), number('one', 1)])
  end(isSwish ? put('Mul', '', [x, gate]) : gate)
}

export function gelu(to: Exporter, node: Node): void {
  if (stringAttribute(node, 'approximate', 'none') !== 'none') throw new Unsupported('approximates by tanh')
  const { x, put, number, end } = steps(to, node)
  const erf = put('Erf', 'erf', [put('Mul', 'scaled', [x, number('half_root', Math.SQRT1_2)])])
  const gate = put('AddV2', 'gate', [erf, number('one', 1)])
  end(put('Mul', '', [put('Mul', 'half', [x, number('one_half', 0.5)]), gate]))
}

export function softsign(to: Exporter, node: Node): void {
  const { x, put, number, end } = steps(to, node)
  end(put('RealDiv', '', [x, put('AddV2', 'sum', [put('Abs', 'size', [x]), number('one', 1)])]))
}

export function elu(to: Exporter, node: Node): void {
  if (floatAttribute(node, 'alpha', 1) !== 1)
    throw new Unsupported('has an alpha other than 1, which TensorFlow.js does not compute')
  unary('Elu')(to, node)
}

export const leakyRelu = unary('LeakyRelu', (node) => ({ alpha: tf.float(floatAttribute(node, 'alpha', 0.01)) }))

export function prelu(to: Exporter, node: Node): void {
  const [x, slope] = [node.inputs[0]!, node.inputs[1]!]
  const order = to.heldOrder(x)
  const alpha = broadcast(to, slope, to.dims(x).length, order)
  to.hold(node.outputs[0]!, to.emit('Prelu', node.name, [to.read(x, order), alpha]), order)
}

/** The axis must be the last one of what is held. */
export function softmax(to: Exporter, node: Node): void {
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  const given = intAttribute(node, 'axis', -1)
  const axis = given < 0 ? given + rank : given
  const order = orderEndingIn(axis, to.heldOrder(x))
  to.hold(node.outputs[0]!, to.emit(node.opType, node.name, [to.read(x, order)]), order)
}

const TYPES: Readonly<Record<string, TfType>> = {
  float: 'DT_FLOAT',
  int32: 'DT_INT32',
  int64: 'DT_INT32',
  bool: 'DT_BOOL',
}

export function cast(to: Exporter, node: Node): void {
  const type = dataTypeOfNumber(intAttribute(node, 'to', 1))
  if (type === null || !Object.hasOwn(TYPES, type)) throw new Unsupported(`casts to ${type}`)
  unary('Cast', () => ({ SrcT: tf.type(to.typeOf(node.inputs[0]!)), DstT: tf.type(TYPES[type]!) }))(to, node)
}

/** BatchNormalization that was not folded: one factor and one addend a channel. */
export function batchNorm(to: Exporter, node: Node): void {
  const [scale, bias, mean, variance] = node.inputs.slice(1, 5).map((input) => to.constant(input))
  if (!scale || !bias || !mean || !variance) throw new Unsupported('has statistics that are computed')
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const [s, b, m, v] = [scale, bias, mean, variance].map(toFloat32) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const factor = s.map((value, i) => value / Math.sqrt(v[i]! + epsilon))
  const addend = b.map((value, i) => value - m[i]! * factor[i]!)
  const x = node.inputs[0]!
  const order = channelsLast(to.dims(x).length)
  const scaled = to.emit('Mul', `${node.name}/scaled`, [
    to.read(x, order),
    to.weight(`${node.name}/factor`, scale.dims, factor),
  ])
  to.hold(
    node.outputs[0]!,
    to.emit('AddV2', node.name, [scaled, to.weight(`${node.name}/addend`, bias.dims, addend)]),
    order,
  )
}

/** LayerNormalization over the last axes, from its parts. */
export function layerNorm(to: Exporter, node: Node): void {
  if (node.outputs.slice(1).some((output) => output !== '')) throw new Unsupported('gives mean or deviation')
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  const given = intAttribute(node, 'axis', -1)
  const axes = plainOrder(rank).slice(given < 0 ? given + rank : given)
  const input = to.read(x)
  const along = to.integers(`${node.name}/axes`, axes)
  const mean = (what: string, of: string): string =>
    to.emit('Mean', `${node.name}/${what}`, [of, along], { keep_dims: tf.flag(true), Tidx: tf.type('DT_INT32') })
  const middle = mean('mean', input)
  const centred = to.emit('Sub', `${node.name}/centred`, [input, middle])
  const variance = mean('variance', to.emit('Square', `${node.name}/square`, [centred]))
  const epsilon = to.number(`${node.name}/epsilon`, floatAttribute(node, 'epsilon', 1e-5))
  const deviation = to.emit('Rsqrt', `${node.name}/rsqrt`, [
    to.emit('AddV2', `${node.name}/raised`, [variance, epsilon]),
  ])
  const normal = to.emit('Mul', `${node.name}/normal`, [centred, deviation])
  const scaled = to.emit('Mul', `${node.name}/scaled`, [normal, to.read(node.inputs[1]!)])
  const name = node.inputs[2] ? to.emit('AddV2', node.name, [scaled, to.read(node.inputs[2])]) : scaled
  to.hold(node.outputs[0]!, name, plainOrder(rank))
}
