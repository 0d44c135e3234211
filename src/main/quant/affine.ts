import type { QuantParams } from './params.ts'

/** 1.5 · 2^52: adding and subtracting it rounds a double below 2^51 half to even, as the hardware does. */
const roundingMagic = 6755399441055744

/**
 * Rounds half to even. `|x|` must be below 2^51.
 * Source: IEEE 754 roundTiesToEven, the rounding of ONNX QuantizeLinear.
 */
export function roundHalfEven(x: number): number {
  return x + roundingMagic - roundingMagic
}

/** A regular run of elements that share one scale: `count` of them from `start`, `step` apart. */
type Run = (start: number, step: number, count: number, paramIndex: number) => void

/**
 * Integers of `x`: q = clamp(roundHalfEven(x / scale) + zeroPoint, qmin, qmax), the division in float32; NaN becomes qmin.
 * @param x real values in row-major order
 * @param dims shape of `x`; only needed with `params.axis`
 * @returns integers in [qmin, qmax], same length as `x`
 * Source: ONNX QuantizeLinear-25; equals ONNX Runtime's CPU kernel bit for bit (test/native/quant-static-affine.test.ts).
 */
export function quantize(x: Float32Array, params: QuantParams, dims?: readonly number[]): Int32Array {
  const q = new Int32Array(x.length)
  forEachRun(x.length, params, dims, (start, step, count, index) => {
    const scale = params.scale[index]!
    const zeroPoint = params.zeroPoint[index]!
    const low = params.qmin - zeroPoint
    const high = params.qmax - zeroPoint
    for (let n = 0, i = start; n < count; n++, i += step) {
      const ratio = Math.fround(x[i]! / scale)
      // `>` is false for NaN, which therefore lands on the lower bound, as with the SIMD maximum of the runtime
      const bounded = ratio > low ? (ratio < high ? ratio : high) : low
      q[i] = bounded + roundingMagic - roundingMagic + zeroPoint
    }
  })
  return q
}

/**
 * Real values of integers: scale · (q − zeroPoint), in float32.
 * @param dims shape of `q`; only needed with `params.axis`
 * Source: ONNX DequantizeLinear-25; the difference is rounded to float32 first, which matters for int32 alone.
 */
export function dequantize(q: ArrayLike<number>, params: QuantParams, dims?: readonly number[]): Float32Array {
  const x = new Float32Array(q.length)
  forEachRun(q.length, params, dims, (start, step, count, index) => {
    const scale = params.scale[index]!
    const zeroPoint = params.zeroPoint[index]!
    for (let n = 0, i = start; n < count; n++, i += step) x[i] = Math.fround(q[i]! - zeroPoint) * scale
  })
  return x
}

/** What is left of `x` after quantizing and dequantizing: the values a quantized tensor can hold, in float32. */
export function fakeQuantize(x: Float32Array, params: QuantParams, dims?: readonly number[]): Float32Array {
  return dequantize(quantize(x, params, dims), params, dims)
}

/** Number of scales a tensor of this shape has: 1, the length of `axis`, or the number of blocks. */
export function parameterCount(dims: readonly number[], axis: number | null, blockSize?: number): number {
  if (axis === null) return 1
  if (blockSize === undefined) return dims[axis]!
  return dims.reduce((product, dim, i) => product * (i === axis ? Math.ceil(dim / blockSize) : dim), 1)
}

/** Calls `run` for every stretch of elements with a common scale; every element is covered once. */
export function forEachRun(
  length: number,
  params: Pick<QuantParams, 'axis' | 'blockSize'>,
  dims: readonly number[] | undefined,
  run: Run,
): void {
  if (params.axis === null) return run(0, 1, length, 0)
  if (!dims) throw new Error('the shape is needed to quantize along an axis')
  const size = dims[params.axis]
  if (size === undefined) throw new Error(`axis ${params.axis} is outside a shape of rank ${dims.length}`)
  const inner = product(dims, params.axis + 1, dims.length)
  const outer = product(dims, 0, params.axis)
  if (params.blockSize !== undefined) return runBlocks(outer, size, inner, params.blockSize, run)
  if (inner === 1) {
    for (let c = 0; c < size; c++) run(c, size, outer, c)
    return
  }
  for (let o = 0; o < outer; o++) for (let c = 0; c < size; c++) run((o * size + c) * inner, 1, inner, c)
}

function runBlocks(outer: number, size: number, inner: number, blockSize: number, run: Run): void {
  const blocks = Math.ceil(size / blockSize)
  for (let o = 0; o < outer; o++) {
    for (let b = 0; b < blocks; b++) {
      const first = b * blockSize
      const count = Math.min(blockSize, size - first)
      for (let i = 0; i < inner; i++) run((o * size + first) * inner + i, inner, count, (o * blocks + b) * inner + i)
    }
  }
}

function product(dims: readonly number[], from: number, to: number): number {
  let result = 1
  for (let i = from; i < to; i++) result *= dims[i]!
  return result
}
