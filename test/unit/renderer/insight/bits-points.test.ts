import { describe, expect, it } from 'vitest'
import {
  bitsName,
  floatLevel,
  measuresOf,
  mergePoints,
  pointsOfRun,
  seriesOf,
  valueOf,
} from '../../../../src/renderer/insight/bits-points.ts'
import type { SweepPointView } from '../../../../src/shared/contract/api/job-results.ts'

const point = (more: Partial<SweepPointView>): SweepPointView => ({
  what: 'weights',
  bits: 8,
  top1: 0.9,
  loss: 0.3,
  agreement: 0.98,
  sqnrDb: 30,
  drop: 0.02,
  interval: { low: 0.01, high: 0.03 },
  bytes: 50_000,
  ...more,
})
const unlabelled = (more: Partial<SweepPointView> = {}): SweepPointView =>
  point({ top1: null, loss: null, drop: null, interval: { low: 0.96, high: 0.99 }, ...more })

describe('points of a sweep over bits', () => {
  it('stand curve by curve, fewest bits first, the newer in place of the older', () => {
    const first = mergePoints([], [point({ what: 'both' }), point({ bits: 8 }), point({ bits: 2 })])
    const merged = mergePoints(first, [point({ what: 'activations' }), point({ bits: 8, top1: 0.5 })])
    expect(merged.map(({ what, bits }) => `${what} ${bits}`)).toEqual([
      'weights 2',
      'weights 8',
      'activations 8',
      'both 8',
    ])
    expect(merged[1]!.top1).toBe(0.5)
  })

  it('are looked at by what is known of them', () => {
    expect(measuresOf([point({})]).map(({ value }) => value)).toEqual(['top1', 'close', 'agreement', 'sqnrDb', 'bytes'])
    expect(measuresOf([unlabelled({ agreement: null })]).map(({ value }) => value)).toEqual(['sqnrDb', 'bytes'])
  })

  it.each([
    { why: 'the interval of a drop is turned into that of the rate', one: point({}), measure: 'top1', y: [90, 89, 91] },
    { why: 'drops close to float are enlarged', one: point({}), measure: 'close', y: [2, 1, 3] },
    {
      why: 'agreement has an interval of its own without labels',
      one: unlabelled(),
      measure: 'agreement',
      y: [98, 96, 99],
    },
    { why: 'and none with them', one: point({}), measure: 'agreement', y: [98, undefined, undefined] },
    { why: 'sizes are exact', one: point({}), measure: 'bytes', y: [50, undefined, undefined] },
  ] as const)('$why', ({ one, measure, y }) => {
    const value = valueOf(one, measure)!
    for (const [i, found] of [value.y, value.low, value.high].entries())
      if (y[i] === undefined) expect(found).toBeUndefined()
      else expect(found).toBeCloseTo(y[i], 9)
  })

  it('leave the enlarged chart where they are far from float, and every chart where they are not known', () => {
    const points = [point({ bits: 2, drop: 0.4 }), point({ bits: 8 }), unlabelled({ what: 'both' })]
    expect(seriesOf(points, 'close').map(({ id, points: own }) => [id, own.map(({ x }) => x)])).toEqual([
      ['weights', [8]],
    ])
    expect(seriesOf(points, 'sqnrDb').map(({ id }) => id)).toEqual(['weights', 'both'])
  })

  it('are held against float where that is known', () => {
    const reference = { top1: 0.92, loss: null, bytes: 200_000 }
    expect(floatLevel(reference, 'top1')).toEqual([{ y: 92, label: 'float' }])
    expect(floatLevel(reference, 'close')).toEqual([{ y: 0, label: 'float' }])
    expect(floatLevel({ ...reference, top1: null }, 'top1')).toEqual([])
    expect(floatLevel(reference, 'sqnrDb')).toEqual([])
    expect(floatLevel(null, 'bytes')).toEqual([])
  })

  it('are read from the store as they were told', () => {
    const stored = { what: 'both', bits: 4, agreement: 0.9, sqnr: 12, interval: [0.85, 0.94], bytes: 1000 }
    const { points, reference } = pointsOfRun({ points: [stored], reference: { top1: null, loss: null, bytes: 4000 } })
    expect(points).toEqual([
      {
        what: 'both',
        bits: 4,
        top1: null,
        loss: null,
        agreement: 0.9,
        sqnrDb: 12,
        drop: null,
        interval: { low: 0.85, high: 0.94 },
        bytes: 1000,
      },
    ])
    expect(reference?.bytes).toBe(4000)
    expect(pointsOfRun(null)).toEqual({ points: [], reference: null })
  })

  it('have names', () => {
    expect(bitsName({ what: 'weights', bits: 1 })).toBe('weights, 1 bit')
    expect(bitsName({ what: 'both', bits: 4 })).toBe('weights and activations, 4 bits')
  })
})
