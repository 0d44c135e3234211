/**
 * Lower Cholesky factor L of a symmetric positive definite matrix, L·Lᵀ = A.
 * @param a row-major [n, n]; only the lower triangle is read
 * @returns row-major [n, n], zero above the diagonal; null where a pivot is not positive
 * Source: Golub, Van Loan, Matrix Computations, 4th edition, algorithm 4.2.1 (row by row).
 */
export function cholesky(a: Float64Array, n: number): Float64Array | null {
  const l = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    const row = i * n
    for (let j = 0; j <= i; j++) {
      const other = j * n
      let sum = a[row + j]!
      for (let k = 0; k < j; k++) sum -= l[row + k]! * l[other + k]!
      if (i === j) {
        if (!(sum > 0)) return null
        l[row + i] = Math.sqrt(sum)
      } else {
        l[row + j] = sum / l[other + j]!
      }
    }
  }
  return l
}

/** Inverse of a lower triangular matrix, row-major [n, n]; its diagonal must hold no zero. */
function invertLower(l: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    const row = i * n
    const diagonal = 1 / l[row + i]!
    // row i of the inverse is −(Σ_k l_ik · row k) / l_ii, walked along rows for the sake of the cache
    for (let k = 0; k < i; k++) {
      const factor = l[row + k]!
      if (factor === 0) continue
      const source = k * n
      for (let j = 0; j <= k; j++) inverse[row + j]! -= factor * inverse[source + j]!
    }
    for (let j = 0; j < i; j++) inverse[row + j]! *= diagonal
    inverse[row + i] = diagonal
  }
  return inverse
}

/**
 * A⁻¹ of the matrix whose lower Cholesky factor is `l`.
 * @returns row-major [n, n], symmetric
 */
export function inverseOf(l: Float64Array, n: number): Float64Array {
  const m = invertLower(l, n)
  const inverse = new Float64Array(n * n)
  // A⁻¹ = L⁻ᵀ·L⁻¹: the sum over k of the outer products of the rows of L⁻¹
  for (let k = 0; k < n; k++) {
    const row = k * n
    for (let i = 0; i <= k; i++) {
      const factor = m[row + i]!
      const target = i * n
      for (let j = 0; j <= i; j++) inverse[target + j]! += factor * m[row + j]!
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) inverse[j * n + i] = inverse[i * n + j]!
  return inverse
}

/** y = A·x for a symmetric row-major [n, n] matrix. */
export function multiplySymmetric(a: Float64Array, x: ArrayLike<number>, n: number): Float64Array {
  const y = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let j = 0, at = i * n; j < n; j++, at++) sum += a[at]! * x[j]!
    y[i] = sum
  }
  return y
}
