import { describe, expect, it } from 'vitest'
import type { DataType, Dim, ValueSpec } from '../../../src/shared/contract/tensor.ts'
import { randomFeeds, settleShapes, type InputShapes } from '../../../src/main/jobs/tasks/bench-inputs.ts'

function input(shape: readonly Dim[] | null, dataType: DataType = 'float', name = 'x'): ValueSpec {
  return { name, dataType, shape }
}

function settle(shape: readonly Dim[] | null, wanted: Partial<InputShapes> = {}): readonly number[] {
  return settleShapes([input(shape)], { batch: 4, ...wanted }).get('x')!
}

describe('the shape an input is run with', () => {
  const cases: readonly {
    why: string
    shape: readonly Dim[] | null
    wanted?: Partial<InputShapes>
    dims: readonly number[]
  }[] = [
    { why: 'an open first axis is the batch', shape: ['N', 3, 32, 32], dims: [4, 3, 32, 32] },
    { why: 'an unnamed first axis too', shape: [null, 10], dims: [4, 10] },
    { why: 'a fixed batch stays', shape: [1, 3, 32, 32], dims: [1, 3, 32, 32] },
    { why: 'open sides of an NCHW picture are 224', shape: ['N', 3, 'h', 'w'], dims: [4, 3, 224, 224] },
    { why: 'and of an NHWC one', shape: ['N', null, null, 3], dims: [4, 224, 224, 3] },
    {
      why: 'a named dimension is taken by its name',
      shape: ['N', 'tokens'],
      wanted: { dims: { tokens: 128 } },
      dims: [4, 128],
    },
    { why: 'also the batch', shape: ['N', 5], wanted: { dims: { N: 9 } }, dims: [9, 5] },
    { why: 'a whole shape goes before all', shape: ['N', 'tokens'], wanted: { shapes: { x: [2, 7] } }, dims: [2, 7] },
    { why: 'a scalar stays one', shape: [], dims: [] },
    { why: 'an unknown rank is taken as told', shape: null, wanted: { shapes: { x: [2, 3] } }, dims: [2, 3] },
  ]
  it.each(cases)('$why', ({ shape, wanted, dims }) => expect(settle(shape, wanted)).toEqual(dims))

  const refused: readonly { why: string; shape: readonly Dim[] | null; wanted: Partial<InputShapes>; says: string }[] =
    [
      { why: 'an open axis that nobody settles', shape: ['N', 'tokens'], wanted: {}, says: "'tokens'" },
      { why: 'an unknown rank', shape: null, wanted: {}, says: 'nothing of its shape' },
      {
        why: 'a shape against the model',
        shape: [1, 3, 8, 8],
        wanted: { shapes: { x: [2, 3, 8, 8] } },
        says: '[1, 3, 8, 8]',
      },
      { why: 'a shape for an input that is not there', shape: [1], wanted: { shapes: { y: [1] } }, says: "'y'" },
    ]
  it.each(refused)('$why is refused', ({ shape, wanted, says }) => {
    expect(() => settle(shape, wanted)).toThrow(
      expect.objectContaining({ code: 'usage.inputShape', message: expect.stringContaining(says) }),
    )
  })
})

describe('random inputs', () => {
  it('are the same for the same seed and fill their shape', () => {
    const inputs = [input(['N', 3]), input([2], 'int64', 'ids'), input([2, 2], 'uint8', 'bytes')]
    const shapes = settleShapes(inputs, { batch: 100 })
    const feeds = randomFeeds(inputs, shapes, 3)
    expect(randomFeeds(inputs, shapes, 3)).toEqual(feeds)
    expect(feeds['x']!.data).toHaveLength(300)
    expect(feeds['ids']!.data).toEqual(BigInt64Array.of(1n, 1n))
    const values = [...(feeds['x']!.data as Float32Array)]
    const mean = values.reduce((a, b) => a + b, 0) / 300
    expect(Math.abs(mean)).toBeLessThan(0.25) // four standard errors of a normal mean over 300
  })

  it('a type that cannot be made up is refused', () => {
    const inputs = [input([1], 'string')]
    expect(() => randomFeeds(inputs, settleShapes(inputs, { batch: 1 }), 1)).toThrow(
      expect.objectContaining({ code: 'engine.unsupportedType' }),
    )
  })
})
