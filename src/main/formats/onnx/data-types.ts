import type { DataType } from '../../../shared/contract/tensor.ts'

/** Place in the list = number in the file; 0 (UNDEFINED) is null. Source: onnx.proto, TensorProto.DataType. */
const names: readonly (DataType | null)[] = [
  null, 'float', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool', 'float16', 'double', 'uint32',
  'uint64', 'complex64', 'complex128', 'bfloat16', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz',
  'uint4', 'int4', 'float4e2m1', 'float8e8m0', 'uint2', 'int2',
]

const numbers = new Map(names.map((name, number) => [name, number]))

/** The type with that number in a file, or null for undefined, reserved and newer ones. */
export function dataTypeOf(number: number): DataType | null {
  return names[number] ?? null
}

/** The number that stands for a type in a file. Source: onnx.proto, TensorProto.DataType. */
export function numberOf(dataType: DataType): number {
  return numbers.get(dataType)!
}
