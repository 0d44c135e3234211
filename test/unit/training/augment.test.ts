import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/main/data/random.ts'
import { augmentBatch } from '../../../src/main/training/augment.ts'

const picture = Float32Array.of(1, 2, 3, 4, 5, 6)
const dims = [1, 1, 2, 3]
const draws = (...values: number[]): { unit: () => number; below: () => number } => ({
  unit: () => 0,
  below: () => values.shift()!,
})

describe('augmentation', () => {
  it.each([
    { why: 'mirrored', augment: { flip: true, shift: 0 }, drawn: [1], result: [3, 2, 1, 6, 5, 4] },
    { why: 'not mirrored', augment: { flip: true, shift: 0 }, drawn: [0], result: [1, 2, 3, 4, 5, 6] },
    { why: 'one down', augment: { flip: false, shift: 1 }, drawn: [2, 1], result: [0, 0, 0, 1, 2, 3] },
    { why: 'one left', augment: { flip: false, shift: 1 }, drawn: [1, 0], result: [2, 3, 0, 5, 6, 0] },
    {
      why: 'mirrored, then one right',
      augment: { flip: true, shift: 1 },
      drawn: [1, 1, 2],
      result: [0, 3, 2, 0, 6, 5],
    },
  ])('$why', ({ augment, drawn, result }) => {
    expect([...augmentBatch(picture, dims, augment, draws(...drawn))]).toEqual(result)
  })

  it('draws the same for the same seed', () => {
    const augment = { flip: true, shift: 1 }
    const once = (): number[] => [...augmentBatch(picture, dims, augment, createRandom(3))]
    expect(once()).toEqual(once())
  })
})
