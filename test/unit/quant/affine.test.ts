import { describe, expect, it } from 'vitest'
import { dequantize, fakeQuantize, parameterCount, quantize, roundHalfEven } from '../../../src/main/quant/affine.ts'
import type { QuantParams } from '../../../src/main/quant/params.ts'
import { paramsOfRange } from '../../../src/main/quant/scheme.ts'
import { normals, seeded } from '../../builders/model-builder.ts'

const int8: QuantParams = {
  qmin: -128,
  qmax: 127,
  scale: Float32Array.of(0.1),
  zeroPoint: Int32Array.of(0),
  axis: null,
}

describe('quantize', () => {
  it.each([
    { why: 'a tie goes to the even integer', x: 0.25, q: 2 },
    { why: 'the quotient is rounded to float32 first', x: -0.35, q: -4 },
    { why: 'beyond the range it saturates', x: 99, q: 127 },
    { why: 'below the range it saturates', x: -99, q: -128 },
    { why: 'infinity saturates', x: Infinity, q: 127 },
    { why: 'NaN lands on the lower bound, as in the runtime', x: NaN, q: -128 },
    { why: 'a denormal is 0', x: 1e-40, q: 0 },
  ])('$why: $x becomes $q', ({ x, q }) => {
    expect([...quantize(Float32Array.of(x), int8)]).toEqual([q])
  })

  it('takes each channel’s own scale, wherever the axis lies', () => {
    const params = { ...int8, scale: Float32Array.of(1, 10), zeroPoint: Int32Array.of(0, 1) }
    const x = Float32Array.of(10, 20, 30, 40)
    expect([...quantize(x, { ...params, axis: 0 }, [2, 2])]).toEqual([10, 20, 4, 5])
    expect([...quantize(x, { ...params, axis: 1 }, [2, 2])]).toEqual([10, 3, 30, 5])
  })

  it('takes each block’s own scale, the last block being short', () => {
    const params = { ...int8, scale: Float32Array.of(1, 2, 4, 8), zeroPoint: new Int32Array(4), axis: 0, blockSize: 2 }
    // [3, 2]: blocks of rows 0–1 and row 2, one scale a column
    expect([...quantize(Float32Array.of(8, 8, 8, 8, 8, 8), params, [3, 2])]).toEqual([8, 4, 8, 4, 2, 1])
  })
})

it('a round trip within the range is off by half a step at most', () => {
  const x = normals(seeded(3), 10_000)
  const params = paramsOfRange({ rmin: -5, rmax: 5 }, { qmin: 0, qmax: 255, zeroPoint: null })
  const back = fakeQuantize(x, params)
  // half a step, and the rounding of the two float32 operations
  const most = (params.scale[0]! / 2) * (1 + 1e-5)
  expect(Math.max(...back.map((value, i) => Math.abs(value - x[i]!)))).toBeLessThanOrEqual(most)
})

it('dequantizes int32 through float32, as the runtime does', () => {
  const params = { ...int8, qmin: -(2 ** 31), qmax: 2 ** 31 - 1, scale: Float32Array.of(1) }
  expect([...dequantize(Int32Array.of(2 ** 24 + 1), params)]).toEqual([2 ** 24])
})

it('rounds half to even on both sides of 0', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4999].map((x) => roundHalfEven(x) + 0)).toEqual([0, 2, 2, 0, -2, -2, 2])
})

it('counts scales by granularity', () => {
  expect(parameterCount([4, 3, 2], null)).toBe(1)
  expect(parameterCount([4, 3, 2], 1)).toBe(3)
  expect(parameterCount([5, 3], 0, 2)).toBe(9)
})

it('refuses an axis without a shape', () => {
  expect(() => quantize(Float32Array.of(1), { ...int8, axis: 0 })).toThrow('shape')
  expect(() => quantize(Float32Array.of(1), { ...int8, axis: 3 }, [1])).toThrow('axis 3')
})
