import { floatAttribute, intAttribute } from '../../../graph/attributes.ts'
import type { Tensor, Tfjs } from '../../../engines/tensor-api.ts'
import { input, type Op, type OpRow } from '../op.ts'
import { plain, toPlain } from '../value.ts'

/** alpha · A' · B' + beta · C. Source: ONNX Gemm-13. */
const gemm: Op = (call) => {
  const { tf, node } = call
  const a = toPlain(tf, input(call, 0))
  const b = toPlain(tf, input(call, 1))
  const product = tf.matMul(a, b, intAttribute(node, 'transA', 0) === 1, intAttribute(node, 'transB', 0) === 1)
  const scaled = scale(tf, product, floatAttribute(node, 'alpha', 1))
  const c = call.inputs[2]
  return plain(c ? tf.add(scaled, scale(tf, toPlain(tf, c), floatAttribute(node, 'beta', 1))) : scaled)
}

const scale = (tf: Tfjs, x: Tensor, by: number): Tensor => (by === 1 ? x : tf.mul(x, by))

/** numpy.matmul. Source: ONNX MatMul-13. */
const matMul: Op = (call) => {
  const { tf } = call
  let a = toPlain(tf, input(call, 0))
  let b = toPlain(tf, input(call, 1))
  const [vectorA, vectorB] = [a.rank === 1, b.rank === 1]
  if (vectorA) a = tf.reshape(a, [1, a.size])
  if (vectorB) b = tf.reshape(b, [b.size, 1])
  const y = product(tf, a, b)
  const shape = [...y.shape]
  if (vectorB) shape.pop()
  if (vectorA) shape.splice(vectorB ? -1 : -2, 1)
  return plain(vectorA || vectorB ? tf.reshape(y, shape) : y)
}

function product(tf: Tfjs, a: Tensor, b: Tensor): Tensor {
  if (b.rank === 2 && a.rank > 2) {
    // one large product is faster than a batch of small ones
    const rows = tf.reshape(a, [-1, a.shape.at(-1)!])
    return tf.reshape(tf.matMul(rows, b), [...a.shape.slice(0, -1), b.shape[1]!])
  }
  const rank = Math.max(a.rank, b.rank)
  const wide = (x: Tensor): Tensor =>
    x.rank === rank ? x : tf.reshape(x, [...Array<number>(rank - x.rank).fill(1), ...x.shape])
  return tf.matMul(wide(a), wide(b))
}

/** Products of matrices. */
export const matrices: Readonly<Record<string, OpRow>> = { Gemm: { run: gemm }, MatMul: { run: matMul } }
