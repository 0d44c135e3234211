import type * as tf from '@tensorflow/tfjs'

/** The tfjs functions as pure rooms get them handed in, on native TensorFlow. */
export type Tfjs = typeof tf
export type Tensor = tf.Tensor
export type Tensor4D = tf.Tensor4D
export type Variable = tf.Variable

/** What the learning engine runs on. */
export interface TensorEngine {
  readonly tf: Tfjs
  /** version of libtensorflow, such as 1.15.0 */
  readonly version: string
  readonly native: NativeOps
}

/** Kernels of TensorFlow that tfjs has no function for, with gradients where training needs them. */
export interface NativeOps {
  /** max(x, 0) with its gradient as one kernel, where tfjs takes four. Source: TensorFlow Relu, ReluGrad. */
  relu(x: Tensor): Tensor
  /** The same between 0 and 6. Source: TensorFlow Relu6, Relu6Grad. */
  relu6(x: Tensor): Tensor
  /**
   * Simulated quantization per tensor with TensorFlow's own kernel; the gradient is straight-through, to `min` and `max` too.
   * @param min,max scalars; @param bits 2 to 8
   * Source: TensorFlow FakeQuantWithMinMaxVars.
   */
  fakeQuantize(x: Tensor, min: Tensor, max: Tensor, bits: number, narrowRange: boolean): Tensor
  /** What `fakeQuantize` hands back of `dy`: to x, to min and to max. Source: FakeQuantWithMinMaxVarsGradient. */
  fakeQuantizeGradient(
    dy: Tensor,
    x: Tensor,
    min: Tensor,
    max: Tensor,
    bits: number,
    narrowRange: boolean,
  ): readonly [Tensor, Tensor, Tensor]
  /** The same per channel of the last axis; `min` and `max` are [channels]. Source: FakeQuantWithMinMaxVarsPerChannel. */
  fakeQuantizePerChannel(x: Tensor, min: Tensor, max: Tensor, bits: number, narrowRange: boolean): Tensor
  /** The least value, read at once; no gradient. Source: TensorFlow Min. */
  least(x: Tensor): number
  /** The greatest value, read at once; no gradient. Source: TensorFlow Max. */
  greatest(x: Tensor): number
  /**
   * Batch normalization of [N, H, W, C] with the statistics of the batch, and its gradient, each as one kernel.
   * @returns the output, and the batch's mean and (population) variance [C], which carry no gradient
   * Source: TensorFlow FusedBatchNormV3.
   */
  batchNormTrain(
    x: Tensor,
    scale: Tensor,
    offset: Tensor,
    epsilon: number,
  ): { y: Tensor; mean: Tensor; variance: Tensor }
}
