import type { Node } from '../model.ts'
import type { Dim } from '../../../shared/contract/tensor.ts'
import { intAttribute, intsAttribute } from '../attributes.ts'
import { plainNumbers } from './constants/values.ts'
import { isStandard, type Facts, type Pass } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/** What tells that a node hands its first input on unchanged. */
interface Look {
  readonly rewrite: Rewrite
  readonly facts: () => Facts
}

/**
 * Removes nodes that hand their first input on unchanged: Identity, Dropout outside training, Cast to the same type, Pad by
 * nothing, Reshape, Flatten, Squeeze, Unsqueeze, Expand to the same shape, Transpose in the same order, Concat, Sum, Max, Min
 * and Mean of one. Names of graph inputs and outputs stay; where one would have to vanish the node stays.
 */
export const dropIdentity: Pass = (model, context) => {
  const rewrite = new Rewrite(model)
  let known: Facts | null = null
  const look: Look = { rewrite, facts: () => (known ??= context.facts(model)) }
  for (const { name } of model.graph.nodes) {
    const node = rewrite.node(name)!
    if (isStandard(node) && isIdle(node, look) && !hasSecondOutput(rewrite, node)) {
      bypass(rewrite, node)
    }
  }
  return rewrite.finish()
}

function isIdle(node: Node, look: Look): boolean {
  // a file may name an operator `constructor`
  return Object.hasOwn(IDENTITIES, node.opType) && IDENTITIES[node.opType]!(node, look)
}

/** True where the mask of a Dropout is really read. */
function hasSecondOutput(rewrite: Rewrite, node: Node): boolean {
  return node.outputs
    .slice(1)
    .some((name) => name !== '' && (rewrite.isOutput(name) || rewrite.readers(name).length > 0))
}

/** Takes a node out: its readers read its input, or, where it writes a graph output, its producer writes that instead. */
function bypass(rewrite: Rewrite, node: Node): void {
  const input = node.inputs[0]!
  const output = node.outputs[0]!
  if (!rewrite.isOutput(output)) {
    rewrite.redirect(output, input)
    rewrite.remove(node.name)
    return
  }
  const producer = rewrite.producer(input)
  if (producer === null || rewrite.isOutput(input)) return
  rewrite.remove(node.name)
  rewrite.replace({ ...producer, outputs: producer.outputs.map((name) => (name === input ? output : name)) })
  rewrite.redirect(input, output)
}

const always = (): boolean => true
const single = (node: Node): boolean => node.inputs.length === 1

/** True where input and output have the same shape: known lengths, or the same symbols. */
function keepsShape(node: Node, { facts }: Look): boolean {
  const before = facts().get(node.inputs[0]!)?.shape
  const after = facts().get(node.outputs[0]!)?.shape
  return !!before && !!after && sameShape(before, after)
}

function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim !== null && dim === b[i])
}

function keepsType(node: Node, { facts }: Look): boolean {
  const before = facts().get(node.inputs[0]!)?.dataType ?? null
  return before !== null && before === facts().get(node.outputs[0]!)?.dataType
}

/** Dropout is a no-op unless its third input switches training on. Source: ONNX Dropout-13. */
function isInference(node: Node, { rewrite }: Look): boolean {
  const training = node.inputs[2]
  if (training === undefined || training === '') return true
  const constant = rewrite.constant(training)
  return constant !== null && plainNumbers(constant)?.[0] === 0
}

function padsNothing(node: Node, { rewrite }: Look): boolean {
  const pads = rewrite.constant(node.inputs[1])
  return pads !== null && (plainNumbers(pads)?.every((pad) => pad === 0) ?? false)
}

function keepsOrder(node: Node): boolean {
  return intsAttribute(node, 'perm')?.every((axis, i) => axis === i) ?? false
}

function keepsRank(node: Node, look: Look): boolean {
  return intAttribute(node, 'axis', 1) === 1 && keepsShape(node, look)
}

const IDENTITIES: Readonly<Record<string, (node: Node, look: Look) => boolean>> = {
  Identity: always,
  Dropout: isInference,
  Cast: keepsType,
  CastLike: keepsType,
  Pad: padsNothing,
  Reshape: keepsShape,
  Flatten: keepsRank,
  Squeeze: keepsShape,
  Unsqueeze: keepsShape,
  Expand: keepsShape,
  Transpose: keepsOrder,
  Concat: single,
  Sum: single,
  Max: single,
  Min: single,
  Mean: single,
}
