import type { Tensor, Tfjs } from '../../engines/tensor-api.ts'
import { weightBounds } from '../../quant/scheme.ts'
import { straightThrough } from './weight-grid.ts'

/**
 * A bias as int32 of s_x · s_w holds it, its gradient passed straight through. With 8 or 16 bits it is first rounded to a symmetric
 * grid of its own.
 * @param weightScale one, or one a channel in any shape
 * Source: `quantizeBias` of quant/bias.ts.
 */
export function fakeQuantizeBias(
  tf: Tfjs,
  bias: Tensor,
  inputScale: Tensor,
  weightScale: Tensor,
  bits: 8 | 16 | 32,
): Tensor {
  const step = tf.mul(weightScale.size === 1 ? weightScale.asScalar() : tf.reshape(weightScale, [-1]), inputScale)
  return straightThrough(tf, bias, (b) => {
    const coarse = bits === 32 ? b : coarsen(tf, b, bits)
    return tf.mul(tf.round(tf.div(coarse, step)), step)
  })
}

function coarsen(tf: Tfjs, bias: Tensor, bits: 8 | 16): Tensor {
  const { qmax } = weightBounds({ bits, storage: bits === 8 ? 'int8' : 'int16', symmetric: true })
  const step = tf.maximum(tf.div(tf.max(tf.abs(bias)), qmax), 2 ** -60)
  return tf.mul(tf.round(tf.div(bias, step)), step)
}
