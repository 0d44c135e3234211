import type * as tfjs from '@tensorflow/tfjs'
import { shuffledOrder } from '../../src/main/data/order.ts'
import { CLASSES, EPSILON, FEATURES, kernelDims, UNITS } from './network.ts'
import type { NetworkWeights, Unit, UnitWeights } from './network.ts'

export type Tf = typeof tfjs
type Tensor4D = tfjs.Tensor4D

/** Pictures [count, 28, 28, 1] in 0–1 with class indices. */
export interface Pictures {
  readonly count: number
  readonly values: Float32Array
  readonly labels: Int32Array
}

export interface TrainOptions {
  readonly epochs: number
  readonly batch: number
  readonly learningRate: number
  readonly seed: number
  onEpoch(epoch: number, loss: number, accuracy: number): void
}

const SIDE = 28
const PIXELS = SIDE * SIDE
/** Part of the running BatchNormalization statistics kept at each step. */
const MOMENTUM = 0.9

type UnitVariables = Readonly<Record<keyof UnitWeights, tfjs.Variable>>

/** A network whose weights live in the engine; `release` frees them. */
class TrainableNetwork {
  readonly #tf: Tf
  readonly units: readonly UnitVariables[]
  readonly dense: tfjs.Variable
  readonly bias: tfjs.Variable

  constructor(tf: Tf, weights: NetworkWeights) {
    this.#tf = tf
    const variable = (values: Float32Array, dims: number[], trainable = true): tfjs.Variable =>
      tf.variable(tf.tensor(values, dims), trainable)
    this.units = weights.units.map((unit, i) => ({
      kernel: variable(unit.kernel, kernelDims(UNITS[i]!)),
      gamma: variable(unit.gamma, [unit.gamma.length]),
      beta: variable(unit.beta, [unit.beta.length]),
      mean: variable(unit.mean, [unit.mean.length], false),
      variance: variable(unit.variance, [unit.variance.length], false),
    }))
    this.dense = variable(weights.dense, [FEATURES, CLASSES])
    this.bias = variable(weights.bias, [CLASSES])
  }

  /** Scores [batch, classes]. In training, batch statistics are used and handed to `onStatistics`. */
  forward(
    pictures: Tensor4D,
    onStatistics?: (unit: number, mean: tfjs.Tensor, variance: tfjs.Tensor) => void,
  ): tfjs.Tensor2D {
    const tf = this.#tf
    const outputs = new Map<string, Tensor4D>()
    let x = pictures
    UNITS.forEach((unit, i) => {
      const variables = this.units[i]!
      let y = convolve(tf, x, unit, variables.kernel as unknown as Tensor4D)
      let [mean, variance]: tfjs.Tensor[] = [variables.mean, variables.variance]
      if (onStatistics) {
        const moments = tf.moments(y, [0, 1, 2])
        ;[mean, variance] = [moments.mean, moments.variance]
        onStatistics(i, mean, variance)
      }
      // written out, because the fused kernel's gradient treats the statistics as constants
      const inverse = tf.rsqrt(tf.add(variance!, EPSILON))
      y = tf.add(tf.mul(tf.mul(tf.sub(y, mean!), inverse), variables.gamma), variables.beta)
      if (unit.addFrom !== null) y = tf.add(y, outputs.get(unit.addFrom)!)
      x = unit.relu ? tf.relu(y) : y
      outputs.set(unit.name, x)
    })
    const pooled = tf.mean(x, [1, 2])
    return tf.add(tf.matMul(pooled as tfjs.Tensor2D, this.dense as unknown as tfjs.Tensor2D), this.bias)
  }

  weights(): NetworkWeights {
    const read = (variable: tfjs.Variable): Float32Array => Float32Array.from(variable.dataSync())
    return {
      units: this.units.map((unit): UnitWeights => ({
        kernel: read(unit.kernel),
        gamma: read(unit.gamma),
        beta: read(unit.beta),
        mean: read(unit.mean),
        variance: read(unit.variance),
      })),
      dense: read(this.dense),
      bias: read(this.bias),
    }
  }

  release(): void {
    for (const unit of this.units) for (const variable of Object.values(unit)) variable.dispose()
    this.dense.dispose()
    this.bias.dispose()
  }
}

/** ONNX pads both sides alike; TensorFlow's `same` does not where the stride is 2, so the padding is explicit. */
function convolve(tf: Tf, x: Tensor4D, unit: Unit, kernel: Tensor4D): Tensor4D {
  const padded =
    unit.kernel === 3
      ? tf.pad(x, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ])
      : x
  return unit.depthwise
    ? tf.depthwiseConv2d(padded, kernel, unit.stride, 'valid')
    : tf.conv2d(padded, kernel, unit.stride, 'valid')
}

