import { describe, expect, it } from 'vitest'
import { float, int } from '../../src/main/graph/attributes.ts'
import { byteTensor, float32Of } from '../../src/main/graph/tensors.ts'
import type { AttributeValue, ModelBuilder } from '../builders/model-builder.ts'
import { batchNorm, opsOf, prepareBuilt } from '../builders/prepared.ts'

/** A fold rounds each weight once to float32 (2⁻²⁴ relative); sums of a few hundred products stay well below this. */
const ROUNDING = 1e-5

interface FoldCase {
  readonly why: string
  readonly build: (b: ModelBuilder) => string | readonly string[]
  /** ops of the prepared graph, in order */
  readonly ops: readonly string[]
  readonly opset?: number
}

type Attributes = Readonly<Record<string, AttributeValue>>
const image = (b: ModelBuilder, channels = 4): string => b.input('x', ['N', channels, 9, 10])
const conv = (b: ModelBuilder, x: string, w: readonly number[], attributes: Attributes = {}, bias = false): string =>
  b.node('Conv', [x, b.weights(w), ...(bias ? [b.weights([w[0]!], 1)] : [])], attributes)
const scalar = (b: ModelBuilder, value: number): string => b.floats([value], [])
const perChannel = (b: ModelBuilder, channels: number): string => b.weights([channels, 1, 1], 1)

