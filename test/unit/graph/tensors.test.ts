import { describe, expect, it } from 'vitest'
import type { DataType } from '../../../src/shared/contract/tensor.ts'
import { countNonFinite, findNonFinite, nonFiniteNotes } from '../../../src/main/graph/non-finite.ts'
import {
  byteLengthOf,
  floatTensor,
  fromTypedArray,
  packBits,
  toFloat32,
  typedArrayOf,
  unpackSigned,
  unpackUnsigned,
} from '../../../src/main/graph/tensors.ts'
import type { TypedArray } from '../../../src/main/graph/tensors.ts'
import { smallFloatTable } from '../../../src/main/graph/small-floats.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'

const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

describe('packed integers', () => {
  it('the first element lies in the low bits', () => {
    expect([...packBits(Uint8Array.of(1, 2, 3), 4)]).toEqual([0x21, 0x03])
    expect([...packBits(Int8Array.of(-1, 0, 1, -2, -1), 2)]).toEqual([0b10010011, 0b11])
  })

  it.each([
    [4, -8, 7],
    [2, -2, 1],
  ] as const)('%i bits: every value and length comes back', (bits, lowest, highest) => {
    for (let length = 0; length < 12; length++) {
      const signed = Int8Array.from({ length }, (_, i) => lowest + (i % (highest - lowest + 1)))
      const unsigned = Uint8Array.from({ length }, (_, i) => i % 2 ** bits)
      expect(unpackSigned(packBits(signed, bits), length, bits)).toEqual(signed)
      expect(unpackUnsigned(packBits(unsigned, bits), length, bits)).toEqual(unsigned)
      expect(packBits(unsigned, bits)).toHaveLength(byteLengthOf(bits === 4 ? 'uint4' : 'uint2', [length]))
    }
  })
})

describe('typed values', () => {
  it.each<[DataType, TypedArray]>([
    ['float', Float32Array.of(1, -2)],
    ['double', Float64Array.of(1, -2)],
    ['int8', Int8Array.of(1, -2)],
    ['uint8', Uint8Array.of(1, 254)],
    ['int16', Int16Array.of(1, -2)],
    ['uint16', Uint16Array.of(1, 65534)],
    ['int32', Int32Array.of(1, -2)],
    ['uint32', Uint32Array.of(1, 2 ** 32 - 2)],
    ['int64', BigInt64Array.of(1n, -2n)],
    ['uint64', BigUint64Array.of(1n, 2n ** 63n)],
    ['bool', Uint8Array.of(1, 0)],
    ['float16', Uint16Array.of(0x3c00, 0)],
    ['int4', Int8Array.of(-8, 7)],
    ['uint4', Uint8Array.of(15, 0)],
    ['int2', Int8Array.of(-2, 1)],
    ['uint2', Uint8Array.of(3, 0)],
  ])('%s there and back', (dataType, values) => {
    const tensor = fromTypedArray('t', dataType, [2], values)
    expect(typedArrayOf(tensor)).toEqual(values)
    // and from bytes that no typed array may start at
    const shifted = new Uint8Array(tensor.data.length + 1)
    shifted.set(tensor.data, 1)
    expect(typedArrayOf({ ...tensor, data: shifted.subarray(1) })).toEqual(values)
  })

  it('refuse a shape that does not fit', () => {
    expect(() => fromTypedArray('t', 'float', [3], Float32Array.of(1))).toThrow(/1 values do not make float\[3\]/)
    expect(() => fromTypedArray('t', 'int16', [1], Float32Array.of(1))).toThrow()
  })
})

