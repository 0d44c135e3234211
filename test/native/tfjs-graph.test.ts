import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  attr,
  countOps,
  difference,
  GraphBuilder,
  inputsFor,
  readTfjs,
  runOnnx,
  runTfjs,
  type TfjsFiles,
} from '../builders/tfjs.ts'
import { sharedPath } from '../builders/shared.ts'

/** Both compute in float32; sums of a few thousand products in another order differ by some 1e-6 of the largest value. */
const TOLERANCE = 1e-4

async function agree(files: TfjsFiles): Promise<Record<string, number>> {
  const graph = readTfjs(files)
  const inputs = inputsFor(graph, { batch: 2 })
  const names = graph.graph.outputs.map(({ name }) => name)
  expect(difference(await runTfjs(files, inputs, names), await runOnnx(graph, inputs))).toBeLessThan(TOLERANCE)
  return countOps(graph)
}

type Build = (b: GraphBuilder) => void

function built(build: Build): TfjsFiles {
  const b = new GraphBuilder(3)
  build(b)
  return b.files()
}

const window = (stride: number, padding: string, dilation = 1): Record<string, object> => ({
  strides: attr.ints([1, stride, stride, 1]),
  dilations: attr.ints([1, dilation, dilation, 1]),
  padding: attr.text(padding),
  data_format: attr.text('NHWC'),
})

describe('windows', () => {
  for (const padding of ['SAME', 'VALID']) {
    for (const stride of [1, 2, 3]) {
      it(`convolutions and pools, ${padding}, stride ${stride}, an open batch and odd sizes`, async () => {
        for (const [height, width] of [
          [7, 9],
          [8, 10],
          [11, 6],
        ] as const) {
          const files = built((b) => {
            const x = b.input('x', [-1, height, width, 4])
            b.node('conv', 'Conv2D', [x, b.floats('k', [3, 2, 4, 5])], window(stride, padding))
            b.node('deep', 'DepthwiseConv2dNative', [x, b.floats('d', [3, 3, 4, 2])], window(stride, padding))
            const ksize = { ksize: attr.ints([1, 3, 2, 1]) }
            b.node('max', 'MaxPool', [x], { ...window(stride, padding), ...ksize })
            b.node('mean', 'AvgPool', [x], { ...window(stride, padding), ...ksize })
          })
          await agree(files)
        }
      })
    }
  }

  it('explicit padding', async () => {
    await agree(
      built((b) => {
        const x = b.input('x', [1, 8, 9, 3])
        const explicit = { ...window(2, 'EXPLICIT'), explicit_paddings: attr.ints([0, 0, 1, 0, 2, 1, 0, 0]) }
        b.node('conv', 'Conv2D', [x, b.floats('k', [3, 3, 3, 4])], explicit)
      }),
    )
  })

  it.each([
    [['BiasAdd']],
    [['BiasAdd', 'Relu']],
    [['BiasAdd', 'Relu6']],
    [['BiasAdd', 'Elu']],
    [['BiasAdd', 'LeakyRelu']],
    [['BiasAdd', 'Prelu']],
  ])('fused operators: %s', async (ops) => {
    await agree(
      built((b) => {
        const x = b.input('x', [1, 7, 7, 4])
        const hasBias = ops[0] === 'BiasAdd'
        const extra = [
          ...(hasBias ? [b.floats('b', [6])] : []),
          ...(ops.includes('Prelu') ? [b.floats('alpha', [6])] : []),
        ]
        const fused = { fused_ops: attr.texts(ops), num_args: attr.int(extra.length), leakyrelu_alpha: attr.float(0.3) }
        const conv = b.node('conv', '_FusedConv2D', [x, b.floats('k', [3, 3, 4, 6]), ...extra], {
          ...window(2, 'SAME'),
          ...fused,
        })
        // tfjs's depthwise kernel takes one slope a channel otherwise, and loses the slope of a LeakyRelu
        if (!ops.includes('Prelu') && !ops.includes('LeakyRelu')) {
          b.node('deep', 'FusedDepthwiseConv2dNative', [conv, b.floats('d', [3, 3, 6, 1]), ...extra], {
            ...window(1, 'SAME'),
            ...fused,
          })
        }
      }),
    )
  })

  it('a fused matrix product behind a flatten: no Transpose but that of the input', async () => {
    const ops = await agree(
      built((b) => {
        const x = b.input('x', [-1, 6, 6, 3])
        const conv = b.node('conv', 'Conv2D', [x, b.floats('k', [3, 3, 3, 5])], window(1, 'VALID'))
        const flat = b.node('flat', 'Reshape', [conv, b.ints('shape', [-1, 80])])
        const fused = {
          fused_ops: attr.texts(['BiasAdd', 'Relu']),
          num_args: attr.int(1),
          transpose_a: attr.flag(false),
          transpose_b: attr.flag(false),
        }
        b.node('fc', '_FusedMatMul', [flat, b.floats('w', [80, 7]), b.floats('b', [7])], fused)
      }),
    )
    expect(ops).toEqual({ Transpose: 1, Conv: 1, Flatten: 1, Gemm: 1, Relu: 1 })
  })

  it.each(['SAME', 'VALID'])('transposed convolution, %s', async (padding) => {
    await agree(
      built((b) => {
        const x = b.input('x', [2, 4, 5, 3])
        const shape = padding === 'SAME' ? [2, 8, 10, 6] : [2, 9, 11, 6]
        b.node(
          'up',
          'Conv2DBackpropInput',
          [b.ints('shape', shape), b.floats('k', [3, 3, 6, 3]), x],
          window(2, padding),
        )
      }),
    )
  })

  it.each([
    { height: 8, pads: [2, 2, 2, 2], crops: [0, 0, 0, 0] },
    { height: 7, pads: [2, 3, 2, 3], crops: [0, 1, 0, 1] },
  ])('a dilated convolution by way of batches, height $height', async ({ height, pads, crops }) => {
    const ops = await agree(
      built((b) => {
        const x = b.input('x', [1, height, height, 3])
        const block = b.ints('block', [2, 2])
        const batches = b.node('s2b', 'SpaceToBatchND', [x, block, b.ints('pads', pads, [2, 2])])
        const conv = b.node('conv', 'Conv2D', [batches, b.floats('k', [3, 3, 3, 4])], window(1, 'VALID'))
        b.node('b2s', 'BatchToSpaceND', [conv, block, b.ints('crops', crops, [2, 2])])
      }),
    )
    expect(ops).toEqual({ Transpose: 2, Conv: 1 })
  })
})

