import type { Tensor, TensorEngine } from '../engines/tensor-api.ts'

/**
 * Mean cross-entropy of class scores before softmax, [batch, classes], against class indices [batch].
 * @param smoothing share of the target that goes to all classes alike (Szegedy et al. 2016, section 7)
 */
export function softmaxCrossEntropy(
  { tf, native }: TensorEngine,
  scores: Tensor,
  labels: Tensor,
  smoothing = 0,
): Tensor {
  const classes = scores.shape.at(-1)!
  const off = smoothing / classes
  const targets = tf.oneHot(labels, classes, 1 - smoothing + off, off, 'float32')
  return tf.mean(native.softmaxCrossEntropy(scores, targets))
}
