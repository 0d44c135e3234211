import { describe, expect, it } from 'vitest'
import { findBlocks } from '../../../../../src/renderer/graph/scene/blocks.ts'
import { makeCards } from '../../../../../src/renderer/graph/scene/cards.ts'
import { foldBlocks } from '../../../../../src/renderer/graph/scene/items.ts'
import { layOut } from '../../../../../src/renderer/graph/layout/index.ts'
import { layoutInputOf } from '../../../../../src/renderer/graph/scene/scene.ts'
import { residualView, viewOf } from '../views.ts'

type Specs = Parameters<typeof viewOf>[0]

/** Blocks as the ids of their cards. */
function blocksOf(specs: Specs): { name: string; alike: number; cards: string[] }[] {
  const graph = makeCards(viewOf(specs), { fused: true })
  return findBlocks(graph).map(({ name, alike, first, last }) => ({
    name,
    alike,
    cards: graph.cards.slice(first, last + 1).map(({ id }) => id),
  }))
}

/** A chain of ops, names without scopes. */
function chainOf(ops: readonly string[]): Specs {
  return ops.map((op, i) => ({ id: `n${i}`, op, reads: [i === 0 ? 'x' : `n${i - 1}`] }))
}

describe('findBlocks', () => {
  it('takes scopes of the names that repeat', () => {
    const graph = makeCards(residualView(3), { fused: true })
    const blocks = findBlocks(graph)
    expect(blocks.map(({ name, alike, first, last }) => [name, alike, last - first + 1])).toEqual([
      ['layer0/0', 3, 3],
      ['layer1/0', 3, 3],
      ['layer2/0', 3, 3],
    ])
    expect(blocks.map(({ id }) => id)).toEqual(['block:layer0/0/conv1', 'block:layer1/0/conv1', 'block:layer2/0/conv1'])
  })

  it('prefers the innermost scope that repeats', () => {
    const layers = [0, 1].flatMap((stage) =>
      [0, 1].flatMap((unit) =>
        ['conv', 'norm', 'pool'].map((part) => ({ stage, unit, part, id: `s${stage}.u${unit}.${part}` })),
      ),
    )
    const specs = layers.map(({ id, part }, i) => ({
      id,
      op: part === 'conv' ? 'Conv' : part === 'norm' ? 'Mul' : 'MaxPool',
      reads: [i === 0 ? 'x' : layers[i - 1]!.id],
    }))
    expect(blocksOf(specs).map(({ name }) => name)).toEqual(['s0.u0', 's0.u1', 's1.u0', 's1.u1'])
  })

  it('takes no scope that occurs once', () => {
    expect(
      blocksOf(chainOf(['Conv', 'Add', 'MaxPool']).map((spec) => ({ ...spec, id: `only/${spec.id}`, reads: ['x'] }))),
    ).toEqual([])
  })

  it('finds repeated ops where names say nothing, wherever they stand', () => {
    const fire = ['Conv', 'Relu', 'Sigmoid', 'Concat']
    const found = blocksOf(chainOf(['Gemm', ...fire, ...fire, 'MaxPool', ...fire, 'Softmax']))
    expect(found.map(({ cards }) => cards)).toEqual([
      ['n1', 'n2', 'n3', 'n4'],
      ['n5', 'n6', 'n7', 'n8'],
      ['n10', 'n11', 'n12', 'n13'],
    ])
    expect(found.map(({ alike, name }) => [alike, name])).toEqual([
      [3, 'block 1'],
      [3, 'block 2'],
      [3, 'block 3'],
    ])
  })

  it('cuts a residual run at the Add, where fewest edges cross', () => {
    const specs: { id: string; op: string; reads: string[] }[] = [{ id: 'stem', op: 'Gemm', reads: ['x'] }]
    for (let i = 0, last = 'stem'; i < 5; i++, last = `c${i - 1}`) {
      specs.push({ id: `a${i}`, op: 'Conv', reads: [last] })
      specs.push({ id: `b${i}`, op: 'Relu', reads: [`a${i}`] })
      specs.push({ id: `c${i}`, op: 'Add', reads: [`b${i}`, last] })
    }
    expect(blocksOf(specs).map(({ cards }) => cards)).toEqual([0, 1, 2, 3, 4].map((i) => [`a${i}`, `b${i}`, `c${i}`]))
  })

  it('makes no blocks of a run of one and the same op', () => {
    expect(blocksOf(chainOf(Array.from({ length: 30 }, () => 'Conv')))).toEqual([])
  })

  it('gives blocks in order, none overlapping, on a long graph', () => {
    const graph = makeCards(residualView(2000), { fused: true })
    const blocks = findBlocks(graph)
    expect(blocks).toHaveLength(2000)
    for (let i = 1; i < blocks.length; i++) expect(blocks[i]!.first).toBeGreaterThan(blocks[i - 1]!.last)
  })
})

describe('foldBlocks', () => {
  const graph = makeCards(residualView(3), { fused: true })
  const blocks = findBlocks(graph)
  const folded = foldBlocks(graph, blocks, new Set(blocks.map(({ id }) => id)))

  it('draws a folded block as one item that stands for all its layers', () => {
    expect(folded.items.map(({ id, kind }) => [id, kind])).toEqual([
      ['input:x', 'input'],
      ['stem', 'layer'],
      ['block:layer0/0/conv1', 'block'],
      ['block:layer1/0/conv1', 'block'],
      ['block:layer2/0/conv1', 'block'],
      ['head', 'layer'],
      ['output:head_out', 'output'],
    ])
    expect(folded.items[2]!.layerIds).toEqual(['layer0/0/conv1', 'layer0/0/conv2', 'layer0/0/add'])
    expect(folded.unfolded).toEqual([])
  })

  it('merges the edges between folded blocks and drops those within', () => {
    expect(folded.edges.map(({ from, to }) => [from, to])).toEqual([0, 1, 2, 3, 4, 5].map((from) => [from, from + 1]))
  })

  it('folds some and leaves others, and remembers what the open ones span', () => {
    const some = foldBlocks(graph, blocks, new Set([blocks[1]!.id]))
    expect(some.items).toHaveLength(2 + 3 + 1 + 3 + 2)
    expect(some.unfolded.map(({ block, first, last }) => [block.name, first, last])).toEqual([
      ['layer0/0', 2, 4],
      ['layer2/0', 6, 8],
    ])
  })

  it('leaves a graph that can be laid out, whatever is folded', () => {
    for (let choice = 0; choice < 8; choice++) {
      const some = new Set(blocks.filter((_, i) => (choice >> i) & 1).map(({ id }) => id))
      expect(() => layOut(layoutInputOf(foldBlocks(graph, blocks, some)))).not.toThrow()
    }
  })
})
