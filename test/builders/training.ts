import { upgradeOpset } from '../../src/main/formats/onnx/upgrade/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { passesBeforeUpgrade } from '../../src/main/graph/passes/registry.ts'
import { runPasses } from '../../src/main/graph/passes/run.ts'

/** A model as training takes it: named nodes, initializers that are no inputs, opset 13 at least. */
export function trainableForm(model: Model): Model {
  const named = runPasses(model, passesBeforeUpgrade, () => undefined)
  const opset = Math.max(13, named.opsets.get('') ?? 13)
  return upgradeOpset(named, opset, (problem) => {
    throw new Error(problem.message)
  })
}
