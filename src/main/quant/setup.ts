import type { ActivationScheme, QuantMode, QuantPlan, WeightScheme } from '../../shared/contract/plan.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { Model } from '../graph/model.ts'
import type { QuantParams } from './params.ts'
import type { WeightQuantizer } from './weights.ts'

/** What the plan says of one layer after defaults and overrides are merged and checked. */
export type LayerDecision =
  | { readonly kind: 'float' }
  | {
      readonly kind: 'quantized'
      readonly mode: QuantMode
      /** null for layers without weights */
      readonly weights: WeightScheme | null
      readonly activations: ActivationScheme
      readonly biasBits: 8 | 16 | 32
    }

export interface ResolvedLayer {
  readonly layer: LayerInfo
  readonly decision: LayerDecision
}

/** A plan checked against a model: one decision for every layer, in graph order. */
export interface ResolvedPlan {
  readonly plan: QuantPlan
  readonly layers: readonly ResolvedLayer[]
}

/** A layer with its quantized decision: what a mode's rewriting works on. */
export interface QuantizedLayer {
  readonly layer: LayerInfo
  readonly decision: Extract<LayerDecision, { kind: 'quantized' }>
}

/** What became of one layer. Scales are real units for one integer step, in the order of `QuantParams.scale`. */
export interface LayerQuantization {
  readonly id: string
  readonly op: string
  /** null: left in float */
  readonly mode: QuantMode | null
  /** container of the weights, or of the output for layers without weights (`uint8` …); `float` when left */
  readonly type: string
  readonly weights: (WeightScheme & { readonly params: QuantParams }) | null
  /** pairs on its inputs and outputs, by tensor name of the prepared graph */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** sentences: why it is float though the plan asked otherwise, why it will not run in integers, what was adjusted */
  readonly warnings: readonly string[]
}

/** A model after the layers of one mode were rewritten. */
export interface ModeResult {
  readonly model: Model
  readonly layers: readonly LayerQuantization[]
  /** node of the new model → layer id, for nodes that are not named in `LayerInfo.nodes` */
  readonly nodes: ReadonlyMap<string, string>
}

/**
 * Rewrites the given layers of a model for one mode (dynamic, weight-only). A layer that cannot is left as it is and
 * reported with its reason; nothing else in the graph changes but what these layers read.
 */
export type ModeRewriter = (
  model: Model,
  layers: readonly QuantizedLayer[],
  quantizeWeights: WeightQuantizer,
) => ModeResult
