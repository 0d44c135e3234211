import type { GraphForm, GraphView, GraphViewNode, GraphViewTensor } from '../../../shared/contract/graph-view.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { ValueSpec } from '../../../shared/contract/tensor.ts'
import type { Graph, Model, Node, Tensor, ValueInfo } from '../model.ts'
import type { Facts } from '../passes/pass.ts'
import { byteLengthOf } from '../tensors.ts'
import { capturedBy, consumersOf, producersOf } from '../traversal.ts'
import { attributeText } from './attribute-text.ts'

/**
 * The main graph of a model as plain JSON for the canvas.
 * @param model its nodes carry ids (`assignIds`)
 * @param layers of the prepared model; a node of the file that preparation folded away (BatchNormalization, Identity …) counts to the layer
 *   it was folded into, where that can be told
 * @param shapes types and shapes of the tensors
 */
export function describeGraph(form: GraphForm, model: Model, layers: readonly LayerInfo[], shapes: Facts): GraphView {
  const { graph } = model
  const layerIds = layersOfNodes(graph, layers)
  return {
    form,
    name: graph.name,
    inputs: graph.inputs.filter(({ name }) => !graph.initializers.has(name)).flatMap(specOf),
    outputs: graph.outputs.flatMap((output) =>
      specOf({ ...output, shape: output.shape ?? shapes.get(output.name)?.shape ?? null }),
    ),
    nodes: graph.nodes.map((node) => describeNode(node, layerIds.get(node.name) ?? null, shapes)),
    layers,
    tensors: tensorsOf(graph, shapes),
  }
}

function describeNode(node: Node, layerId: string | null, shapes: Facts): GraphViewNode {
  return {
    id: node.name,
    op: node.opType,
    domain: node.domain,
    layerId,
    inputs: node.inputs,
    outputs: node.outputs,
    captures: [...capturedBy(node)],
    attributes: [...node.attributes].map(([name, attribute]) => ({ name, text: attributeText(name, attribute) })),
    outputShape: shapes.get(node.outputs[0] ?? '')?.shape ?? null,
  }
}

/** Node id → layer id; what the layers do not name belongs to the layer whose value it alone reads. */
function layersOfNodes(graph: Graph, layers: readonly LayerInfo[]): Map<string, string> {
  const found = new Map(layers.flatMap((layer) => layer.nodes.map((node) => [node, layer.id] as const)))
  const producers = producersOf(graph)
  const consumers = consumersOf(graph)
  for (const node of graph.nodes) {
    if (found.has(node.name)) continue
    const sources = node.inputs.filter((name) => producers.has(name))
    const [source] = sources
    if (sources.length !== 1 || consumers.get(source!)?.length !== 1) continue
    const layer = found.get(producers.get(source!)!.name)
    if (layer !== undefined) found.set(node.name, layer)
  }
  return found
}

function tensorsOf(graph: Graph, shapes: Facts): GraphViewTensor[] {
  const names = new Set(graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map(({ name }) => name))
  for (const node of graph.nodes)
    for (const name of [...node.inputs, ...capturedBy(node), ...node.outputs]) names.add(name)
  for (const output of graph.outputs) names.add(output.name)
  names.delete('')
  return [...names].map((name) => {
    const constant = graph.initializers.get(name)
    const fact = shapes.get(name)
    return {
      name,
      dataType: constant?.dataType ?? fact?.dataType ?? null,
      shape: constant?.dims ?? fact?.shape ?? null,
      constantBytes: constant ? bytesOf(constant) : null,
    }
  })
}

function bytesOf({ dataType, dims, strings }: Tensor): number {
  return strings ? strings.reduce((sum, text) => sum + text.length, 0) : byteLengthOf(dataType, dims)
}

function specOf({ name, dataType, shape }: ValueInfo): ValueSpec[] {
  return dataType === null ? [] : [{ name, dataType, shape }]
}
