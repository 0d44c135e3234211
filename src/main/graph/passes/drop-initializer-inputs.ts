import type { Model } from '../model.ts'

/** Older exporters list initializers as graph inputs too; from IR 4 on they need not be, and what is listed may be overridden. */
const IR_WITH_FREE_INITIALIZERS = 4

/**
 * Takes initializers off the list of graph inputs, so that they are constants: an initializer that is also an input is only a
 * default value, which neither ONNX Runtime nor we may fold.
 * Source: ONNX IR specification, "Graphs", initializer.
 */
export function dropInitializerInputs(model: Model): Model {
  const { graph } = model
  const inputs = graph.inputs.filter((input) => !graph.initializers.has(input.name))
  if (inputs.length === graph.inputs.length) return model
  return { ...model, irVersion: Math.max(model.irVersion, IR_WITH_FREE_INITIALIZERS), graph: { ...graph, inputs } }
}
