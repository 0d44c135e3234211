import type { LayersModel, Optimizer, SymbolicTensor, layers as layersOf } from '@tensorflow/tfjs'
import type { TensorEngine, Tfjs } from '../../src/main/engines/tensor-api.ts'

/** A model of tf.layers with its training step: what somebody writes who follows tfjs's own guide. */
export interface PlainTrainer {
  /** one step of `trainOnBatch`; gives the loss. @param values [N, H, W, C] */
  step(values: Float32Array, labels: Int32Array): Promise<number>
  readonly parameters: number
  dispose(): void
}

type Layers = typeof layersOf

/** LeNet-5 of `resources/recipes/lenet5.json`, on [28, 28, 1]. */
export function plainLeNet5(engine: TensorEngine): PlainTrainer {
  const { tf } = engine
  const { layers } = tf
  const model = tf.sequential({
    layers: [
      layers.conv2d({
        filters: 6,
        kernelSize: 5,
        padding: 'same',
        activation: 'relu',
        inputShape: [28, 28, 1],
        ...HE,
      }),
      layers.maxPooling2d({ poolSize: 2, strides: 2 }),
      layers.conv2d({ filters: 16, kernelSize: 5, activation: 'relu', ...HE }),
      layers.maxPooling2d({ poolSize: 2, strides: 2 }),
      layers.flatten(),
      layers.dense({ units: 120, activation: 'relu', ...HE }),
      layers.dense({ units: 84, activation: 'relu', ...HE }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  })
  return trainerOf(tf, model, [28, 28, 1], tf.train.adam(0.002))
}

/** ResNet-18 of `resources/recipes/resnet18.json`, on [64, 64, 3]. */
export function plainResNet18(engine: TensorEngine): PlainTrainer {
  const { tf } = engine
  const { layers } = tf
  const input = tf.input({ shape: [64, 64, 3] })
  let x = normalized(layers, convolved(layers, input, 64, 7, 2))
  x = layers.reLU().apply(x) as SymbolicTensor
  x = layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x) as SymbolicTensor
  for (const [channels, stride] of [
    [64, 1],
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    [512, 1],
  ] as const)
    x = residual(layers, x, channels, stride)
  x = layers.globalAveragePooling2d({}).apply(x) as SymbolicTensor
  const scores = layers.dense({ units: 10, activation: 'softmax' }).apply(x) as SymbolicTensor
  return trainerOf(tf, tf.model({ inputs: input, outputs: scores }), [64, 64, 3], tf.train.momentum(0.05, 0.9))
}

// tfjs warns of orthogonal and slow initializers only; this is the usual one before ReLU
const HE = { kernelInitializer: 'heNormal' } as const

function convolved(
  layers: Layers,
  x: SymbolicTensor,
  filters: number,
  kernelSize: number,
  strides: number,
): SymbolicTensor {
  return layers
    .conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, ...HE })
    .apply(x) as SymbolicTensor
}

function normalized(layers: Layers, x: SymbolicTensor): SymbolicTensor {
  return layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 }).apply(x) as SymbolicTensor
}

function residual(layers: Layers, x: SymbolicTensor, channels: number, stride: number): SymbolicTensor {
  let y = normalized(layers, convolved(layers, x, channels, 3, stride))
  y = layers.reLU().apply(y) as SymbolicTensor
  y = normalized(layers, convolved(layers, y, channels, 3, 1))
  const short = stride === 1 ? x : normalized(layers, convolved(layers, x, channels, 1, stride))
  return layers.reLU().apply(layers.add().apply([y, short])) as SymbolicTensor
}

function trainerOf(
  tf: Tfjs,
  model: LayersModel,
  shape: readonly [number, number, number],
  optimizer: Optimizer,
): PlainTrainer {
  model.compile({ optimizer, loss: 'categoricalCrossentropy' })
  return {
    parameters: model.trainableWeights.reduce(
      (sum, { shape: dims }) => sum + dims.reduce<number>((a, b) => a * b!, 1),
      0,
    ),
    step: async (values, labels) => {
      const x = tf.tensor4d(values, [labels.length, ...shape])
      const y = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), 10))
      const loss = (await model.trainOnBatch(x, y)) as number
      tf.dispose([x, y])
      return loss
    },
    dispose: () => {
      model.dispose()
      optimizer.dispose()
    },
  }
}
