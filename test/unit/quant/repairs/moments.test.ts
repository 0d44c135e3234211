import { describe, expect, it } from 'vitest'
import { cholesky, inverseOf } from '../../../../src/main/quant/repairs/linear-algebra.ts'
import { leastSquares } from '../../../../src/main/quant/repairs/moments.ts'
import { roundRow, type RowTask } from '../../../../src/main/quant/repairs/rounding.ts'
import { columnsOf, meanSquaredError, momentsOfColumns } from '../../../builders/least-squares.ts'
import { normals, seeded } from '../../../builders/model-builder.ts'

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) product[i * n + j]! += a[i * n + k]! * b[k * n + j]!
  return product
}

const row = (size: number, seed: number): Float64Array => Float64Array.from(normals(seeded(seed), size))

describe('linear algebra', () => {
  it.each([1, 2, 7, 24])('factors and inverts a positive definite matrix of %i', (n) => {
    const { gram } = momentsOfColumns(columnsOf(n, 3 * n))
    const l = cholesky(gram, n)!
    const lt = l.map((_, i) => l[(i % n) * n + Math.floor(i / n)]!)
    multiply(l, lt, n).forEach((value, i) => expect(value).toBeCloseTo(gram[i]!, 6))
    multiply(inverseOf(l, n), gram, n).forEach((value, i) => expect(value).toBeCloseTo(i % (n + 1) === 0 ? 1 : 0, 6))
  })

  it('says where a matrix is not positive definite', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBeNull()
    expect(cholesky(Float64Array.of(0), 1)).toBeNull()
    expect(cholesky(Float64Array.of(NaN), 1)).toBeNull()
  })
})

describe('the least squares of a layer', () => {
  const columns = columnsOf(6, 200)
  const [float, other] = [row(6, 1), row(6, 2)]

  it('gives the mean squared error that the columns give one by one', () => {
    const problem = leastSquares(momentsOfColumns(columns), false)
    expect(problem.errorOf(other, float)).toBeCloseTo(meanSquaredError(columns, float, other), 8)
    expect(problem.powerOf(float)).toBeCloseTo(meanSquaredError(columns, float, new Float64Array(6)), 8)
  })

  it('with a free bias, gives the error at the best bias, and that bias', () => {
    const problem = leastSquares(momentsOfColumns(columns), true)
    const shift = problem.biasShift(other, float)
    const error = meanSquaredError(columns, float, other, shift)
    expect(problem.errorOf(other, float)).toBeCloseTo(error, 8)
    for (const step of [-0.01, 0.01])
      expect(meanSquaredError(columns, float, other, shift + step)).toBeGreaterThan(error)
  })

  it('aims at weights that do better on the quantized input than the float ones', () => {
    const noisy = columnsOf(6, 400, 0.8)
    const problem = leastSquares(momentsOfColumns(noisy), true)
    const target = problem.targetOf(float)
    expect(problem.errorOf(target, float)).toBeLessThan(0.9 * problem.errorOf(float, float))
  })

  it('bears inputs that are always zero', () => {
    const dead = { x: columns.x.map((c) => c.with(2, 0)), q: columns.q.map((c) => c.with(2, 0)) }
    const problem = leastSquares(momentsOfColumns(dead), false)
    expect([...problem.targetOf(float)].every(Number.isFinite)).toBe(true)
    const nothing = leastSquares(momentsOfColumns({ x: [new Float64Array(3)], q: [new Float64Array(3)] }), true)
    expect(nothing.errorOf(row(3, 1), row(3, 2))).toBe(0)
  })
})

describe('rounding a row', () => {
  const size = 5
  const columns = columnsOf(size, 300)
  const problem = leastSquares(momentsOfColumns(columns), false)
  const errorOf = ({ target, steps }: RowTask, integers: ArrayLike<number>): number => {
    const d = Float64Array.from(integers, (integer, k) => integer * steps[k]! - target[k]!)
    let sum = 0
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += d[i]! * problem.gram[i * size + j]! * d[j]!
    return sum
  }
  const taskFor = (seed: number): RowTask => ({
    problem,
    target: problem.targetOf(row(size, seed)),
    steps: new Float64Array(size).fill(0.8),
    low: -2,
    high: 1,
  })

  /** Integers of all combinations. */
  function* combinations(low: number, high: number, length: number): Generator<number[]> {
    if (length === 0) yield []
    else for (const rest of combinations(low, high, length - 1)) for (let v = low; v <= high; v++) yield [...rest, v]
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'stays near the best of all 4⁵ choices, and below nearest rounding (%i)',
    (seed) => {
      const task = taskFor(seed)
      const { integers, error } = roundRow(task)
      expect(error).toBeCloseTo(errorOf(task, integers), 6)
      const nearest = task.target.map((value) => Math.min(1, Math.max(-2, Math.round(value / 0.8))))
      expect(error).toBeLessThanOrEqual(errorOf(task, nearest) + 1e-9)
      const best = Math.min(...[...combinations(-2, 1, size)].map((choice) => errorOf(task, choice)))
      expect(error).toBeLessThanOrEqual(1.6 * best + 1e-9)
      expect([...integers].every((value) => value >= -2 && value <= 1)).toBe(true)
    },
  )

  it('cannot be bettered by any single step', () => {
    const task = taskFor(9)
    const { integers, error } = roundRow(task)
    for (let k = 0; k < size; k++)
      for (const step of [-1, 1]) {
        const moved = integers.with(k, integers[k]! + step)
        if (moved[k]! < task.low || moved[k]! > task.high) continue
        expect(errorOf(task, moved)).toBeGreaterThanOrEqual(error - 1e-9)
      }
  })
})
