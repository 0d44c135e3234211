import type { Dim } from '../../../../../shared/contract/tensor.ts'
import { int, intAttribute } from '../../../../graph/attributes.ts'
import type { Node } from '../../../../graph/model.ts'
import { int64Tensor } from '../../../../graph/tensors.ts'
import type { Adapter, Scope } from '../scope.ts'
import { changed } from '../scope.ts'

/**
 * Softmax, LogSoftmax, Hardmax. Until 12 the input is taken as a matrix [axes before `axis`, axes from `axis` on] and each row
 * is normalized; from 13 on only the one axis. Where all but one axis from `axis` on are 1 the two are the same; else the
 * tensor is flattened before and given its shape back after.
 * Source: ONNX Changelog, Softmax-13.
 */
export const softmaxAlongAxis: Adapter = (node, scope) => {
  const input = node.inputs[0] ?? ''
  const { shape } = scope.fact(input)
  const given = intAttribute(node, 'axis', 1)
  const single = shape === null ? null : singleAxis(shape, given)
  if (single !== null) return [changed(node, { attributes: { axis: int(single) } })]
  const flatten = scope.helper(node, 'Flatten', [input], { axis: int(given) })
  const core = changed(node, {
    inputs: flatten.outputs,
    outputs: [scope.fresh(node, 'rows')],
    attributes: { axis: int(-1) },
  })
  const [target, before] = targetShape(node, scope, shape)
  return [flatten, core, ...before, scope.helper(node, 'Reshape', [core.outputs[0]!, target], {}, node.outputs[0])]
}

/** The axis that carries all elements of a row, or null when several may; the last one is written as −1. */
function singleAxis(shape: readonly Dim[], given: number): number | null {
  const axis = given < 0 ? given + shape.length : given
  // behind the last axis each row is a single element, which no axis of the tensor is
  if (axis >= shape.length) return null
  if (axis === shape.length - 1) return -1
  const long = shape.flatMap((dim, i) => (i >= axis && dim !== 1 ? [i] : []))
  if (long.length > 1) return null
  return long[0] === undefined || long[0] === shape.length - 1 ? -1 : long[0]
}

/** The input's shape as a constant where at most one axis is open, else computed when the model runs. */
function targetShape(node: Node, scope: Scope, shape: readonly Dim[] | null): [string, readonly Node[]] {
  const open = shape?.filter((dim) => typeof dim !== 'number').length ?? Infinity
  if (shape !== null && open <= 1 && !shape.includes(0)) {
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : -1))
    return [scope.constant(node, 'shape', int64Tensor('', [dims.length], dims)), []]
  }
  const reader = scope.helper(node, 'Shape', [node.inputs[0] ?? ''])
  return [reader.outputs[0]!, [reader]]
}
