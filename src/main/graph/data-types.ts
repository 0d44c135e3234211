import type { DataType } from '../../shared/contract/tensor.ts'

/** TensorProto.DataType by number; index 0 is undefined. Source: onnx.proto, TensorProto.DataType. */
const BY_NUMBER: readonly (DataType | null)[] = [
  null,
  'float',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
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

/** The element type that attributes such as Cast's `to` name by number, or null for one that does not exist. */
export function dataTypeOfNumber(number: number): DataType | null {
  return BY_NUMBER[number] ?? null
}

/** The number by which a file names an element type. */
export function numberOfDataType(dataType: DataType): number {
  return BY_NUMBER.indexOf(dataType)
}
