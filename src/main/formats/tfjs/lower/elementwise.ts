import type { Attribute } from '../../../graph/model.ts'
import { float } from '../../../graph/attributes.ts'
import { elementCount, floatTensor } from '../../../graph/tensors.ts'
import { permuteTensor } from './constants.ts'
import type { Lowering } from './lowering.ts'
import { Malformed } from './problem.ts'
import { heldOrder, isPlain, orderOf, plainOrder, type Order, type Value } from './value.ts'

/** Writes an operator that works element by element and broadcasts; the result is held as most of its inputs are. */
export function elementwise(
  to: Lowering,
  name: string,
  opType: string,
  values: readonly Value[],
  attributes: Iterable<readonly [string, Attribute]> = [],
): Value {
  const rank = Math.max(...values.map((value) => value.dims.length))
  const order = commonOrder(values.filter((value) => value.dims.length === rank))
  const inputs = values.map((value) => readBroadcast(to, value, rank, order))
  return to.value(name, to.emit({ opType, name, inputs, attributes }), order)
}

/** The order most of the computed values are held in; of two the one with channels first, since that is what convolutions write. */
export function commonOrder(values: readonly Value[]): Order {
  const votes = new Map<string, number>()
  for (const value of values) {
    if (value.constant) continue
    const key = heldOrder(value).join()
    votes.set(key, (votes.get(key) ?? 0) + 1)
  }
  let best: Order = plainOrder(values[0]?.dims.length ?? 0)
  let most = 0
  for (const [key, count] of votes) {
    if (count > most || (count === most && isPlain(best))) {
      best = orderOf(key)
      most = count
    }
  }
  return best
}

/** The tensor of a value broadcast from the right to `rank` axes, in an order of that rank. */
export function readBroadcast(to: Lowering, value: Value, rank: number, order: Order): string {
  const missing = rank - value.dims.length
  if (missing === 0) return to.read(value, order)
  const { constant } = value
  if (constant) {
    // one number needs no axes
    if (elementCount(constant.dims) === 1) return to.storeMade(constant, 'scalar', () => ({ ...constant, dims: [] }))
    const dims = [...new Array<number>(missing).fill(1), ...constant.dims]
    if (isPlain(order)) return to.read(value)
    return to.storeMade(constant, `${missing}:${order.join()}`, () => permuteTensor({ ...constant, dims }, order))
  }
  if (isPlain(order)) return to.read(value)
  return to.read(
    to.reshaped(`${value.name}/broadcast`, value, [...new Array<number>(missing).fill(1), ...value.dims]),
    order,
  )
}

/** One number as a constant. */
export function scalar(to: Lowering, name: string, number: number): Value {
  return to.constant(floatTensor(name, [], [number]))
}

/** Keeps values within bounds; null leaves a side open. */
export function clip(to: Lowering, name: string, x: Value, low: number | null, high: number | null): Value {
  const order = heldOrder(x)
  const bound = (value: number | null, side: string): string =>
    value === null ? '' : to.store(floatTensor(`${name}/${side}`, [], [value]))
  const inputs = [to.read(x, order), bound(low, 'min'), ...(high === null ? [] : [bound(high, 'max')])]
  return to.value(name, to.emit({ opType: 'Clip', name, inputs }), order)
}

/** Relu with a slope of its own for each channel or element. */
export function prelu(to: Lowering, name: string, x: Value, alpha: Value): Value {
  if (alpha.dims.length > x.dims.length) throw new Malformed('has slopes of a higher rank than its input')
  const order = heldOrder(x)
  const inputs = [to.read(x, order), readBroadcast(to, alpha, x.dims.length, order)]
  return to.value(name, to.emit({ opType: 'PRelu', name, inputs }), order)
}

export function leakyRelu(to: Lowering, name: string, x: Value, alpha: number): Value {
  return to.unary(name, 'LeakyRelu', x, [['alpha', float(alpha)]])
}
