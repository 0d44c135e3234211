import type { DataType } from '../../shared/contract/tensor.ts'
import type { Tensor } from './model.ts'

/** Number of elements of a shape. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/** Bits of one element in raw_data; 0 for strings. */
export function bitsOf(dataType: DataType): number {
  switch (dataType) {
    case 'uint2': case 'int2':
      return 2
    case 'uint4': case 'int4': case 'float4e2m1':
      return 4
    case 'uint8': case 'int8': case 'bool': case 'float8e4m3fn': case 'float8e4m3fnuz': case 'float8e5m2':
    case 'float8e5m2fnuz': case 'float8e8m0':
      return 8
    case 'uint16': case 'int16': case 'float16': case 'bfloat16':
      return 16
    case 'float': case 'int32': case 'uint32':
      return 32
    case 'int64': case 'uint64': case 'double': case 'complex64':
      return 64
    case 'complex128':
      return 128
    case 'string':
      return 0
  }
}

/** Bytes of a tensor's data as stored: `dims` elements of `dataType`, sub-byte types packed and rounded up. */
export function byteLengthOf(dataType: DataType, dims: readonly number[]): number {
  return Math.ceil((elementCount(dims) * bitsOf(dataType)) / 8)
}

function aligned(data: Uint8Array, bytesPerElement: number): { buffer: ArrayBufferLike; byteOffset: number } {
  const source = data.byteOffset % bytesPerElement === 0 ? data : data.slice()
  return { buffer: source.buffer, byteOffset: source.byteOffset }
}

function expectType(tensor: Tensor, dataType: DataType): void {
  if (tensor.dataType !== dataType) throw new Error(`${tensor.name} is ${tensor.dataType}, expected ${dataType}`)
}

/** A view (or an aligned copy) of a float tensor's values; do not write to it. */
export function float32Of(tensor: Tensor): Float32Array {
  expectType(tensor, 'float')
  const { buffer, byteOffset } = aligned(tensor.data, 4)
  return new Float32Array(buffer as ArrayBuffer, byteOffset, tensor.data.byteLength / 4)
}

/** A view (or an aligned copy) of an int64 tensor's values. */
export function int64Of(tensor: Tensor): BigInt64Array {
  expectType(tensor, 'int64')
  const { buffer, byteOffset } = aligned(tensor.data, 8)
  return new BigInt64Array(buffer as ArrayBuffer, byteOffset, tensor.data.byteLength / 8)
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

export function floatTensor(name: string, dims: readonly number[], values: Float32Array | readonly number[]): Tensor {
  const array = values instanceof Float32Array ? values : Float32Array.from(values)
  return { name, dataType: 'float', dims, data: bytesOf(array) }
}

export function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  return { name, dataType: 'int64', dims, data: bytesOf(BigInt64Array.from(values, (value) => BigInt(value))) }
}

export function int32Tensor(name: string, dims: readonly number[], values: Int32Array): Tensor {
  return { name, dataType: 'int32', dims, data: bytesOf(values) }
}

export function byteTensor(name: string, dataType: 'int8' | 'uint8' | 'bool', dims: readonly number[], values: Int8Array | Uint8Array): Tensor {
  return { name, dataType, dims, data: bytesOf(values) }
}
