import { describe, expect, it } from 'vitest'
import { replaceLayers } from '../../../../src/renderer/plan/edits.ts'
import { resolveRoughly } from '../../../../src/renderer/plan/settings.ts'
import { changeText, toggled } from '../../../../src/renderer/plan/toggle.ts'
import type { LayerOverride } from '../../../../src/shared/contract/plan.ts'
import { layer, planWith } from './layers.ts'

const conv = layer('conv')
const add = layer('add', { op: 'Add', role: 'arithmetic' })
const all = [conv, add]

function toggle(
  said: Record<string, LayerOverride>,
  remembered: Record<string, LayerOverride | undefined> = {},
  floats: readonly string[] = [],
) {
  const plan = planWith(said)
  const views = all.map((one) => {
    const view = resolveRoughly(plan, one)
    return floats.includes(one.id) ? { ...view, kind: 'float' as const } : view
  })
  const state = {
    plan,
    resolved: new Map(views.map((view) => [view.id, view])),
    remembered: new Map(Object.entries(remembered)),
  }
  const next = toggled(all, state)
  return { ...next, plan: replaceLayers(plan, next.overrides) }
}

describe('toggled', () => {
  it('goes to float where any is quantized', () => {
    const { to, plan, label } = toggle({ conv: 'float' })
    expect(to).toBe('float')
    expect(plan.layers).toEqual({ conv: 'float', add: 'float' })
    expect(label).toBe('2 layers to float')
  })

  it('goes back to what each layer said', () => {
    const before = { weights: { bits: 4 } }
    const { to, plan } = toggle({ conv: 'float', add: 'float' }, { conv: before, add: undefined })
    expect(to).toBe('quantized')
    expect(plan.layers).toEqual({ conv: before })
  })

  it('names a layer without weights that its neighbours leave in float', () => {
    expect(toggle({}, {}, ['conv', 'add']).plan.layers).toEqual({ add: {} })
  })
})

describe('changeText', () => {
  it.each([
    { change: { kind: 'float' as const }, text: 'conv to float' },
    { change: { kind: 'bits' as const, bits: { weights: 1 } }, text: 'conv to 1 bit' },
    {
      change: { kind: 'bits' as const, bits: { weights: 4, storage: 'int4' as const, activations: 8 } },
      text: 'conv to int4',
    },
    { change: { kind: 'bits' as const, bits: { weights: 4, activations: 6 } }, text: 'conv to 4 bits, activations 6' },
    { change: { kind: 'mode' as const, mode: 'weightOnly' as const }, text: 'conv: weight-only' },
  ])('$text', ({ change, text }) => {
    expect(changeText([conv], change)).toBe(text)
  })
})
