import { int, intsAttribute } from '../../../../graph/attributes.ts'
import type { Node } from '../../../../graph/model.ts'
import { int64Tensor } from '../../../../graph/tensors.ts'
import type { Adapter, Scope } from '../scope.ts'
import { changed, withInput } from '../scope.ts'

/** Moves an integer list from the attribute `name` to input `at`; absent stays absent. */
function listToInput(node: Node, scope: Scope, name: string, at: number): Node {
  const values = intsAttribute(node, name)
  const attributes = { [name]: null }
  if (values === null) return changed(node, { attributes })
  const input = scope.constant(node, name, int64Tensor('', [values.length], values))
  return changed(node, { attributes, inputs: withInput(node.inputs, at, input) })
}

/**
 * Squeeze, Unsqueeze, ReduceSum (13) and the other reductions (18): axes become the second input.
 * An empty list means the same as none, and is dropped: before, it reduced or squeezed all axes, as an absent input does.
 * Source: ONNX Changelog, Squeeze-13, Unsqueeze-13, ReduceSum-13, ReduceMean-18.
 */
export const axesToInput: Adapter = (node, scope) => {
  const empty = intsAttribute(node, 'axes')?.length === 0 && node.opType !== 'Unsqueeze'
  return [listToInput(empty ? changed(node, { attributes: { axes: null } }) : node, scope, 'axes', 1)]
}

/** Source: ONNX Changelog, Split-13: the sizes become the second input. */
export const splitToInput: Adapter = (node, scope) => {
  const empty = intsAttribute(node, 'split')?.length === 0
  return [listToInput(empty ? changed(node, { attributes: { split: null } }) : node, scope, 'split', 1)]
}

/** Source: ONNX Changelog, Split-18: equal parts are asked for by num_outputs. */
export const splitNumOutputs: Adapter = (node) => [
  (node.inputs[1] ?? '') === '' ? changed(node, { attributes: { num_outputs: int(node.outputs.length) } }) : node,
]

/** Source: ONNX Changelog, Slice-10: starts, ends and axes become inputs. */
export const sliceToInputs: Adapter = (node, scope) => {
  const starts = listToInput(node, scope, 'starts', 1)
  return [listToInput(listToInput(starts, scope, 'ends', 2), scope, 'axes', 3)]
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
