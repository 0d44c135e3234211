import type { Dim } from '../../../shared/contract/tensor.ts'
import type { OpContext } from './context.ts'
import type { Fact, Value } from './facts.ts'
import { MAX_VALUES, numericDims, productOf, stridesOf } from './facts.ts'

/**
 * The shape of several tensors broadcast against one another, aligned at the last axis; null where a rank is unknown.
 * Source: ONNX, Broadcasting.
 */
export function broadcastShapes(op: OpContext, shapes: readonly (readonly Dim[] | null)[]): Dim[] | null {
  let result: Dim[] = []
  for (const shape of shapes) {
    if (shape === null) return null
    const rank = Math.max(result.length, shape.length)
    const next: Dim[] = []
    for (let i = 0; i < rank; i++) {
      const a = i - (rank - result.length)
      const b = i - (rank - shape.length)
      next.push(broadcastDim(op, a < 0 ? 1 : result[a]!, b < 0 ? 1 : shape[b]!))
    }
    result = next
  }
  return result
}

function broadcastDim(op: OpContext, a: Dim, b: Dim): Dim {
  if (a === 1) return b
  if (b === 1 || a === b) return a
  if (typeof a === 'number' && typeof b === 'number') {
    op.fail(`lengths ${a} and ${b} cannot be broadcast against each other (${inputShapes(op)})`)
  }
  // one is longer than 1, so the other is either the same or 1
  return typeof a === 'number' ? a : typeof b === 'number' ? b : null
}

/** The input shapes in words, for messages. */
export function inputShapes(op: OpContext): string {
  return op.node.inputs.map((name, i) => `${name || 'omitted'}: ${shapeText(op.shape(i))}`).join(', ')
}

/** A shape as text: [N,3,?,224]. */
export function shapeText(shape: readonly Dim[] | null): string {
  return shape === null ? 'unknown' : `[${shape.map((dim) => dim ?? '?').join(',')}]`
}

/** Applies `combine` element by element with broadcasting; null unless all inputs have known values. */
export function broadcastValues(
  inputs: readonly Fact[],
  shape: readonly Dim[] | null,
  combine: (values: readonly Value[]) => Value,
): Value[] | null {
  const dims = numericDims(shape)
  const count = dims === null ? null : productOf(dims)
  if (dims === null || count === null || count > MAX_VALUES || inputs.some(({ values }) => values === null)) return null
  const readers = inputs.map((input) => reader(input, dims))
  const result: Value[] = []
  for (let i = 0; i < count; i++) result.push(combine(readers.map((read) => read(i))))
  return result
}

function reader(input: Fact, dims: readonly number[]): (index: number) => Value {
  const own = input.shape as readonly number[]
  const ownStrides = stridesOf(own)
  const strides = stridesOf(dims)
  const skip = dims.length - own.length
  return (index) => {
    let at = 0
    for (let axis = skip; axis < dims.length; axis++) {
      const position = Math.floor(index / strides[axis]!) % dims[axis]!
      if (own[axis - skip] !== 1) at += position * ownStrides[axis - skip]!
    }
    return input.values![at] ?? null
  }
}
