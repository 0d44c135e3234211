import { describe, expect, it } from 'vitest'
import type { Dim } from '../../../../src/shared/contract/tensor.ts'
import { Fault } from '../../../../src/shared/contract/fault.ts'
import { graph as graphAttribute } from '../../../../src/main/graph/attributes.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import type { Problem } from '../../../../src/main/graph/problem.ts'
import { inferShapes } from '../../../../src/main/graph/shapes/index.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'
import { shapeGraphs } from '../../../builders/shape-graphs.ts'

function model(build: (b: ModelBuilder) => void, opset = 17): Model {
  const b = new ModelBuilder({ opset })
  build(b)
  return b.build()
}

function shapeOf(source: Model, name: string): readonly Dim[] | null | undefined {
  return inferShapes(source).get(name)?.shape
}

describe('inferShapes', () => {
  it.each(shapeGraphs)('$why', ({ model: source, expected }) => {
    expect(shapeOf(source, source.graph.outputs[0]!.name)).toEqual(expected)
  })

  it('knows nothing of an operator it does not know, but what the file declares', () => {
    const source = model((b) => {
      b.node('Unheard', [b.input('x', [2])], {}, { domain: 'custom', outputs: ['a', 'b'] })
      b.node('Relu', ['a'], {}, { outputs: ['y'] })
    })
    const declared = new Map([['a', { name: 'a', dataType: 'float', shape: [2, 'K'] }]] as const)
    const facts = inferShapes({ ...source, graph: { ...source.graph, valueInfo: declared } })
    expect(facts.get('y')!.shape).toEqual([2, 'K'])
    expect(facts.get('b')).toEqual({ dataType: null, shape: null, values: null })
  })

  it('does not believe a declared shape that contradicts the inferred one', () => {
    const source = model((b) => b.node('Relu', [b.input('x', ['N', 3])], {}, { outputs: ['y'] }))
    const declared = new Map([['y', { name: 'y', dataType: 'float', shape: [1, 4] }]] as const)
    expect(shapeOf({ ...source, graph: { ...source.graph, valueInfo: declared } }, 'y')).toEqual(['N', 3])
  })

  it('takes −1 and an empty name of an input as any length', () => {
    expect(
      shapeOf(
        model((b) => b.node('Relu', [b.input('x', [-1, 3, ''])], {}, { outputs: ['y'] })),
        'y',
      ),
    ).toEqual([null, 3, null])
  })

  it('learns an unknown length from what it is joined with', () => {
    const source = model((b) =>
      b.node('Concat', [b.input('x', [null, 3]), b.input('z', [2, 1])], { axis: 1 }, { outputs: ['y'] }),
    )
    expect(shapeOf(source, 'y')).toEqual([2, 4])
  })

  it('can be asked for other lengths of an input', () => {
    const source = model((b) => b.node('Flatten', [b.input('x', ['N', 3, 'h'])], {}, { outputs: ['y'] }))
    const inputShapes = new Map([['x', [4, 3, 5]]])
    expect(inferShapes(source, { inputShapes }).get('y')!.shape).toEqual([4, 15])
  })

  it('takes from an If what both branches agree on', () => {
    const branch = (width: number) =>
      graphAttribute(
        model((b) => {
          b.node('Reshape', ['x', b.ints([-1, width])], {}, { outputs: ['out'] })
          b.output('out')
        }).graph,
      )
    const source = (a: number, c: number): Model =>
      model((b) => {
        b.input('x', [4, 6])
        b.node(
          'If',
          [b.input('which', [], 'bool')],
          { then_branch: branch(a), else_branch: branch(c) },
          { outputs: ['y'] },
        )
      })
    expect(shapeOf(source(3, 3), 'y')).toEqual([8, 3])
    expect(shapeOf(source(3, 2), 'y')).toEqual([null, null])
  })
})

type Build = (b: ModelBuilder, x: string) => string

