import { smallFloatTable } from '../../../graph/small-floats.ts'

/** How a weight is stored in the shards; computing is in float32 whatever it is. */
export type WeightStorage = 'float32' | 'float16' | 'uint16' | 'uint8'

export const WEIGHT_STORAGES: readonly WeightStorage[] = ['float32', 'float16', 'uint16', 'uint8']

/** A weight as it goes into a shard, with what the manifest says of it. */
export interface StoredWeight {
  readonly bytes: Uint8Array
  readonly quantization: {
    readonly dtype: string
    readonly scale?: number
    readonly min?: number
    readonly original_dtype: string
  } | null
  /** Σ (value − stored value)² */
  readonly error: number
}

/**
 * Stores float32 values: real = q · scale + min for uint8 and uint16. A range that holds 0 is moved by less than half a step, so that 0
 * stays exactly 0 (padding, pruned weights); one without 0 is not (STYLE, words).
 * Source: tensorflowjs, quantization.py, quantize_weights.
 */
export function storeWeight(values: Float32Array, storage: WeightStorage): StoredWeight {
  switch (storage) {
    case 'float32':
      return { bytes: bytesOf(values), quantization: null, error: 0 }
    case 'float16':
      return storeHalf(values)
    case 'uint8':
    case 'uint16':
      return storeAffine(values, storage)
  }
}

function storeAffine(values: Float32Array, dtype: 'uint8' | 'uint16'): StoredWeight {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const most = dtype === 'uint8' ? 255 : 65535
  const codes = dtype === 'uint8' ? new Uint8Array(values.length) : new Uint16Array(values.length)
  if (!(high > low)) {
    // one value throughout is kept as min
    const min = values.length > 0 ? values[0]! : 0
    return { bytes: bytesOf(codes), quantization: { dtype, scale: 1, min, original_dtype: 'float32' }, error: 0 }
  }
  const scale = (high - low) / most
  const min = low <= 0 && high >= 0 ? -Math.round(-low / scale) * scale : low
  let error = 0
  for (let i = 0; i < codes.length; i++) {
    const value = values[i]!
    const code = Math.min(most, Math.max(0, Math.round((value - min) / scale)))
    codes[i] = code
    error += (value - Math.fround(code * scale + min)) ** 2
  }
  // no minus zero in the manifest
  const quantization = { dtype, scale, min: min === 0 ? 0 : min, original_dtype: 'float32' }
  return { bytes: bytesOf(codes), quantization, error }
}

function storeHalf(values: Float32Array): StoredWeight {
  const codes = Uint16Array.from(values, halfOf)
  const table = smallFloatTable('float16')
  let error = 0
  for (let i = 0; i < codes.length; i++) error += (values[i]! - table[codes[i]!]!) ** 2
  return { bytes: bytesOf(codes), quantization: { dtype: 'float16', original_dtype: 'float32' }, error }
}

function bytesOf(array: Float32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

const floatView = new Float32Array(1)
const bitsView = new Uint32Array(floatView.buffer)

/** The nearest float16, ties to even; beyond its range the largest finite one, since an infinite weight is no use. */
export function halfOf(value: number): number {
  floatView[0] = value
  const bits = bitsView[0]!
  const sign = (bits >>> 16) & 0x8000
  if (Number.isNaN(value)) return sign | 0x7e00
  const size = Math.abs(value)
  if (size >= 65504) return sign | 0x7bff
  // below 2^-14 the step is 2^-24; above, it is 2^(exponent − 10)
  const exponent = Math.max(((bits >>> 23) & 0xff) - 127, -14)
  const steps = roundHalfEven(size / 2 ** (exponent - 10))
  return sign | (((exponent + 14) << 10) + steps)
}

function roundHalfEven(value: number): number {
  const down = Math.floor(value)
  const rest = value - down
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down
}
