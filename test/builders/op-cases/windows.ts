import { floats as floatList } from '../../../src/main/graph/attributes.ts'
import type { AttributeValue } from '../model-builder.ts'
import type { OpCase } from '../op-case.ts'
import { bytes, feed, feedOf, floats, int32s, ints, omitted, weights } from '../op-case.ts'

type Attributes = Readonly<Record<string, AttributeValue>>

/** Attributes that change how a window runs, each for a kernel of 3 × 3 over 7 × 6 positions. */
const WINDOWS: readonly Attributes[] = [
  {},
  { strides: [2, 2] },
  { strides: [2, 1], pads: [1, 1, 1, 1] },
  { pads: [0, 1, 2, 1] },
  { pads: [1, 0, 0, 2], strides: [2, 3] },
  { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  { auto_pad: 'SAME_LOWER', strides: [2, 2] },
  { auto_pad: 'SAME_UPPER' },
  { auto_pad: 'SAME_LOWER' },
  { auto_pad: 'VALID', strides: [2, 2] },
  { auto_pad: 'NOTSET', pads: [1, 1, 1, 1] },
]

const DILATED: readonly Attributes[] = [
  { dilations: [2, 2] },
  { dilations: [2, 1], pads: [2, 1, 2, 1], strides: [2, 2] },
  { dilations: [2, 2], auto_pad: 'VALID' },
]

function conv(opset: number): OpCase[] {
  const shape = (attributes: Attributes): Attributes => ({ kernel_shape: [3, 3], ...attributes })
  return [
    ...[...WINDOWS, ...DILATED].map((attributes): OpCase => ({
      op: 'Conv',
      opset,
      operands: [feed(2, 4, 7, 6), weights(6, 4, 3, 3), floats([1, 2, 3, 4, 5, 6])],
      attributes: shape(attributes),
    })),
    {
      op: 'Conv',
      opset,
      operands: [feed(1, 4, 7, 6), weights(6, 2, 3, 3)],
      attributes: { group: 2, pads: [1, 1, 1, 1] },
    },
    { op: 'Conv', opset, operands: [feed(1, 4, 7, 6), weights(8, 1, 3, 3)], attributes: { group: 4, strides: [2, 2] } },
    { op: 'Conv', opset, operands: [feed(1, 4, 7, 6), weights(6, 4, 1, 1)] },
    { op: 'Conv', opset, operands: [feed(1, 4, 9), weights(6, 4, 3)], attributes: { pads: [1, 1], strides: [2] } },
    {
      op: 'Conv',
      opset,
      operands: [feed(1, 2, 5, 6, 4), weights(3, 2, 3, 2, 2)],
      attributes: { pads: [1, 0, 0, 1, 1, 1] },
    },
    // the weight is not constant
    { op: 'Conv', opset, operands: [feed(1, 4, 7, 6), feed(6, 4, 3, 3)], attributes: { pads: [1, 1, 1, 1] } },
  ]
}

function convTranspose(opset: number): OpCase[] {
  const operands = [feed(1, 4, 4, 5), weights(4, 3, 3, 3)]
  const rows: readonly Attributes[] = [
    {},
    { strides: [2, 2] },
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { strides: [2, 3], pads: [0, 1, 2, 1], output_padding: [1, 0] },
    { dilations: [2, 2] },
    { dilations: [2, 1], strides: [2, 2], pads: [1, 1, 1, 1] },
    { auto_pad: 'SAME_UPPER', strides: [2, 2] },
    { auto_pad: 'SAME_LOWER', strides: [2, 2] },
    { auto_pad: 'VALID', strides: [2, 2] },
    { output_shape: [9, 10], strides: [2, 2] },
    { output_shape: [8, 9], strides: [2, 2] },
    { output_shape: [8, 9], strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { kernel_shape: [3, 3] },
  ]
  return [
    ...rows.map((attributes): OpCase => ({ op: 'ConvTranspose', opset, operands, attributes })),
    {
      op: 'ConvTranspose',
      opset,
      operands: [feed(1, 4, 4, 5), weights(4, 2, 3, 3)],
      attributes: { group: 2, strides: [2, 2] },
    },
  ]
}

function pools(opset: number): OpCase[] {
  const x = feed(1, 3, 7, 6)
  const kernel = { kernel_shape: [3, 3] }
  const ceiled =
    opset >= 10
      ? [...WINDOWS.map((row) => ({ ...row, ceil_mode: 1 })), { ceil_mode: 1, strides: [3, 3], pads: [1, 1, 1, 1] }]
      : []
  const max = [...WINDOWS, ...ceiled, ...(opset >= 10 ? DILATED : [])]
  const average = [...WINDOWS, ...ceiled, ...(opset >= 19 ? DILATED : [])]
  const unequal: OpCase[] =
    ceiled.length === 0
      ? []
      : [
          {
            op: 'MaxPool',
            opset,
            operands: [feed(1, 2, 5, 8)],
            attributes: { kernel_shape: [2, 2], strides: [2, 3], ceil_mode: 1 },
          },
          {
            op: 'AveragePool',
            opset,
            operands: [feed(1, 2, 5, 8)],
            attributes: { kernel_shape: [2, 2], strides: [2, 3], ceil_mode: 1 },
          },
          {
            op: 'MaxPool',
            opset,
            operands: [feed(1, 2, 112, 112)],
            attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
          },
        ]
  return [
    ...max.map((row): OpCase => ({ op: 'MaxPool', opset, operands: [x], attributes: { ...kernel, ...row } })),
    ...average.map((row): OpCase => ({ op: 'AveragePool', opset, operands: [x], attributes: { ...kernel, ...row } })),
    ...average.map((row): OpCase => ({
      op: 'AveragePool',
      opset,
      operands: [x],
      attributes: { ...kernel, ...row, count_include_pad: 1 },
    })),
    ...unequal,
    {
      op: 'AveragePool',
      opset,
      operands: [feed(1, 3, 9)],
      attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] },
    },
    {
      op: 'MaxPool',
      opset,
      operands: [feed(1, 2, 5, 6, 4)],
      attributes: { kernel_shape: [2, 3, 2], strides: [2, 1, 2] },
    },
    ...(opset >= 8
      ? [
          { op: 'MaxPool', opset, operands: [x], attributes: kernel, outputs: 2 },
          {
            op: 'MaxPool',
            opset,
            operands: [x],
            attributes: { ...kernel, strides: [2, 2] },
            outputs: 2,
            omittedOutputs: [1],
          },
        ]
      : []),
    { op: 'LpPool', opset, operands: [x], attributes: { ...kernel, p: 2, strides: [2, 2] } },
    { op: 'LpPool', opset, operands: [x], attributes: { ...kernel, p: 1, pads: [1, 1, 1, 1] } },
    { op: 'GlobalAveragePool', opset, operands: [x] },
    { op: 'GlobalMaxPool', opset, operands: [x] },
    { op: 'GlobalAveragePool', opset, operands: [feed(2, 3, 5)] },
    { op: 'GlobalLpPool', opset, operands: [x], attributes: { p: 2 } },
  ]
}