const batchNormCases: readonly FoldCase[] = [
  { why: 'a Conv without bias', build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 3, 3]), 6), ops: ['Conv'] },
  { why: 'a Conv with bias', build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 3, 3], {}, true), 6), ops: ['Conv'] },
  { why: 'groups', build: (b) => batchNorm(b, conv(b, image(b), [6, 2, 3, 3], { group: 2 }), 6), ops: ['Conv'] },
  {
    why: 'a depthwise Conv',
    build: (b) => batchNorm(b, conv(b, image(b), [4, 1, 3, 3], { group: 4 }), 4),
    ops: ['Conv'],
  },
  {
    why: 'dilations and strides',
    build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 3, 3], { dilations: [2, 2], strides: [2, 1] }), 6),
    ops: ['Conv'],
  },
  {
    why: 'asymmetric pads',
    build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 3, 3], { pads: [0, 1, 2, 0] }), 6),
    ops: ['Conv'],
  },
  {
    why: 'auto_pad',
    build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 3, 3], { auto_pad: 'SAME_LOWER', strides: [2, 2] }), 6),
    ops: ['Conv'],
  },
  {
    why: 'a large epsilon',
    build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 1, 1]), 6, { epsilon: float(0.5) }),
    ops: ['Conv'],
  },
  { why: '1-D', build: (b) => batchNorm(b, conv(b, b.input('x', ['N', 4, 12]), [6, 4, 3]), 6), ops: ['Conv'] },
  {
    why: '3-D',
    build: (b) => batchNorm(b, conv(b, b.input('x', ['N', 4, 5, 5, 5]), [6, 4, 3, 3, 3]), 6),
    ops: ['Conv'],
  },
  {
    why: 'a ConvTranspose',
    build: (b) => batchNorm(b, b.node('ConvTranspose', [image(b), b.weights([4, 6, 3, 3])], { strides: [2, 2] }), 6),
    ops: ['ConvTranspose'],
  },
  {
    why: 'a grouped ConvTranspose with bias, whose channels are split over the groups',
    build: (b) =>
      batchNorm(b, b.node('ConvTranspose', [image(b), b.weights([4, 3, 2, 2]), b.weights([6], 1)], { group: 2 }), 6),
    ops: ['ConvTranspose'],
  },
  {
    why: 'a Gemm',
    build: (b) => batchNorm(b, b.node('Gemm', [b.input('x', ['N', 5]), b.weights([5, 6])]), 6),
    ops: ['Gemm'],
  },
  {
    why: 'a transposed Gemm',
    build: (b) =>
      batchNorm(b, b.node('Gemm', [b.input('x', ['N', 5]), b.weights([6, 5]), b.weights([6], 1)], { transB: 1 }), 6),
    ops: ['Gemm'],
  },
  {
    why: 'alpha and beta',
    build: (b) =>
      batchNorm(
        b,
        b.node('Gemm', [b.input('x', ['N', 5]), b.weights([5, 6]), b.weights([1, 6], 1)], {
          alpha: float(0.5),
          beta: float(3),
        }),
        6,
      ),
    ops: ['Gemm'],
  },
  {
    why: 'transA',
    build: (b) =>
      batchNorm(b, b.node('Gemm', [b.input('x', [5, 3]), b.weights([5, 6]), b.weights([1], 1)], { transA: 1 }), 6),
    ops: ['Gemm'],
  },
  {
    why: 'a C that differs from row to row keeps the Gemm and the BatchNormalization apart',
    build: (b) => batchNorm(b, b.node('Gemm', [b.input('x', [3, 5]), b.weights([5, 6]), b.weights([3, 6], 1)]), 6),
    ops: ['Gemm', 'BatchNormalization'],
  },
  {
    why: 'a 2-D MatMul becomes a Gemm',
    build: (b) => batchNorm(b, b.node('MatMul', [b.input('x', ['N', 5]), b.weights([5, 6])]), 6),
    ops: ['Gemm'],
  },
  {
    why: 'two in a row',
    build: (b) => batchNorm(b, batchNorm(b, conv(b, image(b), [6, 4, 3, 3]), 6), 6),
    ops: ['Conv'],
  },
  {
    why: 'a bias as a separate Add stands between',
    build: (b) => batchNorm(b, b.node('Add', [conv(b, image(b), [6, 4, 3, 3]), perChannel(b, 6)]), 6),
    ops: ['Conv'],
  },
  {
    why: "Caffe's Scale behind it",
    build: (b) =>
      b.node('Add', [
        b.node('Mul', [batchNorm(b, conv(b, image(b), [6, 4, 3, 3]), 6), perChannel(b, 6)]),
        perChannel(b, 6),
      ]),
    ops: ['Conv'],
  },
  {
    why: 'an Identity stands between',
    build: (b) => batchNorm(b, b.node('Identity', [conv(b, image(b), [6, 4, 3, 3])]), 6),
    ops: ['Conv'],
  },
  {
    why: 'the raw output is read twice: it stands as a Conv of its own',
    build: (b) => {
      const raw = conv(b, image(b), [6, 4, 3, 3])
      return b.node('Add', [batchNorm(b, raw, 6), raw])
    },
    ops: ['Conv', 'Conv', 'Add'],
  },
  {
    why: 'the raw output is a graph output',
    build: (b) => {
      const raw = conv(b, image(b), [6, 4, 3, 3])
      return [raw, batchNorm(b, raw, 6)]
    },
    ops: ['Conv', 'Conv'],
  },
  {
    why: 'two Convs share their weights and bias',
    build: (b) => {
      const x = image(b)
      const inputs = [x, b.weights([6, 4, 3, 3]), b.weights([6], 1)]
      return b.node('Add', [batchNorm(b, b.node('Conv', inputs), 6), batchNorm(b, b.node('Conv', inputs), 6)])
    },
    ops: ['Conv', 'Conv', 'Add'],
  },
  {
    why: 'one of two Convs with shared weights has none',
    build: (b) => {
      const x = image(b)
      const w = b.weights([6, 4, 3, 3])
      return b.node('Add', [batchNorm(b, b.node('Conv', [x, w]), 6), b.node('Conv', [x, w])])
    },
    ops: ['Conv', 'Conv', 'Add'],
  },
  {
    why: 'behind an activation it becomes a depthwise Conv',
    build: (b) => batchNorm(b, b.node('Relu', [conv(b, image(b), [6, 4, 3, 3])]), 6),
    ops: ['Conv', 'Relu', 'Conv'],
  },
  {
    why: 'before a padded Conv it cannot be folded forward',
    build: (b) => conv(b, batchNorm(b, image(b), 4), [6, 4, 3, 3], { pads: [1, 1, 1, 1] }),
    ops: ['Conv', 'Conv'],
  },
  { why: 'alone on tokens', build: (b) => batchNorm(b, b.input('x', ['N', 4, 7]), 4), ops: ['Conv'] },
  {
    why: 'alone on features of rank 2 it stays',
    build: (b) => batchNorm(b, b.input('x', ['N', 4]), 4),
    ops: ['BatchNormalization'],
  },
  { why: 'opset 7', build: (b) => batchNorm(b, conv(b, image(b), [6, 4, 3, 3]), 6), ops: ['Conv'], opset: 7 },
]

