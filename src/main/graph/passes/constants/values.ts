import type { DataType } from '../../../../shared/contract/tensor.ts'
import type { Tensor } from '../../model.ts'
import { bitsOf, elementCount, float32Of, int64Of } from '../../tensors.ts'

/** Numbers of a constant: int64 and uint64 as BigInt64Array or BigUint64Array, all else (bool as 0 and 1) as doubles, exactly. */
export type Numbers = Float64Array | BigInt64Array | BigUint64Array

/** Element types that arithmetic is done on; others (float16, strings, 4 bits …) can only be moved. */
export type NumberType =
  'float' | 'double' | 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'bool'

const VIEWS = {
  double: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const

export function isNumberType(dataType: DataType): dataType is NumberType {
  return dataType === 'float' || dataType === 'int64' || dataType in VIEWS
}

/** True for the types carried as bigint. */
export function isBig(dataType: DataType): dataType is 'int64' | 'uint64' {
  return dataType === 'int64' || dataType === 'uint64'
}

/** The numbers of a constant, or null for types without arithmetic. */
export function numbersOf(tensor: Tensor): Numbers | null {
  if (tensor.dataType === 'float') return Float64Array.from(float32Of(tensor))
  if (tensor.dataType === 'int64') return int64Of(tensor)
  if (!isNumberType(tensor.dataType)) return null
  const View = VIEWS[tensor.dataType]
  const { buffer } = tensor.data.slice() // aligned copy
  const view = new View(buffer)
  return view instanceof BigUint64Array ? view : Float64Array.from(view)
}

/** The values as plain numbers; int64 beyond 2^53 is rounded. Null for types without arithmetic. */
export function plainNumbers(tensor: Tensor): number[] | null {
  const numbers = numbersOf(tensor)
  return numbers === null ? null : Array.from<number | bigint, number>(numbers, Number)
}

/**
 * A constant of these numbers. Floats are rounded to the type once; integers wrap around as they do in C.
 * @param values doubles, or bigints for int64 and uint64
 */
export function tensorOf(name: string, dataType: NumberType, dims: readonly number[], values: Numbers): Tensor {
  const array = isBig(dataType) ? bigArray(dataType, values) : smallArray(dataType, values as Float64Array)
  return { name, dataType, dims, data: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) }
}

function bigArray(dataType: 'int64' | 'uint64', values: Numbers): BigInt64Array | BigUint64Array {
  const big = values as BigInt64Array
  return dataType === 'int64' ? BigInt64Array.from(big) : BigUint64Array.from(big)
}

function smallArray(
  dataType: Exclude<NumberType, 'int64' | 'uint64'>,
  values: Float64Array,
): ArrayBufferView<ArrayBuffer> {
  return dataType === 'float' ? Float32Array.from(values) : VIEWS[dataType].from(values)
}

/** Row-major strides in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1)
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * dims[axis + 1]!
  return strides
}

/**
 * The constant whose element at each position is the source element `offset + Σ position[axis] · strides[axis]`: what
 * Transpose, Slice and Expand have in common. Null for types that are not whole bytes.
 */
export function strided(
  source: Tensor,
  name: string,
  dims: readonly number[],
  strides: readonly number[],
  offset = 0,
): Tensor | null {
  const bytes = bitsOf(source.dataType) / 8
  if (bytes < 1) return null
  const count = elementCount(dims)
  const data = new Uint8Array(count * bytes)
  const position = new Array<number>(dims.length).fill(0)
  let at = offset
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < bytes; b++) data[i * bytes + b] = source.data[at * bytes + b]!
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis]!
      if (++position[axis]! < dims[axis]!) break
      at -= strides[axis]! * dims[axis]!
      position[axis] = 0
    }
  }
  return { name, dataType: source.dataType, dims, data }
}

/** A non-negative axis, or null when it is out of range. */
export function axisWithin(axis: number, rank: number): number | null {
  const positive = axis < 0 ? axis + rank : axis
  return Number.isInteger(positive) && positive >= 0 && positive < rank ? positive : null
}

/** Dims of `a` and `b` broadcast against one another, or null when they do not fit. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length)
  const dims: number[] = []
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    if (x !== y && x !== 1 && y !== 1) return null
    dims.push(x === 1 ? y : x)
  }
  return dims
}

/** Strides that read a tensor of `from` dims as if it had `to` dims: 0 where an axis is repeated. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from)
  return to.map((_, i) => {
    const axis = i - (to.length - from.length)
    return axis < 0 || from[axis] === 1 ? 0 : strides[axis]!
  })
}
