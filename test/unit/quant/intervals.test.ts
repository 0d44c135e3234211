import { describe, expect, it } from 'vitest'
import { meanInterval, pairedDifference, studentQuantile, wilsonInterval } from '../../../src/main/quant/intervals.ts'

describe('wilsonInterval', () => {
  // Newcombe 1998 (two-sided intervals for the single proportion), table I, method 3
  it.each([
    { successes: 81, count: 263, low: 0.2553, high: 0.3662 },
    { successes: 15, count: 148, low: 0.0624, high: 0.1605 },
    { successes: 0, count: 20, low: 0, high: 0.1611 },
    { successes: 1, count: 29, low: 0.0061, high: 0.1718 },
  ])('$successes of $count', ({ successes, count, low, high }) => {
    const interval = wilsonInterval(successes, count)
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  })
})

describe('pairedDifference', () => {
  it('gives the worked example of the paper', () => {
    // Newcombe 1998 (paired data), table II column a: 36, 12, 2, 0, method 10
    const interval = pairedDifference({ both: 36, onlyFirst: 12, onlySecond: 2, neither: 0 })
    expect(interval.value).toBeCloseTo(0.2, 12)
    expect(interval.low).toBeCloseTo(0.0569, 4)
    expect(interval.high).toBeCloseTo(0.3404, 4)
  })

  it('is narrow where the same samples fail, wide where others do', () => {
    const same = pairedDifference({ both: 9170, onlyFirst: 3, onlySecond: 2, neither: 825 })
    const other = pairedDifference({ both: 8500, onlyFirst: 673, onlySecond: 672, neither: 155 })
    expect(same.value).toBeCloseTo(0.0001, 12)
    expect(same.high - same.low).toBeLessThan(0.0015)
    expect(other.high - other.low).toBeGreaterThan(0.01)
    expect(same.low).toBeLessThan(same.value)
    expect(same.high).toBeGreaterThan(same.value)
  })

  it('stays within what a difference of rates can be', () => {
    const all = pairedDifference({ both: 0, onlyFirst: 10, onlySecond: 0, neither: 0 })
    expect(all.value).toBe(1)
    expect(all.high).toBeLessThanOrEqual(1)
    expect(all.low).toBeGreaterThan(0)
  })
})

describe('meanInterval', () => {
  // tables of Student's t, 97.5 %
  it.each([
    { degrees: 1, t: 12.7062, digits: 3 },
    { degrees: 2, t: 4.3027, digits: 3 },
    { degrees: 3, t: 3.1824, digits: 1 },
    { degrees: 5, t: 2.5706, digits: 2 },
    { degrees: 10, t: 2.2281, digits: 4 },
    { degrees: 139, t: 1.9772, digits: 4 },
  ])('the quantile for $degrees degrees of freedom is $t', ({ degrees, t, digits }) => {
    expect(studentQuantile(degrees)).toBeCloseTo(t, digits)
  })

  it('is mean ± t · s / √n', () => {
    const interval = meanInterval(Float64Array.of(1, 2, 3, 4, 5, 6))
    expect(interval.value).toBe(3.5)
    expect(interval.high - interval.value).toBeCloseTo(2.5706 * (1.8708 / Math.sqrt(6)), 3)
    expect(interval.value - interval.low).toBeCloseTo(interval.high - interval.value, 12)
  })

  it('knows nothing from one value', () => {
    expect(meanInterval(Float64Array.of(3))).toEqual({ value: 3, low: -Infinity, high: Infinity })
  })
})