const affineCases: readonly FoldCase[] = [
  {
    why: 'Add of one value per channel',
    build: (b) => b.node('Add', [conv(b, image(b), [6, 4, 3, 3]), perChannel(b, 6)]),
    ops: ['Conv'],
  },
  {
    why: 'Add on the left, of shape [1,C,1,1]',
    build: (b) => b.node('Add', [b.weights([1, 6, 1, 1], 1), conv(b, image(b), [6, 4, 3, 3])]),
    ops: ['Conv'],
  },
  {
    why: 'Add of a scalar',
    build: (b) => b.node('Add', [conv(b, image(b), [6, 4, 3, 3], {}, true), scalar(b, 2)]),
    ops: ['Conv'],
  },
  { why: 'Sub', build: (b) => b.node('Sub', [conv(b, image(b), [6, 4, 3, 3]), perChannel(b, 6)]), ops: ['Conv'] },
  {
    why: 'Sub from a constant',
    build: (b) => b.node('Sub', [perChannel(b, 6), conv(b, image(b), [6, 4, 3, 3], {}, true)]),
    ops: ['Conv'],
  },
  {
    why: 'Mul and Div',
    build: (b) => b.node('Div', [b.node('Mul', [conv(b, image(b), [6, 4, 3, 3]), perChannel(b, 6)]), scalar(b, 3)]),
    ops: ['Conv'],
  },
  {
    why: 'a divided constant stays',
    build: (b) => b.node('Div', [scalar(b, 3), conv(b, image(b), [6, 4, 1, 1])]),
    ops: ['Conv', 'Div'],
  },
  {
    why: 'a constant that varies over the picture stays',
    build: (b) => b.node('Add', [conv(b, image(b), [6, 4, 1, 1]), b.weights([1, 1, 9, 10], 1)]),
    ops: ['Conv', 'Add'],
  },
  {
    why: 'one output channel broadcast over eight stays',
    build: (b) => b.node('Add', [conv(b, image(b), [1, 4, 3, 3]), perChannel(b, 8)]),
    ops: ['Conv', 'Add'],
  },
  {
    why: 'a constant of more axes stays',
    build: (b) => b.node('Add', [conv(b, image(b), [6, 4, 1, 1]), b.weights([1, 1, 6, 1, 1], 1)]),
    ops: ['Conv', 'Add'],
  },
  {
    why: 'a vector lies along the last axis, not the channels',
    build: (b) => b.node('Add', [conv(b, image(b), [6, 4, 1, 1]), b.weights([10], 1)]),
    ops: ['Conv', 'Add'],
  },
  {
    why: 'MatMul and bias of rank 2',
    build: (b) => b.node('Add', [b.weights([6], 1), b.node('MatMul', [b.input('x', ['N', 5]), b.weights([5, 6])])]),
    ops: ['Gemm'],
  },
  {
    why: 'MatMul and bias of rank 3 stay',
    build: (b) => b.node('Add', [b.node('MatMul', [b.input('x', ['N', 3, 5]), b.weights([5, 6])]), b.weights([6], 1)]),
    ops: ['MatMul', 'Add'],
  },
  {
    why: 'Gemm with beta',
    build: (b) =>
      b.node('Add', [
        b.node('Gemm', [b.input('x', ['N', 5]), b.weights([5, 6]), b.weights([6], 1)], { beta: float(2) }),
        b.weights([6], 1),
      ]),
    ops: ['Gemm'],
  },
  {
    why: 'added to itself it is no constant',
    build: (b) => b.node('Add', [b.node('Conv', [image(b), b.weights([6, 4, 1, 1])], {}, { outputs: ['c'] }), 'c']),
    ops: ['Conv', 'Add'],
  },
]

