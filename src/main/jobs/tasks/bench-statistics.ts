/** One round of an interleaved comparison: the median time of a run of each model within it, in ms. */
export interface Round {
  readonly modelMs: number
  readonly referenceMs: number
}

/** An estimate with its 95 % interval. */
export interface Ratio {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Middle value; the mean of the two middle ones for an even count. NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return NaN
  const sorted = Float64Array.from(values).sort()
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Resamples of a bootstrap; the interval's ends move by about 1 % of its width from one seed to the next. */
const resamples = 400

/**
 * Reference time over model time (above 1: the model is faster), as the ratio of the medians over all rounds, with a 95 % percentile
 * bootstrap interval. Rounds are drawn whole, so that what slows both models at once does not widen it.
 * @param random values in [0, 1)
 * Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
 */
export function speedupOf(rounds: readonly Round[], random: () => number): Ratio {
  const value = ratioOfMedians(rounds)
  if (rounds.length < 2) return { value, low: 0, high: Infinity }
  const ratios = new Float64Array(resamples)
  for (let i = 0; i < resamples; i++) {
    ratios[i] = ratioOfMedians(rounds.map(() => rounds[Math.floor(random() * rounds.length)]!))
  }
  ratios.sort()
  return { value, low: ratios[Math.floor(0.025 * resamples)]!, high: ratios[Math.ceil(0.975 * resamples) - 1]! }
}

function ratioOfMedians(rounds: readonly Round[]): number {
  return medianOf(rounds.map(({ referenceMs }) => referenceMs)) / medianOf(rounds.map(({ modelMs }) => modelMs))
}
