import type { Model, Node } from '../graph/model.ts'
import { Draft } from '../graph/draft.ts'
import { floatTensor } from '../graph/tensors.ts'
import { dataInputIndices, isFoldableActivation, operatorOf } from './operators.ts'
import { topologyOf, type Topology } from './topology.ts'

/** Largest finite float32: a Clip to ± this changes no finite value, infinities neither being possible behind a DQ. */
const widest = 3.4028234663852886e38

/** A model whose float layers stay float, and how many Clips that took. */
export interface GuardedModel {
  readonly model: Model
  /** nodes a guard stands before */
  readonly guarded: readonly string[]
}

/**
 * Keeps layers planned float from being computed in integers. ONNX Runtime turns a float Conv or Gemm that stands between
 * DQ and Q into an integer one of its own making, with one weight scale for all channels (m: 22.7 dB), and the ops with
 * integer kernels likewise. A wide Clip between the DQ and the node hides the DQ from it and is exact. Guards go only where
 * the runtime would act: all data inputs come from a DQ and, but for movement and MatMul of activations, a Q follows.
 * Readers of one tensor share a guard.
 * @param floatNodes names of the nodes to keep in float
 * Source: DESIGN section 5, "Float stays float"; ONNX Runtime, weight_bias_quantization.cc and qdq_propagation.cc.
 */
export function guardFloatNodes(model: Model, floatNodes: ReadonlySet<string>): GuardedModel {
  const topology = topologyOf(model)
  const edges = model.graph.nodes
    .filter((node) => floatNodes.has(node.name))
    .flatMap((node) => guardedEdges(node, topology, floatNodes))
  if (edges.length === 0) return { model, guarded: [] }
  const draft = new Draft(model)
  const bounds = [-widest, widest].map((value, i) =>
    draft.addInitializer(floatTensor(i === 0 ? 'guard_min' : 'guard_max', [], [value])),
  )
  const guards = new Map<string, string>()
  const replaced = new Map<string, Node>()
  for (const { tensor, reader, index } of edges) {
    let guard = guards.get(tensor)
    if (guard === undefined) {
      guard = draft.freshTensorName(`${tensor}_guard`)
      draft.addNode({ name: `${tensor}_guard`, opType: 'Clip', inputs: [tensor, ...bounds], outputs: [guard] })
      guards.set(tensor, guard)
    }
    const current = replaced.get(reader.name) ?? reader
    replaced.set(reader.name, { ...current, inputs: current.inputs.with(index, guard) })
  }
  draft.nodes = draft.nodes.map((node) => replaced.get(node.name) ?? node)
  return { model: draft.finish(), guarded: [...new Set(edges.map((edge) => edge.node))] }
}

/** An input that reads a guard instead of its tensor, for the sake of the float node `node`. */
interface GuardedEdge {
  readonly node: string
  readonly tensor: string
  readonly reader: Node
  readonly index: number
}

function guardedEdges(node: Node, topology: Topology, floatNodes: ReadonlySet<string>): GuardedEdge[] {
  const row = operatorOf(node)
  if (!row) return []
  if (row.kind === 'movement') return [...edgesBefore(node, topology), ...edgesAfter(node, topology, floatNodes)]
  return isAbsorbed(node, row.kind, topology) ? edgesBefore(node, topology) : []
}

/** The first data input that comes from a DQ. */
function edgesBefore(node: Node, topology: Topology): GuardedEdge[] {
  const index = dataInputIndices(node, operatorOf(node)!).find((i) => comesFromDq(node.inputs[i]!, topology))
  return index === undefined ? [] : [{ node: node.name, tensor: node.inputs[index]!, reader: node, index }]
}

/** Reads of a float movement's outputs over which the runtime would shift a Q back through it. */
function edgesAfter(node: Node, topology: Topology, floatNodes: ReadonlySet<string>): GuardedEdge[] {
  return node.outputs.flatMap((tensor) => {
    const readers = (topology.consumers.get(tensor) ?? []).filter((reader) => {
      if (reader.inputs[0] !== tensor) return false
      if (reader.opType === 'QuantizeLinear') return true
      const moves = operatorOf(reader)?.kind === 'movement' && !floatNodes.has(reader.name)
      return moves && reader.outputs.some((output) => leadsToQ(output, topology))
    })
    return readers.map((reader) => ({ node: node.name, tensor, reader, index: 0 }))
  })
}

function isAbsorbed(node: Node, kind: 'arithmetic' | 'weighted', topology: Topology): boolean {
  const indices = dataInputIndices(node, operatorOf(node)!)
  // the runtime quantizes constant weights of Conv and Gemm itself
  const needed = kind === 'weighted' && node.opType !== 'MatMul' ? [0] : indices
  if (!needed.every((i) => comesFromDq(node.inputs[i]!, topology))) return false
  return node.opType === 'MatMul' || node.outputs.some((output) => leadsToQ(output, topology))
}

/** True when the runtime sees a DQ before this tensor: directly, or through movement, over which it shifts DQs forward. */
function comesFromDq(tensor: string, topology: Topology): boolean {
  const producer = topology.producers.get(tensor)
  if (!producer) return false
  if (producer.opType === 'DequantizeLinear') return true
  return operatorOf(producer)?.kind === 'movement' && comesFromDq(producer.inputs[0]!, topology)
}

/** True when a Q follows: directly, behind Relu or Clip, or behind movement, over which the runtime shifts it back. */
function leadsToQ(tensor: string, topology: Topology): boolean {
  return (topology.consumers.get(tensor) ?? []).some((node) => {
    if (node.opType === 'QuantizeLinear') return node.inputs[0] === tensor
    const passes = isFoldableActivation(node, topology.graph) || operatorOf(node)?.kind === 'movement'
    return passes && node.inputs[0] === tensor && node.outputs.some((output) => leadsToQ(output, topology))
  })
}