const padCases: readonly FoldCase[] = [
  {
    why: 'zeros before a Conv',
    build: (b) =>
      conv(b, b.node('Pad', [image(b), b.ints([0, 0, 1, 2, 0, 0, 3, 0])]), [6, 4, 3, 3], { pads: [1, 0, 0, 0] }),
    ops: ['Conv'],
  },
  {
    why: 'auto_pad VALID',
    build: (b) =>
      conv(b, b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])]), [6, 4, 3, 3], { auto_pad: 'VALID' }),
    ops: ['Conv'],
  },
  {
    why: 'auto_pad SAME depends on the padded size',
    build: (b) =>
      conv(b, b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])]), [6, 4, 3, 3], {
        auto_pad: 'SAME_UPPER',
        strides: [2, 2],
      }),
    ops: ['Pad', 'Conv'],
  },
  {
    why: 'another value',
    build: (b) => conv(b, b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1]), scalar(b, 1)]), [6, 4, 3, 3]),
    ops: ['Pad', 'Conv'],
  },
  {
    why: 'channels',
    build: (b) => conv(b, b.node('Pad', [image(b), b.ints([0, 1, 0, 0, 0, 1, 0, 0])]), [6, 6, 3, 3]),
    ops: ['Pad', 'Conv'],
  },
  {
    why: 'cutting off',
    build: (b) => conv(b, b.node('Pad', [image(b), b.ints([0, 0, -1, 0, 0, 0, 1, 0])]), [6, 4, 3, 3]),
    ops: ['Pad', 'Conv'],
  },
  {
    why: 'reflection',
    build: (b) =>
      conv(b, b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])], { mode: 'reflect' }), [6, 4, 3, 3]),
    ops: ['Pad', 'Conv'],
  },
  {
    why: 'a MaxPool pads with −∞',
    build: (b) =>
      b.node('MaxPool', [b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])])], { kernel_shape: [3, 3] }),
    ops: ['Pad', 'MaxPool'],
  },
  {
    why: 'an AveragePool then counts the padding',
    build: (b) =>
      b.node('AveragePool', [b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])])], { kernel_shape: [3, 3] }),
    ops: ['AveragePool'],
  },
  {
    why: 'an AveragePool with padding that does not count keeps it apart',
    build: (b) =>
      b.node('AveragePool', [b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])])], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
      }),
    ops: ['Pad', 'AveragePool'],
  },
  {
    why: 'two Convs read it',
    build: (b) => {
      const padded = b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])])
      return b.node('Add', [conv(b, padded, [6, 4, 3, 3]), conv(b, padded, [6, 4, 3, 3])])
    },
    ops: ['Conv', 'Conv', 'Add'],
  },
  {
    why: 'a Relu reads it too',
    build: (b) => {
      const padded = b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])])
      return [conv(b, padded, [6, 4, 3, 3]), b.node('Relu', [padded])]
    },
    ops: ['Pad', 'Conv', 'Relu'],
  },
]

