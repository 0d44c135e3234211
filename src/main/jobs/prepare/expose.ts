import type { Engine, Feeds } from '../../engines/port.ts'
import type { Model, ValueInfo } from '../../graph/model.ts'
import { inferShapes } from '../../graph/shapes/index.ts'
import { withSession } from './open-session.ts'
import { CARRIED } from '../carried-types.ts'

/** Runs a model once and gives the named tensors, intermediates too, as far as they are of a type that can be fetched. */
export async function runExposed(engine: Engine, model: Model, names: readonly string[], feeds: Feeds): Promise<Feeds> {
  const facts = inferShapes(model, { onProblem: () => undefined })
  const wanted = names.filter((name) => {
    const dataType = facts.get(name)?.dataType ?? null
    return dataType !== null && CARRIED.has(dataType)
  })
  if (wanted.length === 0) return {}
  return withSession(engine, withOutputs(model, wanted), (session) => session.run(feeds, wanted))
}

/** The model with these tensors as outputs too, types left for the runtime to find. */
function withOutputs(model: Model, names: readonly string[]): Model {
  const { outputs } = model.graph
  const present = new Set(outputs.map((output) => output.name))
  const added = names
    .filter((name) => !present.has(name))
    .map((name): ValueInfo => ({ name, dataType: null, shape: null }))
  return { ...model, graph: { ...model.graph, outputs: [...outputs, ...added] } }
}
