/** A value with its 95 % confidence interval. */
export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** 97.5 % quantile of the standard normal distribution. */
const z = 1.959963984540054

/**
 * Wilson score interval (95 %) of a proportion.
 * Source: Wilson 1927; Newcombe, Statistics in Medicine 17 (1998) 857, method 3.
 */
export function wilsonInterval(successes: number, count: number): Interval {
  if (count === 0) return { value: NaN, low: 0, high: 1 }
  const p = successes / count
  const centre = 2 * successes + z * z
  const spread = z * Math.sqrt(z * z + 4 * successes * (1 - p))
  const scale = 2 * (count + z * z)
  // the formula leaves rounding residue where the bound is exactly 0 or 1
  const low = successes === 0 ? 0 : (centre - spread) / scale
  const high = successes === count ? 1 : (centre + spread) / scale
  return { value: p, low, high }
}

/** Paired outcomes of two models on the same samples. */
export interface PairedCounts {
  /** both right */
  readonly both: number
  /** only the first right */
  readonly onlyFirst: number
  /** only the second right */
  readonly onlySecond: number
  readonly neither: number
}

/**
 * First model's rate minus the second's, with a 95 % interval that uses the pairing: two models that err on the same samples give a
 * narrow one. Wilson limits of both rates, joined by their correlation φ (continuity-corrected where positive).
 * Source: Newcombe, Improved confidence intervals for the difference between binomial proportions based on paired data,
 * Statistics in Medicine 17 (1998) 2635, method 10.
 */
export function pairedDifference({ both, onlyFirst, onlySecond, neither }: PairedCounts): Interval {
  const count = both + onlyFirst + onlySecond + neither
  const value = (onlyFirst - onlySecond) / count
  const first = wilsonInterval(both + onlyFirst, count)
  const second = wilsonInterval(both + onlySecond, count)
  const phi = correlation({ both, onlyFirst, onlySecond, neither })
  const down1 = first.value - first.low
  const up1 = first.high - first.value
  const down2 = second.value - second.low
  const up2 = second.high - second.value
  return {
    value,
    low: value - Math.sqrt(Math.max(0, down1 ** 2 - 2 * phi * down1 * up2 + up2 ** 2)),
    high: value + Math.sqrt(Math.max(0, down2 ** 2 - 2 * phi * down2 * up1 + up1 ** 2)),
  }
}

function correlation({ both, onlyFirst, onlySecond, neither }: PairedCounts): number {
  const margins = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither)
  if (margins === 0) return 0
  const product = both * neither - onlyFirst * onlySecond
  const half = (both + onlyFirst + onlySecond + neither) / 2
  const corrected = product > half ? product - half : product >= 0 ? 0 : product
  return corrected / Math.sqrt(margins)
}

/**
 * Mean of paired differences with a 95 % interval by Student's t; the interval of one value is unbounded.
 * @param differences one value per sample, in a fixed order (sums are taken in that order)
 */
export function meanInterval(differences: Float64Array): Interval {
  const count = differences.length
  if (count === 0) return { value: NaN, low: -Infinity, high: Infinity }
  let sum = 0
  for (let i = 0; i < count; i++) sum += differences[i]!
  const mean = sum / count
  if (count === 1) return { value: mean, low: -Infinity, high: Infinity }
  let squares = 0
  for (let i = 0; i < count; i++) squares += (differences[i]! - mean) ** 2
  const half = studentQuantile(count - 1) * Math.sqrt(squares / (count - 1) / count)
  return { value: mean, low: mean - half, high: mean + half }
}

/**
 * 97.5 % quantile of Student's t: exact for one and two degrees of freedom, else the Cornish-Fisher expansion (error < 0.4 % at 3,
 * < 1e-3 from 5 on).
 * Source: Abramowitz, Stegun 26.7.5; the exact forms from the closed distribution functions.
 */
export function studentQuantile(degrees: number): number {
  if (degrees === 1) return Math.tan(Math.PI * 0.475)
  if (degrees === 2) return 0.95 / Math.sqrt(2 * 0.975 * 0.025)
  const z2 = z * z
  const g1 = (z * (z2 + 1)) / 4
  const g2 = (z * (5 * z2 ** 2 + 16 * z2 + 3)) / 96
  const g3 = (z * (3 * z2 ** 3 + 19 * z2 ** 2 + 17 * z2 - 15)) / 384
  const g4 = (z * (79 * z2 ** 4 + 776 * z2 ** 3 + 1482 * z2 ** 2 - 1920 * z2 - 945)) / 92160
  return z + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3 + g4 / degrees ** 4
}