const rewriteCases: readonly FoldCase[] = [
  { why: 'Sum of two', build: (b) => b.node('Sum', [image(b), b.node('Relu', ['x'])]), ops: ['Relu', 'Add'] },
  { why: 'Sum of three stays', build: (b) => b.node('Sum', [image(b), 'x', 'x']), ops: ['Sum'] },
  { why: 'Sub of a constant', build: (b) => b.node('Sub', [image(b), perChannel(b, 4)]), ops: ['Add'] },
  { why: 'Div by 8', build: (b) => b.node('Div', [image(b), scalar(b, 8)]), ops: ['Mul'] },
  { why: 'Div by 3', build: (b) => b.node('Div', [image(b), scalar(b, 3)]), ops: ['Mul'] },
  { why: 'Div by 0', build: (b) => b.node('Div', [image(b), scalar(b, 0)]), ops: ['Div'] },
  {
    why: 'Div by a number without a normal reciprocal',
    build: (b) => b.node('Div', [image(b), scalar(b, 3e38)]),
    ops: ['Div'],
  },
  {
    why: 'mean of the picture',
    build: (b) => b.node('ReduceMean', [image(b)], { axes: [-1, 2] }),
    ops: ['GlobalAveragePool'],
  },
  {
    why: 'mean of the picture, axes dropped',
    build: (b) => b.node('ReduceMean', [image(b)], { axes: [2, 3], keepdims: 0 }),
    ops: ['GlobalAveragePool', 'Squeeze'],
  },
  {
    why: 'mean of the picture, opset 18',
    build: (b) => b.node('ReduceMean', [image(b), b.ints([2, 3])], { keepdims: 0 }),
    ops: ['GlobalAveragePool', 'Squeeze'],
    opset: 18,
  },
  { why: 'mean of the channels', build: (b) => b.node('ReduceMean', [image(b)], { axes: [1] }), ops: ['ReduceMean'] },
  {
    why: 'mean of tokens',
    build: (b) => b.node('ReduceMean', [b.input('x', ['N', 4, 7])], { axes: [1] }),
    ops: ['ReduceMean'],
  },
  {
    why: 'Relu behind a MaxPool',
    build: (b) =>
      b.node('Relu', [
        b.node('MaxPool', [conv(b, image(b), [6, 4, 3, 3])], { kernel_shape: [2, 2], pads: [1, 1, 0, 0] }),
      ]),
    ops: ['Conv', 'Relu', 'MaxPool'],
  },
  {
    why: 'Clip behind a Reshape',
    build: (b) => b.node('Clip', [b.node('Flatten', [conv(b, image(b), [6, 4, 3, 3])]), scalar(b, 0), scalar(b, 6)]),
    ops: ['Conv', 'Clip', 'Flatten'],
  },
  {
    why: 'Relu behind two movers',
    build: (b) =>
      b.node('Relu', [
        b.node('Flatten', [b.node('MaxPool', [conv(b, image(b), [6, 4, 3, 3])], { kernel_shape: [2, 2] })]),
      ]),
    ops: ['Conv', 'Relu', 'MaxPool', 'Flatten'],
  },
  {
    why: 'the pooled tensor is read twice',
    build: (b) => {
      const pooled = b.node('MaxPool', [conv(b, image(b), [6, 4, 3, 3])], { kernel_shape: [2, 2] })
      return b.node('Add', [b.node('Relu', [pooled]), pooled])
    },
    ops: ['Conv', 'MaxPool', 'Relu', 'Add'],
  },
  {
    why: 'no integer layer before',
    build: (b) => b.node('Relu', [b.node('MaxPool', [image(b)], { kernel_shape: [2, 2] })]),
    ops: ['MaxPool', 'Relu'],
  },
]

