import { describe, expect, it } from 'vitest'
import { contentOf } from '../../../../src/renderer/plan/content.ts'
import {
  countPrecisions,
  patchResolved,
  precisionOfLayer,
  resolveRoughly,
  shared,
  switchOf,
  valueOf,
} from '../../../../src/renderer/plan/settings.ts'
import { defaultPlan, type LayerOverride } from '../../../../src/shared/contract/plan.ts'
import { layer, planWith } from './layers.ts'

const conv = layer('conv')
const resolved = (override: LayerOverride | undefined, of = conv) =>
  resolveRoughly(planWith(override === undefined ? {} : { [of.id]: override }), of)

describe('shared', () => {
  it('tells what all have, what differs, and what none has', () => {
    expect(shared([1, 1], (x) => x)).toEqual({ kind: 'same', value: 1 })
    expect(shared([1, 2], (x) => x)).toEqual({ kind: 'mixed' })
    expect(shared([1, 2], () => null)).toEqual({ kind: 'none' })
    expect(valueOf(shared([null, 3], (x) => x))).toBe(3)
  })
})

describe('switchOf', () => {
  it.each<{ why: string; override: LayerOverride | undefined; value: string; chip: string }>([
    { why: 'the default', override: undefined, value: '8', chip: '8' },
    { why: 'float', override: 'float', value: 'float', chip: 'float' },
    { why: 'packed 4 bits', override: { weights: { bits: 4, storage: 'int4' } }, value: 'int4', chip: '4/8' },
    { why: '4 bits in 8', override: { weights: { bits: 4 } }, value: 'custom', chip: '4/8' },
    { why: 'other activations', override: { activations: { bits: 6 } }, value: 'custom', chip: '8/6' },
    { why: 'weights only', override: { mode: 'weightOnly' }, value: '8', chip: '8/f' },
  ])('$why', ({ override, value, chip }) => {
    expect(switchOf(resolved(override))).toBe(value)
    expect(precisionOfLayer(resolved(override)).label).toBe(chip)
  })

  it('counts chips, the most frequent first', () => {
    const layers = [resolved('float'), resolved(undefined), resolved(undefined)]
    expect(countPrecisions(layers).map(({ precision, count }) => [precision.label, count])).toEqual([
      ['8', 2],
      ['float', 1],
    ])
  })
})

describe('patchResolved', () => {
  const add = layer('add', { op: 'Add', role: 'arithmetic' })
  const float = { ...resolved(undefined, add), kind: 'float' as const, mode: null, activations: null }
  const known = { plan: defaultPlan, view: { layers: [resolved(undefined), float], problems: [] } }

  it('keeps the host’s answer where nothing changed, and says what the plan says where it did', () => {
    const plan = planWith({ conv: 'float' })
    expect(patchResolved(known, plan, [conv, add]).map(({ kind }) => kind)).toEqual(['float', 'float'])
    expect(patchResolved(known, planWith({ add: {} }), [conv, add]).map(({ kind }) => kind)).toEqual(['quantized', 'quantized']) // prettier-ignore
  })

  it('reads the plan alone where nothing was answered yet', () => {
    expect(patchResolved(null, defaultPlan, [conv])[0]).toMatchObject({ kind: 'quantized', named: false })
  })
})

describe('contentOf', () => {
  it('does not look at order, at the model or at empty parts', () => {
    const a = planWith(
      { a: 'float', b: { weights: { bits: 4, storage: 'int4' } } },
      { model: `sha256:${'0'.repeat(64)}` },
    )
    const b = planWith({ b: { weights: { storage: 'int4', bits: 4 } }, a: 'float' }, { tensors: {}, repairs: [] })
    expect(contentOf(a)).toBe(contentOf(b))
    expect(contentOf(a)).not.toBe(contentOf(planWith({ a: 'float' })))
  })
})
