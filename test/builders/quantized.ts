import { defaultPlan, type QuantPlan } from '../../src/shared/contract/plan.ts'
import type { LayerInfo } from '../../src/shared/contract/model.ts'
import { findLayers } from '../../src/main/graph/layers/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { inferShapes } from '../../src/main/graph/shapes/index.ts'
import type { RangeSource } from '../../src/main/quant/params.ts'
import { quantizeModel, type QuantizeReport } from '../../src/main/quant/quantize.ts'
import { resolvePlan } from '../../src/main/quant/resolve-plan.ts'

/** A range source for plans that need no ranges. */
const noRanges: RangeSource = {
  rangeOf: (tensor) => {
    throw new Error(`the range of ${tensor} was asked for`)
  },
}

/** A plan with other defaults than the usual ones. */
export function planWith(defaults: Partial<QuantPlan['defaults']>, layers: QuantPlan['layers'] = {}): QuantPlan {
  return { ...defaultPlan, defaults: { ...defaultPlan.defaults, ...defaults }, layers }
}

/** The layers of a model made by a builder (no preparation). */
export function layersOf(model: Model): readonly LayerInfo[] {
  return findLayers(model, inferShapes(model))
}

/** A built model quantized by a plan. */
export function quantizeBuilt(
  model: Model,
  plan: QuantPlan,
  ranges: RangeSource = noRanges,
): { model: Model; report: QuantizeReport } {
  return quantizeModel({ model, resolved: resolvePlan(plan, layersOf(model), model), ranges })
}
