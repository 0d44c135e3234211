import { int } from '../../../../graph/attributes.ts'
import type { Node } from '../../../../graph/model.ts'
import { int64Tensor } from '../../../../graph/tensors.ts'
import type { Adapter, Scope } from '../scope.ts'
import { changed, withInput } from '../scope.ts'

/** Moves an integer list from the attribute `name` to input `at`; absent stays absent. 64-bit values stay exact. */
function listToInput(node: Node, scope: Scope, name: string, at: number): Node {
  const attribute = node.attributes.get(name)
  if (attribute?.kind !== 'ints') return node
  const data = new Uint8Array(BigInt64Array.from(attribute.value).buffer)
  const input = scope.constant(node, name, { dataType: 'int64', dims: [attribute.value.length], data })
  return changed(node, { attributes: { [name]: null }, inputs: withInput(node.inputs, at, input) })
}

/** Moves all `names`, in order, to the inputs from `at` on; refuses an attribute that is no list of integers. */
function listsToInputs(node: Node, scope: Scope, names: readonly string[], at: number): readonly Node[] {
  const wrong = names.find((name) => (node.attributes.get(name)?.kind ?? 'ints') !== 'ints')
  if (wrong !== undefined) return scope.refuse(node, `the attribute ${wrong} of ${node.opType} is no list of integers`)
  return [names.reduce((result, name, i) => listToInput(result, scope, name, at + i), node)]
}

/** An empty list means what an absent one does: all axes, or equal parts. */
function withoutEmpty(node: Node, name: string): Node {
  const attribute = node.attributes.get(name)
  return attribute?.kind === 'ints' && attribute.value.length === 0
    ? changed(node, { attributes: { [name]: null } })
    : node
}

/**
 * Squeeze, ReduceSum (13) and the other reductions (18): axes become the second input.
 * Source: ONNX Changelog, Squeeze-13, ReduceSum-13, ReduceMean-18.
 */
export const axesToInput: Adapter = (node, scope) => listsToInputs(withoutEmpty(node, 'axes'), scope, ['axes'], 1)

/** Source: ONNX Changelog, Unsqueeze-13: the axes become the second input, and must be there. */
export const requiredAxesToInput: Adapter = (node, scope) =>
  node.attributes.has('axes')
    ? listsToInputs(node, scope, ['axes'], 1)
    : scope.refuse(node, 'Unsqueeze has no attribute axes')

/** Source: ONNX Changelog, Split-13: the sizes become the second input. */
export const splitToInput: Adapter = (node, scope) => listsToInputs(withoutEmpty(node, 'split'), scope, ['split'], 1)

/** Source: ONNX Changelog, Split-18: equal parts are asked for by num_outputs. */
export const splitNumOutputs: Adapter = (node) => [
  (node.inputs[1] ?? '') === '' ? changed(node, { attributes: { num_outputs: int(node.outputs.length) } }) : node,
]

/** Source: ONNX Changelog, Slice-10: starts, ends and axes become inputs. */
export const sliceToInputs: Adapter = (node, scope) => {
  const missing = ['starts', 'ends'].find((name) => !node.attributes.has(name))
  if (missing !== undefined) return scope.refuse(node, `Slice has no attribute ${missing}`)
  return listsToInputs(node, scope, ['starts', 'ends', 'axes'], 1)
}

/** Source: ONNX Changelog, TopK-10: k becomes the second input, a list of one. */
export const topKToInput: Adapter = (node, scope) => {
  const k = node.attributes.get('k')
  if (k?.kind !== 'int')
    return scope.refuse(node, 'TopK has no attribute k, so the number of elements to take is not told')
  const input = scope.constant(node, 'k', int64Tensor('', [1], [Number(k.value)]))
  return [changed(node, { attributes: { k: null }, inputs: withInput(node.inputs, 1, input) })]
}

/** Source: ONNX Changelog, DFT-20: the axis becomes the third input; its default changes from 1 to −2. */
export const dftAxisToInput: Adapter = (node, scope) => {
  const axis = node.attributes.get('axis')
  const value = axis?.kind === 'int' ? Number(axis.value) : 1
  const input = scope.constant(node, 'axis', int64Tensor('', [], [value]))
  return [changed(node, { attributes: { axis: null }, inputs: withInput(node.inputs, 2, input) })]
}
