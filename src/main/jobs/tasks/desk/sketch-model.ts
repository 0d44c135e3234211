import type { Attribute, Graph, Model, Node, Tensor } from '../../../graph/model.ts'
import type { Task } from '../../worker-host.ts'
import { readPrepared } from './model-cache.ts'

/** Constants of at most so many bytes keep their numbers: bounds of a Clip, shapes, axes. */
const KEPT_BYTES = 64

/** Reads a model and gives its graph without the numbers of its weights: what a plan is checked against, small enough to keep. */
export function createSketchModelTask(): Task<{ readonly path: string }, Model> {
  return async ({ path }, { signal }) => {
    const model = await readPrepared(path, signal)
    return { ...model, opaque: null, graph: sketchGraph(model.graph) }
  }
}

function sketchGraph(graph: Graph): Graph {
  return {
    ...graph,
    opaque: null,
    nodes: graph.nodes.map(sketchNode),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [name, sketchTensor(tensor)])),
    inputs: graph.inputs.map((value) => ({ ...value, opaque: null })),
    outputs: graph.outputs.map((value) => ({ ...value, opaque: null })),
    valueInfo: new Map(),
  }
}

function sketchNode(node: Node): Node {
  return {
    ...node,
    opaque: null,
    attributes: new Map([...node.attributes].map(([name, attribute]) => [name, sketchAttribute(attribute)])),
  }
}

function sketchAttribute(attribute: Attribute): Attribute {
  switch (attribute.kind) {
    case 'tensor':
      return { kind: 'tensor', value: sketchTensor(attribute.value) }
    case 'graph':
      return { kind: 'graph', value: sketchGraph(attribute.value) }
    case 'graphs':
      return { kind: 'graphs', value: attribute.value.map(sketchGraph) }
    case 'other':
      return { kind: 'other', value: null }
    default:
      return attribute
  }
}

function sketchTensor({ opaque: _, strings, ...tensor }: Tensor): Tensor {
  if (strings !== undefined) return { ...tensor, dims: [0], data: new Uint8Array(), strings: [] }
  return tensor.data.byteLength <= KEPT_BYTES
    ? { ...tensor, data: tensor.data.slice() }
    : { ...tensor, dims: [0], data: new Uint8Array() }
}
