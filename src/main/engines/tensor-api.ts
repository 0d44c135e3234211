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
   * Convolution of [N, H, W, in] with [kH, kW, in, out], undilated. Its gradient by `x` is computed as another convolution where
   * TensorFlow's own kernel for it is the slower one.
   * Source: TensorFlow Conv2D, Conv2DBackpropInput, Conv2DBackpropFilter.
   */
  conv2d(x: Tensor, filter: Tensor, strides: readonly [number, number], pad: 'same' | 'valid'): Tensor
  /**
   * Cross-entropy of class scores before softmax against shares of the classes, [batch, classes] both, one number a row. No gradient
   * by `targets`. Source: TensorFlow SoftmaxCrossEntropyWithLogits.
   */
  softmaxCrossEntropy(scores: Tensor, targets: Tensor): Tensor
  /** Memory of the engine that kernels write to in place; to be disposed. Source: TensorFlow VarHandleOp. */
  cell(start: Tensor): Cell
  /**
   * velocity = momentum · velocity + gradient; weight −= rate · velocity; all in one pass. `rate` and `momentum` are scalars.
   * Source: TensorFlow ResourceApplyMomentum.
   */
  applyMomentum(weight: Cell, velocity: Cell, rate: Tensor, gradient: Tensor, momentum: Tensor): void
  /** One step of Adam in one pass. Source: TensorFlow ResourceApplyAdam. */
  applyAdam(weight: Cell, first: Cell, second: Cell, gradient: Tensor, settings: AdamSettings): void
  /** cell −= factor · x, in one pass. Source: TensorFlow ResourceApplyGradientDescent. */
  subtractScaled(cell: Cell, factor: Tensor, x: Tensor): void
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

/** A tensor in the engine's memory that kernels change in place. */
export interface Cell {
  /** takes a value over; no copy is made */
  set(value: Tensor): void
  /** the value as it is now; what happens to the cell later does not change it */
  get(): Tensor
  dispose(): void
}

/** Scalars of Adam. Source: Kingma and Ba 2015, algorithm 1. */
export interface AdamSettings {
  readonly rate: Tensor
  readonly beta1: Tensor
  readonly beta2: Tensor
  /** the betas to the power of the step, from 1 */
  readonly beta1Power: Tensor
  readonly beta2Power: Tensor
  readonly epsilon: Tensor
}
