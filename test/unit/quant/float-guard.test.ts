import { describe, expect, it } from 'vitest'
import type { Model } from '../../../src/main/graph/model.ts'
import { guardFloatNodes } from '../../../src/main/quant/float-guard.ts'
import { QdqBuilder } from '../../builders/qdq.ts'

function network(body: (b: QdqBuilder, x: string) => string): Model {
  const b = new QdqBuilder()
  b.input('x', ['N', 4, 8, 8])
  b.output(body(b, 'x'))
  return b.build()
}

const between = { name: 'between' }
const conv = (b: QdqBuilder, t: string): string => b.node('Conv', [t, b.weights([4, 4, 3, 3])], {}, between)

describe('a guard', () => {
  it.each([
    { why: 'a Conv between DQ and Q', body: (b: QdqBuilder, x: string) => b.pair(conv(b, b.pair(x))) },
    {
      why: 'one with a Relu behind',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('Relu', [conv(b, b.pair(x))]), 0),
    },
    {
      why: 'one whose Q the runtime shifts to it over movement',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('MaxPool', [conv(b, b.pair(x))], { kernel_shape: [2, 2] })),
    },
    {
      why: 'an addition of two DQs',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('Add', [b.pair(x), b.pair(x)], {}, between)),
    },
    {
      why: 'a MatMul of two DQs, even without Q',
      body: (b: QdqBuilder, x: string) => b.node('MatMul', [b.pair(x), b.pair(x)], {}, between),
    },
    {
      why: 'a pool',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('GlobalAveragePool', [b.pair(x)], {}, between)),
    },
  ])('stands before $why', ({ body }) => {
    const { model, guarded } = guardFloatNodes(network(body), new Set(['between']))
    expect(guarded).toEqual(['between'])
    const node = model.graph.nodes.find(({ name }) => name === 'between')!
    const guard = model.graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[0])!
    expect(guard.opType).toBe('Clip')
    expect(model.graph.nodes.filter(({ opType }) => opType === 'Clip')).toHaveLength(1)
  })

  it.each([
    { why: 'no DQ is before it', body: (b: QdqBuilder, x: string) => b.pair(conv(b, x)) },
    { why: 'no Q follows', body: (b: QdqBuilder, x: string) => b.node('Tanh', [conv(b, b.pair(x))]) },
    {
      why: 'the other side of an addition is float',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('Add', [b.pair(x), x], {}, between)),
    },
    {
      why: 'the weights of a MatMul are float',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('MatMul', [b.pair(x), b.weights([8, 8])], {}, between)),
    },
    {
      why: 'the op has no integer kernel',
      body: (b: QdqBuilder, x: string) => b.pair(b.node('Tanh', [b.pair(x)], {}, between)),
    },
  ])('is not needed where $why', ({ body }) => {
    const model = network(body)
    expect(guardFloatNodes(model, new Set(['between']))).toEqual({ model, guarded: [] })
  })

  it('stands on both sides of movement, over which Q and DQ are shifted', () => {
    const model = network((b, x) => b.pair(b.node('MaxPool', [b.pair(x)], { kernel_shape: [2, 2] }, between)))
    const guarded = guardFloatNodes(model, new Set(['between']))
    expect(guarded.model.graph.nodes.map(({ opType }) => opType)).toEqual([
      'QuantizeLinear',
      'DequantizeLinear',
      'Clip',
      'MaxPool',
      'Clip',
      'QuantizeLinear',
      'DequantizeLinear',
    ])
  })

  it('is shared by all that read one tensor', () => {
    const model = network((b, x) => {
      const shared = b.pair(x)
      const left = b.pair(b.node('Conv', [shared, b.weights([4, 4, 3, 3])], {}, { name: 'left' }))
      return b.node('Sub', [left, b.pair(b.node('Conv', [shared, b.weights([4, 4, 3, 3])], {}, { name: 'right' }))])
    })
    const { model: guarded } = guardFloatNodes(model, new Set(['left', 'right']))
    expect(guarded.graph.nodes.filter(({ opType }) => opType === 'Clip')).toHaveLength(1)
  })

  it('leaves other nodes alone', () => {
    const model = network((b, x) => b.pair(conv(b, b.pair(x))))
    expect(guardFloatNodes(model, new Set(['elsewhere'])).model).toBe(model)
  })
})
