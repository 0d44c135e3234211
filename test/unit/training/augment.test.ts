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

  it('mirrors pictures whose channels lie innermost', () => {
    const pixels = Float32Array.of(1, 10, 2, 20, 3, 30)
    const mirrored = augmentBatch(pixels, [1, 1, 3, 2], { flip: true, shift: 0 }, draws(1), true)
    expect([...mirrored]).toEqual([3, 30, 2, 20, 1, 10])
  })

  it('cuts a window out and enlarges it: a ramp stays a ramp, flatter by the share', () => {
    const side = 8
    const ramp = Float32Array.from({ length: side * side }, (_, i) => i % side)
    const random = createRandom(5)
    for (let i = 0; i < 20; i++) {
      const cut = augmentBatch(ramp, [1, 1, side, side], { flip: false, shift: 0, crop: 0.3 }, random)
      const row = [...cut.subarray(0, side)]
      expect(Math.min(...row)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...row)).toBeLessThanOrEqual(side - 1)
      expect(row).toEqual([...row].sort((a, b) => a - b))
      expect([...cut.subarray(side, 2 * side)]).toEqual(row)
    }
  })

  it('refuses what is no picture', () => {
    const augment = { flip: true, shift: 0 }
    expect(() => augmentBatch(new Float32Array(6), [2, 3], augment, createRandom(1))).toThrow(/--augment none/)
  })

  it('draws the same for the same seed', () => {
    const augment = { flip: true, shift: 1, crop: 0.5 }
    const once = (): number[] => [...augmentBatch(picture, dims, augment, createRandom(3))]
    expect(once()).toEqual(once())
  })
})
