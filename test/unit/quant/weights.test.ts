import { describe, expect, it } from 'vitest'
import type { WeightScheme } from '../../../src/shared/contract/plan.ts'
import { dequantize, quantize } from '../../../src/main/quant/affine.ts'
import { quantizeBias, smallestWeightScales } from '../../../src/main/quant/bias.ts'
import { quantizeLayerWeights, wantsCompactConstants } from '../../../src/main/quant/layer-weights.ts'
import { packIntegers, unpackIntegers } from '../../../src/main/quant/pack.ts'
import type { WeightSite } from '../../../src/main/quant/weight-site.ts'
import {
  areFinite,
  parameterDims,
  roundToNearest,
  weightParams,
  weightTensors,
} from '../../../src/main/quant/weights.ts'
import { normals, seeded } from '../../builders/model-builder.ts'

const perChannel: WeightScheme = { bits: 8, storage: 'int8', symmetric: true, granularity: 'perChannel' }
const layout = { dims: [2, 3], axis: 0, sharedZeroPoint: true } as const
const values = Float32Array.of(0.1, -0.2, 0.05, 10, 20, -5)

describe('the worked vectors of DESIGN section 5', () => {
  const quantized = (values: readonly number[]): number[] => {
    const whole = { dims: [values.length], axis: null, sharedZeroPoint: false }
    return [
      ...roundToNearest('w', Float32Array.from(values), whole, { ...perChannel, granularity: 'perTensor' }, null)
        .values,
    ]
  }
  const vector = [-0.16, -0.04, 0.07, -0.08, 0, -0.09, -0.05, -0.08, -0.07, 0.06]
  // one alpha over a whole network: the largest weight, −4
  const network = [[0.1, -0.3, 0.4], [-1, 2, -0.1], [1.2, -0.7], [1, -0.1], [3, -4], [0.8, -0.6], [-0.5, 0.2], [1]]

  it.each([
    { why: 'alpha 0.16', values: vector, q: [-127, -32, 56, -64, 0, -71, -40, -64, -56, 48] },
    { why: 'an outlier takes the range', values: [...vector, 15], q: [-1, 0, 1, -1, 0, -1, 0, -1, -1, 1, 127] },
    {
      why: 'alpha 4, weights and biases',
      values: network.flat(),
      q: [3, -10, 13, -32, 64, -3, 38, -22, 32, -3, 95, -127, 25, -19, -16, 6, 32],
    },
  ])('$why', ({ values, q }) => {
    expect(quantized(values)).toEqual(q)
  })
})

it('weights are the integers of QuantizeLinear, ties in real numbers aside', () => {
  const random = normals(seeded(11), 100_000)
  const whole = { dims: [100, 1000], axis: 0, sharedZeroPoint: true }
  const { params, values: integers } = roundToNearest('w', random, whole, perChannel, null)
  expect(integers).toEqual(quantize(random, params, whole.dims))
})

