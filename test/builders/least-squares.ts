import { normals, seeded } from './model-builder.ts'
import type { Moments } from '../../src/main/quant/repairs/moments.ts'

/** Columns of a made-up layer input, [size] each: correlated, off centre; `q` is `x` with some noise. */
export function columnsOf(size: number, count: number, noise = 0.1): { x: Float64Array[]; q: Float64Array[] } {
  const random = seeded(size * 31 + count)
  const mix = normals(random, size * size)
  const x = Array.from({ length: count }, () => {
    const own = normals(random, size)
    return Float64Array.from(own, (_, i) =>
      own.reduce((sum, value, j) => sum + value * mix[i * size + j]!, 0.5 * (i + 1)),
    )
  })
  const q = x.map((column) => {
    const shift = normals(random, size, noise)
    return column.map((value, i) => value + shift[i]! + 0.05)
  })
  return { x, q }
}

/** Moments of columns, term by term. */
export function momentsOfColumns({ x, q }: { x: readonly Float64Array[]; q: readonly Float64Array[] }): Moments {
  const size = x[0]!.length
  const outer = (a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array => {
    const sum = new Float64Array(size * size)
    a.forEach((column, n) => {
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum[i * size + j]! += column[i]! * b[n]![j]!
    })
    return sum
  }
  const total = (a: readonly Float64Array[]): Float64Array =>
    a.reduce((sum, column) => sum.map((value, i) => value + column[i]!), new Float64Array(size))
  return {
    size,
    count: x.length,
    gram: outer(q, q),
    cross: outer(x, q),
    floatGram: outer(x, x),
    sumQ: total(q),
    sumX: total(x),
  }
}

/** Mean square of w·x − v·q − shift over columns. */
export function meanSquaredError(
  { x, q }: { x: readonly Float64Array[]; q: readonly Float64Array[] },
  w: Float64Array,
  v: Float64Array,
  shift = 0,
): number {
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  return x.reduce((sum, column, n) => sum + (dot(w, column) - dot(v, q[n]!) - shift) ** 2, 0) / x.length
}
