import { describe, expect, it } from 'vitest'
import { medianOf, speedupOf, type Round } from '../../../src/main/jobs/tasks/bench-statistics.ts'
import { seeded } from '../../builders/model-builder.ts'

it.each([
  { why: 'odd count', values: [3, 1, 2], median: 2 },
  { why: 'even count', values: [4, 1, 3, 2], median: 2.5 },
  { why: 'numbers are not sorted as text', values: [10, 9, 100], median: 10 },
  { why: 'nothing', values: [], median: NaN },
])('the median: $why', ({ values, median }) => expect(medianOf(values)).toBe(median))

/** Rounds with a true ratio of 2, noise of 5 % on each, and a drift that slows both alike. */
function noisyRounds(count: number, seed: number, drift = 0): Round[] {
  const random = seeded(seed)
  const noise = (): number => 1 + 0.05 * (random() + random() + random() + random() - 2)
  return Array.from({ length: count }, (_, i) => {
    const slow = 1 + (drift * i) / count
    return { modelMs: 5 * noise() * slow, referenceMs: 10 * noise() * slow }
  })
}

describe('the speedup', () => {
  it('is the ratio of the medians', () => {
    expect(
      speedupOf(
        [
          { modelMs: 1, referenceMs: 3 },
          { modelMs: 2, referenceMs: 4 },
          { modelMs: 3, referenceMs: 8 },
        ],
        seeded(1),
      ).value,
    ).toBe(2)
  })

  it('has an interval that holds the true ratio about 19 times in 20', () => {
    let held = 0
    for (let seed = 1; seed <= 200; seed++) {
      const { low, high } = speedupOf(noisyRounds(25, seed), seeded(seed + 1000))
      if (low <= 2 && 2 <= high) held++
    }
    // binomial: 200 trials at 0.95 stay above 175 with probability > 0.9999; the bootstrap of a median errs on the wide side
    expect(held).toBeGreaterThan(175)
  })

  it('has a narrower interval with more rounds', () => {
    const width = (count: number): number => {
      const { low, high } = speedupOf(noisyRounds(count, 1), seeded(2))
      return high - low
    }
    expect(width(400)).toBeLessThan(width(20) / 2)
  })

  it('is unbounded after a single round', () => {
    expect(speedupOf([{ modelMs: 1, referenceMs: 2 }], seeded(1))).toEqual({ value: 2, low: 0, high: Infinity })
  })

  it('of equal rounds has no width', () => {
    const { value, low, high } = speedupOf(
      Array.from({ length: 9 }, () => ({ modelMs: 2, referenceMs: 3 })),
      seeded(1),
    )
    expect([value, low, high]).toEqual([1.5, 1.5, 1.5])
  })
})