describe('scales of weights', () => {
  it('are one per channel, and none above the one of the tensor', () => {
    const own = weightParams(values, layout, perChannel)
    const whole = weightParams(values, { ...layout, axis: null }, perChannel)
    expect([...own.scale]).toEqual([Math.fround(Math.fround(0.2) / 127), Math.fround(20 / 127)])
    for (const scale of own.scale) expect(scale).toBeLessThanOrEqual(whole.scale[0]!)
  })

  it('lie along the last axis for a matrix', () => {
    expect([...weightParams(values, { ...layout, axis: 1 }, perChannel).scale]).toEqual(
      [10, 20, 5].map((max) => Math.fround(max / 127)),
    )
  })

  it('are one per block along the summed axis', () => {
    const params = weightParams(
      Float32Array.of(1, 2, 3, 4),
      { dims: [4, 1], axis: 0, blockSize: 2, sharedZeroPoint: false },
      { ...perChannel, bits: 4, storage: 'int4' },
    )
    expect([...params.scale]).toEqual([2, 4].map((max) => Math.fround(max / 7)))
    expect(parameterDims([4, 1], params)).toEqual([2, 1])
  })

  it('share one zero point where the kernel demands it, and still cover every channel', () => {
    const affine: WeightScheme = { ...perChannel, storage: 'uint8', symmetric: false }
    const { params, values: integers } = roundToNearest('conv', values, layout, affine, null)
    expect(new Set(params.zeroPoint).size).toBe(1)
    const back = dequantize(integers, params, layout.dims)
    for (let i = 0; i < values.length; i++)
      expect(Math.abs(back[i]! - values[i]!)).toBeLessThanOrEqual(params.scale[i < 3 ? 0 : 1]! * 0.501)
    expect(new Set(weightParams(values, { ...layout, sharedZeroPoint: false }, affine).zeroPoint).size).toBe(2)
  })

  it('are usable for a channel of zeros', () => {
    const { params, values: integers } = roundToNearest('conv', new Float32Array(6), layout, perChannel, null)
    expect([...integers]).toEqual([0, 0, 0, 0, 0, 0])
    for (const scale of params.scale) expect(scale).toBeGreaterThan(0)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('stay within %i bits', (bits) => {
    const scheme: WeightScheme =
      bits === 1 ? { ...perChannel, bits, storage: 'uint8', symmetric: false } : { ...perChannel, bits }
    const { params, values: integers } = roundToNearest(
      'conv',
      normals(seeded(bits), 600),
      { dims: [2, 300], axis: 0, sharedZeroPoint: true },
      scheme,
      null,
    )
    expect(params.qmax - params.qmin).toBeLessThan(2 ** bits)
    for (const q of integers) expect(q >= params.qmin && q <= params.qmax).toBe(true)
  })
})

describe('containers', () => {
  it.each([
    { storage: 'int4', list: [-8, 7, -1, 3, 5], bytes: 3 },
    { storage: 'uint4', list: [0, 15, 8], bytes: 2 },
    { storage: 'int8', list: [-128, 127, 0], bytes: 3 },
    { storage: 'uint8', list: [0, 255], bytes: 2 },
    { storage: 'int16', list: [-32768, 32767], bytes: 4 },
    { storage: 'uint16', list: [0, 65535], bytes: 4 },
  ] as const)('$storage keeps its integers in $bytes bytes', ({ storage, list, bytes }) => {
    const tensor = packIntegers('w', storage, [list.length], Int32Array.from(list))
    expect(tensor.data).toHaveLength(bytes)
    expect([...unpackIntegers(tensor, list.length)]).toEqual([...list])
  })

  it('packs the first element into the low bits', () => {
    expect([...packIntegers('w', 'uint4', [2], Int32Array.of(1, 2)).data]).toEqual([0x21])
  })

  it('name their constants after the weights', () => {
    const tensors = weightTensors('w', roundToNearest('conv', values, layout, perChannel, null), 'int8')
    expect([tensors.values, tensors.scale, tensors.zeroPoint].map(({ name, dims }) => [name, dims])).toEqual([
      ['w_q', [2, 3]],
      ['w_s', [2]],
      ['w_z', [2]],
    ])
  })
})

describe('bias', () => {
  it('has the scale s_x · s_w in float32', () => {
    const { values: integers, scale } = quantizeBias(Float32Array.of(1, -2), 0.1, Float32Array.of(0.5, 0.25), 32)
    expect([...scale]).toEqual([Math.fround(0.1 * 0.5), Math.fround(0.1 * 0.25)])
    expect([...integers]).toEqual([20, -80])
  })

  it('raises the scale of a channel whose bias would leave int32, and only that one', () => {
    const site: WeightSite = {
      layerId: 'conv', node: 'conv', inputTensor: 'x', weightName: 'w', weightIndex: 1, scheme: perChannel, layout,
      values: Float32Array.of(1e-9, 0, 0, 1, 2, 3), bias: { name: 'b', addNode: null, values: Float32Array.of(100, 1) }, biasBits: 32,
    } // prettier-ignore
    const input = { qmin: 0, qmax: 255, scale: Float32Array.of(0.01), zeroPoint: Int32Array.of(0), axis: null }
    const { weights, bias, raisedScales } = quantizeLayerWeights(site, input, roundToNearest)
    expect(raisedScales).toBe(1)
    expect(Math.abs(bias!.values[0]!)).toBeLessThanOrEqual(2 ** 30 * 1.001)
    expect(bias!.values[0]! * bias!.scale[0]!).toBeCloseTo(100, 4)
    expect(weights.params.scale[1]).toBe(Math.fround(3 / 127))
  })

  it('asks for the largest of all channels where the weights have one scale', () => {
    expect([...smallestWeightScales(Float32Array.of(1, -8), 0.5, 1)]).toEqual([Math.fround(8 / (0.5 * 2 ** 30))])
  })

  it.each([8, 16] as const)('with %i bits takes no more values than those', (bits) => {
    const bias = normals(seeded(5), 5000)
    const { values: integers } = quantizeBias(bias, 0.001, Float32Array.of(0.001), bits)
    expect(new Set(integers).size).toBeLessThan(2 ** bits)
    expect(Math.max(...integers)).toBeGreaterThan(2 ** bits)
  })
})

it('wants compact constants for depthwise networks of a million weights, not for small or dense ones', () => {
  const layer = (channels: number, inputs: number): Parameters<typeof wantsCompactConstants>[0][number] => {
    const site = {
      layerId: 'c',
      node: 'c',
      inputTensor: 'x',
      weightName: 'w',
      weightIndex: 1,
      scheme: perChannel,
      layout: { dims: [channels, inputs], axis: 0, sharedZeroPoint: true },
      values: new Float32Array(channels * inputs),
      bias: { name: 'b', addNode: null, values: new Float32Array(channels) },
      biasBits: 32 as const,
    }
    return quantizeLayerWeights(
      site,
      { qmin: 0, qmax: 255, scale: Float32Array.of(1), zeroPoint: Int32Array.of(0), axis: null },
      roundToNearest,
    )
  }
  expect(wantsCompactConstants([layer(20_000, 100)])).toBe(true)
  expect(wantsCompactConstants([layer(1000, 2000)])).toBe(false)
  expect(wantsCompactConstants([layer(1000, 10)])).toBe(false)
})

it('tells finite weights from broken ones', () => {
  expect(areFinite(values, [2, 3])).toBe(true)
  expect(areFinite(Float32Array.of(1, NaN), [2])).toBe(false)
  expect(areFinite(values, [7])).toBe(false)
})
