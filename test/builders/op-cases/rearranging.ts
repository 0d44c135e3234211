import { float, tensor } from '../../../src/main/graph/attributes.ts'
import { floatTensor, int64Tensor } from '../../../src/main/graph/tensors.ts'
import type { Attribute } from '../../../src/main/graph/model.ts'
import type { OpCase } from '../op-case.ts'
import { bytes, feed, feedOf, floats, ints, omitted } from '../op-case.ts'

const FAR = Number.MAX_SAFE_INTEGER

const squeezes: OpCase[] = [
  ...[7, 11].flatMap((opset): OpCase[] => [
    { op: 'Squeeze', opset, operands: [feed(1, 3, 1, 2)], attributes: { axes: [0, 2] } },
    { op: 'Squeeze', opset, operands: [feed(1, 3, 1, 2)] },
    { op: 'Unsqueeze', opset, operands: [feed(3, 2)], attributes: { axes: [0, 2] } },
    { op: 'Unsqueeze', opset, operands: [feed(3, 2)], attributes: { axes: [3, 1] } },
  ]),
  { op: 'Squeeze', opset: 11, operands: [feed(1, 3, 1, 2)], attributes: { axes: [-2] } },
  { op: 'Unsqueeze', opset: 11, operands: [feed(3, 2)], attributes: { axes: [-1, 0] } },
  { op: 'Squeeze', opset: 13, operands: [feed(1, 3, 1, 2), ints([-2])] },
  { op: 'Squeeze', opset: 13, operands: [feed(1, 3, 1, 2), feedOf('int64', [1], [2])] },
  { op: 'Unsqueeze', opset: 13, operands: [feed(3, 2), ints([-1, 0])] },
]

const splits: OpCase[] = [
  ...[7, 11].flatMap((opset): OpCase[] => [
    { op: 'Split', opset, operands: [feed(6, 2)], outputs: 3 },
    { op: 'Split', opset, operands: [feed(2, 6)], attributes: { axis: 1, split: [1, 2, 3] }, outputs: 3 },
    { op: 'Split', opset, operands: [feed(2, 6)], attributes: { axis: 1 }, outputs: 2 },
    { op: 'Split', opset, operands: [feed(2, 6)], attributes: { axis: 1, split: [6] }, outputs: 1 },
  ]),
  { op: 'Split', opset: 11, operands: [feed(2, 6)], attributes: { axis: -1, split: [4, 2] }, outputs: 2 },
  { op: 'Split', opset: 13, operands: [feed(2, 6), ints([4, 2])], attributes: { axis: -1 }, outputs: 2 },
  { op: 'Split', opset: 13, operands: [feed(2, 6)], attributes: { axis: -1 }, outputs: 3 },
  {
    op: 'Split',
    opset: 13,
    operands: [feed(2, 6), feedOf('int64', [2], [4, 2])],
    attributes: { axis: -1 },
    outputs: 2,
  },
  { op: 'Split', opset: 18, operands: [feed(2, 7)], attributes: { axis: -1, num_outputs: 4 }, outputs: 4 },
]

/** What PyTorch writes for "to the end". */
const END: Attribute = { kind: 'ints', value: [2n ** 63n - 1n] }

