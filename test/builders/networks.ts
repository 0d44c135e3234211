import type { Model } from '../../src/main/graph/model.ts'
import { float } from '../../src/main/graph/attributes.ts'
import { floatTensor } from '../../src/main/graph/tensors.ts'
import { ModelBuilder, normals } from './model-builder.ts'

export interface NetworkOptions {
  /** length of the batch axis; symbolic when absent */
  readonly batch?: number
  readonly classes?: number
  /** height and width of the input, default 224 */
  readonly inputSize?: number
  readonly seed?: number
}

/** Adds convolutions in the form BatchNormalization leaves once folded: weights and a bias for each output channel. */
class ConvNet {
  readonly builder: ModelBuilder
  #index = 0

  constructor(options: NetworkOptions) {
    this.builder = new ModelBuilder({ opset: 17, seed: options.seed ?? 1 })
    const size = options.inputSize ?? 224
    this.builder.input('input', [options.batch ?? 'N', 3, size, size])
  }

  conv(
    input: string,
    inChannels: number,
    outChannels: number,
    kernel: number,
    options: { stride?: number; group?: number; gain?: number } = {},
  ): string {
    const { stride = 1, group = 1, gain = 1 } = options
    const name = `conv${this.#index++}`
    const fanIn = (inChannels / group) * kernel * kernel
    const weight = this.builder.weights(
      [outChannels, inChannels / group, kernel, kernel],
      gain * Math.sqrt(2 / fanIn),
      `${name}.weight`,
    )
    const bias = this.builder.constant(
      floatTensor(`${name}.bias`, [outChannels], normals(this.builder.random, outChannels, 0.05)),
    )
    const pad = Math.floor(kernel / 2)
    return this.builder.node(
      'Conv',
      [input, weight, bias],
      {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        group,
        dilations: [1, 1],
      },
      { name },
    )
  }

  relu(input: string): string {
    return this.builder.node('Relu', [input])
  }

  relu6(input: string): string {
    return this.builder.node('Clip', [input, this.#scalar('zero', 0), this.#scalar('six', 6)])
  }

  #scalars = new Set<string>()

  #scalar(name: string, value: number): string {
    if (!this.#scalars.has(name)) this.builder.constant(floatTensor(name, [], [value]))
    this.#scalars.add(name)
    return name
  }

  /** Global average, then one dense layer: the output. */
  classify(input: string, channels: number, options: NetworkOptions): Model {
    const classes = options.classes ?? 1000
    const pooled = this.builder.node('Flatten', [this.builder.node('GlobalAveragePool', [input])])
    const weight = this.builder.weights([classes, channels], Math.sqrt(1 / channels), 'fc.weight')
    const bias = this.builder.constant(floatTensor('fc.bias', [classes], normals(this.builder.random, classes, 0.05)))
    this.builder.node(
      'Gemm',
      [pooled, weight, bias],
      { transB: 1, alpha: float(1), beta: float(1) },
      { name: 'fc', outputs: ['output'] },
    )
    this.builder.output('output', [options.batch ?? 'N', classes])
    return this.builder.build()
  }
}

/**
 * ResNet-18 with random weights, BatchNormalization folded: 11.7 M parameters, 1.8 G multiply-accumulates at 224 × 224. For time
 * and size, not for accuracy. Input `input` [N, 3, size, size], output `output` [N, classes].
 * Source: He et al. 2016, "Deep Residual Learning for Image Recognition", table 1.
 */
export function resNet18(options: NetworkOptions = {}): Model {
  const net = new ConvNet(options)
  let x = net.relu(net.conv('input', 3, 64, 7, { stride: 2 }))
  x = net.builder.node('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
  let channels = 64
  for (const [outChannels, firstStride] of [
    [64, 1],
    [128, 2],
    [256, 2],
    [512, 2],
  ] as const) {
    for (const stride of [firstStride, 1]) {
      const inner = net.relu(net.conv(x, channels, outChannels, 3, { stride }))
      const branch = net.conv(inner, outChannels, outChannels, 3, { gain: 0.5 })
      const same = stride === 1 && channels === outChannels
      const shortcut = same ? x : net.conv(x, channels, outChannels, 1, { stride })
      x = net.relu(net.builder.node('Add', [branch, shortcut]))
      channels = outChannels
    }
  }
  return net.classify(x, channels, options)
}

/**
 * MobileNetV2 1.0 with random weights, BatchNormalization folded: 3.5 M parameters, 0.3 G multiply-accumulates at 224 × 224.
 * Input and output as `resNet18`.
 * Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2.
 */
export function mobileNetV2(options: NetworkOptions = {}): Model {
  const net = new ConvNet(options)
  let x = net.relu6(net.conv('input', 3, 32, 3, { stride: 2 }))
  let channels = 32
  const blocks = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const
  for (const [expansion, outChannels, repeats, firstStride] of blocks) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1
      const hidden = channels * expansion
      const expanded = expansion === 1 ? x : net.relu6(net.conv(x, channels, hidden, 1))
      const filtered = net.relu6(net.conv(expanded, hidden, hidden, 3, { stride, group: hidden }))
      const projected = net.conv(filtered, hidden, outChannels, 1, { gain: 0.7 })
      x = stride === 1 && channels === outChannels ? net.builder.node('Add', [projected, x]) : projected
      channels = outChannels
    }
  }
  return net.classify(net.relu6(net.conv(x, channels, 1280, 1)), 1280, options)
}
