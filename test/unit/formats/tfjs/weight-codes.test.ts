import { describe, expect, it } from 'vitest'
import { halfOf, storeWeight } from '../../../../src/main/formats/tfjs/write/weight-codes.ts'
import { smallFloatTable } from '../../../../src/main/graph/small-floats.ts'
import { normals, seeded } from '../../../builders/model-builder.ts'

describe('float16', () => {
  const table = smallFloatTable('float16')

  it('every finite code comes back', () => {
    for (let code = 0; code < 65536; code++) {
      const value = table[code]!
      if (Number.isFinite(value)) expect(halfOf(value), String(value)).toBe(code)
    }
  })

  it.each([
    { why: 'a tie goes to the even code', value: 1 + 2 ** -11, half: 1 },
    { why: 'a tie goes to the even code, upwards', value: 1 + 3 * 2 ** -11, half: 1 + 2 ** -9 },
    { why: 'just above a tie is rounded up', value: 1 + 2 ** -11 + 2 ** -20, half: 1 + 2 ** -10 },
    { why: 'rounding may reach the next power of two', value: 2 - 2 ** -13, half: 2 },
    { why: 'the smallest subnormal holds what is nearer to it than to 0', value: 2 ** -24 * 0.75, half: 2 ** -24 },
    { why: 'half of the smallest is a tie, and 0 is even', value: 2 ** -25, half: 0 },
    { why: 'beyond the range the largest finite number stands', value: 1e9, half: 65504 },
    { why: 'signs are kept', value: -1e9, half: -65504 },
  ])('$why', ({ value, half }) => {
    expect(table[halfOf(value)]).toBe(half)
  })
})

describe('uint8 and uint16', () => {
  const restored = (values: Float32Array, storage: 'uint8' | 'uint16'): Float32Array => {
    const { bytes, quantization } = storeWeight(values, storage)
    const codes = storage === 'uint8' ? bytes : new Uint16Array(bytes.slice().buffer)
    return Float32Array.from(codes, (code) => code * quantization!.scale! + quantization!.min!)
  }

  it.each(['uint8', 'uint16'] as const)('%s: 0 stays 0, and nothing is moved by more than a step', (storage) => {
    const values = normals(seeded(3), 500)
    values[7] = 0
    const { quantization, error } = storeWeight(values, storage)
    const found = restored(values, storage)
    expect(found[7]).toBe(0)
    let sum = 0
    values.forEach((value, i) => {
      expect(Math.abs(value - found[i]!)).toBeLessThanOrEqual(quantization!.scale! * 1.0001)
      sum += (value - found[i]!) ** 2
    })
    expect(error).toBeCloseTo(sum, 10)
  })

  it('a range without 0 is not moved: both ends come back', () => {
    const found = restored(Float32Array.of(2, 2.5, 3), 'uint8')
    expect([found[0], found[2]]).toEqual([2, 3])
  })

  it.each([[[5, 5, 5]], [[0, 0]], [[-0.25]], [[]]])('one value throughout is exact: %s', (values) => {
    const array = Float32Array.from(values)
    expect([...restored(array, 'uint8')]).toEqual([...array])
    expect(storeWeight(array, 'uint8').error).toBe(0)
  })
})