const slices: OpCase[] = [
  { op: 'Slice', opset: 9, operands: [feed(4, 5)], attributes: { starts: [1], ends: END, axes: [1] } },
  { op: 'Slice', opset: 9, operands: [feed(4, 5)], attributes: { starts: [-2], ends: END } },
  { op: 'Slice', opset: 7, operands: [feed(4, 5)], attributes: { starts: [1], ends: [3] } },
  { op: 'Slice', opset: 7, operands: [feed(4, 5)], attributes: { starts: [1, -3], ends: [-1, FAR] } },
  { op: 'Slice', opset: 7, operands: [feed(4, 5)], attributes: { starts: [0, 1], ends: [1000, 3], axes: [1, 0] } },
  { op: 'Slice', opset: 7, operands: [feed(4, 5)], attributes: { starts: [3], ends: [1], axes: [1] } },
  ...[10, 11, 13].flatMap((opset): OpCase[] => [
    { op: 'Slice', opset, operands: [feed(4, 5), ints([1]), ints([3])] },
    { op: 'Slice', opset, operands: [feed(4, 5), ints([0, 1]), ints([FAR, 4]), ints([1, 0]), ints([2, 2])] },
    { op: 'Slice', opset, operands: [feed(4, 5), ints([-1]), ints([-FAR]), ints([1]), ints([-1])] },
    { op: 'Slice', opset, operands: [feed(4, 5), ints([FAR, 3]), ints([-FAR, 0]), ints([1, 0]), ints([-2, -1])] },
    { op: 'Slice', opset, operands: [feed(4, 5), feedOf('int64', [1], [1]), feedOf('int64', [1], [3]), ints([1])] },
  ]),
  { op: 'Slice', opset: 11, operands: [feed(4, 5), ints([1]), ints([3]), ints([-1])] },
]

const pads: OpCase[] = [
  { op: 'Pad', opset: 7, operands: [feed(2, 3)], attributes: { pads: [0, 1, 2, 0] } },
  { op: 'Pad', opset: 7, operands: [feed(2, 3)], attributes: { pads: [0, 1, 2, 0], value: float(1.5) } },
  { op: 'Pad', opset: 7, operands: [feed(2, 4)], attributes: { pads: [0, -1, 0, 2], value: float(-1) } },
  { op: 'Pad', opset: 7, operands: [feed(3, 4)], attributes: { pads: [1, 1, 2, 2], mode: 'reflect' } },
  { op: 'Pad', opset: 7, operands: [feed(3, 4)], attributes: { pads: [1, 1, 2, 2], mode: 'edge' } },
  { op: 'Pad', opset: 7, operands: [feedOf('double', [2], [1, 2])], attributes: { pads: [1, 1], value: float(0.1) } },
  ...[11, 13].flatMap((opset): OpCase[] => [
    { op: 'Pad', opset, operands: [feed(2, 3), ints([0, 1, 2, 0])] },
    { op: 'Pad', opset, operands: [feed(2, 3), ints([0, 1, 2, 0]), floats([2], [])] },
    { op: 'Pad', opset, operands: [feed(3, 4), ints([0, -1, 0, 2])], attributes: { mode: 'edge' } },
    { op: 'Pad', opset, operands: [feed(3, 4), ints([0, 1, 0, 2])], attributes: { mode: 'reflect' } },
    { op: 'Pad', opset, operands: [feed(3, 4), feedOf('int64', [4], [0, 1, 0, 2])] },
  ]),
  { op: 'Pad', opset: 18, operands: [feed(3, 4), ints([1, 2]), omitted, ints([-1])] },
]

