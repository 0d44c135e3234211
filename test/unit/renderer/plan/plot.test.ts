import { describe, expect, it } from 'vitest'
import {
  axisOf,
  channelColumns,
  histogramPath,
  movedBound,
  outlierChannels,
  shareOutside,
  ticksOf,
} from '../../../../src/renderer/plan/plot.ts'

const histogram = { low: 0, high: 4, counts: [1, 0, 2, 1] }

describe('axisOf', () => {
  it('maps there and back', () => {
    const axis = axisOf(-1, 3, 200)
    expect(axis.toPx(1)).toBe(100)
    expect(axis.toValue(axis.toPx(0.3))).toBeCloseTo(0.3, 12)
  })

  it('puts a range of one value into the middle', () => {
    expect(axisOf(2, 2, 200).toPx(2)).toBe(100)
  })
})

describe('histogramPath', () => {
  it('draws empty bins flat and the fullest to the top', () => {
    const path = histogramPath(histogram, axisOf(0, 4, 40), 10, 'linear')
    expect(path).toBe('M0 10L0 5L10 5L10 10L20 10L20 0L30 0L30 5L40 5L40 10Z')
  })

  it('keeps a rare value in sight', () => {
    const rare = histogramPath({ low: 0, high: 2, counts: [1_000_000, 1] }, axisOf(0, 2, 20), 50, 'linear')
    expect(rare).toContain('L10 49L20 49')
  })
})

describe('shareOutside', () => {
  it.each([
    { why: 'nothing outside', range: [0, 4], share: 0 },
    { why: 'the last bin', range: [0, 3], share: 0.25 },
    { why: 'half a bin', range: [0.5, 4], share: 0.125 },
    { why: 'all of it', range: [5, 6], share: 1 },
  ])('$why', ({ range, share }) => {
    expect(shareOutside(histogram, range[0]!, range[1]!)).toBeCloseTo(share, 12)
  })

  it('is 0 for no values at all', () => {
    expect(shareOutside({ low: 0, high: 0, counts: [0] }, -1, 1)).toBe(0)
  })
})

describe('ticksOf', () => {
  it.each([
    { low: -0.3, high: 0.5, width: 288, ticks: [-0.2, 0, 0.2, 0.4] },
    { low: 0, high: 1e-6, width: 144, ticks: [0, 5e-7, 1e-6] },
    { low: 3, high: 3, width: 100, ticks: [3] },
  ])('$low … $high', ({ low, high, width, ticks }) => {
    expect(ticksOf(axisOf(low, high, width), width, 72)).toEqual(ticks)
  })
})

describe('channels', () => {
  it('far wider ones are outliers', () => {
    expect(outlierChannels({ min: [-1, -1.2, -9, 0], max: [1, 1, 2, 1] })).toEqual([2])
    expect(outlierChannels({ min: [0, 0], max: [0, 0] })).toEqual([])
  })

  it('share columns where there are many, and none is lost', () => {
    const min = Array.from({ length: 10 }, (_, i) => -i)
    const columns = channelColumns({ min, max: min.map((value) => -value) }, 4)
    expect(columns.map(({ first, last }) => [first, last])).toEqual([[0, 1], [2, 4], [5, 6], [7, 9]]) // prettier-ignore
    expect(columns.at(-1)).toMatchObject({ min: -9, max: 9 })
  })
})

describe('movedBound', () => {
  const axis = { low: -10, high: 10 }
  it('keeps 0 inside and the bounds apart', () => {
    expect(movedBound([-1, 2], 'max', 5, axis)).toEqual([-1, 5])
    expect(movedBound([-1, 2], 'min', 3, axis)).toEqual([0, 2])
    expect(movedBound([0, 2], 'max', -4, axis)[1]).toBeCloseTo(0.02, 12)
  })
})