const contradictions: readonly { why: string; build: Build; message: RegExp }[] = [
  {
    why: 'too many channels',
    build: (b, x) => b.node('Conv', [x, b.weights([4, 5, 3, 3])], {}, { name: 'bad' }),
    message: /3 channels.*5 × 1/,
  },
  {
    why: 'a kernel larger than the image',
    build: (b, x) => b.node('Conv', [x, b.weights([4, 3, 30, 30])], {}, { name: 'bad' }),
    message: /does not fit/,
  },
  {
    why: 'a stride of 0',
    build: (b, x) => b.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [0, 1] }, { name: 'bad' }),
    message: /strides has the entry 0/,
  },
  {
    why: 'a huge dilation',
    build: (b, x) => b.node('MaxPool', [x], { kernel_shape: [2, 2], dilations: [2 ** 40, 1] }, { name: 'bad' }),
    message: /dilations has the entry/,
  },
  {
    why: 'pads of the wrong length',
    build: (b, x) => b.node('MaxPool', [x], { kernel_shape: [2, 2], pads: [1] }, { name: 'bad' }),
    message: /pads has 1 entries, expected 4/,
  },
  {
    why: 'an axis that is not there',
    build: (b, x) => b.node('Concat', [x, x], { axis: 7 }, { name: 'bad' }),
    message: /axis 7/,
  },
  {
    why: 'lengths that do not broadcast',
    build: (b, x) => b.node('Add', [x, b.floats([1, 2, 3])], {}, { name: 'bad' }),
    message: /8 and 3/,
  },
  {
    why: 'an element count that does not divide',
    build: (b, x) => b.node('Reshape', [x, b.ints([5, -1])], {}, { name: 'bad' }),
    message: /do not divide by 5/,
  },
  {
    why: 'two lengths left open',
    build: (b, x) => b.node('Reshape', [x, b.ints([-1, -1])], {}, { name: 'bad' }),
    message: /more than one −1/,
  },
  {
    why: 'a negative length',
    build: (b, x) => b.node('Expand', [x, b.ints([-5])], {}, { name: 'bad' }),
    message: /negative/,
  },
  {
    why: 'sizes that do not add up',
    build: (b, x) => b.node('Split', [x, b.ints([1, 1])], { axis: 1 }, { name: 'bad', outputs: ['p', 'q'] }),
    message: /do not add up/,
  },
  {
    why: 'a permutation that is none',
    build: (b, x) => b.node('Transpose', [x], { perm: [0, 0, 1, 2] }, { name: 'bad' }),
    message: /no permutation/,
  },
  {
    why: 'matrices that do not fit',
    build: (b, x) => b.node('MatMul', [x, b.weights([5, 2])], {}, { name: 'bad' }),
    message: /8 columns against 5 rows/,
  },
  {
    why: 'an index beyond the axis',
    build: (b, x) => b.node('Gather', [x, b.ints([9])], { axis: 1 }, { name: 'bad' }),
    message: /index 9/,
  },
  {
    why: 'more elements than can be counted',
    build: (b, x) => b.node('Expand', [x, b.ints([2 ** 30, 2 ** 30, 1, 1, 1, 1])], {}, { name: 'bad' }),
    message: /not one a tensor can have/,
  },
  {
    why: 'padding that leaves less than nothing',
    build: (b, x) => b.node('Pad', [x, b.ints([0, -2, 0, 0, 0, -2, 0, 0])], {}, { name: 'bad' }),
    message: /negative length/,
  },
  {
    why: 'a scale of 0',
    build: (b, x) => b.node('Resize', [x, '', b.floats([1, 1, 0, 1])], {}, { name: 'bad' }),
    message: /not positive/,
  },
]

describe('inferShapes on graphs that contradict themselves', () => {
  const withInput = (build: Build): Model =>
    model((b) => b.output(b.node('Relu', [build(b, b.input('x', [2, 3, 8, 8]))])))

  it.each(contradictions)('$why is a fault of the node', ({ build, message }) => {
    const run = (): unknown => inferShapes(withInput(build))
    expect(run).toThrow(Fault)
    expect(run).toThrow(message)
    expect(run).toThrow(/at bad:/)
  })

  it.each(contradictions)('$why is reported, and the rest still inferred', ({ build, message }) => {
    const problems: Problem[] = []
    const facts = inferShapes(withInput(build), { onProblem: (problem) => problems.push(problem) })
    expect(problems).toHaveLength(1)
    expect(problems[0]!.where).toBe('bad')
    expect(problems[0]!.message).toMatch(message)
    expect(facts.get('x')!.shape).toEqual([2, 3, 8, 8])
  })

  it('refuses an input that no tensor can be', () => {
    const source = model((b) => b.input('x', [2 ** 40, 2 ** 40]))
    expect(() => inferShapes(source)).toThrow(/not one a tensor can have/)
  })

  it('does not follow a range that is too long to list', () => {
    const source = model((b) =>
      b.node('Range', [b.ints([0], []), b.ints([2 ** 40], []), b.ints([1], [])], {}, { outputs: ['y'] }),
    )
    expect(inferShapes(source).get('y')).toEqual({ dataType: 'int64', shape: [2 ** 40], values: null })
  })
})