const integer: OpCase[] = [
  {
    op: 'ConvInteger',
    opset: 10,
    operands: [
      feedOf(
        'uint8',
        [1, 2, 4, 4],
        Array.from({ length: 32 }, (_, i) => i * 7),
      ),
      bytes(
        'uint8',
        Array.from({ length: 36 }, (_, i) => i * 5),
        [2, 2, 3, 3],
      ),
      bytes('uint8', [128], []),
      bytes('uint8', [3], []),
    ],
    attributes: { pads: [1, 1, 1, 1] },
  },
  {
    op: 'QLinearConv',
    opset: 10,
    operands: [
      feedOf(
        'uint8',
        [1, 2, 4, 4],
        Array.from({ length: 32 }, (_, i) => i * 7),
      ),
      floats([0.1], []),
      bytes('uint8', [128], []),
      bytes(
        'int8',
        Array.from({ length: 36 }, (_, i) => i * 3 - 50),
        [2, 2, 3, 3],
      ),
      floats([0.02, 0.03]),
      bytes('int8', [0, 0]),
      floats([0.7], []),
      bytes('uint8', [100], []),
      int32s([10, -20]),
    ],
    attributes: { pads: [0, 1, 1, 0], strides: [2, 1] },
  },
  {
    op: 'MaxUnpool',
    opset: 9,
    operands: [feed(1, 1, 2, 2), ints([5, 7, 13, 15], [1, 1, 2, 2])],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    op: 'MaxUnpool',
    opset: 11,
    operands: [feed(1, 1, 2, 2), ints([5, 7, 13, 15], [1, 1, 2, 2]), ints([1, 1, 5, 5])],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    op: 'MaxRoiPool',
    opset: 7,
    operands: [feed(1, 2, 8, 8), floats([0, 0, 0, 4, 4, 0, 2, 2, 7, 7], [2, 5])],
    attributes: { pooled_shape: [2, 2] },
  },
  {
    op: 'RoiAlign',
    opset: 10,
    operands: [feed(1, 2, 8, 8), floats([0.3, 0.2, 4.4, 4.1, 2, 2.5, 7, 7], [2, 4]), ints([0, 0])],
    attributes: { output_height: 2, output_width: 3, sampling_ratio: 2 },
  },
  {
    op: 'RoiAlign',
    opset: 16,
    operands: [feed(1, 2, 8, 8), floats([0.3, 0.2, 4.4, 4.1], [1, 4]), ints([0])],
    attributes: { output_height: 2, output_width: 2, mode: 'max' },
  },
]

