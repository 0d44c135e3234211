import { describe, expect, it } from 'vitest'
import { createFindIndex } from '../../../../src/renderer/graph/find.ts'
import { makeCards } from '../../../../src/renderer/graph/scene/cards.ts'
import { residualView, viewOf } from './views.ts'

const view = viewOf([
  { id: 'conv', op: 'Conv', reads: ['x', 'conv.weight'] },
  { id: 'conv_relu', op: 'Relu', reads: ['conv'], layer: 'conv' },
  { id: 'features.conv2', op: 'Conv', reads: ['conv_relu', 'conv.weight'] },
  { id: 'Pool', op: 'MaxPool', reads: ['features.conv2'] },
])
const index = createFindIndex(makeCards(view, { fused: true }))
const names = (query: string): string[] => index.find(query, 100).hits.map(({ name }) => name)

describe('find', () => {
  it('puts the very name first, then what begins with it, then nodes, then tensors', () => {
    expect(names('conv')).toEqual([
      'conv',
      'conv_relu',
      'conv_out',
      'conv_relu_out',
      'conv.weight',
      'features.conv2',
      'features.conv2_out',
    ])
  })

  it('does not mind case, and takes several words in any order', () => {
    expect(names('POOL')[0]).toBe('Pool')
    expect(names('conv2 feat')).toEqual(['features.conv2', 'features.conv2_out'])
  })

  it('finds by op', () => {
    expect(names('maxpool')).toEqual(['Pool'])
  })

  it('leads to the card that shows a node or writes a tensor; a constant to its first reader', () => {
    const cardOf = (query: string): string | undefined => index.find(query, 1).hits[0]?.cardId
    expect(cardOf('conv_relu')).toBe('conv')
    expect(cardOf('conv_relu_out')).toBe('conv')
    expect(cardOf('conv.weight')).toBe('conv')
    expect(index.find('x', 1).hits[0]).toMatchObject({ kind: 'tensor', cardId: 'input:x' })
  })

  it('finds nothing for nothing, and says how many there are beyond the limit', () => {
    expect(index.find('  ', 10)).toEqual({ hits: [], count: 0 })
    expect(index.find('no such name', 10).count).toBe(0)
    const { hits, count } = index.find('conv', 2)
    expect(hits).toHaveLength(2)
    expect(count).toBe(7)
  })

  it('searches 8,000 nodes', () => {
    const large = createFindIndex(makeCards(residualView(2000), { fused: true }))
    expect(large.find('layer1999/0/add', 100).count).toBeGreaterThan(0)
    expect(large.find('conv', 100).hits).toHaveLength(100)
    expect(large.find('nothing of the kind', 100).count).toBe(0)
  })
})
