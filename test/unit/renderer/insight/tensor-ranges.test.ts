import { expect, it } from 'vitest'
import { rangeChoice, rangeInUse } from '../../../../src/renderer/insight/tensor-ranges.ts'
import { defaultPlan, type CalibratorSpec, type QuantPlan } from '../../../../src/shared/contract/plan.ts'

const mse: CalibratorSpec = { method: 'mse' }
const entropy: CalibratorSpec = { method: 'entropy' }
const maker = { activations: { bits: 8, symmetric: false, calibrator: mse } }

interface RangeCase {
  readonly why: string
  readonly tensors: NonNullable<QuantPlan['tensors']>
  readonly layer: typeof maker | undefined
  readonly calibrator: CalibratorSpec
  readonly fixed: readonly [number, number] | null
}

it.each<RangeCase>([
  { why: 'the plan decides', tensors: {}, layer: undefined, calibrator: { method: 'minMax' }, fixed: null },
  { why: 'the layer over the plan', tensors: {}, layer: maker, calibrator: mse, fixed: null },
  {
    why: 'the tensor over its layer',
    tensors: { t: { calibrator: entropy } },
    layer: maker,
    calibrator: entropy,
    fixed: null,
  },
  {
    why: 'a hand over all',
    tensors: { t: { range: [-1, 1] } },
    layer: maker,
    calibrator: mse,
    fixed: [-1, 1],
  },
])('the range of a tensor: $why', ({ tensors, layer, calibrator, fixed }) => {
  expect(rangeChoice({ ...defaultPlan, tensors }, 't', layer)).toEqual({ calibrator, fixed })
})

it('is as the calibrator chose it, as set by hand, or all that was seen and 0', () => {
  const view = { min: 1, max: 9, ranges: [{ calibrator: mse, rmin: 0, rmax: 7, clipped: 0.1 }] }
  expect(rangeInUse(view, { calibrator: mse, fixed: null })).toEqual([0, 7])
  expect(rangeInUse(view, { calibrator: mse, fixed: [-1, 2] })).toEqual([-1, 2])
  expect(rangeInUse(view, { calibrator: entropy, fixed: null })).toEqual([0, 9])
})
