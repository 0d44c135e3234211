import { float } from '../../../src/main/graph/attributes.ts'
import type { OpCase } from '../op-case.ts'
import { bytes, feed, feedOf, feedPositive, floats, int32s, ints, omitted, weights } from '../op-case.ts'

const REDUCTIONS =
  'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare'.split(
    ' ',
  )

const reductions: OpCase[] = REDUCTIONS.flatMap((op): OpCase[] => [
  ...[7, 11].flatMap((opset): OpCase[] => [
    { op, opset, operands: [feedPositive(2, 3, 4)] },
    { op, opset, operands: [feedPositive(2, 3, 4)], attributes: { axes: [1] } },
    { op, opset, operands: [feedPositive(2, 3, 4)], attributes: { axes: [2, 0], keepdims: 0 } },
    { op, opset, operands: [feedPositive(2, 3, 4)], attributes: { keepdims: 0 } },
  ]),
  { op, opset: 11, operands: [feedPositive(2, 3, 4)], attributes: { axes: [-1, -2], keepdims: 1 } },
  ...(op === 'ReduceSum'
    ? []
    : [{ op, opset: 13, operands: [feedPositive(2, 3, 4)], attributes: { axes: [-1], keepdims: 0 } }]),
])

const laterReductions: OpCase[] = [
  { op: 'ReduceSum', opset: 13, operands: [feed(2, 3, 4), ints([-1])] },
  { op: 'ReduceSum', opset: 13, operands: [feed(2, 3, 4)], attributes: { noop_with_empty_axes: 1 } },
  { op: 'ReduceSum', opset: 13, operands: [feed(2, 3, 4), feedOf('int64', [1], [1])], attributes: { keepdims: 0 } },
  { op: 'ReduceMean', opset: 18, operands: [feed(2, 3, 4), ints([1, 2])], attributes: { keepdims: 0 } },
  { op: 'ReduceMean', opset: 18, operands: [feed(2, 3, 4)] },
  ...['ArgMax', 'ArgMin'].flatMap((op): OpCase[] => [
    { op, opset: 7, operands: [feed(2, 3, 4)] },
    { op, opset: 7, operands: [feed(2, 3, 4)], attributes: { axis: 2, keepdims: 0 } },
    { op, opset: 11, operands: [feed(2, 3, 4)], attributes: { axis: -2 } },
    { op, opset: 12, operands: [feedOf('float', [4], [1, 3, 3, 1])], attributes: { select_last_index: 1 } },
  ]),
]

const softmaxes: OpCase[] = ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op): OpCase[] => [
  ...[7, 11].flatMap((opset): OpCase[] => [
    { op, opset, operands: [feed(2, 5)] },
    { op, opset, operands: [feed(2, 3, 4)] },
    { op, opset, operands: [feed(2, 3, 4)], attributes: { axis: 0 } },
    { op, opset, operands: [feed(2, 3, 4)], attributes: { axis: 2 } },
    { op, opset, operands: [feed(2, 3, 1, 1)] },
    { op, opset, operands: [feed(2, 1, 3, 1)] },
    { op, opset, operands: [feed(2, 3, 4, 5)], attributes: { axis: 2 } },
    { op, opset, operands: [feed(6)], attributes: { axis: 0 } },
  ]),
  { op, opset: 11, operands: [feed(2, 3, 4)], attributes: { axis: -1 } },
  { op, opset: 11, operands: [feed(2, 3, 4)], attributes: { axis: -2 } },
  { op, opset: 13, operands: [feed(2, 3, 4)], attributes: { axis: 1 } },
  { op, opset: 13, operands: [feed(2, 3, 4)] },
])

const statistics = (channels: number) => [
  weights(channels),
  weights(channels),
  weights(channels),
  floats(Array.from({ length: channels }, (_, i) => 0.5 + i)),
]