/** Trains with Adam, the learning rate falling along a half cosine. Source: Loshchilov and Hutter 2017, equation 5. */
export function trainNetwork(
  tf: Tf,
  initial: NetworkWeights,
  train: Pictures,
  test: Pictures,
  options: TrainOptions,
): NetworkWeights {
  const network = new TrainableNetwork(tf, initial)
  const optimizer = tf.train.adam(options.learningRate)
  const steps = options.epochs * Math.ceil(train.count / options.batch)
  let step = 0
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = shuffledOrder(train.count, options.seed * 1000 + epoch)
    let total = 0
    for (let start = 0; start < train.count; start += options.batch) {
      // `learningRate` of tfjs optimisers is protected, but read at each step
      ;(optimizer as unknown as { learningRate: number }).learningRate =
        (options.learningRate * (1 + Math.cos((Math.PI * step++) / steps))) / 2
      const rows = order.subarray(start, start + options.batch)
      total += trainStep(tf, network, optimizer, pick(train, rows)) * rows.length
    }
    options.onEpoch(
      epoch + 1,
      total / train.count,
      accuracyOf(tf, (x) => network.forward(x), test),
    )
  }
  const weights = network.weights()
  network.release()
  optimizer.dispose()
  return weights
}

function trainStep(tf: Tf, network: TrainableNetwork, optimizer: tfjs.Optimizer, batch: Pictures): number {
  const statistics: [number, tfjs.Tensor, tfjs.Tensor][] = []
  const loss = tf.tidy(() => {
    const pictures = tf.tensor4d(batch.values, [batch.count, SIDE, SIDE, 1])
    const wanted = tf.oneHot(tf.tensor1d(batch.labels, 'int32'), CLASSES)
    const cost = optimizer.minimize(() => {
      statistics.length = 0
      const scores = network.forward(pictures, (unit, mean, variance) =>
        statistics.push([unit, tf.keep(mean), tf.keep(variance)]),
      )
      return tf.losses.softmaxCrossEntropy(wanted, scores)
    }, true)!
    return cost.dataSync()[0]!
  })
  for (const [unit, mean, variance] of statistics) {
    tf.tidy(() => {
      const { mean: keptMean, variance: keptVariance } = network.units[unit]!
      keptMean.assign(tf.add(tf.mul(keptMean, MOMENTUM), tf.mul(mean, 1 - MOMENTUM)))
      keptVariance.assign(tf.add(tf.mul(keptVariance, MOMENTUM), tf.mul(variance, 1 - MOMENTUM)))
    })
    mean.dispose()
    variance.dispose()
  }
  return loss
}

/** Test accuracy of the best linear classifier on raw pixels: what the network has to beat clearly. */
export function linearAccuracy(tf: Tf, train: Pictures, test: Pictures, epochs: number): number {
  const weights = tf.variable(tf.zeros([PIXELS, CLASSES]))
  const bias = tf.variable(tf.zeros([CLASSES]))
  const optimizer = tf.train.adam(0.001)
  const scores = (x: Tensor4D): tfjs.Tensor2D =>
    tf.add(tf.matMul(tf.reshape(x, [-1, PIXELS]), weights as unknown as tfjs.Tensor2D), bias)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffledOrder(train.count, epoch)
    for (let start = 0; start < train.count; start += 100) {
      const batch = pick(train, order.subarray(start, start + 100))
      tf.tidy(() => {
        const x = tf.tensor4d(batch.values, [batch.count, SIDE, SIDE, 1])
        const wanted = tf.oneHot(tf.tensor1d(batch.labels, 'int32'), CLASSES)
        optimizer.minimize(() => tf.losses.softmaxCrossEntropy(wanted, scores(x)))
      })
    }
  }
  return accuracyOf(tf, scores, test)
}

function accuracyOf(tf: Tf, scores: (x: Tensor4D) => tfjs.Tensor2D, pictures: Pictures): number {
  let correct = 0
  for (let start = 0; start < pictures.count; start += 250) {
    const rows = Uint32Array.from({ length: Math.min(250, pictures.count - start) }, (_, i) => start + i)
    const batch = pick(pictures, rows)
    const best = tf.tidy(() => tf.argMax(scores(tf.tensor4d(batch.values, [batch.count, SIDE, SIDE, 1])), 1).dataSync())
    batch.labels.forEach((label, i) => (correct += best[i] === label ? 1 : 0))
  }
  return correct / pictures.count
}

function pick(pictures: Pictures, rows: Uint32Array): Pictures {
  const values = new Float32Array(rows.length * PIXELS)
  const labels = new Int32Array(rows.length)
  rows.forEach((row, i) => {
    values.set(pictures.values.subarray(row * PIXELS, (row + 1) * PIXELS), i * PIXELS)
    labels[i] = pictures.labels[row]!
  })
  return { count: rows.length, values, labels }
}
