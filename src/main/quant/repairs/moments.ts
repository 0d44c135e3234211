import { cholesky, inverseOf, multiplySymmetric } from './linear-algebra.ts'

/**
 * Second moments of what one group of a layer multiplies with its weights, summed over samples and positions: x of the float model, q
 * of the quantized one at the same place. A row of weights has `size` entries.
 */
export interface Moments {
  readonly size: number
  /** number of columns summed */
  readonly count: number
  /** Σ q·qᵀ, row-major [size, size] */
  readonly gram: Float64Array
  /** Σ x·qᵀ, row-major [size, size]: row of x, column of q */
  readonly cross: Float64Array
  /** Σ x·xᵀ, row-major [size, size] */
  readonly floatGram: Float64Array
  readonly sumQ: Float64Array
  readonly sumX: Float64Array
}

/**
 * The least-squares problem of one group: find integers whose output on q is near the float output on x. With a free bias the means
 * drop out, so that the moments are about them.
 */
export interface LeastSquares {
  readonly size: number
  /** about the means, since a bias takes up the rest */
  readonly centred: boolean
  /** about the means where the bias is free; damped, hence positive definite */
  readonly gram: Float64Array
  /** upper triangular U with UᵀU = gram⁻¹, rows and columns in the order of `order`: what GPTQ walks */
  readonly walk: Float64Array
  /** entries by falling curvature: the first rounded has most others left to make up for it */
  readonly order: Int32Array
  /** best real weights on q for real weights w on x, one row */
  readonly targetOf: (row: Float64Array) => Float64Array
  /** mean squared error of the output on q of weights `row`, bias at its best, against the float output of `float` */
  readonly errorOf: (row: Float64Array, float: Float64Array) => number
  /** mean square of the float output about its mean */
  readonly powerOf: (float: Float64Array) => number
  /** what the bias must grow by */
  readonly biasShift: (row: Float64Array, float: Float64Array) => number
}

/** Share of the mean curvature added to each: directions the samples hardly show must not be used to make up for others. */
const DAMPING = 0.01

/**
 * Sets up the problem.
 * @param centred whether the layer has a bias that may move
 * Source: Frantar, Ashkboos, Hoefler, Alistarh, GPTQ, 2023, section 3.3 (Cholesky form, damping); the target for inputs that are already
 *   quantized is the ridge regression of the float output on q, drawn towards the float weights.
 */
export function leastSquares(moments: Moments, centred: boolean): LeastSquares {
  const { size, count } = moments
  const gram = about(moments.gram, moments.sumQ, moments.sumQ, centred ? count : Infinity)
  const cross = about(moments.cross, moments.sumX, moments.sumQ, centred ? count : Infinity)
  const floatGram = about(moments.floatGram, moments.sumX, moments.sumX, centred ? count : Infinity)
  const damping = damp(gram, size)
  const factor = cholesky(gram, size)
  if (!factor) throw new Error('damped moments are not positive definite')
  const inverse = inverseOf(factor, size)
  const order = orderOf(gram, size)
  return {
    size,
    centred,
    gram,
    order,
    walk: walkOf(inverse, order, size),
    targetOf: (row) => {
      const wanted = new Float64Array(size)
      for (let i = 0; i < size; i++) {
        const weight = row[i]!
        if (weight === 0) continue
        for (let j = 0, at = i * size; j < size; j++, at++) wanted[j]! += weight * cross[at]!
        wanted[i]! += damping * weight
      }
      return multiplySymmetric(inverse, wanted, size)
    },
    errorOf: (row, float) => {
      // E|w·x − ŵ·q|² = w·Sxx·w − 2·w·Sxq·ŵ + ŵ·Sqq·ŵ, without the damping that gram carries
      const onQ = quadratic(gram, row, size) - damping * squares(row)
      const between = bilinear(cross, float, row, size)
      return Math.max(0, quadratic(floatGram, float, size) - 2 * between + onQ) / count
    },
    powerOf: (float) => quadratic(floatGram, float, size) / count,
    biasShift: (row, float) => {
      let shift = 0
      for (let i = 0; i < size; i++) shift += float[i]! * moments.sumX[i]! - row[i]! * moments.sumQ[i]!
      return shift / count
    },
  }
}

/** Moments about the means: Σ a·bᵀ − (Σ a)(Σ b)ᵀ / n. */
function about(matrix: Float64Array, a: Float64Array, b: Float64Array, count: number): Float64Array {
  const size = a.length
  const result = matrix.slice()
  if (count === Infinity) return result
  for (let i = 0; i < size; i++) {
    const factor = a[i]! / count
    for (let j = 0, at = i * size; j < size; j++, at++) result[at]! -= factor * b[j]!
  }
  return result
}

/** Adds the damping to the diagonal and gives it. An input that is always zero still gets some. */
function damp(gram: Float64Array, size: number): number {
  let trace = 0
  for (let i = 0; i < size; i++) trace += gram[i * size + i]!
  const damping = trace > 0 ? (DAMPING * trace) / size : 1
  for (let i = 0; i < size; i++) gram[i * size + i]! += damping
  return damping
}

function orderOf(gram: Float64Array, size: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, i) => i)
  return order.sort((a, b) => gram[b * size + b]! - gram[a * size + a]! || a - b)
}

/** The upper factor U of the reordered inverse, UᵀU = inverse, row-major. */
function walkOf(inverse: Float64Array, order: Int32Array, size: number): Float64Array {
  const reordered = new Float64Array(size * size)
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) reordered[i * size + j] = inverse[order[i]! * size + order[j]!]!
  const lower = cholesky(reordered, size)
  if (!lower) throw new Error('the inverse of damped moments is not positive definite')
  const upper = new Float64Array(size * size)
  for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) upper[j * size + i] = lower[i * size + j]!
  return upper
}

function quadratic(a: Float64Array, x: Float64Array, n: number): number {
  return bilinear(a, x, x, n)
}

function bilinear(a: Float64Array, x: Float64Array, y: Float64Array, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) {
    if (x[i] === 0) continue
    let inner = 0
    for (let j = 0, at = i * n; j < n; j++, at++) inner += a[at]! * y[j]!
    sum += x[i]! * inner
  }
  return sum
}

function squares(x: Float64Array): number {
  let sum = 0
  for (const value of x) sum += value * value
  return sum
}
