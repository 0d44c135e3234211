import { describe, expect, it } from 'vitest'
import { looksOf, type Look } from '../../../../../src/renderer/graph/canvas/looks.ts'
import {
  PLAIN_DECOR,
  precisionOf,
  type GraphDecor,
  type SequentialOverlay,
} from '../../../../../src/renderer/graph/decor.ts'
import { contrast, GRAPH_THEMES } from '../../../../../src/renderer/graph/palette.ts'
import { residualView, sceneOf } from '../views.ts'

const theme = GRAPH_THEMES.light
const overlay: SequentialOverlay = {
  kind: 'sequential',
  name: 'latency',
  unit: 'ms',
  scale: 'linear',
  combine: 'sum',
  values: new Map([
    ['layer0/0/conv1', { value: 1, estimated: false }],
    ['layer0/0/conv2', { value: 3, estimated: false }],
    ['layer1/0/conv1', { value: 2, estimated: true }],
  ]),
}

function lookAt(id: string, decor: Partial<GraphDecor>, folded: 'all' | 'none' = 'none'): Look {
  const scene = sceneOf(residualView(2), folded)
  return looksOf(scene.items, { ...PLAIN_DECOR, ...decor }, theme)[scene.itemOf.get(id)!]!
}

describe('looksOf', () => {
  it('fills a card whose number was measured, and outlines one whose number is an estimate', () => {
    const measured = lookAt('layer0/0/conv2', { overlay })
    expect(measured).toMatchObject({ fill: theme.scale.at(-1), outline: null, note: '3 ms' })
    const estimated = lookAt('layer1/0/conv1', { overlay })
    expect(estimated.fill).toBe(theme.card)
    expect(estimated.outline).not.toBeNull()
  })

  it('adds up what a folded block holds', () => {
    expect(lookAt('layer0/0/conv1', { overlay }, 'all').note).toBe('4 ms')
    expect(lookAt('layer0/0/conv1', { overlay: { ...overlay, combine: 'max' } }, 'all').note).toBe('3 ms')
  })

  it('leaves layers without a number untinted', () => {
    expect(lookAt('stem', { overlay })).toMatchObject({ fill: theme.card, outline: null, note: '' })
  })

  it('keeps text readable on every tint of both themes', () => {
    for (const name of ['light', 'dark'] as const) {
      for (let value = 0; value <= 50; value++) {
        const values = new Map([['stem', { value, estimated: false }]])
        const scene = sceneOf(residualView(2))
        const decor = { ...PLAIN_DECOR, overlay: { ...overlay, values, domain: [0, 50] as const } }
        const look = looksOf(scene.items, decor, GRAPH_THEMES[name])[scene.itemOf.get('stem')!]!
        expect(contrast(look.fill, look.text)).toBeGreaterThanOrEqual(4.5)
        expect(contrast(look.fill, look.quiet)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  it('says that the layers of a block differ, and how many of each there are', () => {
    const precisions = new Map([
      ['layer0/0/conv1', precisionOf(8, 8)],
      ['layer0/0/conv2', precisionOf(8, 8)],
      ['layer0/0/add', precisionOf(null, null)],
    ])
    const look = lookAt('layer0/0/conv1', { precisions }, 'all')
    expect(look.chip).toMatchObject({ kind: 'mixed', label: 'mix' })
    expect(look.mix).toEqual([
      { kind: 'float', share: 1 / 3 },
      { kind: 'bits8', share: 2 / 3 },
    ])
  })

  it('dims what does not differ between two plans', () => {
    const changed = new Set(['stem'])
    expect(lookAt('stem', { changed })).toMatchObject({ isChanged: true, isDimmed: false })
    expect(lookAt('head', { changed })).toMatchObject({ isChanged: false, isDimmed: true })
    expect(lookAt('head', {})).toMatchObject({ isChanged: false, isDimmed: false })
  })

  it('shows states by the hue of their category, mixed in a block', () => {
    const categories = [
      { id: 'int8', label: 'integers', hue: 'bits8' },
      { id: 'float', label: 'float', hue: 'float' },
    ] as const
    const values = new Map([
      ['layer0/0/conv1', 'int8'],
      ['layer0/0/conv2', 'float'],
    ])
    const decor = { overlay: { kind: 'categories', name: 'runs as', categories, values } as const }
    expect(lookAt('layer0/0/conv1', decor)).toMatchObject({ fill: theme.precision.bits8, note: 'integers' })
    expect(lookAt('layer0/0/conv1', decor, 'all').note).toBe('mixed')
    // of another plan: an outline, as everything that is not of the plan on screen
    const other = { overlay: { ...decor.overlay, of: 'in another plan' } }
    expect(lookAt('layer0/0/conv1', other)).toMatchObject({ fill: theme.card, outline: theme.precision.bits8 })
  })

  it('gives a layer without a number no hue that could pass for a tint, far away too', () => {
    const precisions = new Map([['stem', precisionOf(8, 8)]])
    const overlay = {
      kind: 'sequential',
      name: 'time',
      unit: 'ms',
      values: new Map(),
      scale: 'linear',
      combine: 'sum',
    } as const
    expect(lookAt('stem', { precisions }).far).toBe(theme.precision.bits8)
    expect(lookAt('stem', { precisions, overlay }).far).toBe(theme.cardEdge)
  })
})
