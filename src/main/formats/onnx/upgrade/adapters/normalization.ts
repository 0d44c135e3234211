import { floatAttribute, intAttribute } from '../../../../graph/attributes.ts'
import type { Node, Tensor } from '../../../../graph/model.ts'
import { bitsOf, floatTensor, int64Tensor } from '../../../../graph/tensors.ts'
import type { Adapter, Scope } from '../scope.ts'
import { changed } from '../scope.ts'

/**
 * BatchNormalization-9 has no attribute `spatial`. With spatial 0 every position of [C, D1, …] has its own statistics: the
 * formula is then written out, broadcasting over the batch.
 * Source: ONNX Changelog, BatchNormalization-7 and -9.
 */
export const batchNormSpatial: Adapter = (node, scope) => {
  const plain = changed(node, { attributes: { spatial: null } })
  if (intAttribute(node, 'spatial', 1) !== 0) return [plain]
  const rank = scope.fact(node.inputs[1] ?? '').shape?.length
  if (rank === 1) return [plain]
  if (rank === undefined)
    return scope.refuse(node, 'BatchNormalization with spatial 0 needs the rank of its scale, which is not known')
  const { dataType } = scope.fact(node.inputs[1]!)
  if (dataType !== 'float')
    return scope.refuse(node, `BatchNormalization with spatial 0 is carried over in float only, not in ${dataType}`)
  return positionwise(node, scope)
}

function positionwise(node: Node, scope: Scope): readonly Node[] {
  const [x, scale, bias, mean, variance] = node.inputs as [string, string, string, string, string]
  const epsilon = scope.constant(node, 'epsilon', floatTensor('', [], [floatAttribute(node, 'epsilon', 1e-5)]))
  const centred = scope.helper(node, 'Sub', [x, mean])
  const shifted = scope.helper(node, 'Add', [variance, epsilon])
  const deviation = scope.helper(node, 'Sqrt', shifted.outputs)
  const factor = scope.helper(node, 'Div', [scale, deviation.outputs[0]!])
  const scaled = scope.helper(node, 'Mul', [centred.outputs[0]!, factor.outputs[0]!])
  const last: Node = {
    ...node,
    opType: 'Add',
    inputs: [scaled.outputs[0]!, bias],
    outputs: [node.outputs[0]!],
    attributes: new Map(),
  }
  return [centred, shifted, deviation, factor, scaled, last]
}

/**
 * BatchNormalization-14 gives statistics only in training mode, and two instead of four.
 * Source: ONNX Changelog, BatchNormalization-14.
 */
export const batchNormOutputs: Adapter = (node, scope) => {
  const used = node.outputs.slice(1).filter((name) => scope.isRead(name))
  if (used.length > 0) {
    return scope.refuse(
      node,
      `BatchNormalization gives its statistics (${used.join(', ')}) only while training from opset 14 on`,
    )
  }
  return [changed(node, { outputs: node.outputs.slice(0, 1) })]
}

/**
 * Dropout-12 takes the ratio as an input. Without its third input it passes the data on, as Dropout-7 and -10 always do.
 * A mask that is read was all false there, of the data's type (7) or bool (10); it is written out.
 * Source: ONNX Changelog, Dropout-12; ONNX Runtime, identity_op.h.
 */
export const dropoutRatio: Adapter = (node, scope) => {
  const ratio = scope.constant(node, 'ratio', floatTensor('', [], [floatAttribute(node, 'ratio', 0.5)]))
  const plain = changed(node, {
    inputs: [node.inputs[0]!, ratio],
    outputs: node.outputs.slice(0, 1),
    attributes: { ratio: null },
  })
  const mask = node.outputs[1] ?? ''
  if (!scope.isRead(mask)) return [plain]
  const shape = scope.helper(node, 'Shape', [node.inputs[0]!])
  const type = scope.from < 10 ? scope.fact(node.inputs[0]!).dataType : 'bool'
  if (type === null) return scope.refuse(node, `Dropout's mask ${mask} has the type of its input, which is not known`)
  const value: Tensor = { name: '', dataType: type, dims: [1], data: new Uint8Array(bitsOf(type) / 8) }
  return [
    plain,
    shape,
    scope.helper(node, 'ConstantOfShape', shape.outputs, { value: { kind: 'tensor', value } }, mask),
  ]
}

/**
 * GroupNormalization-21 has a scale and a bias for every channel, -18 for every group: each is repeated for the channels of
 * its group.
 * Source: ONNX Changelog, GroupNormalization-21.
 */
export const groupNormChannels: Adapter = (node, scope) => {
  const groups = intAttribute(node, 'num_groups', 0)
  const channels = scope.fact(node.inputs[0] ?? '').shape?.[1]
  if (typeof channels !== 'number' || groups < 1 || channels % groups !== 0) {
    return scope.refuse(
      node,
      `GroupNormalization has one scale for each channel from opset 21 on, and the channels of ${node.inputs[0]} (${channels ?? 'not known'}) do not divide into ${groups} groups`,
    )
  }
  const before: Node[] = []
  const inputs = node.inputs.map((name, i) =>
    i === 0 ? name : perChannel(node, scope, name, groups, channels / groups, before),
  )
  return [...before, changed(node, { inputs })]
}

function perChannel(node: Node, scope: Scope, name: string, groups: number, each: number, before: Node[]): string {
  const column = scope.constant(node, 'column', int64Tensor('', [2], [groups, 1]))
  const spread = scope.constant(node, 'spread', int64Tensor('', [2], [groups, each]))
  const flat = scope.constant(node, 'flat', int64Tensor('', [1], [-1]))
  const tall = scope.helper(node, 'Reshape', [name, column])
  const wide = scope.helper(node, 'Expand', [tall.outputs[0]!, spread])
  const list = scope.helper(node, 'Reshape', [wide.outputs[0]!, flat])
  before.push(tall, wide, list)
  return list.outputs[0]!
}
