import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'

/** Weight of the past where the plan gives none. */
export const DEFAULT_MOMENTUM = 0.9

/**
 * Moving average of the samples' bounds in sample order: average = momentum · average + (1 − momentum) · bound, from the first
 * sample's bounds on, widened to contain 0. Over more than 512 samples it starts at the 512th from the end.
 * Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, section 3.1.
 */
export function movingAverage({ recent }: TensorStatistics, { calibrator }: ActivationScheme): Range {
  const momentum = (calibrator.method === 'movingAverage' ? calibrator.momentum : undefined) ?? DEFAULT_MOMENTUM
  return { rmin: Math.min(0, averageOf(recent.min, momentum)), rmax: Math.max(0, averageOf(recent.max, momentum)) }
}

function averageOf(bounds: Float32Array, momentum: number): number {
  let average = bounds[0] ?? 0
  for (let i = 1; i < bounds.length; i++) average = momentum * average + (1 - momentum) * bounds[i]!
  return average
}
