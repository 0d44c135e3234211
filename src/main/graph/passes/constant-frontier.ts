import type { Model, Node, Tensor } from '../model.ts'
import { elementCount } from '../tensors.ts'
import { subgraphsOf } from '../traversal.ts'
import { ALWAYS_FOLDED, GROWTH } from './fold-constants.ts'
import { isStandard, type Facts } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/** What must not be computed ahead: results that differ from run to run, and quantized weights that are to stay quantized. */
const NEVER_FOLDED: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomUniform',
  'RandomNormalLike',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
  'Dropout',
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'ConvInteger',
  'MatMulInteger',
  'QLinearConv',
  'QLinearMatMul',
])

/**
 * The part of a graph that depends on constants alone and that `foldConstants` left: a model without inputs whose outputs are
 * the tensors to replace, to be run once by an engine; null when there is none. Outputs whose size is unknown or would blow up
 * the file are left out.
 */
export function constantFrontier(model: Model, facts: Facts): Model | null {
  const { graph } = model
  const known = new Set(graph.initializers.keys())
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    if (
      !isFoldable(node, known) ||
      !node.outputs.every((name) => name === '' || isSmall(name, node, graph.initializers, facts))
    )
      continue
    nodes.push(node)
    for (const output of node.outputs) known.add(output)
  }
  if (nodes.length === 0) return null
  const inside = new Set(nodes.map((node) => node.name))
  const read = new Set(graph.nodes.filter((node) => !inside.has(node.name)).flatMap((node) => node.inputs))
  const graphOutputs = new Set(graph.outputs.map((output) => output.name))
  const wanted = nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '' && read.has(name) && !graphOutputs.has(name))
  if (wanted.length === 0) return null
  const outputs = wanted.map((name) => ({ name, dataType: facts.get(name)!.dataType, shape: facts.get(name)!.shape }))
  const needed = new Set(nodes.flatMap((node) => node.inputs))
  const initializers = new Map([...graph.initializers].filter(([name]) => needed.has(name)))
  return { ...model, graph: { ...graph, nodes, inputs: [], outputs, initializers, valueInfo: new Map() } }
}

function isFoldable(node: Node, known: ReadonlySet<string>): boolean {
  const inputs = node.inputs.filter((name) => name !== '')
  return (
    isStandard(node) &&
    inputs.length > 0 &&
    !NEVER_FOLDED.has(node.opType) &&
    subgraphsOf(node).length === 0 &&
    inputs.every((name) => known.has(name))
  )
}

function isSmall(name: string, node: Node, constants: ReadonlyMap<string, Tensor>, facts: Facts): boolean {
  const fact = facts.get(name)
  if (fact === undefined || fact.dataType === null || !fact.shape?.every((dim) => typeof dim === 'number')) return false
  const given = node.inputs.reduce((sum, input) => sum + elementCount(constants.get(input)?.dims ?? [0]), 0)
  return elementCount(fact.shape) <= Math.max(ALWAYS_FOLDED, GROWTH * given)
}

/** The model with the tensors of a frontier as constants; what computed them is left for `dropDeadNodes`. */
export function replaceByConstants(model: Model, tensors: readonly Tensor[]): Model {
  const rewrite = new Rewrite(model)
  for (const tensor of tensors) {
    const producer = rewrite.producer(tensor.name)
    if (producer === null) continue
    if (producer.outputs.length === 1) rewrite.remove(producer.name)
    else rewrite.replace({ ...producer, outputs: producer.outputs.map((name) => (name === tensor.name ? '' : name)) })
    rewrite.setConstant(tensor)
  }
  return rewrite.finish()
}
