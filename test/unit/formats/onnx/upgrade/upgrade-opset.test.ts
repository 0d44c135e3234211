import { describe, expect, it } from 'vitest'
import type { Dim } from '../../../../../src/shared/contract/tensor.ts'
import { NEWEST_OPSET, upgradeOpset } from '../../../../../src/main/formats/onnx/upgrade/index.ts'
import { float, graph as graphAttribute, string } from '../../../../../src/main/graph/attributes.ts'
import type { Model } from '../../../../../src/main/graph/model.ts'
import type { Problem } from '../../../../../src/main/graph/problem.ts'
import { inferShapes } from '../../../../../src/main/graph/shapes/index.ts'
import { ModelBuilder } from '../../../../builders/model-builder.ts'

function single(
  opset: number,
  opType: string,
  attributes: Parameters<ModelBuilder['node']>[2] = {},
  shape: readonly Dim[] | null = ['N', 3, 4],
  outputs: readonly string[] = ['y'],
): Model {
  const b = new ModelBuilder({ opset })
  b.node(opType, [b.input('x', shape)], attributes, { name: 'it', outputs })
  b.output('y')
  return b.build()
}

function problemsOf(model: Model, target = 13): Problem[] {
  const problems: Problem[] = []
  upgradeOpset(model, target, (problem) => problems.push(problem))
  return problems
}

function upgraded(model: Model, target = 13): Model {
  return upgradeOpset(model, target, ({ message }) => expect.fail(message))
}

const opsOf = (model: Model): string[] => model.graph.nodes.map((node) => node.opType)

describe('upgradeOpset', () => {
  it('gives back the same value where nothing is to be done', () => {
    const model = single(13, 'Softmax')
    expect(upgraded(model)).toBe(model)
    expect(upgraded(single(17, 'Relu'), 13).opsets.get('')).toBe(17)
  })

  it('leaves a model without ai.onnx as it is', () => {
    const model: Model = { ...single(7, 'Clip'), opsets: new Map([['com.microsoft', 1]]) }
    expect(upgraded(model)).toBe(model)
  })

  it('raises the opset, also where it is spelled ai.onnx, and the IR version, and no other domain', () => {
    const model: Model = {
      ...single(9, 'Relu'),
      irVersion: 3,
      opsets: new Map([
        ['ai.onnx', 9],
        ['com.microsoft', 1],
      ]),
    }
    const result = upgraded(model, 21)
    expect([...result.opsets]).toEqual([
      ['ai.onnx', 21],
      ['com.microsoft', 1],
    ])
    expect(result.irVersion).toBe(10)
  })

  it('does not touch the model it is given', () => {
    const model = single(9, 'Softmax', { axis: 1 })
    const before = structuredClone(model.graph.nodes)
    upgraded(model)
    expect(model.graph.nodes).toEqual(before)
    expect(model.graph.initializers.size).toBe(0)
  })

  it('keeps the names of nodes and of the tensors they wrote', () => {
    const result = upgraded(single(9, 'Softmax', { axis: 1 }))
    expect(opsOf(result)).toEqual(['Flatten', 'Softmax', 'Reshape'])
    expect(result.graph.nodes[1]!.name).toBe('it')
    expect(result.graph.nodes[2]!.outputs).toEqual(['y'])
    expect(inferShapes(result).get('y')!.shape).toEqual(['N', 3, 4])
  })

  it.each([
    { why: 'the last axis', shape: ['N', 10], axis: 1, expected: -1 },
    { why: 'an axis followed by ones', shape: ['N', 10, 1, 1], axis: 1, expected: 1 },
    { why: 'ones followed by the last axis', shape: ['N', 1, 10], axis: 1, expected: -1 },
    { why: 'an unknown length followed by ones', shape: ['N', 'C', 1], axis: 1, expected: 1 },
  ])('Softmax over $why needs no reshaping', ({ shape, axis, expected }) => {
    const result = upgraded(single(9, 'Softmax', { axis }, shape))
    expect(opsOf(result)).toEqual(['Softmax'])
    expect(Number((result.graph.nodes[0]!.attributes.get('axis') as { value: bigint }).value)).toBe(expected)
  })

  it('reads the shape at run time where several lengths of a Softmax are open', () => {
    expect(opsOf(upgraded(single(9, 'Softmax', { axis: 1 }, ['N', 'C', 'L'])))).toEqual([
      'Flatten',
      'Softmax',
      'Shape',
      'Reshape',
    ])
    expect(opsOf(upgraded(single(9, 'Softmax', { axis: 1 }, null)))).toEqual(['Flatten', 'Softmax', 'Shape', 'Reshape'])
  })

  it('leaves no constant that nothing reads', () => {
    const b = new ModelBuilder({ opset: 9 })
    b.node(
      'Upsample',
      [b.input('x', ['N', 3, 4, 4]), b.floats([1, 1, 2, 2], [4], 'scales')],
      { mode: 'nearest' },
      { outputs: ['y'] },
    )
    b.output('y')
    expect([...upgraded(b.build()).graph.initializers.keys()]).toEqual(['scales'])
  })

  it('drops unread statistics of a BatchNormalization', () => {
    const b = new ModelBuilder({ opset: 9 })
    const parts = [b.input('x', [1, 2, 3]), b.floats([1, 1]), b.floats([0, 0]), b.floats([0, 0]), b.floats([1, 1])]
    b.node('BatchNormalization', parts, {}, { outputs: ['y', '', 'unread', '', ''] })
    b.output('y')
    expect(upgraded(b.build(), 15).graph.nodes[0]!.outputs).toEqual(['y'])
  })

  it('writes scalars of the type of the data', () => {
    const b = new ModelBuilder({ opset: 9 })
    b.node('Clip', [b.input('x', [2], 'float16')], { min: float(0), max: float(6) }, { outputs: ['y'] })
    b.output('y', [2], 'float16')
    expect(opsOf(upgraded(b.build()))).toEqual(['Cast', 'Cast', 'Clip'])
  })
})

