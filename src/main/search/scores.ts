/**
 * What damage is measured in, per sample and against the float model; larger is worse in all of them.
 * `loss`: cross-entropy of the changed model minus the float model's, in nats (needs labels); `kl`: KL(float ‖ changed) of the class
 * distributions, in nats; `top1`: float right minus changed right, in −1, 0, 1 (needs labels); `nsr`: Σ (ref − test)² / Σ ref² over all
 * outputs, the inverse of SQNR as a ratio.
 */
export type MetricName = 'loss' | 'kl' | 'top1' | 'nsr'

/** Every metric the sweep can rank by, in the order they are offered. */
export const METRICS: readonly MetricName[] = ['loss', 'kl', 'top1', 'nsr']

/** What one layer suffers from one configuration. */
export interface LayerScore {
  readonly layerId: string
  /** name of the configuration as the user said it */
  readonly config: string
  readonly metric: MetricName
  /** mean paired difference to the float model a sample, in the unit of the metric; larger is worse */
  readonly value: number
  /** 95 %, paired over samples; unbounded with one sample */
  readonly interval: { readonly low: number; readonly high: number }
  /** samples the value stands on: layers whose rank is settled stop early */
  readonly samples: number
  /** from 1, the most sensitive layer of this configuration first */
  readonly rank: number
}

/**
 * The exact sweep. `base` float: only the layer is quantized, the value is the damage done. `base` quantized: only the layer is left in
 * float, the value is the damage the model still has without it, so that here a *small* value marks the layer worth reverting.
 */
export interface SensitivityTable {
  readonly metric: MetricName
  readonly base: 'float' | 'quantized'
  readonly scores: readonly LayerScore[]
}

/**
 * Gives each score its rank within its configuration: the layer that matters most first, which is the largest value on a float base and
 * the smallest on a quantized one (reverting it leaves the least damage). Equal values keep the order they come in.
 */
export function rankScores(scores: readonly Omit<LayerScore, 'rank'>[], base: SensitivityTable['base']): LayerScore[] {
  const sign = base === 'float' ? -1 : 1
  const ranks = new Map<Omit<LayerScore, 'rank'>, number>()
  for (const config of new Set(scores.map((score) => score.config))) {
    const own = scores.filter((score) => score.config === config).sort((a, b) => sign * (a.value - b.value))
    own.forEach((score, i) => ranks.set(score, i + 1))
  }
  return scores.map((score) => ({ ...score, rank: ranks.get(score)! }))
}
