import type { Attribute } from '../../../graph/model.ts'
import { int, ints } from '../../../graph/attributes.ts'
import type { Lowering } from './lowering.ts'
import { Malformed } from './problem.ts'
import { poolGlobally } from './pooling.ts'
import { heldOrder, plainOrder, type Order, type Value } from './value.ts'

export type Reduction = 'ReduceMean' | 'ReduceSum' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd'

/** Axes from 0, each once, sorted. @throws Malformed for one that does not exist */
export function normalAxes(axes: readonly number[], rank: number): number[] {
  const found = axes.map((axis) => {
    const normal = axis < 0 ? axis + rank : axis
    if (!Number.isInteger(normal) || normal < 0 || normal >= rank)
      throw new Malformed(`names axis ${axis} of an input of rank ${rank}`)
    return normal
  })
  return [...new Set(found)].sort((a, b) => a - b)
}

/** Sums, means and the like along axes of the source's order; held as the input is, without the axes that go. */
export function reduce(
  to: Lowering,
  name: string,
  opType: Reduction,
  x: Value,
  axes: readonly number[],
  keepDims: boolean,
): Value {
  const rank = x.dims.length
  const along = normalAxes(axes, rank)
  if (along.length === 0) return x
  const spatial = plainOrder(rank).slice(1, -1)
  if (
    rank === 4 &&
    x.dataType === 'float' &&
    along.join() === spatial.join() &&
    (opType === 'ReduceMean' || opType === 'ReduceMax')
  ) {
    const kind = opType === 'ReduceMean' ? 'GlobalAveragePool' : 'GlobalMaxPool'
    return poolGlobally(to, name, kind, x, { keepDims, isChannelsFirst: false })
  }
  const order = heldOrder(x)
  const stored = along.map((axis) => order.indexOf(axis)).sort((a, b) => a - b)
  const attributes: [string, Attribute][] = [['keepdims', int(keepDims ? 1 : 0)]]
  const inputs = [to.read(x, order)]
  // ReduceSum alone takes its axes as an input in this opset
  if (opType === 'ReduceSum') inputs.push(to.integers(`${name}/axes`, stored))
  else attributes.push(['axes', ints(stored)])
  const left = keepDims ? order : withoutAxes(order, along)
  return to.value(name, to.emit({ opType, name, inputs, attributes }), left)
}

/** The order of a form from which axes were taken. */
export function withoutAxes(order: Order, gone: readonly number[]): Order {
  return order.filter((axis) => !gone.includes(axis)).map((axis) => axis - gone.filter((other) => other < axis).length)
}

/** Index of the largest (or smallest) value along an axis, int32 as TensorFlow.js gives it. */
export function argMax(
  to: Lowering,
  name: string,
  x: Value,
  axis: number,
  opType: 'ArgMax' | 'ArgMin' = 'ArgMax',
): Value {
  const [along] = normalAxes([axis], x.dims.length)
  const order = heldOrder(x)
  const attributes: [string, Attribute][] = [
    ['axis', int(order.indexOf(along!))],
    ['keepdims', int(0)],
  ]
  const found = to.emit({ opType, name: `${name}/index`, inputs: [to.read(x, order)], attributes })
  const cast = to.emit({ opType: 'Cast', name, inputs: [found], attributes: [['to', int(6)]] })
  return to.value(name, cast, withoutAxes(order, [along!]))
}
