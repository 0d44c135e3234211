import { roundHalfEven } from '../affine.ts'
import type { LeastSquares } from './moments.ts'

/** One row of weights to be rounded: the entries of one output channel within one group of inputs. */
export interface RowTask {
  readonly problem: LeastSquares
  /** real weights that would be best on the quantized inputs, see `LeastSquares.targetOf` */
  readonly target: Float64Array
  /** real size of an integer step of each entry */
  readonly steps: Float64Array
  /** integers relative to the zero point */
  readonly low: number
  readonly high: number
}

/** Integers relative to the zero point, and the quadratic error they leave against the target. */
export interface RoundedRow {
  readonly integers: Int32Array
  readonly error: number
}

/** Passes of the descent over all entries; it ends as soon as one changes nothing. */
const MOST_PASSES = 20

/**
 * Rounds a row so that its output error is small, not that of its weights: GPTQ's walk, in which each entry's rounding error is made up for
 * by those still free, then coordinate descent by single steps, which takes back what the walk's order made worse.
 * Source: Frantar et al., GPTQ, 2023, algorithm 1; the descent is the greedy one of Nair, Suggala, CDQuant, 2024.
 */
export function roundRow(task: RowTask): RoundedRow {
  return descend(task, walkRow(task))
}

function walkRow({ problem, target, steps, low, high }: RowTask): Int32Array {
  const { size, walk, order } = problem
  const rest = Float64Array.from(order, (k) => target[k]!)
  const integers = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    const k = order[i]!
    const step = steps[k]!
    const integer = Math.min(high, Math.max(low, roundHalfEven(rest[i]! / step)))
    integers[k] = integer
    const error = (rest[i]! - integer * step) / walk[i * size + i]!
    if (error === 0) continue
    for (let j = i + 1, at = i * size + j; j < size; j++, at++) rest[j]! -= error * walk[at]!
  }
  return integers
}

function descend({ problem, target, steps, low, high }: RowTask, integers: Int32Array): RoundedRow {
  const { size, gram } = problem
  const gradient = new Float64Array(size)
  for (let k = 0; k < size; k++) move(gradient, gram, k, integers[k]! * steps[k]! - target[k]!, size)
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    let changed = false
    for (let k = 0; k < size; k++) {
      // a step against the gradient by ±1: the error changes by 2·δ·g + δ²·h
      const sign = gradient[k]! > 0 ? -1 : 1
      const next = integers[k]! + sign
      if (next < low || next > high) continue
      const delta = sign * steps[k]!
      if (2 * delta * gradient[k]! + delta * delta * gram[k * size + k]! >= -1e-12 * Math.abs(gradient[k]! * delta))
        continue
      integers[k] = next
      move(gradient, gram, k, delta, size)
      changed = true
    }
    if (!changed) break
  }
  let error = 0
  for (let k = 0; k < size; k++) error += (integers[k]! * steps[k]! - target[k]!) * gradient[k]!
  return { integers, error }
}

/** gradient += δ · column k of the (symmetric) matrix */
function move(gradient: Float64Array, gram: Float64Array, k: number, delta: number, size: number): void {
  if (delta === 0) return
  for (let j = 0, at = k * size; j < size; j++, at++) gradient[j]! += delta * gram[at]!
}

/**
 * The step that suits given integers best: argmin over s of the quadratic error of s·q against the targets, summed over rows that share
 * it; null where the integers are all zero.
 */
export function bestStep(
  rows: readonly { problem: LeastSquares; target: Float64Array; integers: Int32Array }[],
): number | null {
  let across = 0
  let along = 0
  for (const { problem, target, integers } of rows) {
    const { size, gram } = problem
    for (let k = 0; k < size; k++) {
      const integer = integers[k]!
      if (integer === 0) continue
      let onTarget = 0
      let onIntegers = 0
      for (let j = 0, at = k * size; j < size; j++, at++) {
        onTarget += gram[at]! * target[j]!
        onIntegers += gram[at]! * integers[j]!
      }
      across += integer * onTarget
      along += integer * onIntegers
    }
  }
  return along > 0 && across > 0 ? across / along : null
}
