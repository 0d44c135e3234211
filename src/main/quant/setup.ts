import type { ActivationScheme, QuantMode, QuantPlan, WeightScheme } from '../../shared/contract/plan.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'

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
