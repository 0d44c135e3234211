import type { DataType, Dim } from '../../src/shared/contract/tensor.ts'
import { float, tensor } from '../../src/main/graph/attributes.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { int64Tensor } from '../../src/main/graph/tensors.ts'
import { ModelBuilder } from './model-builder.ts'

/** A graph that computes with shapes, as exporters write them. */
export interface ShapeGraph {
  readonly why: string
  readonly model: Model
  /** lengths of the input `x` when it is run; symbolic in the model */
  readonly lengths: Readonly<Record<string, number>>
  /** the output's shape as it must be inferred */
  readonly expected: readonly Dim[]
}

function graph(
  why: string,
  shape: readonly Dim[],
  lengths: Readonly<Record<string, number>>,
  expected: readonly Dim[],
  build: (b: ModelBuilder, x: string) => string,
  opset = 13,
  outputType: DataType = 'float',
): ShapeGraph {
  const b = new ModelBuilder({ opset })
  const y = build(b, b.input('x', shape))
  b.output(y, null, outputType)
  return { why, model: b.build(), lengths, expected }
}

const flattenByHand = (b: ModelBuilder, x: string): string => {
  const batch = b.node('Gather', [b.node('Shape', [x]), b.ints([0], [])])
  const rest = b.ints([-1])
  return b.node('Reshape', [x, b.node('Concat', [b.node('Unsqueeze', [batch, b.ints([0])]), rest], { axis: 0 })])
}

/** x.reshape(n, t, heads, d / heads).transpose(1, 2) with all lengths read from x. */
const splitHeads = (b: ModelBuilder, x: string): string => {
  const at = (i: number): string => b.node('Gather', [b.node('Shape', [x]), b.ints([i], [])])
  const one = (name: string): string => b.node('Unsqueeze', [name, b.ints([0])])
  const width = b.node('Div', [at(2), b.ints([4], [])])
  const parts = [one(at(0)), one(at(1)), b.ints([4]), one(width)]
  return b.node('Transpose', [b.node('Reshape', [x, b.node('Concat', parts, { axis: 0 })])], { perm: [0, 2, 1, 3] })
}

/** F.interpolate(x, size=(2 h, 2 w)) with the size computed. */
const doubleSize = (b: ModelBuilder, x: string): string => {
  const shape = b.node('Shape', [x])
  const spatial = b.node('Slice', [shape, b.ints([2]), b.ints([4]), b.ints([0])])
  const doubled = b.node(
    'Cast',
    [b.node('Floor', [b.node('Mul', [b.node('Cast', [spatial], { to: 1 }), b.floats([2, 2])])])],
    { to: 7 },
  )
  const head = b.node('Slice', [shape, b.ints([0]), b.ints([2]), b.ints([0])])
  const sizes = b.node('Concat', [head, doubled], { axis: 0 })
  return b.node('Resize', [x, '', '', sizes], {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  })
}

/** torch.nn.functional.pad as PyTorch 1.x exports it: pads in pairs from the last axis, filled up, reversed, transposed. */
const torchPad = (b: ModelBuilder, x: string): string => {
  const given = b.ints([1, 2, 3, 4])
  const filler = b.node('ConstantOfShape', [b.ints([4])], { value: tensor(int64Tensor('', [1], [0])) })
  const pairs = b.node('Reshape', [b.node('Concat', [given, filler], { axis: 0 }), b.ints([-1, 2])])
  const reversed = b.node('Slice', [pairs, b.ints([-1]), b.ints([-(2 ** 53)]), b.ints([0]), b.ints([-1])])
  const pads = b.node('Cast', [b.node('Reshape', [b.node('Transpose', [reversed], { perm: [1, 0] }), b.ints([-1])])], {
    to: 7,
  })
  return b.node('Pad', [x, pads, b.floats([0], [])])
}

