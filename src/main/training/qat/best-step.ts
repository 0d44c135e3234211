import type { Tensor, TensorEngine, Tfjs } from '../../engines/tensor-api.ts'

/**
 * Steps that are tried, as shares of the one that covers all values: from wide to narrow, so that a tie keeps more of the range. In equal
 * ratios: plain fractions would put values of a lattice, such as pixels, on the middle between two integers.
 */
export const STEP_SHARES: readonly number[] = Array.from({ length: 33 }, (_, i) => 0.95 ** i)

/**
 * The step at which rounding and clipping a weight lose least in squares, a channel.
 * Source: Banner et al. 2019, section 3, by trial instead of by an assumed distribution.
 * @param covering scales that cover all values, by broadcasting
 * @param bounds integers below and above the zero point
 * @param axes the stored axes that one scale spans
 * @returns in the shape of `covering`
 */
export function bestWeightStep(
  tf: Tfjs,
  stored: Tensor,
  covering: Tensor,
  [low, high]: readonly [number, number],
  axes: readonly number[],
): Tensor {
  let best = covering
  let least: Tensor | null = null
  for (const share of STEP_SHARES) {
    const step = tf.mul(covering, share)
    const held = tf.mul(tf.clipByValue(tf.round(tf.div(stored, step)), low, high), step)
    const lost = tf.reshape(tf.sum(tf.squaredDifference(stored, held), [...axes], true), covering.shape)
    const isBetter: Tensor | null = least && tf.less(lost, least)
    best = isBetter ? tf.where(isBetter, step, best) : step
    least = least ? tf.minimum(least, lost) : lost
  }
  return best
}

/**
 * What each share of a covering step loses of a batch of activations, in squares over the batch.
 * @param bounds integers below and above the zero point
 * @returns beside `STEP_SHARES`
 */
export function lostByShare(
  { tf, native }: TensorEngine,
  x: Tensor,
  covering: number,
  bits: number,
  [low, high]: readonly [number, number],
): Float32Array {
  return tf.tidy(() => {
    const lost = STEP_SHARES.map((share) => {
      const step = covering * share
      const held = native.fakeQuantize(x, tf.scalar(step * low), tf.scalar(step * high), bits, false)
      return tf.sum(tf.squaredDifference(x, held))
    })
    return tf.stack(lost).dataSync<'float32'>()
  })
}

/** The share that lost least; 1 where nothing was seen. */
export function bestShare(lost: Float64Array): number {
  return STEP_SHARES[lost.reduce((best, value, i) => (value < lost[best]! ? i : best), 0)]!
}
