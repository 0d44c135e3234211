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
  const targets = model.graph.nodes.filter((node) => floatNodes.has(node.name) && isAbsorbed(node, topology))
  if (targets.length === 0) return { model, guarded: [] }
  const draft = new Draft(model)
  const bounds = [-widest, widest].map((value, i) => draft.addInitializer(floatTensor(i === 0 ? 'guard_min' : 'guard_max', [], [value])))
  const guards = new Map<string, string>()
  for (const node of targets) {
    const index = guardedInput(node, topology)
    const tensor = node.inputs[index]!
    let guard = guards.get(tensor)
    if (guard === undefined) {
      guard = draft.freshTensorName(`${tensor}_guard`)
      draft.addNode({ name: `${tensor}_guard`, opType: 'Clip', inputs: [tensor, ...bounds], outputs: [guard] })
      guards.set(tensor, guard)
    }
    draft.replaceNode(node, { ...node, inputs: node.inputs.map((name, i) => (i === index ? guard : name)) })
  }
  return { model: draft.finish(), guarded: targets.map((node) => node.name) }
}

/** The data input a guard goes on: the first that comes from a DQ. */
function guardedInput(node: Node, topology: Topology): number {
  return dataInputIndices(node, operatorOf(node)!).find((i) => comesFromDq(node.inputs[i]!, topology))!
}

function isAbsorbed(node: Node, topology: Topology): boolean {
  const row = operatorOf(node)
  if (!row) return false
  const indices = dataInputIndices(node, row)
  const isQuantizedInput = (i: number): boolean => comesFromDq(node.inputs[i]!, topology)
  switch (row.kind) {
    case 'movement':
      return isQuantizedInput(0)
    case 'arithmetic':
    case 'weighted': {
      // the runtime quantizes constant weights of Conv and Gemm itself
      const needed = node.opType === 'Conv' || node.opType === 'Gemm' ? [0] : indices
      if (!needed.every(isQuantizedInput)) return false
      return node.opType === 'MatMul' || node.outputs.some((output) => leadsToQ(output, topology))
    }
  }
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
