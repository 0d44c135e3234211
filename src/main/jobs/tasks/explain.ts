import type { LayerInfo } from '../../../shared/contract/model.ts'
import { requiredOpset, resolvePlan } from '../../quant/resolve-plan.ts'
import { explainLayers, type ExplainedVariant, type LayerExplanation } from '../../search/explain.ts'
import { readOwnModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'
import { readCollection } from './collection-file.ts'
import { raiseOpset } from './raise-opset.ts'

export interface ExplainTaskInput {
  /** path of the prepared model */
  readonly prepared: string
  readonly layers: readonly LayerInfo[]
  readonly variants: readonly ExplainedVariant[]
  /** path of the calibration collection */
  readonly collection: string
  readonly saturatesHere: boolean
}

/** Explains layers from weights and stored histograms; nothing is run. @throws Fault plan.*, model.opsetUpgrade, file.* */
export function createExplainTask(): Task<ExplainTaskInput, LayerExplanation[]> {
  return async ({ prepared, layers, variants, collection, saturatesHere }, { signal }) => {
    const { model } = await readOwnModelFile(prepared, { signal })
    const opsets = variants.map(({ plan }) => requiredOpset(resolvePlan(plan, layers, model)))
    const raised = raiseOpset(model, Math.max(13, ...opsets))
    return explainLayers(
      { model: raised, layers, collection: await readCollection(collection), saturatesHere },
      variants,
    )
  }
}
