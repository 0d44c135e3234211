import type { DataType } from '../../shared/contract/tensor.ts'
import type { Tensor } from './model.ts'
import { smallFloatTable } from './small-floats.ts'

/** Number of elements of a shape. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/** Bits of one element in raw_data; 0 for strings. */
export function bitsOf(dataType: DataType): number {
  switch (dataType) {
    case 'uint2':
    case 'int2':
      return 2
    case 'uint4':
    case 'int4':
    case 'float4e2m1':
      return 4
    case 'uint8':
    case 'int8':
    case 'bool':
    case 'float8e4m3fn':
    case 'float8e4m3fnuz':
    case 'float8e5m2':
    case 'float8e5m2fnuz':
    case 'float8e8m0':
      return 8
    case 'uint16':
    case 'int16':
    case 'float16':
    case 'bfloat16':
      return 16
    case 'float':
    case 'int32':
    case 'uint32':
      return 32
    case 'int64':
    case 'uint64':
    case 'double':
    case 'complex64':
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

const INT64_MAX = 2n ** 63n - 1n

/** An int64 constant. 2^63, what "to the end" (the largest int64) becomes as a double, saturates to it. */
export function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  const saturated = (value: number): bigint => (value >= 2 ** 63 ? INT64_MAX : BigInt(value))
  return { name, dataType: 'int64', dims, data: bytesOf(BigInt64Array.from(values, saturated)) }
}

export function int32Tensor(name: string, dims: readonly number[], values: Int32Array): Tensor {
  return { name, dataType: 'int32', dims, data: bytesOf(values) }
}

export function byteTensor(
  name: string,
  dataType: 'int8' | 'uint8' | 'bool',
  dims: readonly number[],
  values: Int8Array | Uint8Array,
): Tensor {
  return { name, dataType, dims, data: bytesOf(values) }
}

/** The typed arrays that hold tensor values; the same as at an engine's border. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

/**
 * The values of a tensor as they are stored, a view where alignment allows (do not write to it): float16 and bfloat16 as
 * their bits in a Uint16Array, bool and float8 as bytes, complex as pairs. 4-bit and 2-bit types are unpacked into a new
 * Int8Array (int4, int2) or Uint8Array.
 * @throws Error for strings
 */
export function typedArrayOf(tensor: Tensor): TypedArray {
  const { dataType, data, dims } = tensor
  switch (dataType) {
    case 'float':
    case 'complex64':
      return view(Float32Array, data, 4)
    case 'double':
    case 'complex128':
      return view(Float64Array, data, 8)
    case 'int8':
      return view(Int8Array, data, 1)
    case 'uint8':
    case 'bool':
    case 'float8e4m3fn':
    case 'float8e4m3fnuz':
    case 'float8e5m2':
    case 'float8e5m2fnuz':
    case 'float8e8m0':
      return data
    case 'int16':
      return view(Int16Array, data, 2)
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return view(Uint16Array, data, 2)
    case 'int32':
      return view(Int32Array, data, 4)
    case 'uint32':
      return view(Uint32Array, data, 4)
    case 'int64':
      return view(BigInt64Array, data, 8)
    case 'uint64':
      return view(BigUint64Array, data, 8)
    case 'int4':
    case 'int2':
      return unpackSigned(data, elementCount(dims), dataType === 'int4' ? 4 : 2)
    case 'uint4':
    case 'float4e2m1':
    case 'uint2':
      return unpackUnsigned(data, elementCount(dims), dataType === 'uint2' ? 2 : 4)
    case 'string':
      throw new Error(`${tensor.name} holds strings, not numbers`)
  }
}

function view<T>(
  type: new (buffer: ArrayBuffer, byteOffset: number, length: number) => T,
  data: Uint8Array,
  size: number,
): T {
  const { buffer, byteOffset } = aligned(data, size)
  return new type(buffer as ArrayBuffer, byteOffset, Math.floor(data.byteLength / size))
}

/**
 * The values of a numeric tensor of any type as float32: a view for `float` (do not write to it), else a new array. Values that
 * float32 does not hold exactly (double, int32 and wider) are rounded to nearest.
 * @throws Error for strings and complex numbers
 */
export function toFloat32(tensor: Tensor): Float32Array {
  const { dataType } = tensor
  switch (dataType) {
    case 'float':
      return float32Of(tensor)
    case 'float16':
    case 'bfloat16':
    case 'float8e4m3fn':
    case 'float8e4m3fnuz':
    case 'float8e5m2':
    case 'float8e5m2fnuz':
    case 'float8e8m0':
    case 'float4e2m1':
      return lookUp(typedArrayOf(tensor) as Uint16Array | Uint8Array, smallFloatTable(dataType))
    case 'complex64':
    case 'complex128':
      throw new Error(`${tensor.name} holds complex numbers`)
    default: {
      const values = typedArrayOf(tensor)
      if (values instanceof BigInt64Array || values instanceof BigUint64Array) return Float32Array.from(values, Number)
      return Float32Array.from(values)
    }
  }
}

function lookUp(codes: Uint16Array | Uint8Array, table: Float32Array): Float32Array {
  const values = new Float32Array(codes.length)
  for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]!]!
  return values
}

/**
 * A tensor from values as `typedArrayOf` gives them; the array's bytes are taken over without a copy, except for 4-bit and 2-bit
 * types, which are packed.
 * @throws Error when the array does not have as many values as the shape, or not of the size of the type
 */
export function fromTypedArray(name: string, dataType: DataType, dims: readonly number[], values: TypedArray): Tensor {
  const bits = bitsOf(dataType)
  const data = bits === 2 || bits === 4 ? packBits(values as Int8Array | Uint8Array, bits) : bytesOf(values)
  if (bits === 0 || data.length !== byteLengthOf(dataType, dims)) {
    throw new Error(`${name}: ${values.length} values do not make ${dataType}[${dims.join(', ')}]`)
  }
  return { name, dataType, dims, data }
}

/** Packs small integers, one a byte (two's complement where signed), first element in the low bits. Source: ONNX docs/technical/int4.md. */
export function packBits(values: Int8Array | Uint8Array, bits: 2 | 4): Uint8Array {
  const perByte = 8 / bits
  const mask = 2 ** bits - 1
  const packed = new Uint8Array(Math.ceil(values.length / perByte))
  for (let i = 0; i < values.length; i++) {
    packed[Math.floor(i / perByte)]! |= (values[i]! & mask) << ((i % perByte) * bits)
  }
  return packed
}

/** The `count` unsigned integers in packed bytes, each in [0, 2^bits - 1]. */
export function unpackUnsigned(packed: Uint8Array, count: number, bits: 2 | 4): Uint8Array {
  const perByte = 8 / bits
  const mask = 2 ** bits - 1
  const values = new Uint8Array(count)
  for (let i = 0; i < count; i++) values[i] = (packed[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask
  return values
}

/** The `count` two's-complement integers in packed bytes, each in [-2^(bits-1), 2^(bits-1) - 1]. */
export function unpackSigned(packed: Uint8Array, count: number, bits: 2 | 4): Int8Array {
  const values = new Int8Array(unpackUnsigned(packed, count, bits))
  const shift = 32 - bits
  for (let i = 0; i < count; i++) values[i] = (values[i]! << shift) >> shift
  return values
}

/** The bits of 2- or 4-byte elements as unsigned integers; a view where alignment allows. */
export function wordsOf(data: Uint8Array, bytesPerElement: 2 | 4): Uint16Array | Uint32Array {
  return bytesPerElement === 2 ? view(Uint16Array, data, 2) : view(Uint32Array, data, 4)
}