const shapes: OpCase[] = [
  ...[7, 9, 11].flatMap((opset): OpCase[] => [
    { op: 'Flatten', opset, operands: [feed(2, 3, 4)] },
    { op: 'Flatten', opset, operands: [feed(2, 3, 4)], attributes: { axis: 0 } },
    { op: 'Flatten', opset, operands: [feed(2, 3, 4)], attributes: { axis: 3 } },
    { op: 'Flatten', opset, operands: [feed(2, 3, 4)], attributes: { axis: 2 } },
  ]),
  { op: 'Flatten', opset: 11, operands: [feed(2, 3, 4)], attributes: { axis: -1 } },
  { op: 'Reshape', opset: 7, operands: [feed(2, 3, 4), ints([0, -1])] },
  { op: 'Reshape', opset: 7, operands: [feed(2, 3, 4), ints([4, 6])] },
  { op: 'Reshape', opset: 7, operands: [feed(2, 3, 4), ints([-1, 0, 2])] },
  { op: 'Reshape', opset: 7, operands: [feed(2, 3, 4), feedOf('int64', [2], [-1, 6])] },
  { op: 'Reshape', opset: 7, operands: [feed(1), ints([], [0])] },
  { op: 'Reshape', opset: 14, operands: [feed(0, 3), ints([3, 0])], attributes: { allowzero: 1 } },
  { op: 'Transpose', opset: 7, operands: [feed(2, 3, 4)] },
  { op: 'Transpose', opset: 7, operands: [feed(2, 3, 4)], attributes: { perm: [1, 0, 2] } },
  { op: 'Expand', opset: 8, operands: [feed(3, 1), ints([2, 1, 4])] },
  { op: 'Expand', opset: 8, operands: [feed(3, 1), feedOf('int64', [3], [2, 3, 4])] },
  { op: 'Expand', opset: 8, operands: [feed(3, 4), ints([1])] },
  { op: 'Tile', opset: 7, operands: [feed(2, 3), ints([2, 1])] },
  { op: 'Tile', opset: 7, operands: [feed(2, 3), feedOf('int64', [2], [1, 3])] },
  { op: 'DepthToSpace', opset: 7, operands: [feed(1, 8, 2, 3)], attributes: { blocksize: 2 } },
  { op: 'DepthToSpace', opset: 11, operands: [feed(1, 8, 2, 3)], attributes: { blocksize: 2, mode: 'CRD' } },
  { op: 'DepthToSpace', opset: 11, operands: [feed(1, 8, 2, 3)], attributes: { blocksize: 2, mode: 'DCR' } },
  { op: 'SpaceToDepth', opset: 7, operands: [feed(1, 2, 4, 6)], attributes: { blocksize: 2 } },
  { op: 'Concat', opset: 7, operands: [feed(2, 3), feed(2, 1), floats([1, 2], [2, 1])], attributes: { axis: 1 } },
  { op: 'Concat', opset: 11, operands: [feed(2, 3), feed(2, 1)], attributes: { axis: -1 } },
  { op: 'Shape', opset: 7, operands: [feed(2, 3)] },
  { op: 'Shape', opset: 15, operands: [feed(2, 3, 4)], attributes: { start: -2 } },
  { op: 'Shape', opset: 15, operands: [feed(2, 3, 4)], attributes: { start: 1, end: -1 } },
  { op: 'Size', opset: 7, operands: [feed(2, 3)] },
  { op: 'Constant', opset: 7, operands: [], attributes: { value: tensor(floatTensor('', [2], [1, 2])) } },
  { op: 'Constant', opset: 12, operands: [], attributes: { value_ints: [1, 2, 3] } },
  { op: 'Constant', opset: 12, operands: [], attributes: { value_float: float(1.5) } },
  { op: 'ConstantOfShape', opset: 9, operands: [ints([2, 3])] },
  { op: 'ConstantOfShape', opset: 9, operands: [ints([2])], attributes: { value: tensor(int64Tensor('', [1], [7])) } },
  { op: 'ConstantOfShape', opset: 9, operands: [feedOf('int64', [2], [2, 3])] },
  { op: 'Range', opset: 11, operands: [ints([1], []), ints([9], []), ints([3], [])] },
  { op: 'Range', opset: 11, operands: [floats([1], []), floats([-2], []), floats([-0.5], [])] },
  { op: 'Range', opset: 11, operands: [ints([0], []), feedOf('int64', [], [4]), ints([1], [])] },
  { op: 'EyeLike', opset: 9, operands: [feed(3, 4)], attributes: { k: 1 } },
  { op: 'NonZero', opset: 9, operands: [feedOf('float', [2, 2], [1, 0, 0, 3])] },
]