const upsampled: OpCase[] = [
  ...['nearest', 'linear'].flatMap((mode): OpCase[] => [
    { op: 'Upsample', opset: 7, operands: [feed(1, 2, 3, 4)], attributes: { mode, scales: floatList([1, 1, 2, 2]) } },
    {
      op: 'Upsample',
      opset: 7,
      operands: [feed(1, 2, 3, 4)],
      attributes: { mode, scales: floatList([1, 1, 1.5, 2.7]) },
    },
    { op: 'Upsample', opset: 9, operands: [feed(1, 2, 3, 4), floats([1, 1, 2, 3])], attributes: { mode } },
    {
      op: 'Upsample',
      opset: 9,
      operands: [feed(1, 2, 3, 4), feedOf('float', [4], [1, 1, 2, 1.3])],
      attributes: { mode },
    },
    { op: 'Resize', opset: 10, operands: [feed(1, 2, 3, 4), floats([1, 1, 2, 3])], attributes: { mode } },
    { op: 'Resize', opset: 10, operands: [feed(1, 2, 3, 4), floats([1, 1, 1.7, 2.3])], attributes: { mode } },
    { op: 'Resize', opset: 10, operands: [feed(1, 2, 6, 8), floats([1, 1, 0.5, 0.4])], attributes: { mode } },
    { op: 'Resize', opset: 10, operands: [feed(1, 2, 6, 8), floats([1, 1, 0.6, 1.7])], attributes: { mode } },
    {
      op: 'Resize',
      opset: 10,
      operands: [feed(1, 2, 6, 8), feedOf('float', [4], [1, 1, 0.6, 1.7])],
      attributes: { mode },
    },
  ]),
]

const MODES = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel']

