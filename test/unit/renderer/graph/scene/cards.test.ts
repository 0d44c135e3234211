import { describe, expect, it } from 'vitest'
import { makeCards } from '../../../../../src/renderer/graph/scene/cards.ts'
import { residualView, viewOf } from '../views.ts'

const small = viewOf([
  { id: 'conv', op: 'Conv', reads: ['x', 'w', 'b'] },
  { id: 'relu', op: 'Relu', reads: ['conv'], layer: 'conv' },
  { id: 'pool', op: 'MaxPool', reads: ['relu'] },
])

describe('makeCards', () => {
  it('puts fused nodes on the card of their layer, inputs and outputs on cards of their own', () => {
    const { cards, edges } = makeCards(small, { fused: true })
    expect(cards.map(({ id, kind, op }) => [id, kind, op])).toEqual([
      ['input:x', 'input', 'float'],
      ['conv', 'layer', 'Conv + Relu'],
      ['pool', 'layer', 'MaxPool'],
      ['output:pool_out', 'output', 'float'],
    ])
    expect(edges).toEqual([
      { from: 0, to: 1, tensor: 'x' },
      { from: 1, to: 2, tensor: 'relu_out' },
      { from: 2, to: 3, tensor: 'pool_out' },
    ])
  })

  it('draws every node on its own when not fused', () => {
    const { cards } = makeCards(small, { fused: false })
    expect(cards.map(({ id, op }) => [id, op])).toEqual([
      ['input:x', 'float'],
      ['conv', 'Conv'],
      ['relu', 'Relu'],
      ['pool', 'MaxPool'],
      ['output:pool_out', 'float'],
    ])
  })

  it('gives nodes of no layer cards too', () => {
    const { cards } = makeCards(viewOf([{ id: 'odd', op: 'Twist', reads: ['x'], layer: null }]), { fused: true })
    expect(cards[1]).toMatchObject({ id: 'odd', kind: 'node', layer: null })
  })

  it('has one edge for a tensor that a node reads twice, and edges for what subgraphs read', () => {
    const view = viewOf([
      { id: 'a', op: 'Relu', reads: ['x'] },
      { id: 'twice', op: 'Mul', reads: ['a', 'a'] },
      { id: 'if', op: 'If', reads: [] },
    ])
    const nodes = view.nodes.map((node) => (node.id === 'if' ? { ...node, captures: ['a_out'] } : node))
    const { edges } = makeCards({ ...view, nodes }, { fused: true })
    expect(edges.filter(({ tensor }) => tensor === 'a_out').map(({ to }) => to)).toEqual([2, 3])
  })

  it('sorts cards where fusing put one before what it reads', () => {
    // the fused Add at the end reads a later branch: its card must come after it
    const view = viewOf([
      { id: 'matmul', op: 'MatMul', reads: ['x', 'w'] },
      { id: 'other', op: 'Relu', reads: ['x'] },
      { id: 'add', op: 'Add', reads: ['matmul', 'other'], layer: 'matmul' },
    ])
    const { cards, edges } = makeCards(view, { fused: true })
    expect(cards.map(({ id }) => id)).toEqual(['input:x', 'other', 'matmul', 'output:add_out'])
    expect(edges.every(({ from, to }) => from < to)).toBe(true)
  })

  it('leaves out an edge that closes a circle between fused nodes', () => {
    const view = viewOf([
      { id: 'a', op: 'Relu', reads: ['x'] },
      { id: 'b', op: 'Relu', reads: ['a'] },
      { id: 'c', op: 'Add', reads: ['a', 'b'], layer: 'a' },
    ])
    const { cards, edges } = makeCards(view, { fused: true })
    expect(cards).toHaveLength(4)
    expect(edges.every(({ from, to }) => from < to)).toBe(true)
  })

  it('keeps all of a long graph', () => {
    const view = residualView(3000)
    const { cards, edges } = makeCards(view, { fused: true })
    expect(cards.flatMap(({ nodes }) => nodes)).toHaveLength(view.nodes.length)
    expect(edges.every(({ from, to }) => from < to)).toBe(true)
  })
})