const identityCases: readonly FoldCase[] = [
  {
    why: 'Identity and Dropout',
    build: (b) => b.node('Relu', [b.node('Dropout', [b.node('Identity', [image(b)])])]),
    ops: ['Relu'],
  },
  {
    why: 'Dropout with training off',
    build: (b) =>
      b.node('Relu', [b.node('Dropout', [image(b), '', b.constant(byteTensor('off', 'bool', [], Uint8Array.of(0)))])]),
    ops: ['Relu'],
  },
  {
    why: 'Identity before the output keeps its name',
    build: (b) => b.node('Identity', [b.node('Relu', [image(b)])]),
    ops: ['Relu'],
  },
  { why: 'Identity from input to output has to stay', build: (b) => b.node('Identity', [image(b)]), ops: ['Identity'] },
  {
    why: 'Identity between two outputs has to stay',
    build: (b) => [b.node('Relu', [image(b)], {}, { outputs: ['r'] }), b.node('Identity', ['r'])],
    ops: ['Relu', 'Identity'],
  },
  {
    why: 'Identity before the output whose input others read',
    build: (b) => {
      const relu = b.node('Relu', [image(b)])
      return [b.node('Identity', [relu]), b.node('Exp', [relu])]
    },
    ops: ['Relu', 'Exp'],
  },
  {
    why: 'Cast to the same type',
    build: (b) => b.node('Relu', [b.node('Cast', [image(b)], { to: 1 })]),
    ops: ['Relu'],
  },
  {
    why: 'Cast to another',
    build: (b) => b.node('Relu', [b.node('Cast', [image(b)], { to: 11 })]),
    ops: ['Cast', 'Relu'],
  },
  {
    why: 'Pad by nothing',
    build: (b) => b.node('Relu', [b.node('Pad', [image(b), b.ints([0, 0, 0, 0, 0, 0, 0, 0])])]),
    ops: ['Relu'],
  },
  {
    why: 'Reshape to the same shape',
    build: (b) => b.node('Relu', [b.node('Reshape', [image(b), b.ints([0, 4, -1, 10])])]),
    ops: ['Relu'],
  },
  {
    why: 'Flatten of what is flat',
    build: (b) => b.node('Relu', [b.node('Flatten', [b.input('x', ['N', 5])])]),
    ops: ['Relu'],
  },
  {
    why: 'Transpose in the same order',
    build: (b) => b.node('Relu', [b.node('Transpose', [image(b)], { perm: [0, 1, 2, 3] })]),
    ops: ['Relu'],
  },
  { why: 'Concat of one', build: (b) => b.node('Relu', [b.node('Concat', [image(b)], { axis: 1 })]), ops: ['Relu'] },
  {
    why: 'a Dropout whose mask is read stays',
    build: (b) => {
      b.node('Dropout', [image(b)], {}, { outputs: ['d', 'mask'] })
      return [b.node('Relu', ['d']), b.node('Cast', ['mask'], { to: 1 })]
    },
    ops: ['Dropout', 'Relu', 'Cast'],
  },
]

const constantCases: readonly FoldCase[] = [
  {
    why: 'weights through Transpose and Reshape',
    build: (b) =>
      b.node('MatMul', [
        b.input('x', ['N', 6]),
        b.node('Reshape', [b.node('Transpose', [b.weights([4, 2, 3])], { perm: [1, 2, 0] }), b.ints([6, -1])]),
      ]),
    ops: ['MatMul'],
  },
  {
    why: 'weights scaled by arithmetic',
    build: (b) =>
      conv(b, image(b), [6, 4, 1, 1]) &&
      b.node('Conv', [
        'x',
        b.node('Div', [b.node('Mul', [b.weights([6, 4, 3, 3]), b.weights([6, 1, 1, 1])]), scalar(b, 3)]),
      ]),
    ops: ['Conv'],
  },
  {
    why: 'beyond our evaluator the runtime computes it',
    build: (b) =>
      b.node('MatMul', [
        b.input('x', ['N', 6]),
        b.node('Tanh', [b.node('MatMul', [b.weights([6, 3]), b.weights([3, 4])])]),
      ]),
    ops: ['MatMul'],
  },
  { why: 'an open batch through Shape', build: shapeChain, ops: ['Reshape'] },
  {
    why: 'a picture side through Shape, Resize by sizes',
    build: (b) => {
      const x = b.input('x', [1, 2, 8, 8])
      const sides = b.node('Slice', [b.node('Shape', [x]), b.ints([2]), b.ints([4])])
      const doubled = b.node('Mul', [sides, b.ints([2], [1])])
      const sizes = b.node('Concat', [b.ints([1, 2]), doubled], { axis: 0 })
      return b.node('Resize', [x, '', '', sizes], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      })
    },
    ops: ['Resize'],
  },
  {
    why: 'a graph output that is constant stays computed',
    build: (b) => [b.node('Relu', [image(b)]), b.node('Neg', [scalar(b, 3)])],
    ops: ['Relu', 'Neg'],
  },
  {
    why: 'dequantized weights stay quantized',
    build: (b) =>
      b.node('MatMul', [
        b.input('x', ['N', 4]),
        b.node('DequantizeLinear', [
          b.constant(
            byteTensor(
              'q',
              'int8',
              [4, 3],
              Int8Array.from({ length: 12 }, (_, i) => i - 6),
            ),
          ),
          scalar(b, 0.1),
        ]),
      ]),
    ops: ['DequantizeLinear', 'MatMul'],
  },
  {
    why: 'what is random stays',
    build: (b) =>
      b.node('Mul', [
        b.input('x', ['N', 3]),
        b.node('Mul', [b.node('RandomUniformLike', [b.weights([3])], { seed: float(1) }), scalar(b, 0)]),
      ]),
    ops: ['RandomUniformLike', 'Mul', 'Mul'],
  },
]

