import type { Model } from '../../src/main/graph/model.ts'
import { float } from '../../src/main/graph/attributes.ts'
import { ModelBuilder } from './model-builder.ts'
import { mobileNetV2, resNet18 } from './networks.ts'

/** A small network of one kind, with the dims of its only input `x` (or `input`). */
export interface QuantGraph {
  readonly why: string
  readonly model: Model
  readonly dims: readonly number[]
}

function build(
  options: { opset?: number; seed?: number },
  shape: readonly (number | string)[],
  body: (builder: ModelBuilder) => string,
): Model {
  const builder = new ModelBuilder(options)
  builder.input('x', shape)
  builder.output(body(builder))
  return builder.build()
}

function conv(b: ModelBuilder, x: string, inChannels: number, outChannels: number, kernel = 3): string {
  const pad = (kernel - 1) / 2
  return b.node(
    'Conv',
    [
      x,
      b.weights([outChannels, inChannels, kernel, kernel]),
      b.floats(Array.from({ length: outChannels }, (_, i) => (i % 5) / 20 - 0.1)),
    ],
    {
      pads: [pad, pad, pad, pad],
    },
  )
}

function concatSplitResize(): Model {
  return build({}, ['N', 4, 8, 8], (b) => {
    const stem = b.node('Relu', [conv(b, 'x', 4, 8)])
    b.node('Split', [stem], { axis: 1 }, { name: 'split', outputs: ['left', 'right'] })
    const left = b.node('Relu', [conv(b, 'left', 4, 4)])
    const right = b.node('MaxPool', ['right'], { kernel_shape: [2, 2], strides: [2, 2] })
    const up = b.node('Resize', [right, '', b.floats([1, 1, 2, 2])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    })
    const joined = b.node('Concat', [left, up], { axis: 1 })
    const padded = b.node('Pad', [joined, b.ints([0, 0, 1, 1, 0, 0, 1, 1])])
    const sliced = b.node('Slice', [padded, b.ints([0, 0]), b.ints([9, 9]), b.ints([2, 3])])
    return conv(b, sliced, 8, 3)
  })
}

function dense(): Model {
  return build({}, ['N', 16], (b) => {
    const hidden = b.node('Relu', [
      b.node('Gemm', ['x', b.weights([16, 32]), b.floats(Array.from({ length: 32 }, (_, i) => i / 50))], {
        alpha: float(0.5),
        beta: float(2),
      }),
    ])
    const product = b.node('MatMul', [hidden, b.weights([32, 24])])
    const biased = b.node('Relu', [
      b.node('Add', [product, b.floats(Array.from({ length: 24 }, (_, i) => i / 40 - 0.2))]),
    ])
    return b.node('Gemm', [biased, b.weights([10, 24]), b.floats([0.25], [1])], { transB: 1 })
  })
}

/** One transformer block over [N, 6, 16]: normalisation, attention of two heads, a Gelu network. */
function transformer(): Model {
  return build({ opset: 17, seed: 4 }, ['N', 6, 16], (b) => {
    const scales = (): string => b.floats(Array.from({ length: 16 }, (_, i) => 1 + (i % 3) / 10))
    const shifts = (count: number): string => b.floats(Array.from({ length: count }, (_, i) => (i % 7) / 30 - 0.1))
    const linear = (x: string, from: number, to: number): string =>
      b.node('Add', [b.node('MatMul', [x, b.weights([from, to], Math.sqrt(1 / from))]), shifts(to)])
    const heads = (x: string, perm: readonly number[]): string =>
      b.node('Transpose', [b.node('Reshape', [x, b.ints([0, 0, 2, 8])])], { perm })
    const normal = b.node('LayerNormalization', ['x', scales(), shifts(16)], { axis: -1 })
    const [query, key, value] = [linear(normal, 16, 16), linear(normal, 16, 16), linear(normal, 16, 16)]
    const scores = b.node('Mul', [
      b.node('MatMul', [heads(query, [0, 2, 1, 3]), heads(key, [0, 2, 3, 1])]),
      b.floats([0.35], []),
    ])
    const mixed = b.node('MatMul', [b.node('Softmax', [scores], { axis: -1 }), heads(value, [0, 2, 1, 3])])
    const attended = linear(
      b.node('Reshape', [b.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }), b.ints([0, 0, 16])]),
      16,
      16,
    )
    const residual = b.node('Add', ['x', attended])
    const inner = linear(b.node('LayerNormalization', [residual, scales(), shifts(16)], { axis: -1 }), 16, 32)
    const erf = b.node('Add', [b.node('Erf', [b.node('Div', [inner, b.floats([Math.SQRT2], [])])]), b.floats([1], [])])
    const gelu = b.node('Mul', [b.node('Mul', [inner, erf]), b.floats([0.5], [])])
    return b.node('Add', [residual, linear(gelu, 32, 16)])
  })
}

