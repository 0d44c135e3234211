import type { TrainOptions } from './options.ts'

/** `step` divides the rate by this at each of its two steps. */
const STEP_FACTOR = 0.1

/**
 * The learning rate at `progress` in [0, 1) of the training.
 * `cosine` falls to 0 by half a cosine (Loshchilov and Hutter 2017, SGDR, eq. 5, one cycle); `linear` falls to 0 evenly; `step` is a tenth
 * from half the way on and a hundredth from three quarters (He et al. 2016, section 4.2, in proportion).
 */
export function learningRateAt(
  progress: number,
  options: Pick<TrainOptions, 'learningRate' | 'schedule' | 'warmup' | 'epochs'>,
): number {
  const { learningRate, schedule, warmup, epochs } = options
  const warm = epochs === 0 ? 0 : Math.min(1, warmup / epochs)
  // the rise never starts at 0 itself, where the first step would be lost
  const rise = warm === 0 ? 1 : Math.min(1, Math.max(progress / warm, 1e-3))
  switch (schedule) {
    case 'constant':
      return learningRate * rise
    case 'linear':
      return learningRate * rise * (1 - progress)
    case 'cosine':
      return (learningRate * rise * (1 + Math.cos(Math.PI * progress))) / 2
    case 'step':
      return learningRate * rise * (progress < 0.5 ? 1 : progress < 0.75 ? STEP_FACTOR : STEP_FACTOR ** 2)
  }
}
