import { Fault } from '../../shared/contract/fault.ts'
import { consumersOf, producersOf } from '../graph/traversal.ts'
import type { Model } from '../graph/model.ts'

/**
 * The model as the loss reads it: its class scores before a closing Softmax, as the only output. The weights are the same tensors, so
 * what is learned goes back into the whole model.
 * @throws Fault model.untrainable where there is no output to compare with labels
 */
export function scoresOf(model: Model): Model {
  const { graph } = model
  const output = graph.outputs[0]
  if (!output || graph.outputs.length > 1) {
    throw new Fault(
      'model.untrainable',
      `This model has ${graph.outputs.length} outputs; training with labels needs one, the class scores.`,
    )
  }
  const producer = producersOf(graph).get(output.name)
  if (producer?.opType !== 'Softmax' || (consumersOf(graph).get(output.name) ?? []).length > 0) return model
  const scores = { ...output, name: producer.inputs[0]! }
  return { ...model, graph: { ...graph, nodes: graph.nodes.filter((node) => node !== producer), outputs: [scores] } }
}

/** `model` with the values that `trained` has learned, tensor by tensor. */
export function withWeightsOf(model: Model, trained: Model): Model {
  return { ...model, graph: { ...model.graph, initializers: trained.graph.initializers } }
}