function activations(): Model {
  return build({ opset: 17, seed: 6 }, ['N', 3, 10, 10], (b) => {
    const leaky = b.node('LeakyRelu', [conv(b, 'x', 3, 6)], { alpha: float(0.1) })
    const swish = b.node('HardSwish', [conv(b, leaky, 6, 6)])
    const inner = conv(b, swish, 6, 6)
    const silu = b.node('Mul', [inner, b.node('Sigmoid', [inner])])
    const clipped = b.node('Clip', [conv(b, silu, 6, 6), b.floats([0], []), b.floats([6], [])])
    const bounded = b.node('Clip', [conv(b, clipped, 6, 6), b.floats([-1], []), b.floats([1], [])])
    const lifted = b.node('Clip', [conv(b, bounded, 6, 6), b.floats([0.25], []), b.floats([2], [])])
    const parametric = b.node('PRelu', [conv(b, lifted, 6, 6), b.floats([0.2], [1, 1, 1])])
    const up = b.node('ConvTranspose', [parametric, b.weights([6, 4, 2, 2])], { strides: [2, 2] })
    return b.node('Tanh', [conv(b, up, 4, 2)])
  })
}

/** Raw outputs that are read twice, or leave the graph half-way. */
function branches(): Model {
  const b = new ModelBuilder()
  b.input('x', ['N', 3, 8, 8])
  const raw = conv(b, 'x', 3, 6)
  const rectified = b.node('Relu', [raw])
  const both = b.node('Add', [b.node('Relu', [conv(b, rectified, 6, 6)]), raw], {}, { outputs: ['middle'] })
  b.output(both)
  b.output(b.node('Relu', [conv(b, both, 6, 4)], {}, { outputs: ['end'] }))
  return b.build()
}

function squeezeExcite(): Model {
  return build({ seed: 9 }, ['N', 4, 8, 8], (b) => {
    const features = b.node('Relu', [conv(b, 'x', 4, 8)])
    const reduced = b.node('Relu', [conv(b, b.node('GlobalAveragePool', [features]), 8, 4, 1)])
    const gate = b.node('Sigmoid', [conv(b, reduced, 4, 8, 1)])
    return conv(b, b.node('Mul', [features, gate]), 8, 4)
  })
}

/** The networks every scheme must quantize: each loads and runs. */
export const quantGraphs: readonly QuantGraph[] = [
  { why: 'residual blocks', model: resNet18({ inputSize: 32, classes: 10 }), dims: [2, 3, 32, 32] },
  { why: 'depthwise convolutions', model: mobileNetV2({ inputSize: 32, classes: 10 }), dims: [2, 3, 32, 32] },
  { why: 'Concat, Split, Resize, Pad, Slice', model: concatSplitResize(), dims: [2, 4, 8, 8] },
  { why: 'Gemm and MatMul', model: dense(), dims: [4, 16] },
  { why: 'a transformer block', model: transformer(), dims: [2, 6, 16] },
  { why: 'activations of every kind', model: activations(), dims: [2, 3, 10, 10] },
  { why: 'raw outputs with several readers', model: branches(), dims: [2, 3, 8, 8] },
  { why: 'squeeze and excite', model: squeezeExcite(), dims: [2, 4, 8, 8] },
]
