import { float } from '../../../src/main/graph/attributes.ts'
import type { OpCase } from '../op-case.ts'
import { bytes, feed, feedOf, feedPositive, floats, ints, omitted } from '../op-case.ts'

function each(names: string, opset: number, operands: OpCase['operands']): OpCase[] {
  return names.split(' ').map((op) => ({ op, opset, operands }))
}

const special = feedOf('float', [8], [-Infinity, Infinity, -3e38, 0, -0, 1e-42, 0.5, 7])

const clips: OpCase[] = [
  ...[7, 9].flatMap((opset): OpCase[] => [
    { op: 'Clip', opset, operands: [feed(2, 3)] },
    { op: 'Clip', opset, operands: [feed(2, 3)], attributes: { min: float(0), max: float(6) } },
    { op: 'Clip', opset, operands: [feed(2, 3)], attributes: { min: float(-0.25) } },
    { op: 'Clip', opset, operands: [feed(2, 3)], attributes: { max: float(0.1) } },
    { op: 'Clip', opset, operands: [special], attributes: { max: float(0.1) } },
    { op: 'Clip', opset, operands: [special] },
  ]),
  { op: 'Clip', opset: 11, operands: [feed(2, 3), floats([-0.5], []), floats([0.5], [])] },
  { op: 'Clip', opset: 11, operands: [feed(2, 3), omitted, floats([0.5], [])] },
  { op: 'Clip', opset: 11, operands: [feed(2, 3), floats([-0.5], [])] },
  { op: 'Clip', opset: 12, operands: [feedOf('int64', [4], [-5, 0, 5, 9]), ints([-1], []), ints([7], [])] },
  { op: 'Clip', opset: 12, operands: [feedOf('double', [3], [-5, 0.5, 9])] },
]

const activations: OpCase[] = [
  ...each(
    'Abs Neg Floor Ceil Exp Sigmoid Tanh Relu Elu Selu HardSigmoid LeakyRelu Softplus Softsign Identity Sin Cos Atan',
    7,
    [feed(2, 3, 4)],
  ),
  ...each('Log Sqrt Reciprocal', 7, [feedPositive(2, 3)]),
  ...each('Erf Sign Shrink Sinh Cosh Asinh', 9, [feed(2, 3)]),
  { op: 'LeakyRelu', opset: 7, operands: [feed(2, 3)], attributes: { alpha: float(0.3) } },
  { op: 'Elu', opset: 7, operands: [feed(2, 3)], attributes: { alpha: float(0.3) } },
  { op: 'HardSigmoid', opset: 7, operands: [feed(2, 3)], attributes: { alpha: float(0.3), beta: float(0.4) } },
  { op: 'ThresholdedRelu', opset: 10, operands: [feed(2, 3)], attributes: { alpha: float(0.3) } },
  { op: 'Celu', opset: 12, operands: [feed(2, 3)], attributes: { alpha: float(0.3) } },
  { op: 'Round', opset: 11, operands: [feedOf('float', [5], [-0.5, 0.5, 1.5, 2.5, 3.2])] },
  ...each('HardSwish', 14, [feed(2, 3)]),
  ...each('Mish', 18, [feed(2, 3)]),
  { op: 'Gelu', opset: 20, operands: [feed(2, 3)] },
  { op: 'Gelu', opset: 20, operands: [feed(2, 3)], attributes: { approximate: 'tanh' } },
  { op: 'PRelu', opset: 7, operands: [feed(2, 3, 4), floats([0.1, 0.2, 0.3], [3, 1])] },
  { op: 'PRelu', opset: 9, operands: [feed(2, 3, 4), floats([0.1], [1])] },
  { op: 'IsNaN', opset: 9, operands: [feedOf('float', [3], [NaN, 1, 2])] },
  { op: 'IsInf', opset: 10, operands: [special] },
]

const arithmetic: OpCase[] = [
  ...[7, 8, 11].flatMap((opset) => each('Add Sub Mul Div', opset, [feed(2, 3, 4), feed(3, 1)])),
  ...each('Add Mul', 7, [feed(4), feed(2, 3, 4)]),
  ...each('Add Mul Div', 7, [feedOf('int64', [3], [5, -7, 9]), ints([2, 2, -2])]),
  ...each('Pow', 7, [feedPositive(2, 3), floats([2], [])]),
  ...each('Pow', 12, [feedPositive(2, 3), ints([2], [])]),
  ...each('Max Min Sum Mean', 7, [feed(2, 3), feed(2, 3)]),
  ...each('Max Min Sum Mean', 8, [feed(2, 3), feed(1, 3), feed(2, 1)]),
  ...each('Max Min', 12, [feedOf('int64', [3], [5, -7, 9]), ints([2], [])]),
  ...each('Greater Less', 7, [feed(2, 3), feed(3)]),
  ...each('Greater Less', 9, [feedOf('int64', [3], [5, -7, 9]), ints([5], [])]),
  ...each('Equal', 7, [feedOf('int64', [3], [5, -7, 9]), ints([5], [])]),
  ...each('Equal', 11, [feedOf('float', [3], [5, -7, 9]), floats([5], [])]),
  ...each('GreaterOrEqual LessOrEqual', 12, [feed(2, 3), feed(3)]),
  ...each('And Or Xor', 7, [feedOf('bool', [2, 2], [0, 1, 0, 1]), bytes('bool', [1, 0])]),
  ...each('Not', 7, [feedOf('bool', [2, 2], [0, 1, 0, 1])]),
  ...each('Where', 9, [feedOf('bool', [2, 1], [0, 1]), feed(2, 3), feed(3)]),
  { op: 'Mod', opset: 10, operands: [feedOf('int64', [4], [-7, 7, -8, 5]), ints([3, -3, 5, -5])] },
  {
    op: 'Mod',
    opset: 10,
    operands: [feedOf('float', [4], [-7, 7, -8, 5]), floats([3, -3, 5, -5])],
    attributes: { fmod: 1 },
  },
]

const dropouts: OpCase[] = [
  ...[7, 10].flatMap((opset): OpCase[] => [
    { op: 'Dropout', opset, operands: [feed(2, 3)] },
    { op: 'Dropout', opset, operands: [feed(2, 3)], attributes: { ratio: float(0.3) } },
    { op: 'Dropout', opset, operands: [feed(2, 3)], attributes: { ratio: float(0.3) }, outputs: 2 },
    { op: 'Dropout', opset, operands: [feed(2, 3)], outputs: 2, omittedOutputs: [1] },
  ]),
  { op: 'Dropout', opset: 12, operands: [feed(2, 3), floats([0.3], [])] },
]

const casts: OpCase[] = [
  ...[7, 9].flatMap((opset): OpCase[] => [
    { op: 'Cast', opset, operands: [feed(2, 3)], attributes: { to: 7 } },
    { op: 'Cast', opset, operands: [feedOf('int64', [2], [3, -4])], attributes: { to: 1 } },
    { op: 'Cast', opset, operands: [feed(2, 3)], attributes: { to: 9 } },
    { op: 'Cast', opset, operands: [feed(2, 3)], attributes: { to: 11 } },
  ]),
  { op: 'CastLike', opset: 15, operands: [feed(2, 3), ints([1])] },
]

export const elementwiseCases: readonly OpCase[] = [...clips, ...activations, ...arithmetic, ...dropouts, ...casts]
