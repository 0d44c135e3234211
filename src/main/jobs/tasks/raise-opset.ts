import { Fault } from '../../../shared/contract/fault.ts'
import { upgradeOpset } from '../../formats/onnx/upgrade/index.ts'
import type { Model } from '../../graph/model.ts'
import type { Problem } from '../../graph/problem.ts'

/** The model at an opset that holds the types of a plan. @throws Fault model.opsetUpgrade */
export function raiseOpset(model: Model, needed: number): Model {
  if ((model.opsets.get('') ?? 0) >= needed) return model
  const problems: Problem[] = []
  const raised = upgradeOpset(model, needed, (problem) => problems.push(problem))
  const [first] = problems
  if (!first) return raised
  throw new Fault(
    'model.opsetUpgrade',
    `The plan's types need opset ${needed}, which the model cannot be carried over to: ${first.where}: ${first.message}.`,
    {
      opset: needed,
      nodes: problems.map((problem) => problem.where),
    },
  )
}
