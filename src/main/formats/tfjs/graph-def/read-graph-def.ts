import { z } from 'zod'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { Model, Tensor } from '../../../graph/model.ts'
import type { ModelJson } from '../files/model-json.ts'
import { Problems } from '../lower/collect.ts'
import { Lowering } from '../lower/lowering.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import type { Value } from '../lower/value.ts'
import { OpCall } from './call.ts'
import { parseGraphDef, sourceOf, type GraphNode, type Source } from './node.ts'
import { OPERATORS } from './registry.ts'

const signatureSchema = z.object({
  outputs: z.record(z.string(), z.object({ name: z.string() }).partial()).optional(),
})

const PLACEHOLDERS = new Set(['Placeholder', 'PlaceholderWithDefault'])
/** Operators without a value. */
const SILENT = new Set(['NoOp', 'Assert'])

/**
 * A graph-model as an ONNX graph: inputs named after their placeholders, outputs after their nodes, both in the model's own order of
 * axes; nodes keep their names.
 * @throws Fault format.malformed, model.opUnsupported naming all operators that are not read, model.malformed, model.cycle, …
 * Source: tensorflow, graph.proto; tfjs-converter, operation_mapper.ts.
 */
export function readGraphDef(json: ModelJson, weights: ReadonlyMap<string, Tensor>, source: string): Model {
  const nodes = parseGraphDef(json.topology, source)
  const wanted = outputsOf(nodes, json.signature, source)
  const live = liveNodes(nodes, wanted)
  const problems = new Problems()
  for (const { name, op } of live) {
    if (!OPERATORS.has(op) && op !== 'Const' && !PLACEHOLDERS.has(op) && !SILENT.has(op)) problems.unknown(name, op)
  }
  problems.throwIfAny(source)
  const to = new Lowering()
  const values = new Map<string, readonly Value[]>()
  // inputs first, in the order of the file, whether or not an output depends on them
  for (const node of nodes) {
    if (PLACEHOLDERS.has(node.op))
      keep(
        values,
        node,
        problems.attempt(node.name, node.op, () => [placeholder(to, node)]),
      )
  }
  for (const node of live) {
    if (PLACEHOLDERS.has(node.op) || SILENT.has(node.op)) continue
    keep(values, node, lowerNode(to, node, values, weights, problems))
  }
  problems.throwIfAny(source)
  const outputs = outputValues(wanted, values, source)
  // what is still to be written of an output may not fit either
  for (const [name, value] of outputs) problems.attempt(name, 'output', () => to.read(value))
  problems.throwIfAny(source)
  return to.finish(outputs, json.producer)
}

function keep(values: Map<string, readonly Value[]>, node: GraphNode, made: readonly Value[] | null): void {
  if (made) values.set(node.name, made)
}

/** Null where there was a problem, here or before. */
function lowerNode(
  to: Lowering,
  node: GraphNode,
  values: ReadonlyMap<string, readonly Value[]>,
  weights: ReadonlyMap<string, Tensor>,
  problems: Problems,
): readonly Value[] | null {
  const { name, op, inputs } = node
  if (op === 'Const') {
    return problems.attempt(name, op, () => {
      const tensor = weights.get(name)
      if (!tensor) throw new Malformed('has no weight in the manifest')
      return [to.constant(tensor)]
    })
  }
  const given: Value[] = []
  for (const { node: read, output } of inputs) {
    const made = values.get(read)
    if (!made) return null
    const value = made[output]
    if (!value) {
      problems.attempt(name, op, () => {
        throw new Malformed(`reads output ${output} of "${read}", which has ${made.length}`)
      })
      return null
    }
    given.push(value)
  }
  return problems.attempt(name, op, () => {
    const made = OPERATORS.get(op)!(new OpCall(to, node, given))
    return Array.isArray(made) ? (made as readonly Value[]) : [made as Value]
  })
}

function placeholder(to: Lowering, node: GraphNode): Value {
  const shape = node.shape()
  if (shape === null) throw new Unsupported('has no shape, not even its number of axes')
  const dims = shape.map((dim, axis) => dim ?? (axis === 0 ? 'N' : `${node.name}_${axis}`))
  return to.input(node.name, node.dataType('dtype') ?? 'float', dims)
}

/** What the signature names as outputs, else what nobody reads. */
function outputsOf(nodes: readonly GraphNode[], signature: unknown, source: string): Source[] {
  const parsed = signatureSchema.safeParse(signature)
  const named = parsed.success
    ? Object.values(parsed.data.outputs ?? {}).flatMap(({ name }) => (name === undefined ? [] : [sourceOf(name)]))
    : []
  const known = new Map(nodes.map((node) => [node.name, node]))
  for (const { node } of named) {
    if (!known.has(node))
      throw new Fault(
        'model.outputMissing',
        `${source}: the signature names the output "${node}", which is not in the graph`,
      )
  }
  if (named.length > 0) return named
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map(({ node }) => node)))
  const ends = nodes.filter(
    ({ name, op }) => !read.has(name) && op !== 'Const' && !SILENT.has(op) && !PLACEHOLDERS.has(op),
  )
  if (ends.length === 0) throw new Fault('model.outputMissing', `${source}: the graph computes nothing`)
  return ends.map(({ name }) => ({ node: name, output: 0 }))
}

/** The nodes that outputs depend on, in order. */
function liveNodes(nodes: readonly GraphNode[], outputs: readonly Source[]): GraphNode[] {
  const needed = new Set(outputs.map(({ node }) => node))
  for (const node of [...nodes].reverse()) {
    if (needed.has(node.name)) for (const { node: read } of node.inputs) needed.add(read)
  }
  return nodes.filter(({ name }) => needed.has(name))
}

function outputValues(
  wanted: readonly Source[],
  values: ReadonlyMap<string, readonly Value[]>,
  source: string,
): Map<string, Value> {
  const outputs = new Map<string, Value>()
  for (const { node, output } of wanted) {
    const value = values.get(node)?.[output]
    if (!value) throw new Fault('model.outputMissing', `${source}: the output "${node}:${output}" is not computed`)
    outputs.set(output === 0 ? node : `${node}:${output}`, value)
  }
  return outputs
}
