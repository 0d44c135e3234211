import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../../../src/main/graph/model.ts'
import { evaluateNode } from '../../../../src/main/graph/passes/constants/evaluate.ts'
import { plainNumbers, strided, tensorOf } from '../../../../src/main/graph/passes/constants/values.ts'
import { byteTensor, floatTensor, int32Tensor, int64Tensor } from '../../../../src/main/graph/tensors.ts'
import type { AttributeValue } from '../../../builders/model-builder.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'

const ints = (values: readonly number[], dims: readonly number[] = [values.length]): Tensor =>
  int64Tensor('', dims, values)
const floats = (values: readonly number[], dims: readonly number[] = [values.length]): Tensor =>
  floatTensor('', dims, values)

/** An operator on constants and the numbers it gives. */
interface Computed {
  readonly why: string
  readonly op: string
  readonly inputs: readonly Tensor[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  readonly values: readonly number[]
}

function evaluate(
  op: string,
  inputs: readonly Tensor[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  limit = 1e6,
): Tensor | null {
  const b = new ModelBuilder()
  b.node(
    op,
    inputs.map((_, i) => `i${i}`),
    attributes,
    { outputs: ['y'] },
  )
  return evaluateNode(b.build().graph.nodes[0]!, inputs, limit)?.[0] ?? null
}

describe('evaluateNode', () => {
  it.each<Computed>([
    {
      why: 'float sums are rounded once',
      op: 'Add',
      inputs: [floats([0.1]), floats([0.2])],
      values: [Math.fround(Math.fround(0.1) + Math.fround(0.2))],
    },
    {
      why: 'broadcasting',
      op: 'Mul',
      inputs: [ints([1, 2, 3], [3, 1]), ints([10, 20])],
      values: [10, 20, 20, 40, 30, 60],
    },
    { why: 'int64 division truncates', op: 'Div', inputs: [ints([-7, 7]), ints([2])], values: [-3, 3] },
    {
      why: 'int32 sums wrap',
      op: 'Add',
      inputs: [int32Tensor('', [1], Int32Array.of(2 ** 31 - 1)), int32Tensor('', [1], Int32Array.of(1))],
      values: [-(2 ** 31)],
    },
    { why: 'comparisons give 0 and 1', op: 'Less', inputs: [ints([1, 3]), ints([2])], values: [1, 0] },
    {
      why: 'Where picks',
      op: 'Where',
      inputs: [byteTensor('', 'bool', [2], Uint8Array.of(1, 0)), ints([1, 2]), ints([-1])],
      values: [1, -1],
    },
    { why: 'Cast truncates', op: 'Cast', inputs: [floats([-1.9, 1.9])], attributes: { to: 7 }, values: [-1, 1] },
    { why: 'Range', op: 'Range', inputs: [ints([5], []), ints([0], []), ints([-2], [])], values: [5, 3, 1] },
    {
      why: 'ReduceProd of a shape',
      op: 'ReduceProd',
      inputs: [ints([2, 3, 4])],
      attributes: { keepdims: 0 },
      values: [24],
    },
    { why: 'ReduceSum by an axes input', op: 'ReduceSum', inputs: [ints([2, 3, 4]), ints([0])], values: [9] },
    { why: 'ReduceMax', op: 'ReduceMax', inputs: [ints([2, 5, 4])], values: [5] },
    { why: 'ReduceMin', op: 'ReduceMin', inputs: [ints([2, 5, 4])], values: [2] },
    {
      why: 'a negative step walks back',
      op: 'Slice',
      inputs: [ints([0, 1, 2, 3, 4]), ints([-1]), ints([0]), ints([0]), ints([-2])],
      values: [4, 2],
    },
    {
      why: 'Slice clamps its end',
      op: 'Slice',
      inputs: [ints([0, 1, 2, 3]), ints([1]), ints([2 ** 63])],
      values: [1, 2, 3],
    },
    { why: 'Gather counts from the end', op: 'Gather', inputs: [ints([5, 6, 7]), ints([-1, 0])], values: [7, 5] },
    {
      why: 'Concat along the inner axis',
      op: 'Concat',
      inputs: [ints([1, 2], [2, 1]), ints([3, 4, 5, 6], [2, 2])],
      attributes: { axis: -1 },
      values: [1, 3, 4, 2, 5, 6],
    },
    { why: 'Transpose', op: 'Transpose', inputs: [ints([1, 2, 3, 4, 5, 6], [2, 3])], values: [1, 4, 2, 5, 3, 6] },
    { why: 'Expand', op: 'Expand', inputs: [ints([1, 2], [2, 1]), ints([1, 3])], values: [1, 1, 1, 2, 2, 2] },
    { why: 'ConstantOfShape is 0 unless told', op: 'ConstantOfShape', inputs: [ints([3])], values: [0, 0, 0] },
    {
      why: 'Shape from the second axis',
      op: 'Shape',
      inputs: [floats([1, 2, 3, 4, 5, 6], [1, 2, 3])],
      attributes: { start: -2 },
      values: [2, 3],
    },
  ])('$op: $why', ({ op, inputs, attributes, values }) => {
    expect(plainNumbers(evaluate(op, inputs, attributes)!)).toEqual(values)
  })

  it.each([
    { why: 'division by zero', op: 'Div', inputs: [ints([1]), ints([0])] },
    { why: 'shapes that do not fit', op: 'Add', inputs: [ints([1, 2, 3]), ints([1, 2])] },
    { why: 'types that differ', op: 'Add', inputs: [ints([1]), floats([1])] },
    { why: 'a Reshape to another size', op: 'Reshape', inputs: [ints([1, 2, 3]), ints([2])] },
    { why: 'two open axes', op: 'Reshape', inputs: [ints([1, 2, 3, 4]), ints([-1, -1])] },
    { why: 'an index out of range', op: 'Gather', inputs: [ints([1]), ints([1])] },
    { why: 'an unknown operator', op: 'Celu', inputs: [floats([1])] },
    { why: 'a float out of the integer range', op: 'Cast', inputs: [floats([1e20])], attributes: { to: 7 } },
    {
      why: 'a product that a double cannot hold',
      op: 'Mul',
      inputs: [int32Tensor('', [1], Int32Array.of(2 ** 31 - 1)), int32Tensor('', [1], Int32Array.of(2 ** 31 - 1))],
    },
    { why: 'an axis out of range', op: 'Squeeze', inputs: [ints([1], [1, 1]), ints([5])] },
  ])('$op leaves $why to the runtime', ({ op, inputs, attributes }) => {
    expect(evaluate(op, inputs, attributes)).toBeNull()
  })

  it.each([
    { op: 'Expand', inputs: [ints([1]), ints([1000])] },
    { op: 'ConstantOfShape', inputs: [ints([1000])] },
    { op: 'Range', inputs: [ints([0], []), ints([1000], []), ints([1], [])] },
    { op: 'Add', inputs: [ints([1, 2, 3, 4, 5, 6, 7, 8], [8, 1]), ints([1, 2, 3, 4, 5, 6, 7, 8])] },
  ])('$op does not pass the limit', ({ op, inputs }) => {
    expect(evaluate(op, inputs, {}, 50)).toBeNull()
  })
})

describe('constants as values', () => {
  it('moves elements of every whole-byte type, and refuses packed ones', () => {
    const half: Tensor = { name: '', dataType: 'float16', dims: [2], data: Uint8Array.of(1, 2, 3, 4) }
    expect([...strided(half, '', [2], [-1], 1)!.data]).toEqual([3, 4, 1, 2])
    expect(strided({ ...half, dataType: 'int4' }, '', [2], [1])).toBeNull()
  })

  it('keeps 64-bit integers exact', () => {
    const big = tensorOf('', 'int64', [1], BigInt64Array.of(2n ** 62n + 1n))
    const sum = evaluate('Add', [big, ints([1])])!
    expect(new BigInt64Array(sum.data.slice().buffer)[0]).toBe(2n ** 62n + 2n)
  })
})
