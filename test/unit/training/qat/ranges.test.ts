import { describe, expect, it } from 'vitest'
import { everything, type Interval } from '../../../../src/main/quant/operators.ts'
import type { TensorPair } from '../../../../src/main/quant/placement.ts'
import { paramsOf, RANGE_MOMENTUM, rangeOf, RangeTracker } from '../../../../src/main/training/qat/ranges.ts'
import { seeded } from '../../../builders/model-builder.ts'

const pairOf = (bits: number, symmetric: boolean, interval: Interval = everything): TensorPair => ({
  tensor: 't',
  layerId: 'layer',
  scheme: { bits, symmetric, calibrator: { method: 'movingAverage' } },
  container: 'uint8',
  like: null,
  interval,
  clipped: false,
})

describe('ranges of activations', () => {
  it('begin with the mean of what was looked at, and follow by moving average', () => {
    const tracker = new RangeTracker(new Map())
    for (const rmax of [1, 2, 6]) {
      tracker.beginLook()
      tracker.look('t', { rmin: -rmax, rmax })
    }
    expect(tracker.rangeOf('t').rmax).toBeCloseTo(3, 6)
    tracker.follow('t', { rmin: -13, rmax: 13 })
    expect(tracker.rangeOf('t').rmin).toBeCloseTo(-(3 * RANGE_MOMENTUM + 13 * (1 - RANGE_MOMENTUM)), 6)
  })

  it('stay as the plan names them', () => {
    const tracker = new RangeTracker(new Map([['t', { rmin: 0, rmax: 6 }]]))
    tracker.beginLook()
    tracker.look('t', { rmin: -1, rmax: 9 })
    tracker.follow('t', { rmin: -1, rmax: 9 })
    expect(tracker.rangeOf('t')).toEqual({ rmin: 0, rmax: 6 })
  })

  it('are not spoiled by a batch that came apart', () => {
    const tracker = new RangeTracker(new Map())
    tracker.beginLook()
    tracker.look('t', { rmin: 0, rmax: 2 })
    tracker.follow('t', { rmin: 0, rmax: Infinity })
    tracker.follow('t', { rmin: NaN, rmax: 1 })
    expect(tracker.rangeOf('t')).toEqual({ rmin: 0, rmax: 2 })
  })

  it('survive a checkpoint to the last bit', () => {
    const tracker = new RangeTracker(new Map())
    tracker.beginLook()
    tracker.look('a/b', { rmin: -0.1, rmax: 0.7 })
    const other = new RangeTracker(new Map())
    other.load(new Map([...tracker.tensors(), ['weight', Float32Array.of(1)]]))
    expect(other.rangeOf('a/b')).toEqual(tracker.rangeOf('a/b'))
    expect(other.has('weight')).toBe(false)
  })
})

describe('a range made of scale and zero point', () => {
  const random = seeded(3)
  it.each([
    { why: 'affine', pair: pairOf(8, false) },
    { why: 'affine of 3 bits', pair: pairOf(3, false) },
    { why: 'symmetric', pair: pairOf(4, true) },
    { why: 'never negative', pair: pairOf(2, false, { low: 0, high: Infinity }) },
  ])('gives both back to the last bit: $why', ({ pair }) => {
    for (let i = 0; i < 200; i++) {
      const params = paramsOf(pair, { rmin: -random(), rmax: random() })
      const again = paramsOf(pair, rangeOf(params, pair.scheme.symmetric))
      expect([again.scale[0], again.zeroPoint[0]]).toEqual([params.scale[0], params.zeroPoint[0]])
    }
  })
})
