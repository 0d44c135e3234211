import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/main/data/random.ts'
import { inferShapes } from '../../../src/main/graph/shapes/index.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { replaceHead } from '../../../src/main/training/head.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'

function built(body: (b: ModelBuilder) => void): Model {
  const b = new ModelBuilder({ opset: 17 })
  body(b)
  return b.build()
}

const heads: readonly { why: string; model: Model }[] = [
  {
    why: 'a Gemm with transB',
    model: built((b) => {
      b.input('x', ['N', 4])
      b.node('Gemm', ['x', b.weights([5, 4], 1, 'w'), b.floats([1, 2, 3, 4, 5])], { transB: 1 }, { outputs: ['y'] })
      b.output('y', ['N', 5])
    }),
  },
  {
    why: 'a MatMul with its bias apart, and a Softmax',
    model: built((b) => {
      b.input('x', ['N', 4])
      const product = b.node('MatMul', ['x', b.weights([4, 5], 1, 'w')])
      b.node('Softmax', [b.node('Add', [product, b.floats([1, 2, 3, 4, 5])])], {}, { outputs: ['y'] })
      b.output('y', ['N', 5])
    }),
  },
  {
    why: 'a 1×1 Conv, pooled, and a Reshape that names the classes',
    model: built((b) => {
      b.input('x', ['N', 4, 3, 3])
      const conv = b.node('Conv', ['x', b.weights([5, 4, 1, 1], 1, 'w'), b.floats([1, 2, 3, 4, 5])])
      b.node(
        'Reshape',
        [b.node('GlobalAveragePool', [b.node('Relu', [conv])]), b.ints([-1, 5])],
        {},
        { outputs: ['y'] },
      )
      b.output('y', ['N', 5])
    }),
  },
]

describe('another number of classes', () => {
  it.each(heads)('gives $why fresh weights of the right shape', ({ model }) => {
    const changed = replaceHead(model, 3, createRandom(1))
    const shapes = inferShapes(
      {
        ...changed,
        graph: { ...changed.graph, outputs: changed.graph.outputs.map((output) => ({ ...output, shape: null })) },
      },
      { onProblem: ({ message }) => expect.fail(message) },
    )
    expect(shapes.get('y')?.shape?.at(-1)).toBe(3)
    expect(changed.graph.outputs[0]!.shape).toEqual(['N', 3])
    expect(changed.graph.initializers.get('w')!.dims).toContain(3)
  })

  it.each(heads)('leaves a model alone that has as many: $why', ({ model }) => {
    expect(replaceHead(model, 5, createRandom(1))).toBe(model)
  })

  it('says where no scoring layer is', () => {
    const model = built((b) => {
      b.input('x', ['N', 4])
      b.node('Tanh', ['x'], {}, { name: 'last', outputs: ['y'] })
      b.output('y')
    })
    expect(() => replaceHead(model, 3, createRandom(1))).toThrow(/Tanh 'last'/)
  })
})
