import type { DataType, Dim } from '../../../../shared/contract/tensor.ts'
import type { Tensor } from '../../../graph/model.ts'

/** How a tensor is stored: axis `i` of the stored tensor is axis `order[i]` of the value. */
export type Order = readonly number[]

/**
 * A tensor as the source model sees it, and the forms in which the ONNX graph holds it. Its axes are the model's own (channels last);
 * what a convolution writes is held channels first, and nothing is transposed until somebody reads another form.
 */
export interface Value {
  /** what the source calls it; names what has to be made of it */
  readonly name: string
  readonly dataType: DataType
  /** axes in the source's order */
  readonly dims: readonly Dim[]
  /** stored forms: `order.join()` → name of the tensor in the ONNX graph; grows as forms are asked for */
  readonly forms: Map<string, string>
  /** its content, in the source's order, where it is known now */
  readonly constant: Tensor | null
  /** the value of which this one is a reshaping, not made yet */
  readonly reshapeOf: Value | null
  /** what SpaceToBatchND makes of a value, or a convolution of that, not made yet */
  readonly spaced: Spaced | null
}

/** One half of the way TensorFlow writes a dilated convolution: SpaceToBatchND, convolution, BatchToSpaceND. */
export interface Spaced {
  readonly source: Value
  readonly block: readonly number[]
  /** [begin, end] of each spatial axis */
  readonly pads: readonly (readonly [number, number])[]
  /** writes the convolution with this dilation and padding; null before the convolution was met */
  readonly convolve:
    ((source: Value, block: readonly number[], pads: readonly (readonly [number, number])[]) => Value) | null
}

/** 0, 1, …, rank − 1. */
export function plainOrder(rank: number): Order {
  return Array.from({ length: rank }, (_, axis) => axis)
}

/** [batch, channels, …spatial] of a value that is [batch, …spatial, channels]. */
export function channelsFirst(rank: number): Order {
  return rank < 3 ? plainOrder(rank) : [0, rank - 1, ...plainOrder(rank).slice(1, -1)]
}

export function isPlain(order: Order): boolean {
  return order.every((axis, i) => axis === i)
}

/** The order of a form of which one order is `a` and that is seen through a transposition `b`: `(a ∘ b⁻¹)`. */
export function inverse(order: Order): number[] {
  const result = new Array<number>(order.length)
  order.forEach((axis, i) => {
    result[axis] = i
  })
  return result
}

/** Items of the value's axes in the order of a stored form. */
export function permuted<T>(items: readonly T[], order: Order): T[] {
  return order.map((axis) => items[axis]!)
}

/** True where a form differs from the plain one in the place of axes of length 1 only, so that both hold the same numbers. */
export function sameNumbers(dims: readonly Dim[], order: Order): boolean {
  let last = -1
  for (const axis of order) {
    if (dims[axis] === 1) continue
    if (axis < last) return false
    last = axis
  }
  return true
}

/** The order in which a value is held already; the plain one where it is not. */
export function heldOrder(value: Value): Order {
  const [first] = value.forms.keys()
  return first === undefined || value.dims.length === 0 ? plainOrder(value.dims.length) : orderOf(first)
}

/** The order that a key of `forms` stands for. */
export function orderOf(key: string): number[] {
  return key === '' ? [] : key.split(',').map(Number)
}
