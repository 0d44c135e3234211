import type { WeightStorage } from '../../shared/contract/plan.ts'
import type { Tensor } from '../graph/model.ts'
import { containerBits, isSigned } from './scheme.ts'

/**
 * A constant of integers in a container; 4-bit ones are packed two a byte, the first in the low bits.
 * @param values integers within the container's range, row-major, one an element
 * Source: onnx.proto, TensorProto.raw_data and the note on 4-bit types.
 */
export function packIntegers(
  name: string,
  dataType: WeightStorage,
  dims: readonly number[],
  values: Int32Array,
): Tensor {
  return { name, dataType, dims, data: bytesOf(dataType, values) }
}

function bytesOf(dataType: WeightStorage, values: Int32Array): Uint8Array {
  switch (containerBits(dataType)) {
    case 4:
      return packNibbles(values)
    case 8:
      return Uint8Array.from(values)
    case 16:
      return new Uint8Array(Uint16Array.from(values).buffer)
  }
}

function packNibbles(values: Int32Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(values.length / 2))
  for (let i = 0; i < values.length; i++) packed[i >> 1]! |= (values[i]! & 15) << (4 * (i & 1))
  return packed
}

/** The integers of a constant made by `packIntegers`, one an element; `count` is its number of elements. */
export function unpackIntegers(tensor: Tensor, count: number): Int32Array {
  const { data, dataType } = tensor
  if (dataType === 'int32') return new Int32Array(data.slice().buffer, 0, count)
  const values = new Int32Array(count)
  const storage = dataType as WeightStorage
  const bits = containerBits(storage)
  const signBit = isSigned(storage) ? 2 ** (bits - 1) : 2 ** bits
  for (let i = 0; i < count; i++) {
    const raw =
      bits === 4
        ? (data[i >> 1]! >> (4 * (i & 1))) & 15
        : bits === 8
          ? data[i]!
          : data[2 * i]! | (data[2 * i + 1]! << 8)
    values[i] = raw >= signBit ? raw - 2 ** bits : raw
  }
  return values
}