describe('as float32', () => {
  it.each<[string, DataType, TypedArray, number[]]>([
    [
      'float16',
      'float16',
      Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0xfc00),
      [1, -2, 65504, 2 ** -24, -0, Infinity, -Infinity],
    ],
    ['bfloat16', 'bfloat16', Uint16Array.of(0x3f80, 0xc049, 0x7f80, 0x0001), [1, -3.140625, Infinity, 2 ** -133]],
    ['float8 e4m3fn', 'float8e4m3fn', Uint8Array.of(0x38, 0x7e, 0x01, 0xff), [1, 448, 2 ** -9, NaN]],
    ['float8 e5m2', 'float8e5m2', Uint8Array.of(0x3c, 0x7b, 0x7c, 0xfd), [1, 57344, Infinity, NaN]],
    ['float8 e4m3fnuz', 'float8e4m3fnuz', Uint8Array.of(0x40, 0x7f, 0x80), [1, 240, NaN]],
    ['float8 e5m2fnuz', 'float8e5m2fnuz', Uint8Array.of(0x40, 0x7f, 0x80), [1, 57344, NaN]],
    ['float4 e2m1', 'float4e2m1', Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 15), [0, 0.5, 1, 1.5, 2, 3, 4, 6, -6]],
    ['float8 e8m0', 'float8e8m0', Uint8Array.of(127, 0, 255), [1, 2 ** -127, NaN]],
    ['double, rounded', 'double', Float64Array.of(0.1, 1e300), [Math.fround(0.1), Infinity]],
    ['int64', 'int64', BigInt64Array.of(-3n, 2n ** 40n), [-3, 2 ** 40]],
    ['int4', 'int4', Int8Array.of(-8, 7, 3), [-8, 7, 3]],
    ['bool', 'bool', Uint8Array.of(1, 0), [1, 0]],
  ])('%s', (_, dataType, values, expected) => {
    expect([...toFloat32(fromTypedArray('t', dataType, [values.length], values))]).toEqual(expected)
  })

  it('strings and complex numbers are refused', () => {
    expect(() =>
      toFloat32({ name: 's', dataType: 'string', dims: [0], data: new Uint8Array(0), strings: [] }),
    ).toThrow()
    expect(() => toFloat32({ name: 'c', dataType: 'complex64', dims: [0], data: new Uint8Array(0) })).toThrow()
  })

  it('finite half values rise with their codes', () => {
    const table = smallFloatTable('float16')
    const rising = table.subarray(1, 0x7c00).every((value, i) => value > table[i]!)
    expect(rising).toBe(true)
  })
})

describe('values that are not finite', () => {
  it.each<[DataType, TypedArray]>([
    ['float', Float32Array.of(1, NaN, -Infinity, -NaN, 3e38)],
    ['double', Float64Array.of(1, NaN, Infinity, NaN, 1e308)],
    ['float16', Uint16Array.of(0x3c00, 0x7e00, 0xfc00, 0xffff, 0x7bff)],
    ['bfloat16', Uint16Array.of(0x3f80, 0x7fc0, 0xff80, 0xffc0, 0x7f7f)],
  ])('of %s are counted', (dataType, values) => {
    expect(countNonFinite(fromTypedArray('t', dataType, [5], values))).toEqual({ nan: 2, infinite: 1 })
  })

  it('are found in initializers and constants and put into words', () => {
    const b = new ModelBuilder()
    b.floats([1, NaN], [2], 'bad')
    b.floats([1, 2], [2], 'good')
    b.node('Constant', [], { value: { kind: 'tensor', value: floatTensor('', [1], [Infinity]) } }, { outputs: ['c'] })
    expect(findNonFinite(b.build())).toEqual([
      { tensor: 'bad', nan: 1, infinite: 0 },
      { tensor: 'c', nan: 0, infinite: 1 },
    ])
    expect(nonFiniteNotes(b.build())[0]).toContain('"bad" (1 NaN, 0 infinite), "c" (0 NaN, 1 infinite)')
  })

  it('are not in a sound model', () => {
    expect(nonFiniteNotes(new ModelBuilder().build())).toEqual([])
  })
})

it('bytes are taken over without a copy', () => {
  const values = Float32Array.of(1, 2)
  expect(fromTypedArray('t', 'float', [2], values).data.buffer).toBe(values.buffer)
  expect(fromTypedArray('t', 'float', [2], values).data).toEqual(bytesOf(values))
})
