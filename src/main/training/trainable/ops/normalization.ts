import { floatAttribute, intAttribute } from '../../../graph/attributes.ts'
import type { Tensor, Tfjs } from '../../../engines/tensor-api.ts'
import { input, type Op, type OpRow } from '../op.ts'
import { nhwc, plain, shapeOf, storedAxis, toNhwc, toPlain, type Value } from '../value.ts'

/**
 * In training with the batch's statistics, which are reported; else with the running ones. Both differentiate by scale and bias.
 * Source: ONNX BatchNormalization-15; population variance in both.
 */
const batchNormalization: Op = (call) => {
  const { tf, native, node } = call
  const x = input(call, 0)
  const rank = shapeOf(x).length
  const flat = rank === 2 ? tf.reshape(toPlain(tf, x), [-1, 1, 1, shapeOf(x)[1]!]) : toNhwc(tf, asRank4(tf, x))
  const [scale, offset, mean, variance] = [1, 2, 3, 4].map((i) => toPlain(tf, input(call, i))) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ]
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  let y: Tensor
  if (call.training) {
    const result = native.batchNormTrain(flat, scale, offset, epsilon)
    call.onStatistics(node, result.mean, result.variance)
    y = result.y
  } else {
    const factor = tf.div(scale, tf.sqrt(tf.add(variance, epsilon)))
    y = tf.add(tf.mul(flat, factor), tf.sub(offset, tf.mul(mean, factor)))
  }
  if (rank === 4) return nhwc(y)
  return plain(tf.reshape(toPlain(tf, nhwc(y)), [...shapeOf(x)]))
}

/** [N, C] and [N, C, L] as [N, C, L or 1, 1]. */
function asRank4(tf: Tfjs, x: Value): Value {
  const shape = shapeOf(x)
  if (shape.length === 4) return x
  const [n, c, ...rest] = shape
  return plain(tf.reshape(toPlain(tf, x), [n!, c!, rest.reduce((a, b) => a * b, 1), 1]))
}

/** Source: ONNX LayerNormalization-17. */
const layerNormalization: Op = (call) => {
  const { tf, node } = call
  const x = toPlain(tf, input(call, 0))
  const axis = intAttribute(node, 'axis', -1)
  const first = axis < 0 ? axis + x.rank : axis
  const axes = x.shape.map((_, i) => i).slice(first)
  const { mean, variance } = tf.moments(x, axes, true)
  const unit = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, floatAttribute(node, 'epsilon', 1e-5))))
  const scaled = tf.mul(unit, toPlain(tf, input(call, 1)))
  const bias = call.inputs[2]
  return plain(bias ? tf.add(scaled, toPlain(tf, bias)) : scaled)
}

/** tfjs normalizes the last axis only. */
const alongLast =
  (compute: (tf: Tfjs, x: Tensor) => Tensor): Op =>
  (call) => {
    const { tf } = call
    const x = input(call, 0)
    const axis = storedAxis(x, intAttribute(call.node, 'axis', -1))
    const tensor = x.kind === 'tensor' ? x.tensor : toPlain(tf, x)
    const last = tensor.rank - 1
    if (axis === last) return { kind: 'tensor', tensor: compute(tf, tensor), nhwc: x.kind === 'tensor' && x.nhwc }
    const order = tensor.shape.map((_, i) => (i === axis ? last : i === last ? axis : i))
    const moved = tf.transpose(compute(tf, tf.transpose(tensor, order)), order)
    return { kind: 'tensor', tensor: moved, nhwc: x.kind === 'tensor' && x.nhwc }
  }

/** Inverted dropout while training, nothing else; the ratio is input 1. Source: ONNX Dropout-13. */
const dropout: Op = (call) => {
  const x = input(call, 0)
  const given = call.inputs[1]
  const ratio = given?.kind === 'constant' ? toRatio(given) : 0.5
  if (!call.training || ratio === 0 || x.kind === 'constant') return x
  return { ...x, tensor: call.tf.dropout(x.tensor, ratio, undefined, call.seed()) }
}

function toRatio(value: Extract<Value, { kind: 'constant' }>): number {
  const { data } = value.constant
  return new DataView(data.buffer, data.byteOffset).getFloat32(0, true)
}

/** Normalizations and Dropout. */
export const normalizations: Readonly<Record<string, OpRow>> = {
  BatchNormalization: { run: batchNormalization },
  LayerNormalization: { run: layerNormalization },
  Softmax: { run: alongLast((tf, x) => tf.softmax(x)) },
  LogSoftmax: { run: alongLast((tf, x) => tf.logSoftmax(x)) },
  Dropout: { run: dropout },
}
