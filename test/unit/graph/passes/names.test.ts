import { describe, expect, it } from 'vitest'
import { graph } from '../../../../src/main/graph/attributes.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { assignIds } from '../../../../src/main/graph/passes/assign-ids.ts'
import { dropDeadNodes } from '../../../../src/main/graph/passes/drop-dead-nodes.ts'
import { dropInitializerInputs } from '../../../../src/main/graph/passes/drop-initializer-inputs.ts'
import { dropUnusedOpsets } from '../../../../src/main/graph/passes/drop-unused-opsets.ts'
import { subgraphsOf } from '../../../../src/main/graph/traversal.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'

/** A chain of Relus with these node names. */
function chain(names: readonly string[]): Model {
  const b = new ModelBuilder()
  let tensor = b.input('x', [1])
  for (const [i, name] of names.entries()) tensor = b.node('Relu', [tensor], {}, { name, outputs: [`t${i}`] })
  b.output(tensor)
  return b.build()
}

const namesOf = (model: Model): string[] => model.graph.nodes.map((node) => node.name)

describe('assignIds', () => {
  it.each([
    { why: 'good names stay', given: ['a', 'b'], ids: ['a', 'b'] },
    { why: 'an empty name tells op and position', given: ['', 'b', ''], ids: ['Relu_0', 'b', 'Relu_2'] },
    { why: 'a repeated name is counted', given: ['a', 'a', 'a'], ids: ['a', 'a_2', 'a_3'] },
    { why: 'a given name wins over a made one', given: ['', 'Relu_0'], ids: ['Relu_0_2', 'Relu_0'] },
    { why: 'so it does over a counted one', given: ['a', 'a', 'a_2'], ids: ['a', 'a_3', 'a_2'] },
  ])('$why', ({ given, ids }) => {
    expect(namesOf(assignIds(chain(given)))).toEqual(ids)
  })

  it('gives the same value back when all names are good', () => {
    const model = chain(['a', 'b'])
    expect(assignIds(model)).toBe(model)
  })

  it('names nodes inside subgraphs after the node that holds them', () => {
    const branch = (names: readonly string[]): Model['graph'] => ({ ...chain(names).graph, inputs: [] })
    const b = new ModelBuilder()
    b.input('x', [1])
    b.node(
      'If',
      [b.input('c', [], 'bool')],
      { then_branch: graph(branch(['', 'kept'])), else_branch: graph(branch(['kept', ''])) },
      { name: '', outputs: ['y'] },
    )
    b.output('y')
    const [holder] = assignIds(b.build()).graph.nodes
    expect(holder!.name).toBe('If_0')
    const inner = subgraphsOf(holder!).map((body) => body.nodes.map((node) => node.name))
    expect(inner).toEqual([
      ['If_0/then_branch/Relu_0', 'kept'],
      ['kept_2', 'If_0/else_branch/Relu_1'],
    ])
  })
})

describe('dropInitializerInputs', () => {
  it('takes initializers off the inputs and raises the IR version that needs them there', () => {
    const b = new ModelBuilder({ irVersion: 3, initializersAsInputs: true })
    b.output(b.node('Add', [b.input('x', [2]), b.floats([1, 2], [2], 'w')]))
    const model = dropInitializerInputs(b.build())
    expect(model.graph.inputs.map((input) => input.name)).toEqual(['x'])
    expect(model.irVersion).toBe(4)
    expect(dropInitializerInputs(model)).toBe(model)
  })
})

describe('dropUnusedOpsets', () => {
  it('keeps the standard domain and those in use, subgraphs included', () => {
    const opsets = new Map([
      ['', 17],
      ['com.used', 1],
      ['com.unused', 1],
    ])
    const model: Model = { ...chain(['a']), opsets }
    const custom = { ...model.graph.nodes[0]!, domain: 'com.used' }
    expect([...dropUnusedOpsets({ ...model, graph: { ...model.graph, nodes: [custom] } }).opsets.keys()]).toEqual([
      '',
      'com.used',
    ])
    expect([...dropUnusedOpsets(model).opsets.keys()]).toEqual([''])
  })

  it('keeps all where the file has functions of its own', () => {
    const model: Model = {
      ...chain(['a']),
      opsets: new Map([
        ['', 17],
        ['local', 1],
      ]),
      functions: new Set(['local::f']),
    }
    expect(dropUnusedOpsets(model)).toBe(model)
  })
})

describe('dropDeadNodes', () => {
  it('removes what reaches no output, and constants nobody reads', () => {
    const b = new ModelBuilder()
    const x = b.input('x', [2])
    b.node('Exp', [b.node('Mul', [x, b.floats([2], [], 'dead')])])
    b.floats([1], [], 'unread')
    b.output(b.node('Relu', [x], {}, { name: 'live' }))
    const model = dropDeadNodes(b.build())
    expect(namesOf(model)).toEqual(['live'])
    expect([...model.graph.initializers.keys()]).toEqual([])
    expect(dropDeadNodes(model)).toBe(model)
  })

  it('keeps what a subgraph reads from outside', () => {
    const b = new ModelBuilder()
    b.node('Relu', [b.input('x', [1])], {}, { name: 'outer', outputs: ['captured'] })
    const inner = new ModelBuilder()
    inner.output(inner.node('Neg', ['captured'], {}, { outputs: ['n'] }))
    const body = graph(inner.build().graph)
    b.node('If', [b.input('c', [], 'bool')], { then_branch: body, else_branch: body }, { name: 'if', outputs: ['y'] })
    b.output('y')
    const model = b.build()
    expect(dropDeadNodes(model)).toBe(model)
  })
})