const picks: OpCase[] = [
  { op: 'Gather', opset: 7, operands: [feed(4, 3), ints([0, 2])] },
  { op: 'Gather', opset: 7, operands: [feed(4, 3), ints([1], [])], attributes: { axis: 1 } },
  { op: 'Gather', opset: 7, operands: [feed(4, 3), feedOf('int64', [2, 2], [1, 2, 0, 0])], attributes: { axis: 1 } },
  { op: 'Gather', opset: 11, operands: [feed(4, 3), ints([-1, 0])], attributes: { axis: -1 } },
  { op: 'GatherElements', opset: 11, operands: [feed(2, 3), ints([0, 2, 1, 0], [2, 2])], attributes: { axis: 1 } },
  { op: 'GatherND', opset: 11, operands: [feed(2, 3, 4), ints([0, 1, 1, 2], [2, 2])] },
  { op: 'GatherND', opset: 12, operands: [feed(2, 3, 4), ints([1, 2], [2, 1])], attributes: { batch_dims: 1 } },
  { op: 'Scatter', opset: 9, operands: [feed(3, 3), ints([1, 0, 2, 0], [2, 2]), feed(2, 2)] },
  { op: 'Scatter', opset: 9, operands: [feed(1, 5), ints([1, 3], [1, 2]), feed(1, 2)], attributes: { axis: 1 } },
  {
    op: 'ScatterElements',
    opset: 11,
    operands: [feed(1, 5), ints([1, -3], [1, 2]), feed(1, 2)],
    attributes: { axis: -1 },
  },
  { op: 'ScatterND', opset: 11, operands: [feed(4), ints([1, 3], [2, 1]), feed(2)] },
  { op: 'Compress', opset: 9, operands: [feed(3, 2), bytes('bool', [0, 1, 1])], attributes: { axis: 0 } },
  { op: 'Compress', opset: 9, operands: [feed(3, 2), bytes('bool', [0, 1, 1])] },
  { op: 'OneHot', opset: 9, operands: [feedOf('int64', [3], [0, 2, 4]), ints([3], []), floats([-1, 5])] },
  { op: 'OneHot', opset: 9, operands: [feedOf('int64', [3], [0, -1, -9]), ints([3], []), floats([-1, 5])] },
  {
    op: 'OneHot',
    opset: 11,
    operands: [feedOf('int64', [2, 2], [0, 2, -1, 1]), ints([3], []), floats([0, 1])],
    attributes: { axis: 1 },
  },
  { op: 'TopK', opset: 7, operands: [feed(2, 5)], attributes: { k: 3 }, outputs: 2 },
  { op: 'TopK', opset: 7, operands: [feed(2, 5)], attributes: { k: 1, axis: 0 }, outputs: 2 },
  { op: 'TopK', opset: 10, operands: [feed(2, 5), ints([3])], outputs: 2 },
  { op: 'TopK', opset: 10, operands: [feed(2, 5), feedOf('int64', [1], [2])], outputs: 2 },
  { op: 'TopK', opset: 11, operands: [feed(2, 5), ints([2])], attributes: { largest: 0, axis: -1 }, outputs: 2 },
  {
    op: 'ReverseSequence',
    opset: 10,
    operands: [feed(4, 2), ints([4, 2])],
    attributes: { time_axis: 0, batch_axis: 1 },
  },
  { op: 'Trilu', opset: 14, operands: [feed(3, 4)], attributes: { upper: 0 } },
  { op: 'Unique', opset: 11, operands: [feedOf('float', [5], [2, 1, 1, 3, 4])], outputs: 4 },
  { op: 'CumSum', opset: 11, operands: [feed(2, 3), ints([1], [])] },
  {
    op: 'NonMaxSuppression',
    opset: 10,
    operands: [
      feedOf('float', [1, 3, 4], [0, 0, 1, 1, 0, 0, 0.9, 1, 2, 2, 3, 3]),
      feedOf('float', [1, 1, 3], [0.9, 0.8, 0.7]),
      ints([2]),
      floats([0.5]),
      floats([0.1]),
    ],
  },
  {
    op: 'NonMaxSuppression',
    opset: 11,
    operands: [
      feedOf('float', [1, 3, 4], [0, 0, 1, 1, 0, 0, 0.9, 1, 2, 2, 3, 3]),
      feedOf('float', [1, 1, 3], [0.9, 0.8, 0.7]),
      ints([2]),
      floats([0.5]),
    ],
    attributes: { center_point_box: 1 },
  },
]

export const rearrangingCases: readonly OpCase[] = [...squeezes, ...splits, ...slices, ...pads, ...shapes, ...picks]
