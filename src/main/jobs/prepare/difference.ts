import type { EngineTensor } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import { inferShapes } from '../../graph/shapes/index.ts'

/** Largest relative error that preparation may bring (DESIGN section 5, Preparation). */
const TOLERANCE = 1e-4

/** The same where the model itself computes in 16-bit floats: ten units in the last place of float16. */
const HALF_TOLERANCE = 10 * 2 ** -10

/** The largest relative error allowed for a model. */
export function toleranceOf(model: Model): number {
  const facts = inferShapes(model, { onProblem: () => undefined })
  const half = [...facts.values()].some(({ dataType }) => dataType === 'float16' || dataType === 'bfloat16')
  return half ? HALF_TOLERANCE : TOLERANCE
}

/**
 * How far `test` is from `reference`: max |a − b| / max |a| over the whole tensor (so that a value near 0 beside large ones
 * counts by the size of the large ones). 0 where both are all zero; Infinity where shapes or types differ, or one is NaN or
 * infinite where the other is not. Tensors of integers and bools give 0 when equal, else Infinity.
 */
export function relativeError(reference: EngineTensor, test: EngineTensor): number {
  if (reference.dataType !== test.dataType || reference.dims.join() !== test.dims.join()) return Infinity
  const [a, b] = [numbersOf(reference), numbersOf(test)]
  if (a === null || b === null) return equal(reference, test) ? 0 : Infinity
  let difference = 0
  let size = 0
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      if (!Object.is(x, y)) return Infinity
      continue
    }
    difference = Math.max(difference, Math.abs(x - y))
    size = Math.max(size, Math.abs(x))
  }
  if (difference === 0) return 0
  return size === 0 ? Infinity : difference / size
}

/** True for element types whose difference has a size. */
export function isFloating({ dataType }: EngineTensor): boolean {
  return dataType === 'float' || dataType === 'double' || dataType === 'float16'
}

function numbersOf({ dataType, data }: EngineTensor): Float32Array | Float64Array | null {
  if (data instanceof Float32Array || data instanceof Float64Array) return data
  return dataType === 'float16' && data instanceof Uint16Array ? Float32Array.from(data, halfToNumber) : null
}

function equal({ data: a }: EngineTensor, { data: b }: EngineTensor): boolean {
  return a.length === b.length && a.every((value: number | bigint, i: number) => value === b[i])
}

/** Source: IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}
