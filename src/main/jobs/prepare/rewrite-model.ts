import { Fault } from '../../../shared/contract/fault.ts'
import type { Engine } from '../../engines/port.ts'
import { upgradeOpset } from '../../formats/onnx/upgrade/index.ts'
import type { Model, Tensor } from '../../graph/model.ts'
import { constantFrontier, replaceByConstants } from '../../graph/passes/constant-frontier.ts'
import { passesAfterUpgrade, passesBeforeUpgrade, passesLast } from '../../graph/passes/registry.ts'
import { createPassContext, runPasses } from '../../graph/passes/run.ts'
import type { ShapeMap } from '../../graph/shapes/index.ts'
import type { Problem } from '../../graph/problem.ts'
import { withSession } from './open-session.ts'

/** The opset that preparation raises older models to (DESIGN section 5). */
export const PREPARED_OPSET = 13

/** Problems listed in one message; the rest is counted. */
const SHOWN_PROBLEMS = 5

/**
 * All of preparation that changes the graph: ids, initializer inputs, opset, folds. Gives the same value for a model that
 * needs nothing.
 * @param opset wanted version of ai.onnx; models at it or beyond keep theirs
 * @throws Fault model.opsetUpgrade listing the nodes that cannot be carried over
 */
export async function rewriteModel(
  source: Model,
  engine: Engine,
  opset: number,
  note: (sentence: string) => void,
): Promise<Model> {
  const named = runPasses(source, passesBeforeUpgrade, note)
  const upgraded = upgrade(named, opset, note)
  const folded = await foldByEngine(runPasses(upgraded, passesAfterUpgrade, note), engine, note)
  return runPasses(folded, passesLast, note)
}

function upgrade(model: Model, opset: number, note: (sentence: string) => void): Model {
  const problems: Problem[] = []
  const upgraded = upgradeOpset(model, opset, (problem) => problems.push(problem))
  if (problems.length > 0) throw upgradeFault(problems, opset)
  const before = standardOpset(model)
  if (upgraded !== model && before !== undefined) note(`Opset ${before} was upgraded to ${opset}.`)
  return upgraded
}

function standardOpset(model: Model): number | undefined {
  return model.opsets.get('') ?? model.opsets.get('ai.onnx')
}

function upgradeFault(problems: readonly Problem[], opset: number): Fault {
  const shown = problems.slice(0, SHOWN_PROBLEMS).map(({ where, message }) => `${where}: ${message}`)
  const more = problems.length > SHOWN_PROBLEMS ? `; and ${problems.length - SHOWN_PROBLEMS} more` : ''
  return new Fault(
    'model.opsetUpgrade',
    `The model cannot be carried over to opset ${opset}: ${shown.join('; ')}${more}.`,
    {
      opset,
      nodes: problems.map((problem) => problem.where),
    },
  )
}

/** Computes in the engine what depends on constants alone and is beyond our own evaluator, and folds again what that opens up. */
async function foldByEngine(model: Model, engine: Engine, note: (sentence: string) => void): Promise<Model> {
  const facts = createPassContext(note).facts(model)
  const frontier = constantFrontier(model, facts)
  if (frontier === null) return model
  const results = await withSession(engine, frontier, (session) => session.run({}))
  const tensors = Object.entries(results).map(([name, { dataType, dims, data }]): Tensor => {
    return { name, dataType, dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  })
  note(`Computed ahead by ONNX Runtime: ${tensors.length} constants.`)
  return runPasses(replaceByConstants(model, tensors), passesAfterUpgrade, note)
}

/**
 * The model with the types and shapes of its outputs declared as far as they are known: some exporters leave them out, and the
 * official checker refuses that. The same value where nothing is missing.
 */
export function declareOutputs(model: Model, shapes: ShapeMap): Model {
  const { graph } = model
  const outputs = graph.outputs.map((output) => {
    const fact = shapes.get(output.name)
    if ((output.shape !== null && output.dataType !== null) || !fact?.shape || fact.dataType === null) return output
    return { ...output, dataType: output.dataType ?? fact.dataType, shape: output.shape ?? fact.shape }
  })
  return outputs.every((output, i) => output === graph.outputs[i]) ? model : { ...model, graph: { ...graph, outputs } }
}
