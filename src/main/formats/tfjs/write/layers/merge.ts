import type { Node, Tensor } from '../../../../graph/model.ts'
import { elementCount, toFloat32 } from '../../../../graph/tensors.ts'
import { Unsupported } from '../../lower/problem.ts'
import { plainOrder, type Order } from '../../lower/value.ts'
import { channelsLast } from '../forms.ts'
import type { LayerExporter } from './exporter.ts'

const CLASSES: Readonly<Record<string, string>> = {
  Add: 'Add',
  Sub: 'Add',
  Sum: 'Add',
  Mul: 'Multiply',
  Max: 'Maximum',
  Min: 'Minimum',
}

/** Add, Sub, Mul, Div, Max, Min of computed values, or of one with a constant. */
export function merge(to: LayerExporter, node: Node): void {
  if (to.typeOf(node.outputs[0]!) !== 'DT_FLOAT') throw new Unsupported('computes with integers')
  const constants = node.inputs.flatMap((input) => to.constant(input) ?? [])
  if (constants.length === 0) return mergeComputed(to, node)
  const [constant] = constants
  if (node.inputs.length !== 2 || constants.length !== 1) throw new Unsupported('has several constants')
  const x = node.inputs.find((input) => !to.constant(input))!
  affine(to, node, x, constant!, node.inputs[0] === x)
}

function mergeComputed(to: LayerExporter, node: Node): void {
  const className = CLASSES[node.opType]
  if (className === undefined) throw new Unsupported('divides by something computed')
  const rank = to.dims(node.outputs[0]!).length
  if (rank < 2 || node.inputs.some((input) => to.dims(input).length !== rank))
    throw new Unsupported('combines values of several ranks')
  const order = node.inputs.map((input) => to.heldOrder(input)).find((held) => held.at(-1) === 1) ?? plainOrder(rank)
  const [first, ...rest] = node.inputs.map((input) => to.read(input, order))
  const negated =
    node.opType === 'Sub'
      ? rest.map((name) => to.add('Rescaling', `${node.name}/negative`, [name], { scale: -1 }))
      : rest
  if (negated.length === 0) return to.alias(node.inputs[0]!, node.outputs[0]!)
  to.hold(node.outputs[0]!, to.add(className, node.name, [first!, ...negated]), order)
}

/** What `x` is multiplied by and what is added for a constant `c`. */
function lineOf(opType: string, isFirst: boolean): ((c: number) => { factor: number; addend: number }) | null {
  switch (opType) {
    case 'Add':
    case 'Sum':
      return (c) => ({ factor: 1, addend: c })
    case 'Sub':
      return isFirst ? (c) => ({ factor: 1, addend: -c }) : (c) => ({ factor: -1, addend: c })
    case 'Mul':
      return (c) => ({ factor: c, addend: 0 })
    case 'Div':
      return isFirst ? (c) => ({ factor: 1 / c, addend: 0 }) : null
    default:
      return null
  }
}

/** One number for all as Rescaling, one for each channel as a BatchNormalization that only scales and shifts. */
function affine(to: LayerExporter, node: Node, x: string, constant: Tensor, isFirst: boolean): void {
  const numbers = toFloat32(constant)
  if (node.opType === 'Max' && numbers.every((value) => value === 0)) {
    const order = to.heldOrder(x)
    return to.hold(node.outputs[0]!, to.add('ReLU', node.name, [to.read(x, order)]), order)
  }
  const line = lineOf(node.opType, isFirst)
  if (!line) throw new Unsupported('combines a value with a constant in a way that no layer does')
  const dims = to.dims(x)
  if (to.dims(node.outputs[0]!).length !== dims.length)
    throw new Unsupported('has a constant of more axes than its input')
  if (elementCount(constant.dims) === 1) {
    const { factor, addend } = line(numbers[0]!)
    const order = to.heldOrder(x)
    const name = to.add('Rescaling', node.name, [to.read(x, order)], { scale: factor, offset: addend })
    return to.hold(node.outputs[0]!, name, order)
  }
  const order = orderAlong(dims.length, constant)
  if (order === null || dims.length > 4) throw new Unsupported('has a constant that is no list over the channels')
  const lines = [...numbers].map(line)
  const factor = Float32Array.from(lines, (one) => one.factor)
  const addend = Float32Array.from(lines, (one) => one.addend)
  const name = to.addAffine(node.name, to.read(x, order), factor, addend)
  to.hold(node.outputs[0]!, name, order)
}

/** The order in which the only long axis of a constant is the last one, null where there is none such behind the batch. */
function orderAlong(rank: number, constant: Tensor): Order | null {
  const dims = [...new Array<number>(rank - constant.dims.length).fill(1), ...constant.dims]
  const long = dims.flatMap((dim, axis) => (dim === 1 ? [] : [axis]))
  const [axis] = long
  if (long.length !== 1 || axis === undefined || axis === 0) return null
  if (axis === rank - 1) return plainOrder(rank)
  return axis === 1 ? channelsLast(rank) : null
}