/** A class token repeated for the batch and put before the patches. */
const classToken = (b: ModelBuilder, x: string): string => {
  const batch = b.node('Unsqueeze', [b.node('Gather', [b.node('Shape', [x]), b.ints([0], [])]), b.ints([0])])
  const wanted = b.node('Concat', [batch, b.ints([-1]), b.ints([-1])], { axis: 0 })
  const ones = b.node('ConstantOfShape', [b.ints([3])], { value: tensor(int64Tensor('', [1], [1])) })
  const shape = b.node('Where', [b.node('Equal', [wanted, b.ints([-1, -1, -1])]), ones, wanted])
  return b.node('Concat', [b.node('Expand', [b.weights([1, 1, 8]), shape]), x], { axis: 1 })
}

const positions = (b: ModelBuilder, x: string): string => {
  const steps = b.node('Gather', [b.node('Shape', [x]), b.ints([1], [])])
  const range = b.node('Range', [b.ints([0], []), steps, b.ints([1], [])])
  return b.node('Add', [x, b.node('Gather', [b.weights([64, 8]), range])])
}

/** Size arithmetic over reductions: reshape(x, (N, prod(rest))). */
const product = (b: ModelBuilder, x: string): string => {
  const shape = b.node('Shape', [x])
  const rest = b.node('Slice', [shape, b.ints([1]), b.ints([1000])])
  const count = b.node('ReduceProd', [rest], { keepdims: 1 })
  return b.node('Reshape', [x, b.node('Concat', [b.ints([0]), count], { axis: 0 })])
}

const repeatedSplit = (b: ModelBuilder, x: string): string => {
  b.node('Split', [b.node('Shape', [x])], { axis: 0 }, { outputs: ['n', 'c', 'l'] })
  const swapped = b.node(
    'Concat',
    ['n', b.node('Mul', ['c', b.node('Max', [b.ints([2]), b.ints([1])])]), b.ints([-1])],
    { axis: 0 },
  )
  return b.node('Reshape', [b.node('Tile', [x, b.ints([1, 2, 1])]), swapped])
}

/** Shape graphs with what must come out of them. */
export const shapeGraphs: readonly ShapeGraph[] = [
  graph('flatten written as Shape, Gather, Concat, Reshape', ['N', 3, 4, 5], { N: 2 }, ['N', 60], flattenByHand),
  graph(
    'attention heads with every length read from the input',
    ['N', 'T', 32],
    { N: 2, T: 5 },
    ['N', 4, 'T', 8],
    splitHeads,
  ),
  graph('an image enlarged to a computed size', ['N', 3, 6, 7], { N: 2 }, ['N', 3, 12, 14], doubleSize),
  graph(
    'an image of unknown size enlarged',
    ['N', 3, 'h', 'w'],
    { N: 2, h: 4, w: 5 },
    ['N', 3, null, null],
    doubleSize,
  ),
  graph('pads as PyTorch computes them', ['N', 3, 6, 7], { N: 2 }, ['N', 3, 13, 10], torchPad),
  graph('a class token before the patches', ['N', 16, 8], { N: 2 }, ['N', 17, 8], classToken),
  graph('positions counted by Range', ['N', 'T', 8], { N: 2, T: 5 }, ['N', 'T', 8], positions),
  graph('the product of the remaining lengths', ['N', 3, 4], { N: 2 }, ['N', 12], product),
  graph('lengths taken apart by Split and tiled', ['N', 3, 4], { N: 2 }, ['N', 6, 4], repeatedSplit),
  graph(
    'a convolution that keeps unknown lengths',
    ['N', 3, 'h', 'w'],
    { N: 1, h: 5, w: 6 },
    ['N', 4, 'h', 'w'],
    (b, x) => b.node('Conv', [x, b.weights([4, 3, 3, 3])], { pads: [1, 1, 1, 1] }),
  ),
  graph('a strided convolution that does not', ['N', 3, 'h', 'w'], { N: 1, h: 5, w: 6 }, ['N', 4, null, null], (b, x) =>
    b.node('Conv', [x, b.weights([4, 3, 3, 3])], { pads: [1, 1, 1, 1], strides: [2, 2] }),
  ),
  graph('a global pool after unknown lengths', ['N', 3, 'h', 'w'], { N: 1, h: 5, w: 6 }, ['N', 3], (b, x) =>
    b.node('Flatten', [b.node('GlobalAveragePool', [b.node('LeakyRelu', [x], { alpha: float(0.1) })])]),
  ),
]
