import { expect, it } from 'vitest'
import { ticksOf } from '../../../../src/main/jobs/report/ticks.ts'

it.each([
  { why: 'rates', from: 9.8, to: 99.2, ticks: [0, 20, 40, 60, 80, 100] },
  { why: 'close to each other', from: 91.13, to: 91.71, ticks: [91, 91.2, 91.4, 91.6, 91.8] },
  { why: 'around 0', from: -1.2, to: 5, ticks: [-2, 0, 2, 4, 6] },
  { why: 'all equal', from: 50, to: 50, ticks: [49, 50, 51] },
  { why: 'all 0', from: 0, to: 0, ticks: expect.arrayContaining([0]) as number[] },
])('$why: $from to $to', ({ from, to, ticks }) => {
  const axis = ticksOf(from, to)
  expect(axis.ticks).toEqual(ticks)
  expect(axis.low).toBeLessThanOrEqual(from)
  expect(axis.high).toBeGreaterThanOrEqual(to)
  for (const tick of axis.ticks)
    expect(tick.toFixed(axis.digits)).toBe(String(tick === 0 ? (0).toFixed(axis.digits) : tick.toFixed(axis.digits)))
})
