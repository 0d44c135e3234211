import { expect, it } from 'vitest'
import { fromFloat16Bits, toFloat16Bits } from '../../../src/main/data/float16.ts'

it.each([
  { why: 'one', value: 1, bits: 0x3c00 },
  { why: 'minus two', value: -2, bits: 0xc000 },
  { why: 'negative zero', value: -0, bits: 0x8000 },
  { why: 'a third, rounded', value: 1 / 3, bits: 0x3555 },
  { why: 'a tie goes to the even neighbour below', value: 1 + 1 / 2048, bits: 0x3c00 },
  { why: 'a tie goes to the even neighbour above', value: 1 + 3 / 2048, bits: 0x3c02 },
  { why: 'the largest finite value', value: 65504, bits: 0x7bff },
  { why: 'what rounds above it becomes infinite', value: 65520, bits: 0x7c00 },
  { why: 'the smallest subnormal', value: 2 ** -24, bits: 0x0001 },
  { why: 'half of that is a tie to zero', value: 2 ** -25, bits: 0x0000 },
  { why: 'a subnormal that rounds up to a normal', value: 2 ** -14 - 2 ** -26, bits: 0x0400 },
  { why: 'infinity', value: -Infinity, bits: 0xfc00 },
  { why: 'NaN', value: NaN, bits: 0x7e00 },
])('$why: $value', ({ value, bits }) => {
  expect(toFloat16Bits(value)).toBe(bits)
})

it('every finite half survives the round trip', () => {
  let broken = 0
  for (let bits = 0; bits < 0x7c00; bits++) {
    if (toFloat16Bits(fromFloat16Bits(bits)) !== bits) broken++
    if (toFloat16Bits(fromFloat16Bits(bits | 0x8000)) !== (bits | 0x8000)) broken++
  }
  expect(broken).toBe(0)
  expect(fromFloat16Bits(0x7c00)).toBe(Infinity)
  expect(fromFloat16Bits(0x7e00)).toBeNaN()
})