describe('upgradeOpset, what it cannot carry over', () => {
  const resize = {
    mode: string('nearest'),
    nearest_mode: string('ceil'),
    coordinate_transformation_mode: string('tf_half_pixel_for_nn'),
  }

  it.each([
    { why: 'an operator nobody knows', model: single(9, 'Frobnicate'), message: /no operator of ai\.onnx/ },
    {
      why: 'an operator newer than the opset',
      model: single(9, 'Trilu'),
      message: /does not exist in opset 9.*came with 14/,
    },
    { why: 'an operator that is gone', model: single(11, 'Upsample'), message: /gone from 10/ },
    { why: 'an opset that is too old', model: single(6, 'Relu'), message: /opset 6/ },
    { why: 'a Clip whose type is not known', model: single(9, 'Clip', { min: float(0) }, null), message: null },
    { why: 'a pad without pads', model: single(9, 'Pad'), message: /no attribute pads/ },
    { why: 'a TopK without k', model: single(9, 'TopK'), message: /no attribute k/ },
    { why: 'an Upsample without scales', model: single(7, 'Upsample'), message: /no attribute scales/ },
    { why: 'a Scan over a batch', model: single(8, 'Scan', { num_scan_inputs: 1 }), message: /batch axis/ },
    { why: 'a coordinate mode that is gone', model: single(11, 'Resize', resize), message: /tf_half_pixel_for_nn/ },
  ])('$why', ({ model, message }) => {
    const problems = problemsOf(model)
    if (message === null) expect(problems).toEqual([])
    else expect(problems.map((problem) => problem.message).join()).toMatch(message)
  })

  it('names every node and its operator, subgraphs included', () => {
    const inner = new ModelBuilder()
    inner.node('Pad', ['x'], {}, { name: 'inside', outputs: ['z'] })
    inner.output('z')
    const branch = graphAttribute(inner.build().graph)
    const b = new ModelBuilder({ opset: 9 })
    b.input('x', [2])
    b.node(
      'If',
      [b.input('which', [], 'bool')],
      { then_branch: branch, else_branch: branch },
      { name: 'if', outputs: ['a'] },
    )
    b.node('TopK', ['a'], {}, { name: 'top', outputs: ['y', 'i'] })
    b.output('y')
    expect(problemsOf(b.build()).map(({ where, op }) => `${op} ${where}`)).toEqual([
      'TopK top',
      'Pad inside',
      'Pad inside',
    ])
  })

  it('a Clip in a type that is not known', () => {
    const b = new ModelBuilder({ opset: 9 })
    b.node('Unheard', [b.input('x', [2])], {}, { domain: 'custom', outputs: ['u'] })
    b.node('Clip', ['u'], { min: float(0) }, { name: 'clip', outputs: ['y'] })
    b.output('y')
    const model = b.build()
    const untyped: Model = { ...model, opsets: new Map([...model.opsets, ['custom', 1]]) }
    expect(
      problemsOf(untyped)
        .map(({ where, message }) => `${where}: ${message}`)
        .join(),
    ).toMatch(/^clip: .*type of u is not known/)
  })

  it('a Dropout mask is written out where it is read', () => {
    const b = new ModelBuilder({ opset: 9 })
    b.node('Dropout', [b.input('x', [2])], {}, { outputs: ['y', 'mask'] })
    b.output('y')
    b.output('mask')
    expect(opsOf(upgraded(b.build()))).toEqual(['Dropout', 'Shape', 'ConstantOfShape'])
  })

  it('refuses a target it does not know, which is a mistake of the program', () => {
    expect(() => upgradeOpset(single(9, 'Relu'), NEWEST_OPSET + 1, () => {})).toThrow(/no upgrade/)
  })
})
