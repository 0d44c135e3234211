import { expect, it } from 'vitest'
import { createRandom } from '../../../src/main/data/random.ts'

it('gives the same stream for the same seeds, on every machine', () => {
  const random = createRandom(1)
  // recorded with the first version of this file: every stored run depends on these numbers
  expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([4126659430, 1174365017, 1840102020])
})

it.each([
  { why: 'another seed', seeds: [2] },
  { why: 'a seed that differs above 32 bits', seeds: [1 + 2 ** 32] },
  { why: 'a further seed', seeds: [1, 0] },
  { why: 'the order of the seeds', seeds: [0, 1] },
])('$why gives another stream', ({ seeds }) => {
  const one = createRandom(1)
  const other = createRandom(...seeds)
  const same = Array.from({ length: 8 }, () => one.uint32() === other.uint32())
  expect(same).not.toContain(true)
})

it('below() reaches every value about equally often', () => {
  const random = createRandom(7)
  const counts = new Array<number>(6).fill(0)
  for (let i = 0; i < 60_000; i++) counts[random.below(6)]!++
  // five deviations of a binomial of 60,000 draws with p = 1/6
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt((60_000 * 5) / 36))
})

it('unit() and between() stay in their half-open ranges, mean in the middle', () => {
  const random = createRandom(3)
  let sum = 0
  for (let i = 0; i < 10_000; i++) {
    const value = random.between(-2, 4)
    expect(value >= -2 && value < 4).toBe(true)
    sum += random.unit()
  }
  expect(sum / 10_000).toBeCloseTo(0.5, 1)
})
