import type { Model } from '../model.ts'
import type { Fact } from '../shapes/facts.ts'

/** What is known of each tensor before the model runs, by tensor name. */
export type Facts = ReadonlyMap<string, Fact>

/** What a pass is handed beside the model. */
export interface PassContext {
  /** facts of a model's tensors as far as its inputs and constants tell them; asked for only by passes that need them */
  readonly facts: (model: Model) => Facts
  /** takes a sentence the user should see: what was changed or could not be */
  readonly note: (sentence: string) => void
}

/**
 * One step of preparation: a graph in, a graph out. The same model value comes back when there is nothing to do. Names mean
 * the same before and after: a tensor that keeps its name keeps its values, a node that survives keeps its name. Opset ≥ 13
 * and `assignIds` are taken for granted by every pass but those two themselves.
 */
export type Pass = (model: Model, context: PassContext) => Model

/** True for an operator of the standard domain. */
export function isStandard(node: { readonly domain: string }): boolean {
  return node.domain === '' || node.domain === 'ai.onnx'
}
