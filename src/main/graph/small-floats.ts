/**
 * A binary floating-point format of at most 16 bits. `special` says what the highest exponents mean: `ieee` infinities and
 * NaNs; `fn` no infinity, NaN where all bits but the sign are ones; `fnuz` no infinity and no negative zero, NaN in its place;
 * `none` finite values only.
 */
interface SmallFloat {
  readonly bits: number
  readonly exponentBits: number
  readonly mantissaBits: number
  readonly bias: number
  readonly special: 'ieee' | 'fn' | 'fnuz' | 'none'
}

export type SmallFloatType =
  | 'float16'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float4e2m1'
  | 'float8e8m0'

/** Source: ONNX docs/technical/float8.md and float4.md; IEEE 754 for float16; OCP Microscaling v1.0 for e8m0 and e2m1. */
const formats: Readonly<Record<Exclude<SmallFloatType, 'float8e8m0'>, SmallFloat>> = {
  float16: { bits: 16, exponentBits: 5, mantissaBits: 10, bias: 15, special: 'ieee' },
  bfloat16: { bits: 16, exponentBits: 8, mantissaBits: 7, bias: 127, special: 'ieee' },
  float8e4m3fn: { bits: 8, exponentBits: 4, mantissaBits: 3, bias: 7, special: 'fn' },
  float8e4m3fnuz: { bits: 8, exponentBits: 4, mantissaBits: 3, bias: 8, special: 'fnuz' },
  float8e5m2: { bits: 8, exponentBits: 5, mantissaBits: 2, bias: 15, special: 'ieee' },
  float8e5m2fnuz: { bits: 8, exponentBits: 5, mantissaBits: 2, bias: 16, special: 'fnuz' },
  float4e2m1: { bits: 4, exponentBits: 2, mantissaBits: 1, bias: 1, special: 'none' },
}

const tables = new Map<SmallFloatType, Float32Array>()

/** The value of every code of a format, indexed by the code; exact, since float32 holds them all. Built once a format. */
export function smallFloatTable(type: SmallFloatType): Float32Array {
  let table = tables.get(type)
  if (!table) {
    table = type === 'float8e8m0' ? powersOfTwo() : tableOf(formats[type])
    tables.set(type, table)
  }
  return table
}

function tableOf(format: SmallFloat): Float32Array {
  const table = new Float32Array(2 ** format.bits)
  for (let code = 0; code < table.length; code++) table[code] = valueOf(code, format)
  return table
}

function valueOf(code: number, { bits, exponentBits, mantissaBits, bias, special }: SmallFloat): number {
  const sign = code >> (bits - 1) ? -1 : 1
  const magnitude = code & (2 ** (bits - 1) - 1)
  const exponent = magnitude >> mantissaBits
  const mantissa = magnitude & (2 ** mantissaBits - 1)
  const top = 2 ** exponentBits - 1
  if (special === 'ieee' && exponent === top) return mantissa === 0 ? sign * Infinity : NaN
  if (special === 'fn' && magnitude === 2 ** (bits - 1) - 1) return NaN
  if (special === 'fnuz' && sign < 0 && magnitude === 0) return NaN
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits)
  return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias)
}

/** float8e8m0: an exponent alone, 2^(code - 127); 255 is NaN. */
function powersOfTwo(): Float32Array {
  return Float32Array.from({ length: 256 }, (_, code) => (code === 255 ? NaN : 2 ** (code - 127)))
}