const normalizations: OpCase[] = [
  ...[7, 9, 14].flatMap((opset): OpCase[] => [
    { op: 'BatchNormalization', opset, operands: [feed(2, 3, 4, 5), ...statistics(3)] },
    {
      op: 'BatchNormalization',
      opset,
      operands: [feed(2, 3), ...statistics(3)],
      attributes: { epsilon: float(0.01), momentum: float(0.8) },
    },
  ]),
  { op: 'BatchNormalization', opset: 7, operands: [feed(2, 3, 4, 5), ...statistics(3)], attributes: { spatial: 1 } },
  { op: 'BatchNormalization', opset: 7, operands: [feed(2, 3), ...statistics(3)], attributes: { spatial: 0 } },
  {
    op: 'BatchNormalization',
    opset: 7,
    attributes: { spatial: 0, epsilon: float(0.001) },
    operands: [
      feed(2, 3, 2, 2),
      weights(3, 2, 2),
      weights(3, 2, 2),
      weights(3, 2, 2),
      floats(
        Array.from({ length: 12 }, (_, i) => 0.5 + i),
        [3, 2, 2],
      ),
    ],
  },
  {
    op: 'InstanceNormalization',
    opset: 7,
    operands: [feed(2, 3, 4, 5), weights(3), weights(3)],
    attributes: { epsilon: float(0.001) },
  },
  { op: 'LayerNormalization', opset: 17, operands: [feed(2, 3, 4), weights(4), weights(4)] },
  {
    op: 'LayerNormalization',
    opset: 17,
    operands: [feed(2, 3, 4), weights(3, 4)],
    attributes: { axis: 1 },
    outputs: 3,
  },
  {
    op: 'GroupNormalization',
    opset: 18,
    operands: [feed(2, 6, 3), weights(2), weights(2)],
    attributes: { num_groups: 2 },
  },
  {
    op: 'GroupNormalization',
    opset: 18,
    operands: [feed(2, 6, 3, 2), floats([2, 3]), feed(2)],
    attributes: { num_groups: 2, epsilon: float(0.01) },
  },
  { op: 'LRN', opset: 7, operands: [feed(1, 5, 3, 3)], attributes: { size: 3 } },
  { op: 'LpNormalization', opset: 7, operands: [feed(2, 3)], attributes: { axis: 1, p: 2 } },
  { op: 'MeanVarianceNormalization', opset: 9, operands: [feed(2, 3, 4, 5)] },
]

const matrices: OpCase[] = [
  ...[7, 9, 11].flatMap((opset): OpCase[] => [
    { op: 'Gemm', opset, operands: [feed(2, 3), weights(3, 4), weights(4)] },
    {
      op: 'Gemm',
      opset,
      operands: [feed(3, 2), weights(4, 3), weights(2, 4)],
      attributes: { transA: 1, transB: 1, alpha: float(0.5), beta: float(2) },
    },
    { op: 'Gemm', opset, operands: [feed(2, 3), weights(3, 4), weights(2, 1)] },
    { op: 'MatMul', opset, operands: [feed(2, 3), weights(3, 4)] },
  ]),
  { op: 'Gemm', opset: 11, operands: [feed(2, 3), weights(3, 4)] },
  { op: 'MatMul', opset: 7, operands: [feed(2, 1, 3, 4), feed(5, 4, 2)] },
  { op: 'MatMul', opset: 7, operands: [feed(4), feed(5, 4, 2)] },
  { op: 'MatMul', opset: 7, operands: [feed(5, 3, 4), feed(4)] },
  { op: 'MatMul', opset: 7, operands: [feed(4), feed(4)] },
  { op: 'Einsum', opset: 12, operands: [feed(2, 3, 4), feed(2, 4, 5)], attributes: { equation: 'bij,bjk->bik' } },
  { op: 'Einsum', opset: 12, operands: [feed(2, 3, 4), feed(4, 5)], attributes: { equation: '...ij,jk->...ik' } },
  { op: 'Einsum', opset: 12, operands: [feed(3, 4), feed(4, 5)], attributes: { equation: 'ij, jk' } },
  { op: 'Einsum', opset: 12, operands: [feed(3, 3)], attributes: { equation: 'ij->ji' } },
]

