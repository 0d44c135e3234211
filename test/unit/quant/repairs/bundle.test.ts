import { describe, expect, it } from 'vitest'
import { defaultPlan } from '../../../../src/shared/contract/plan.ts'
import {
  bundleQuantizer,
  decodeBundle,
  encodeBundle,
  repairedTensors,
  withReducedRange,
  type RepairBundle,
} from '../../../../src/main/quant/repairs/bundle.ts'

const scheme = { ...defaultPlan.defaults.weights, bits: 4 }
const layout = { dims: [2, 3], axis: 0, sharedZeroPoint: false }
const params = {
  qmin: -7,
  qmax: 7,
  scale: Float32Array.of(0.1, 1 / 3),
  zeroPoint: Int32Array.of(0, 0),
  axis: 0,
}

const bundle: RepairBundle = {
  layers: new Map([
    [
      'narrow',
      {
        weights: { dims: [2, 3], params, values: Int32Array.of(-7, 7, 0, 1, -2, 3) },
        bias: Float32Array.of(0.1, -1e-8),
      },
    ],
    [
      'wide',
      { weights: { dims: [1, 2], params: { ...params, qmax: 32767 }, values: Int32Array.of(300, -32768) }, bias: null },
    ],
    ['bias only', { weights: null, bias: Float32Array.of(3) }],
  ]),
  ranges: { x: [-1 / 3, 2 / 7] },
  reduced: ['wide'],
}

describe('a bundle of repairs', () => {
  it('comes back the same', () => {
    expect(decodeBundle(encodeBundle(bundle))).toEqual(bundle)
  })

  it('is refused when damaged', () => {
    const bytes = encodeBundle(bundle)
    expect(() => decodeBundle(bytes.subarray(0, bytes.length - 1))).toThrow('ends too early')
    expect(() => decodeBundle(bytes.subarray(0, 3))).toThrow()
  })

  it('hands its integers to the layer they were made for, and only in the layout asked for', () => {
    const quantize = bundleQuantizer(bundle)
    const values = Float32Array.of(1, -1, 0.5, 0.2, 0.1, 0)
    expect(quantize('narrow', values, layout, scheme, null).values).toEqual(
      bundle.layers.get('narrow')!.weights!.values,
    )
    const nearest = quantize('other', values, layout, scheme, null)
    expect([...nearest.values]).toEqual([7, -7, 4, 7, 4, 0])
    expect(quantize('narrow', values, { ...layout, axis: null }, scheme, null).params.scale).toHaveLength(1)
    expect(quantize('narrow', values, layout, scheme, Float32Array.of(0.2, 0.2)).params.scale[0]).toBeCloseTo(0.2)
  })

  it('gives ranges that the plan’s own go before', () => {
    expect(repairedTensors({ tensors: { y: { range: [0, 1] } } }, bundle)).toEqual({
      x: { range: [-1 / 3, 2 / 7] },
      y: { range: [0, 1] },
    })
    expect(repairedTensors({ tensors: { x: { range: [0, 1] } } }, bundle)).toEqual({ x: { range: [0, 1] } })
  })

  it('takes a bit from layers, keeping what the plan says of them', () => {
    const plan = {
      ...defaultPlan,
      layers: { a: { weights: { granularity: 'perTensor' as const } }, b: 'float' as const },
    }
    expect(withReducedRange(plan, ['a', 'b', 'c']).layers).toEqual({
      a: { weights: { granularity: 'perTensor', reducedRange: true } },
      b: 'float',
      c: { weights: { reducedRange: true } },
    })
  })
})
