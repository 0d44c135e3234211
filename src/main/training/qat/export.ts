import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { QuantPlan } from '../../../shared/contract/plan.ts'
import type { Model } from '../../graph/model.ts'
import { quantizeModel, type QuantizeReport } from '../../quant/quantize.ts'
import { requiredOpset, resolvePlan } from '../../quant/resolve-plan.ts'
import { withWeightsOf } from '../scores.ts'
import type { TrainableGraph } from '../trainable/graph.ts'
import type { Quantizer } from './quantizer.ts'
import type { QatSetup } from './setup.ts'

/** What was trained, and what it was trained for. */
export interface TrainedForIntegers {
  readonly setup: QatSetup
  readonly graph: TrainableGraph
  readonly quantizer: Quantizer
  readonly layers: readonly LayerInfo[]
  readonly hash?: string
  /** the model at an opset that holds the plan's types */
  readonly raiseOpset: (model: Model, needed: number) => Model
}

/**
 * The learned weights in the integers they were trained for: the same scales, the same zero points.
 * @returns the plan too, with the ranges that were trained with
 */
export function quantizeTrained(trained: TrainedForIntegers): {
  readonly model: Model
  readonly report: QuantizeReport
  readonly plan: QuantPlan
} {
  const { setup, graph, quantizer, layers, hash, raiseOpset } = trained
  const learned = withWeightsOf(setup.model, graph.toModel())
  // constants were held on their grids while training; the file makes those grids of the constants as they were
  const initializers = new Map([...learned.graph.initializers, ...setup.constants])
  const model = { ...learned, graph: { ...learned.graph, initializers } }
  const plan = quantizer.planWithRanges()
  const resolved = resolvePlan(plan, layers, model, hash)
  const ranges = {
    rangeOf: (tensor: string): never => {
      throw new Error(`training has no range of ${tensor}`)
    },
  }
  const { weightQuantizer: quantizeWeights } = quantizer
  const raised = raiseOpset(model, requiredOpset(resolved))
  return { ...quantizeModel({ model: raised, resolved, ranges, quantizeWeights }), plan }
}