const recurrent: OpCase[] = ['LSTM', 'GRU', 'RNN'].flatMap((op): OpCase[] => {
  const gates = op === 'LSTM' ? 4 : op === 'GRU' ? 3 : 1
  const outputs = op === 'LSTM' ? 3 : 2
  return [
    {
      op,
      opset: 7,
      operands: [feed(5, 2, 3), weights(1, gates * 4, 3), weights(1, gates * 4, 4), weights(1, gates * 8)],
      attributes: { hidden_size: 4 },
      outputs,
    },
    {
      op,
      opset: 7,
      operands: [feed(5, 2, 3), weights(2, gates * 4, 3), weights(2, gates * 4, 4)],
      attributes: { hidden_size: 4, direction: 'bidirectional' },
      outputs,
    },
    {
      op,
      opset: 7,
      operands: [feed(5, 2, 3), weights(1, gates * 4, 3), weights(1, gates * 4, 4), omitted, int32s([3, 5])],
      attributes: { hidden_size: 4, direction: 'reverse' },
      outputs: 1,
    },
  ]
})

const uint8s = (dims: readonly number[], step: number) =>
  feedOf(
    'uint8',
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => (i * step) % 256),
  )

const quantized: OpCase[] = [
  ...[10, 13, 19].flatMap((opset): OpCase[] => [
    { op: 'QuantizeLinear', opset, operands: [feed(2, 3), floats([0.02], []), bytes('uint8', [100], [])] },
    { op: 'QuantizeLinear', opset, operands: [feed(2, 3), floats([0.02], []), bytes('int8', [-5], [])] },
    { op: 'QuantizeLinear', opset, operands: [feed(2, 3), floats([0.02], [])] },
    { op: 'DequantizeLinear', opset, operands: [uint8s([2, 3], 37), floats([0.02], []), bytes('uint8', [100], [])] },
    { op: 'DequantizeLinear', opset, operands: [uint8s([2, 3], 37), floats([0.02], [])] },
  ]),
  { op: 'QuantizeLinear', opset: 10, operands: [feed(2, 3), floats([0.02]), bytes('uint8', [100])] },
  {
    op: 'QuantizeLinear',
    opset: 13,
    operands: [feed(2, 3), floats([0.02, 0.01]), bytes('int8', [0, 1])],
    attributes: { axis: 0 },
  },
  {
    op: 'DequantizeLinear',
    opset: 13,
    operands: [uint8s([2, 3], 37), floats([0.02, 0.01, 0.5]), bytes('uint8', [1, 2, 3])],
    attributes: { axis: -1 },
  },
  {
    op: 'QuantizeLinear',
    opset: 21,
    operands: [feed(2, 4), floats([0.02, 0.01, 0.5, 0.4], [2, 2])],
    attributes: { block_size: 2, output_dtype: 3 },
  },
  { op: 'DynamicQuantizeLinear', opset: 11, operands: [feed(2, 3)], outputs: 3 },
  {
    op: 'MatMulInteger',
    opset: 10,
    operands: [uint8s([2, 3], 37), bytes('int8', [1, -2, 3, 4, -5, 6], [3, 2]), bytes('uint8', [7], [])],
  },
  {
    op: 'QLinearMatMul',
    opset: 10,
    operands: [
      uint8s([2, 3], 37),
      floats([0.1], []),
      bytes('uint8', [7], []),
      bytes('uint8', [1, 2, 3, 4, 5, 6], [3, 2]),
      floats([0.2], []),
      bytes('uint8', [3], []),
      floats([0.5], []),
      bytes('uint8', [100], []),
    ],
  },
]

export const computeCases: readonly OpCase[] = [
  ...reductions,
  ...laterReductions,
  ...softmaxes,
  ...normalizations,
  ...matrices,
  ...recurrent,
  ...quantized,
]
