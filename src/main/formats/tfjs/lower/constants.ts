import type { Tensor } from '../../../graph/model.ts'
import { bitsOf, elementCount, float32Of, floatTensor, typedArrayOf, type TypedArray } from '../../../graph/tensors.ts'
import { isPlain, permuted, type Order } from './value.ts'

/** A constant with its axes in another order: axis `i` of the result is axis `order[i]` of the source. */
export function permuteTensor(tensor: Tensor, order: Order): Tensor {
  if (isPlain(order)) return tensor
  const size = bitsOf(tensor.dataType) / 8
  const strides = stridesOf(tensor.dims)
  const dims = permuted(tensor.dims, order)
  return { ...tensor, dims, data: gather(tensor.data, size, dims, permuted(strides, order)) }
}

/** Copies elements of `size` bytes in the order of `dims`, stepping through the source by `strides` elements. */
function gather(source: Uint8Array, size: number, dims: readonly number[], strides: readonly number[]): Uint8Array {
  const count = elementCount(dims)
  const from = elementsOf(source, size)
  const to = elementsOf(new Uint8Array(count * size), size)
  const position = new Array<number>(dims.length).fill(0)
  let at = 0
  for (let i = 0; i < count; i++) {
    to[i] = from[at]!
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis]!
      if (++position[axis]! < dims[axis]!) break
      at -= strides[axis]! * dims[axis]!
      position[axis] = 0
    }
  }
  return new Uint8Array(to.buffer, to.byteOffset, to.byteLength)
}

/** The bytes as unsigned integers of the size of one element, only carried, never read as numbers. */
function elementsOf(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array | BigUint64Array {
  const source = bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  const { buffer, byteOffset, byteLength } = source as Uint8Array<ArrayBuffer>
  if (size === 1) return source
  if (size === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2)
  if (size === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4)
  return new BigUint64Array(buffer, byteOffset, byteLength / 8)
}

function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1)
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * dims[i + 1]!
  return strides
}

export function renamed(tensor: Tensor, name: string): Tensor {
  return tensor.name === name ? tensor : { ...tensor, name }
}

/** The numbers of a constant; int64 as doubles. */
export function numbersIn(tensor: Tensor): number[] {
  const values: TypedArray = typedArrayOf(tensor)
  return Array.from(values as Iterable<number | bigint>, Number)
}

/** The product of two float constants, where one has the last dims of the other (a factor for each channel); null otherwise. */
export function productOfConstants(name: string, a: Tensor, b: Tensor): Tensor | null {
  if (a.dims.length < b.dims.length) return productOfConstants(name, b, a)
  const isSuffix = b.dims.every((dim, i) => dim === a.dims[a.dims.length - b.dims.length + i])
  if (a.dataType !== 'float' || b.dataType !== 'float' || !isSuffix) return null
  const [values, factors] = [float32Of(a), float32Of(b)]
  return floatTensor(
    name,
    a.dims,
    values.map((value, i) => value * factors[i % factors.length]!),
  )
}
