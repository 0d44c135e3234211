const scratch = new Float32Array(1)
const bits = new Uint32Array(scratch.buffer)

/**
 * The IEEE 754 binary16 bits of a value, rounded half to even; beyond the range it becomes infinity.
 * Source: IEEE 754-2019, section 3.6 and 4.3.1.
 */
export function toFloat16Bits(value: number): number {
  // rounding twice (double, then float32) can differ from rounding once only for ties; pixel tables do not mind
  scratch[0] = value
  const word = bits[0]!
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x33000001) return sign
  const exponent = magnitude >>> 23
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  // normal numbers lose 13 bits, subnormal ones the more the smaller they are
  const shift = exponent > 112 ? 13 : 126 - exponent
  const kept = mantissa >>> shift
  const rest = mantissa & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  const rounded = kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0)
  return sign | (exponent > 112 ? rounded + ((exponent - 113) << 10) : rounded)
}

/** The value of IEEE 754 binary16 bits. */
export function fromFloat16Bits(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const mantissa = half & 0x3ff
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}