function resized(opset: number): OpCase[] {
  const x = feed(1, 2, 6, 8)
  const roi = opset >= 13 ? omitted : floats([])
  const none = opset >= 13 ? omitted : floats([])
  return [
    ...MODES.flatMap((mode): OpCase[] => [
      {
        op: 'Resize',
        opset,
        operands: [x, roi, floats([1, 1, 1.5, 0.7])],
        attributes: { mode: 'linear', coordinate_transformation_mode: mode },
      },
      {
        op: 'Resize',
        opset,
        operands: [x, roi, none, ints([1, 2, 9, 5])],
        attributes: { mode: 'linear', coordinate_transformation_mode: mode },
      },
      {
        op: 'Resize',
        opset,
        operands: [x, roi, floats([1, 1, 2, 2])],
        attributes: { mode: 'cubic', coordinate_transformation_mode: mode },
      },
      ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].map((nearest): OpCase => ({
        op: 'Resize',
        opset,
        operands: [x, roi, floats([1, 1, 1.5, 0.7])],
        attributes: { mode: 'nearest', nearest_mode: nearest, coordinate_transformation_mode: mode },
      })),
    ]),
    {
      op: 'Resize',
      opset,
      operands: [x, floats([0, 0, 0.1, 0.2, 1, 1, 0.9, 0.8]), floats([1, 1, 1, 1])],
      attributes: { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize' },
    },
    {
      op: 'Resize',
      opset,
      operands: [x, floats([0, 0, 0.1, 0.2, 1, 1, 0.9, 0.8]), floats([1, 1, 0.5, 2])],
      attributes: { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize' },
    },
    {
      op: 'Resize',
      opset,
      operands: [x, floats([0, 0, 0.1, 0.2, 1, 1, 0.9, 0.8]), none, ints([1, 2, 4, 4])],
      attributes: { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: 0.5 },
    },
    {
      op: 'Resize',
      opset,
      operands: [x, roi, floats([1, 1, 0.5, 0.6])],
      attributes: { mode: 'cubic', cubic_coeff_a: -0.5, exclude_outside: 1 },
    },
  ]
}

const gone: OpCase[] = [
  {
    op: 'Resize',
    opset: 11,
    operands: [feed(1, 2, 6, 8), floats([]), floats([1, 1, 1.5, 0.7])],
    attributes: { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'tf_half_pixel_for_nn' },
  },
  {
    op: 'Resize',
    opset: 11,
    operands: [feed(1, 2, 6, 8), floats([]), floats([1, 1, 3, 2])],
    attributes: { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'tf_half_pixel_for_nn' },
  },
  {
    op: 'Resize',
    opset: 18,
    operands: [feed(1, 2, 6, 8), omitted, floats([1.5, 0.7])],
    attributes: { mode: 'linear', axes: [2, 3], antialias: 1 },
  },
  {
    op: 'Resize',
    opset: 18,
    operands: [feed(1, 2, 6, 8), omitted, omitted, ints([9, 5])],
    attributes: { mode: 'linear', axes: [2, 3] },
  },
  {
    op: 'Resize',
    opset: 18,
    operands: [feed(1, 2, 6, 8), omitted, omitted, ints([9, 5])],
    attributes: { mode: 'linear', axes: [-2, -1], keep_aspect_ratio_policy: 'not_larger' },
  },
  {
    op: 'Resize',
    opset: 18,
    operands: [feed(1, 2, 6, 8), omitted, omitted, ints([9, 5])],
    attributes: { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' },
  },
  ...['bilinear', 'bicubic', 'nearest'].map((mode): OpCase => ({
    op: 'GridSample',
    opset: 16,
    operands: [
      feed(1, 2, 4, 5),
      floats(
        Array.from({ length: 24 }, (_, i) => Math.sin(i)),
        [1, 3, 4, 2],
      ),
    ],
    attributes: { mode, padding_mode: 'border' },
  })),
  {
    op: 'GridSample',
    opset: 16,
    operands: [
      feed(1, 2, 4, 5),
      floats(
        Array.from({ length: 24 }, (_, i) => Math.sin(i)),
        [1, 3, 4, 2],
      ),
    ],
  },
]

export const windowCases: readonly OpCase[] = [
  ...[7, 11].flatMap(conv),
  ...[7, 11].flatMap(convTranspose),
  ...[7, 8, 10, 11, 12, 19].flatMap(pools),
  ...integer,
  ...upsampled,
  ...[11, 13, 18, 19].flatMap(resized),
  ...gone,
]