function shapeChain(b: ModelBuilder): string {
  const x = image(b)
  const batch = b.node('Unsqueeze', [b.node('Gather', [b.node('Shape', [x]), b.ints([0], [])]), b.ints([0])])
  return b.node('Reshape', [x, b.node('Concat', [batch, b.ints([-1])], { axis: 0 })])
}

const groups: readonly (readonly [string, readonly FoldCase[]])[] = [
  ['BatchNormalization', batchNormCases],
  ['Add, Sub, Mul and Div of constants', affineCases],
  ['Pad', padCases],
  ['rewritten operators', rewriteCases],
  ['identities', identityCases],
  ['constants', constantCases],
]

describe.each(groups)('%s', (_name, cases) => {
  it.each(cases)('$why', async ({ build, ops, opset }) => {
    const prepared = await prepareBuilt(build, { opset: opset ?? 17 })
    expect(opsOf(prepared.model)).toEqual(ops)
    expect(prepared.check?.maxRelativeError ?? 0).toBeLessThan(ROUNDING)
    // outputs keep their names and every tensor that is left
    expect(prepared.model.graph.outputs.map((output) => output.name)).toEqual(
      prepared.source.graph.outputs.map((output) => output.name),
    )
  })
})

describe('names', () => {
  it('a folded node keeps its name and writes what the last folded node wrote', async () => {
    const prepared = await prepareBuilt((b) => {
      const raw = b.node('Conv', [image(b), b.weights([6, 4, 3, 3])], {}, { name: 'stem/conv' })
      return b.node('Relu', [batchNorm(b, raw, 6)], {}, { name: 'stem/relu', outputs: ['y'] })
    })
    const [first, second] = prepared.model.graph.nodes
    expect([first!.name, second!.name]).toEqual(['stem/conv', 'stem/relu'])
    expect(first!.outputs[0]).toBe(prepared.source.graph.nodes[1]!.outputs[0])
    expect(prepared.layers.map((layer) => layer.id)).toEqual(['stem/conv'])
  })

  it('weights that only the folded node reads keep their name, shared ones are copied', async () => {
    const alone = await prepareBuilt((b) =>
      batchNorm(b, b.node('Conv', [image(b), b.weights([6, 4, 3, 3], 1, 'w')]), 6),
    )
    expect(alone.model.graph.nodes[0]!.inputs[1]).toBe('w')
    const shared = await prepareBuilt((b) => {
      const w = b.weights([6, 4, 3, 3], 1, 'w')
      const x = image(b)
      return [batchNorm(b, b.node('Conv', [x, w]), 6), b.node('Conv', [x, w])]
    })
    const [folded, plain] = shared.model.graph.nodes
    expect([folded!.inputs[1], plain!.inputs[1]]).toEqual(['w_folded', 'w'])
    expect(float32Of(shared.model.graph.initializers.get('w')!)).toEqual(
      float32Of(shared.source.graph.initializers.get('w')!),
    )
  })

  it('a BatchNormalization in training mode is left alone', async () => {
    const prepared = await prepareBuilt((b) => {
      const inputs = [image(b), ...[1, 0, 0, 1].map((value) => b.floats([value, value, value, value]))]
      b.node('BatchNormalization', inputs, { training_mode: int(1) }, { outputs: ['y', 'mean', 'var'] })
      return ['y', 'mean', 'var']
    })
    expect(opsOf(prepared.model)).toEqual(['BatchNormalization'])
  })
})
