import type { Model } from '../../src/main/graph/model.ts'
import { float, floats, graph, tensor } from '../../src/main/graph/attributes.ts'
import { byteTensor, floatTensor, int64Tensor } from '../../src/main/graph/tensors.ts'
import { ModelBuilder } from './model-builder.ts'

/** A small model with a name, for tests that take whatever comes. */
export interface NamedModel {
  readonly name: string
  readonly model: Model
}

type Body = (b: ModelBuilder) => void

/** [name, what is built, opset]: one of each sort of graph that people bring. All run in the runtime. */
const recipes: readonly (readonly [string, Body, number?])[] = [
  [
    'conv-relu',
    (b) => {
      b.node(
        'Relu',
        [b.node('Conv', [image(b), b.weights([4, 3, 3, 3]), b.floats([0, 1, 2, 3])], { pads: [1, 1, 1, 1] })],
        {},
        { outputs: ['y'] },
      )
      b.output('y', ['N', 4, 8, 8])
    },
  ],
  [
    'conv-batchnorm-clip',
    (b) => {
      const conv = b.node('Conv', [image(b), b.weights([4, 3, 3, 3])], { strides: [2, 2] })
      const norm = b.node('BatchNormalization', [
        conv,
        b.floats([1, 2, 1, 2]),
        b.floats([0, 0, 1, 1]),
        b.floats([0.1, 0, 0, 0.2]),
        b.floats([1, 1, 2, 1]),
      ])
      b.node('Clip', [norm, b.floats([0], []), b.floats([6], [])], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  [
    'residual',
    (b) => {
      const x = image(b)
      const one = b.node('Relu', [b.node('Conv', [x, b.weights([3, 3, 3, 3])], { pads: [1, 1, 1, 1] })])
      const two = b.node('Conv', [one, b.weights([3, 3, 3, 3])], { pads: [1, 1, 1, 1] })
      b.node('Relu', [b.node('Add', [two, x])], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  [
    'depthwise',
    (b) => {
      const wide = b.node('Conv', [image(b), b.weights([6, 3, 1, 1])])
      const depth = b.node('Conv', [wide, b.weights([6, 1, 3, 3])], { group: 6, pads: [1, 1, 1, 1] })
      b.node('HardSwish', [depth], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  [
    'gemm-net',
    (b) => {
      const hidden = b.node('Relu', [
        b.node('Gemm', [b.input('x', ['N', 8]), b.weights([16, 8]), b.weights([16])], { transB: 1 }),
      ])
      b.node(
        'Softmax',
        [b.node('Gemm', [hidden, b.weights([16, 4])], { alpha: float(0.5) })],
        { axis: -1 },
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'matmul-bias',
    (b) => {
      b.node(
        'Add',
        [b.node('MatMul', [b.input('x', ['N', 5, 8]), b.weights([8, 4])]), b.floats([1, 2, 3, 4])],
        {},
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'concat-split',
    (b) => {
      const x = image(b)
      const both = b.node('Concat', [x, b.node('Sigmoid', [x])], { axis: 1 })
      b.node('Split', [both, b.ints([2, 4])], { axis: 1 }, { outputs: ['y', 'z'] })
      b.output('y')
      b.output('z')
    },
  ],
  [
    'resize',
    (b) => {
      const scales = b.floats([1, 1, 2, 2])
      b.node(
        'Resize',
        [b.node('Conv', [image(b), b.weights([2, 3, 1, 1])]), '', scales],
        { mode: 'nearest', coordinate_transformation_mode: 'asymmetric' },
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'pools',
    (b) => {
      const max = b.node('MaxPool', [image(b)], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })
      const mean = b.node('AveragePool', [max], { kernel_shape: [2, 2], auto_pad: 'SAME_UPPER' })
      b.node('Flatten', [b.node('GlobalAveragePool', [mean])], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  ['attention', attention],
  [
    'layer-norm',
    (b) => {
      const x = b.input('x', ['N', 4, 8])
      const norm = b.node('LayerNormalization', [x, b.weights([8]), b.weights([8])], {
        epsilon: float(Math.fround(1e-5)),
      })
      b.node('Gelu', [b.node('MatMul', [norm, b.weights([8, 8])])], {}, { outputs: ['y'] })
      b.output('y')
    },
    20,
  ],
  [
    'shape-arithmetic',
    (b) => {
      const x = image(b)
      const batch = b.node('Unsqueeze', [b.node('Gather', [b.node('Shape', [x]), b.ints([0], [])]), b.ints([0])])
      b.node('Reshape', [x, b.node('Concat', [batch, b.ints([-1])], { axis: 0 })], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  [
    'if',
    (b) => {
      const x = b.input('x', [2, 3])
      const branch = (op: string): Model => {
        const inner = new ModelBuilder()
        inner.node(op, ['x'], {}, { outputs: [`${op}_y`] })
        inner.output(`${op}_y`)
        return inner.build()
      }
      const condition = b.node('Greater', [b.node('ReduceSum', [x], { keepdims: 0 }), b.floats([0], [])])
      b.node(
        'If',
        [condition],
        { then_branch: graph(branch('Relu').graph), else_branch: graph(branch('Neg').graph) },
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'loop',
    (b) => {
      const body = new ModelBuilder()
      body.input('i', [], 'int64')
      body.input('going', [], 'bool')
      body.input('state', [2])
      body.node('Identity', ['going'], {}, { outputs: ['on'] })
      body.node('Add', ['state', body.floats([1, 2], [2], 'step')], {}, { outputs: ['next'] })
      body.output('on', [], 'bool')
      body.output('next', [2])
      const keep = b.constant(byteTensor('keep', 'bool', [], Uint8Array.of(1)))
      b.node(
        'Loop',
        [b.ints([3], []), keep, b.input('x', [2])],
        { body: graph(body.build().graph) },
        { outputs: ['y'] },
      )
      b.output('y', [2])
    },
  ],
  [
    'constants',
    (b) => {
      const one = b.node('Constant', [], { value: tensor(floatTensor('', [3], [1, 2, 3])) })
      const two = b.node('Constant', [], { value_floats: floats([1, 2, 3]) })
      const three = b.node('ConstantOfShape', [b.ints([3])], { value: tensor(floatTensor('', [1], [0.5])) })
      b.node('Sum', [b.input('x', [3]), one, two, three], {}, { outputs: ['y'] })
      b.output('y', [3])
    },
  ],
  [
    'qdq',
    (b) => {
      const zero = b.constant(byteTensor('zero', 'uint8', [], Uint8Array.of(128)))
      const scale = b.floats([0.02], [])
      const q = b.node('QuantizeLinear', [b.input('x', ['N', 4]), scale, zero])
      b.node('DequantizeLinear', [q, scale, zero], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  [
    'transposed-conv',
    (b) => {
      b.node(
        'ConvTranspose',
        [image(b), b.weights([3, 2, 2, 2])],
        { strides: [2, 2], output_padding: [1, 1] },
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'slice-pad',
    (b) => {
      const cut = b.node('Slice', [image(b), b.ints([0, 0]), b.ints([8, 8]), b.ints([2, 3]), b.ints([2, 2])])
      b.node(
        'Pad',
        [cut, b.ints([0, 1, 0, 0, 0, 1, 0, 0]), b.floats([0.5], [])],
        { mode: 'constant' },
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'conv1d',
    (b) => {
      b.node(
        'LeakyRelu',
        [b.node('Conv', [b.input('x', ['N', 3, 16]), b.weights([4, 3, 3])], { dilations: [2] })],
        { alpha: float(Math.fround(0.1)) },
        { outputs: ['y'] },
      )
      b.output('y')
    },
  ],
  [
    'dropout-identity',
    (b) => {
      const kept = b.node('Dropout', [b.node('Identity', [b.input('x', ['N', 4])])])
      b.node('MatMul', [kept, b.weights([4, 2])], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
  [
    'old-batchnorm',
    (b) => {
      const conv = b.node('Conv', [image(b), b.weights([2, 3, 1, 1])])
      const norm = b.node(
        'BatchNormalization',
        [conv, b.floats([1, 2]), b.floats([0, 1]), b.floats([0, 0]), b.floats([1, 1])],
        { epsilon: float(Math.fround(1e-3)) },
      )
      b.node('Clip', [norm], { min: float(0), max: float(6) }, { outputs: ['y'] })
      b.output('y')
    },
    9,
  ],
  [
    'old-reshape',
    (b) => {
      const flat = b.node('Reshape', [b.node('Squeeze', [b.input('x', [1, 2, 3, 1])], { axes: [0, 3] }), b.ints([6])])
      b.node('Unsqueeze', [flat], { axes: [0] }, { outputs: ['y'] })
      b.output('y')
    },
    7,
  ],
  [
    'gather-embedding',
    (b) => {
      const looked = b.node('Gather', [b.weights([10, 4]), b.input('x', ['N', 3], 'int64')])
      b.node('ReduceMean', [looked, b.ints([1])], { keepdims: 0 }, { outputs: ['y'] })
      b.output('y')
    },
    18,
  ],
  [
    'detector-head',
    (b) => {
      const map = b.node('Conv', [image(b), b.weights([6, 3, 3, 3])], { pads: [1, 1, 1, 1] })
      const rows = b.node('Reshape', [
        b.node('Transpose', [map], { perm: [0, 2, 3, 1] }),
        b.constant(int64Tensor('rows', [3], [0, -1, 6])),
      ])
      b.node('Exp', [b.node('Mul', [rows, b.floats([0.1], [])])], {}, { outputs: ['y'] })
      b.output('y')
    },
  ],
]

function image(b: ModelBuilder): string {
  return b.input('x', ['N', 3, 8, 8])
}

/** One head over four tokens of eight features. */
function attention(b: ModelBuilder): void {
  const x = b.input('x', ['N', 4, 8])
  const project = (): string => b.node('MatMul', [x, b.weights([8, 8])])
  const scores = b.node('MatMul', [project(), b.node('Transpose', [project()], { perm: [0, 2, 1] })])
  const shares = b.node('Softmax', [b.node('Div', [scores, b.floats([2.83], [])])], { axis: -1 })
  b.node(
    'Add',
    [b.node('MatMul', [b.node('MatMul', [shares, project()]), b.weights([8, 8])]), x],
    {},
    { outputs: ['y'] },
  )
  b.output('y')
}

/** All small graphs, the same on every call. */
export function builtGraphs(): NamedModel[] {
  return recipes.map(([name, body, opset], i) => {
    const builder = new ModelBuilder({ opset: opset ?? 17, irVersion: opset === 20 ? 9 : 8, seed: i + 1 })
    body(builder)
    return { name, model: builder.build() }
  })
}
