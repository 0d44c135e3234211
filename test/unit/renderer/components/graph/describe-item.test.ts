import { expect, it } from 'vitest'
import { describeEdge, describeItem } from '../../../../../src/renderer/components/graph/describe-item.ts'
import { looksOf } from '../../../../../src/renderer/graph/canvas/looks.ts'
import { PLAIN_DECOR, precisionOf, type GraphDecor } from '../../../../../src/renderer/graph/decor.ts'
import { GRAPH_THEMES } from '../../../../../src/renderer/graph/palette.ts'
import { residualView, sceneOf } from '../../graph/views.ts'

function wordsOf(id: string, more: Partial<GraphDecor> = {}, folded: 'all' | 'none' = 'none'): string {
  const scene = sceneOf(residualView(2), folded)
  const decor = { ...PLAIN_DECOR, ...more }
  const item = scene.itemOf.get(id)!
  const { name, lines } = describeItem(scene.items[item]!, looksOf(scene.items, decor, GRAPH_THEMES.light)[item], decor)
  return [name, ...lines].join(', ')
}

it('says name, op, shape and precision of a layer', () => {
  const precisions = new Map([['stem', precisionOf(4, 8)]])
  expect(wordsOf('stem', { precisions })).toBe('stem, Conv · N×8×16×16, 4-bit weights, 8-bit activations')
})

it('says what an overlay tells, and that it is an estimate', () => {
  const values = new Map([['stem', { value: 0.031, estimated: true }]])
  const overlay = {
    kind: 'sequential',
    name: 'sensitivity',
    unit: 'ΔKL',
    scale: 'log',
    combine: 'max',
    values,
  } as const
  expect(wordsOf('stem', { overlay })).toBe('stem, Conv · N×8×16×16, sensitivity 0.031 ΔKL (estimated)')
})

it('says what a folded block holds', () => {
  expect(wordsOf('layer0/0/conv1', {}, 'all')).toBe('layer0/0, block of 3 layers, 2 of this make')
})

it('says that an input is one', () => {
  expect(wordsOf('input:x')).toBe('x, input · float · N×8×16×16')
})

it('says that a layer differs between two plans', () => {
  expect(wordsOf('stem', { changed: new Set(['stem']) })).toContain('differs between the two plans')
})

it('says what an edge carries, and between which boxes', () => {
  const view = residualView(2)
  const tensors = new Map(view.tensors.map((tensor) => [tensor.name, tensor]))
  const scene = sceneOf(view)
  const edge = scene.edges.findIndex(
    ({ from, to }) => from === scene.itemOf.get('stem') && to === scene.itemOf.get('layer0/0/add'),
  )
  expect(describeEdge(scene, edge, tensors)).toEqual({
    name: 'stem_out',
    lines: ['float N×8×16×16', 'stem → layer0/0/add'],
  })
})
