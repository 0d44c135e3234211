import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'

/** Weight of the past where the plan gives none. */
export const DEFAULT_MOMENTUM = 0.9
/**
 * Samples whose bounds are taken together, as the batches of a training run: an average of single samples' bounds would clip every
 * other sample (measured on the ViT for CIFAR-10: 12 dB at the output, its largest score being what is clipped).
 */
export const SAMPLES_TOGETHER = 16

/**
 * Moving average of the bounds of 16 samples at a time, in sample order: average = momentum · average + (1 − momentum) · bound, from the
 * first 16 samples' bounds on, widened to contain 0. Over more than 512 samples it starts at the 512th from the end.
 * Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, section 3.1.
 */
export function movingAverage({ recent }: TensorStatistics, { calibrator }: ActivationScheme): Range {
  const momentum = (calibrator.method === 'movingAverage' ? calibrator.momentum : undefined) ?? DEFAULT_MOMENTUM
  const rmin = averageOf(recent.min, momentum, (bounds) => Math.min(...bounds))
  const rmax = averageOf(recent.max, momentum, (bounds) => Math.max(...bounds))
  return { rmin: Math.min(0, rmin), rmax: Math.max(0, rmax) }
}

function averageOf(bounds: Float32Array, momentum: number, together: (bounds: Float32Array) => number): number {
  let average: number | null = null
  for (let i = 0; i < bounds.length; i += SAMPLES_TOGETHER) {
    const bound = together(bounds.subarray(i, i + SAMPLES_TOGETHER))
    average = average === null ? bound : momentum * average + (1 - momentum) * bound
  }
  return average ?? 0
}
