import { describe, expect, it } from 'vitest'
import type { DataType } from '../../../../src/shared/contract/tensor.ts'
import { decodeModel, modelBytes } from '../../../../src/main/formats/onnx/index.ts'
import { numberOfDataType } from '../../../../src/main/graph/data-types.ts'
import type { Tensor } from '../../../../src/main/graph/model.ts'
import { float32Of, int64Of, toFloat32, typedArrayOf } from '../../../../src/main/graph/tensors.ts'
import { fileWithTensor } from '../../../builders/onnx-proto.ts'

type Fields = Parameters<typeof fileWithTensor>[0]

function decoded(dataType: DataType, dims: number[], fields: Fields): Tensor {
  const file = fileWithTensor({ dataType: numberOfDataType(dataType), dims: dims.map(BigInt), ...fields })
  return decodeModel(file).graph.initializers.get('w')!
}

const bytes = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

describe('typed fields', () => {
  it.each<{ why: string; dataType: DataType; dims?: number[]; fields: Fields; data: ArrayBufferView }>([
    {
      why: 'float in float_data',
      dataType: 'float',
      fields: { floatData: [1.5, NaN] },
      data: Float32Array.of(1.5, NaN),
    },
    {
      why: 'complex64 as pairs in float_data',
      dataType: 'complex64',
      fields: { floatData: [1, 2, 3, 4] },
      data: Float32Array.of(1, 2, 3, 4),
    },
    {
      why: 'int32 in int32_data',
      dataType: 'int32',
      fields: { int32Data: [-1, 2 ** 31 - 1] },
      data: Int32Array.of(-1, 2 ** 31 - 1),
    },
    { why: 'int16 in int32_data', dataType: 'int16', fields: { int32Data: [-2, 300] }, data: Int16Array.of(-2, 300) },
    {
      why: 'uint16 in int32_data',
      dataType: 'uint16',
      fields: { int32Data: [65535, 1] },
      data: Uint16Array.of(65535, 1),
    },
    { why: 'int8 in int32_data', dataType: 'int8', fields: { int32Data: [-128, 127] }, data: Int8Array.of(-128, 127) },
    { why: 'uint8 in int32_data', dataType: 'uint8', fields: { int32Data: [255, 0] }, data: Uint8Array.of(255, 0) },
    { why: 'bool in int32_data', dataType: 'bool', fields: { int32Data: [1, 0] }, data: Uint8Array.of(1, 0) },
    {
      why: 'float16 bits in int32_data',
      dataType: 'float16',
      fields: { int32Data: [0x3c00, 0xc000] },
      data: Uint16Array.of(0x3c00, 0xc000),
    },
    {
      why: 'bfloat16 bits in int32_data',
      dataType: 'bfloat16',
      fields: { int32Data: [0x3f80, 0xff80] },
      data: Uint16Array.of(0x3f80, 0xff80),
    },
    {
      why: 'float8 bits in int32_data',
      dataType: 'float8e4m3fn',
      fields: { int32Data: [0x38, 0xff] },
      data: Uint8Array.of(0x38, 0xff),
    },
    {
      why: 'two int4 in one entry of int32_data',
      dataType: 'int4',
      dims: [3],
      fields: { int32Data: [0x21, 0x0f] },
      data: Uint8Array.of(0x21, 0x0f),
    },
    {
      why: 'four uint2 in one entry of int32_data',
      dataType: 'uint2',
      dims: [5],
      fields: { int32Data: [0b11100100, 1] },
      data: Uint8Array.of(0b11100100, 1),
    },
    {
      why: 'int64 in int64_data',
      dataType: 'int64',
      fields: { int64Data: [-(2n ** 63n), 5n] },
      data: BigInt64Array.of(-(2n ** 63n), 5n),
    },
    {
      why: 'uint64 in uint64_data',
      dataType: 'uint64',
      fields: { uint64Data: [2n ** 64n - 1n, 5n] },
      data: BigUint64Array.of(2n ** 64n - 1n, 5n),
    },
    {
      why: 'uint32 in uint64_data',
      dataType: 'uint32',
      fields: { uint64Data: [2n ** 32n - 1n, 5n] },
      data: Uint32Array.of(2 ** 32 - 1, 5),
    },
    {
      why: 'double in double_data',
      dataType: 'double',
      fields: { doubleData: [0.1, -0] },
      data: Float64Array.of(0.1, -0),
    },
    {
      why: 'complex128 as pairs in double_data',
      dataType: 'complex128',
      dims: [1],
      fields: { doubleData: [1, 2] },
      data: Float64Array.of(1, 2),
    },
    {
      why: 'raw_data wins over an empty typed field',
      dataType: 'float',
      fields: { rawData: bytes(Float32Array.of(1, 2)) },
      data: Float32Array.of(1, 2),
    },
    {
      why: 'an empty raw_data beside a filled field is no data',
      dataType: 'float',
      fields: { rawData: new Uint8Array(0), floatData: [1, 2] },
      data: Float32Array.of(1, 2),
    },
  ])('$why', ({ dataType, dims, fields, data }) => {
    expect(decoded(dataType, dims ?? [2], fields).data).toEqual(bytes(data))
  })

  it('strings keep their bytes', () => {
    const strings = [Uint8Array.of(104, 105), new Uint8Array(0)]
    expect(decoded('string', [2], { stringData: strings }).strings).toEqual(strings)
  })

  it('a scalar and an empty tensor', () => {
    expect(decoded('float', [], { floatData: [3] }).data).toHaveLength(4)
    expect(decoded('float', [0, 7], {}).data).toHaveLength(0)
  })

  it('raw_data is a view of the file, not a copy', () => {
    const file = fileWithTensor({ dataType: 1, dims: [1n], rawData: bytes(Float32Array.of(1)) })
    expect(decodeModel(file).graph.initializers.get('w')!.data.buffer).toBe(file.buffer)
  })

  it('values can be read wherever they lie in the file', () => {
    for (const name of ['w', 'ww', 'www', 'wwww']) {
      const file = fileWithTensor({ dataType: 1, dims: [2n], rawData: bytes(Float32Array.of(1, -2)), docString: name })
      expect([...float32Of(decodeModel(file).graph.initializers.get('w')!)]).toEqual([1, -2])
    }
  })
})

const all: readonly DataType[] = [
  'float',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'bool',
  'float16',
  'double',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
  'float8e8m0',
  'uint2',
  'int2',
]

it.each(all)('%s survives writing and reading', (dataType) => {
  const length =
    { int2: 2, uint2: 2, int4: 3, uint4: 3, float4e2m1: 3 }[dataType as string] ??
    5 *
      typedArrayOf({ name: '', dataType, dims: [0], data: new Uint8Array(0) }).BYTES_PER_ELEMENT *
      (dataType.startsWith('complex') ? 2 : 1)
  const data = Uint8Array.from({ length }, (_, i) => (i * 37) % 64)
  const tensor = decoded(dataType, [5], { rawData: data })
  const model = decodeModel(fileWithTensor({ dataType: numberOfDataType(dataType), dims: [5n], rawData: data }))
  expect(tensor.data).toEqual(data)
  expect(decodeModel(modelBytes(model)).graph.initializers).toEqual(model.graph.initializers)
})

it('int64 values come out as they are', () => {
  expect([...int64Of(decoded('int64', [2], { int64Data: [-1n, 7n] }))]).toEqual([-1n, 7n])
})

it('float16 weights read as float32', () => {
  expect([...toFloat32(decoded('float16', [2], { int32Data: [0x3c00, 0x0001] }))]).toEqual([1, 2 ** -24])
})