const masks = (begin: number, end: number, shrink: number): Record<string, object> => ({
  begin_mask: attr.int(begin),
  end_mask: attr.int(end),
  shrink_axis_mask: attr.int(shrink),
  ellipsis_mask: attr.int(0),
  new_axis_mask: attr.int(0),
})

describe('operators', () => {
  const conv = (b: GraphBuilder, dims = [1, 6, 7, 3]): string =>
    b.node('conv', 'Conv2D', [b.input('x', dims), b.floats('k', [2, 2, 3, 4])], window(1, 'SAME'))
  const unaries = [
    'Relu',
    'Relu6',
    'Elu',
    'Selu',
    'Sigmoid',
    'Tanh',
    'Softmax',
    'Exp',
    'Square',
    'Neg',
    'Abs',
    'Softplus',
    'Erf',
    'Floor',
    'Sin',
    'Cos',
    'LeakyRelu',
    'LogSoftmax',
  ]
  it.each(unaries)('%s of what a convolution writes', async (op) => {
    await agree(built((b) => b.node('y', op, [conv(b)])))
  })
  it.each(['Sqrt', 'Rsqrt', 'Log', 'Reciprocal'])('%s of positive numbers', async (op) => {
    await agree(built((b) => b.node('y', op, [b.node('e', 'Exp', [conv(b)])])))
  })
  it.each(['Add', 'AddV2', 'Sub', 'Mul', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference'])(
    '%s, broadcast from a number, a list of channels, a row and a whole picture',
    async (op) => {
      await agree(
        built((b) => {
          const y = conv(b)
          for (const [i, dims] of [[], [4], [7, 1], [1, 7, 4], [1, 6, 7, 4]].entries()) {
            b.node(`y${i}`, op, [y, b.floats(`c${i}`, dims)])
            b.node(`z${i}`, op, [b.node(`e${i}`, 'Exp', [b.floats(`d${i}`, dims)]), b.node(`f${i}`, 'Exp', [y])])
          }
          b.node('row', op, [y, b.input('v', [7, 4])])
        }),
      )
    },
  )

  const cases: readonly [string, Build][] = [
    [
      'AddN',
      (b) => {
        const y = conv(b)
        b.node('y', 'AddN', [y, b.node('r', 'Relu', [y]), y])
      },
    ],
    ['BiasAdd', (b) => b.node('y', 'BiasAdd', [conv(b), b.floats('b', [4])], { data_format: attr.text('NHWC') })],
    ['Pow', (b) => b.node('y', 'Pow', [b.node('e', 'Exp', [conv(b)]), b.floats('p', [], [1.5])])],
    ['Prelu', (b) => b.node('y', 'Prelu', [conv(b), b.floats('a', [4])])],
    ['ClipByValue', (b) => b.node('y', 'ClipByValue', [conv(b), b.floats('l', [], [-0.2]), b.floats('h', [], [0.4])])],
    [
      'FusedBatchNormV3',
      (b) =>
        b.node(
          'y',
          'FusedBatchNormV3',
          [conv(b), b.floats('s', [4]), b.floats('o', [4]), b.floats('m', [4]), b.floats('v', [4], [1, 0.5, 2, 0.7])],
          { epsilon: attr.float(0.01) },
        ),
    ],
    ['Pad', (b) => b.node('y', 'Pad', [conv(b), b.ints('p', [0, 0, 1, 2, 0, 3, 0, 1], [4, 2])])],
    [
      'PadV2',
      (b) => b.node('y', 'PadV2', [conv(b), b.ints('p', [0, 0, 1, 2, 0, 3, 0, 1], [4, 2]), b.floats('v', [], [2.5])]),
    ],
    [
      'MirrorPad',
      (b) =>
        b.node('y', 'MirrorPad', [conv(b), b.ints('p', [0, 0, 1, 2, 2, 1, 0, 0], [4, 2])], {
          mode: attr.text('REFLECT'),
        }),
    ],
    [
      'Reshape and Transpose',
      (b) =>
        b.node('y', 'Transpose', [
          b.node('r', 'Reshape', [conv(b), b.ints('s', [6, 7, 2, 2])]),
          b.ints('p', [2, 0, 3, 1]),
        ]),
    ],
    [
      'Transpose to channels first and back',
      (b) =>
        b.node('z', 'Transpose', [
          b.node('y', 'Transpose', [conv(b), b.ints('p', [0, 3, 1, 2])]),
          b.ints('q', [0, 2, 3, 1]),
        ]),
    ],
    [
      'Squeeze and ExpandDims',
      (b) =>
        b.node('y', 'ExpandDims', [
          b.node('s', 'Squeeze', [conv(b)], { squeeze_dims: attr.ints([0]) }),
          b.ints('a', [1], []),
        ]),
    ],
    [
      'ConcatV2',
      (b) => {
        const y = conv(b)
        b.node('y', 'ConcatV2', [y, b.node('r', 'Relu', [y]), b.floats('c', [1, 6, 7, 2]), b.ints('a', [-1], [])], {
          N: attr.int(3),
        })
      },
    ],
    [
      'Split',
      (b) => {
        b.node('s', 'Split', [b.ints('a', [3], []), conv(b)], { num_split: attr.int(2) })
        b.node('y', 'Sub', ['s', 's:1'])
      },
    ],
    [
      'SplitV',
      (b) => {
        b.node('s', 'SplitV', [conv(b), b.ints('l', [1, -1]), b.ints('a', [3], [])], { num_split: attr.int(2) })
        b.node('y', 'Mul', ['s', 's:1'])
      },
    ],
    ['Slice', (b) => b.node('y', 'Slice', [conv(b), b.ints('b', [0, 1, 2, 1]), b.ints('s', [1, 3, -1, 2])])],
    [
      'StridedSlice by steps in both directions',
      (b) =>
        b.node(
          'y',
          'StridedSlice',
          [conv(b), b.ints('b', [0, 5, 1, 2]), b.ints('e', [0, 0, 6, 4]), b.ints('s', [1, -2, 2, 1])],
          masks(1, 3, 0),
        ),
    ],
    [
      'StridedSlice that drops an axis',
      (b) =>
        b.node(
          'y',
          'StridedSlice',
          [conv(b), b.ints('b', [0, 1, 1, 2]), b.ints('e', [0, 5, 6, 3]), b.ints('s', [1, 1, 1, 1])],
          masks(1, 1, 8),
        ),
    ],
    [
      'Pack and Unpack',
      (b) => {
        const y = conv(b)
        const p = b.node('p', 'Pack', [y, b.node('r', 'Relu', [y])], { axis: attr.int(1) })
        b.node('u', 'Unpack', [p], { axis: attr.int(4), num: attr.int(4) })
        b.node('y', 'Add', ['u', 'u:3'])
      },
    ],
    ['Tile', (b) => b.node('y', 'Tile', [conv(b), b.ints('r', [1, 2, 1, 3])])],
    ['GatherV2', (b) => b.node('y', 'GatherV2', [conv(b), b.ints('i', [3, 0, 3]), b.ints('a', [3], [])])],
    [
      'Cast',
      (b) =>
        b.node('y', 'Cast', [b.node('c', 'Cast', [conv(b)], { DstT: attr.type('DT_INT32') })], {
          DstT: attr.type('DT_FLOAT'),
        }),
    ],
    ['ArgMax', (b) => b.node('y', 'ArgMax', [conv(b), b.ints('a', [3], [])])],
    [
      'MatMul, transposed',
      (b) => b.node('y', 'MatMul', [b.input('x', [3, 5]), b.floats('w', [4, 5])], { transpose_b: attr.flag(true) }),
    ],
    [
      'BatchMatMul',
      (b) =>
        b.node('y', 'BatchMatMulV2', [b.input('x', [2, 3, 5]), b.input('w', [2, 4, 5])], { adj_y: attr.flag(true) }),
    ],
    [
      'DepthToSpace',
      (b) => b.node('y', 'DepthToSpace', [conv(b)], { block_size: attr.int(2), data_format: attr.text('NHWC') }),
    ],
    [
      'a Reshape by the shape of an open batch',
      (b) => {
        const y = b.node(
          'conv',
          'Conv2D',
          [b.input('x', [-1, 4, 4, 3]), b.floats('k', [2, 2, 3, 4])],
          window(1, 'SAME'),
        )
        const shape = b.node('shape', 'Shape', [y], { out_type: attr.type('DT_INT32') })
        const batch = b.node('batch', 'StridedSlice', [shape, b.ints('b', [0]), b.ints('e', [1]), b.ints('s', [1])], {
          shrink_axis_mask: attr.int(1),
          begin_mask: attr.int(0),
          end_mask: attr.int(0),
          ellipsis_mask: attr.int(0),
          new_axis_mask: attr.int(0),
        })
        const target = b.node('target', 'Pack', [batch, b.ints('rest', [64], [])], {
          axis: attr.int(0),
          N: attr.int(2),
        })
        b.node('fc', 'MatMul', [b.node('flat', 'Reshape', [y, target]), b.floats('w', [64, 3])])
      },
    ],
  ]
  it.each(cases)('%s', async (_, build) => {
    await agree(built(build))
  })

  it('the Reshape by an open batch is a flatten: nothing of the arithmetic is left', () => {
    expect(countOps(readTfjs(built(cases.at(-1)![1])))).toEqual({ Transpose: 1, Conv: 1, Flatten: 1, Gemm: 1 })
  })

  for (const axes of [[1, 2], [3], [0], [1], [-1, 2], [0, 1, 2, 3]]) {
    it(`reductions over ${axes.join(', ')}`, async () => {
      for (const op of ['Mean', 'Sum', 'Max', 'Min']) {
        for (const keep of [true, false]) {
          await agree(built((b) => b.node('y', op, [conv(b), b.ints('a', axes)], { keep_dims: attr.flag(keep) })))
        }
      }
    })
  }

  for (const op of ['ResizeNearestNeighbor', 'ResizeBilinear']) {
    for (const [align, half] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      it(`${op}, corners ${align ? 'aligned' : 'free'}, ${half ? 'half' : 'whole'} pixels`, async () => {
        for (const size of [
          [12, 14],
          [9, 5],
          [3, 20],
        ]) {
          await agree(
            built((b) =>
              b.node('y', op, [conv(b), b.ints('s', size)], {
                align_corners: attr.flag(align),
                half_pixel_centers: attr.flag(half),
              }),
            ),
          )
        }
      })
    }
  }
})

describe('whole files', () => {
  it('the outputs that the signature names, in its order, under their names', async () => {
    const b = new GraphBuilder()
    const x = b.input('x', [1, 4])
    const y = b.node('y', 'MatMul', [x, b.floats('w', [4, 3])])
    b.node('z', 'Relu', [y])
    const files = b.files({ signature: { outputs: { first: { name: 'z:0' }, second: { name: 'y:0' } } } })
    expect(readTfjs(files).graph.outputs.map(({ name }) => name)).toEqual(['z', 'y'])
    await agree(files)
  })

  for (const name of ['mnist-cnn-tfjs-layers', 'mnasnet-0.35-tfjs-graph']) {
    const folder = sharedPath(`models/${name}`)
    it.skipIf(folder === null)(`${name}: outputs as TensorFlow.js gives them, one Transpose`, async () => {
      const read = (file: string): Uint8Array => new Uint8Array(fs.readFileSync(path.join(folder!, file)))
      const files = {
        json: read('model.json'),
        shards: new Map([['group1-shard1of1.bin', read('group1-shard1of1.bin')]]),
      }
      expect((await agree(files))['Transpose']).toBe(1)
    })
  }
})
