import { describe, expect, it } from 'vitest'
import {
  EXPORT_FORMATS,
  exportOpset,
  integerCheck,
  isModelFormat,
  planInMode,
  staticCount,
} from '../../../../src/renderer/plan/export-plan.ts'
import { resolveRoughly } from '../../../../src/renderer/plan/settings.ts'
import type { QuantizedLayerView } from '../../../../src/shared/contract/api/job-results.ts'
import { quantPlan, type LayerOverride } from '../../../../src/shared/contract/plan.ts'
import { layer, planWith } from './layers.ts'

describe('planInMode', () => {
  const plan = planWith({
    a: 'float',
    b: { mode: 'weightOnly', weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 } },
    c: { mode: 'dynamic' },
  })

  it('leaves the plan as it is', () => {
    expect(planInMode(plan, 'asPlanned')).toBe(plan)
  })

  it('gives every layer one mode, and blocks up where there are none', () => {
    const dynamic = planInMode(plan, 'dynamic')
    expect(dynamic.defaults.mode).toBe('dynamic')
    expect(dynamic.layers).toEqual({ a: 'float', b: { weights: { bits: 4, storage: 'int4', granularity: 'perChannel' } }, c: {} }) // prettier-ignore
    expect(quantPlan.safeParse(dynamic).success).toBe(true)
  })

  it('keeps blocks in a weight-only file', () => {
    expect(planInMode(plan, 'weightOnly').layers['b']).toMatchObject({ weights: { granularity: 'perBlock', blockSize: 32 } }) // prettier-ignore
  })
})

describe('exportOpset', () => {
  const resolved = (override?: LayerOverride) => [
    resolveRoughly(planWith(override === undefined ? {} : { a: override }), layer('a')),
  ]
  it.each([
    { why: '8 bits need 13', override: undefined, own: 11, opset: 13 },
    { why: 'the file keeps a newer one', override: undefined, own: 17, opset: 17 },
    { why: 'packed weights need 21', override: { weights: { storage: 'int4' as const } }, own: 13, opset: 21 },
    { why: '16-bit activations need 21', override: { activations: { bits: 16 } }, own: 13, opset: 21 },
  ])('$why', ({ override, own, opset }) => {
    expect(exportOpset(resolved(override), own)).toBe(opset)
  })

  it('only static layers need data', () => {
    expect(staticCount([...resolved(), ...resolved('float'), ...resolved({ mode: 'dynamic' })])).toBe(1)
  })
})

it('integerCheck puts first what was meant to be integer and is not', () => {
  const row = (id: string, type: string, execution: QuantizedLayerView['execution']) =>
    ({ id, type, execution }) as QuantizedLayerView
  const check = integerCheck([row('a', 'int8', 'int8'), row('b', 'int8', 'float'), row('c', 'float', 'float'), row('d', 'int4', 'simulated'), row('e', 'int8', null)]) // prettier-ignore
  expect(check.counts).toEqual({ int8: 1, simulated: 1, float: 2 })
  expect(check.missed.map(({ id }) => id)).toEqual(['b', 'd'])
  expect(check.rest.map(({ id }) => id)).toEqual(['a', 'c', 'e'])
})

it('checks ONNX files for integers, and nothing else', () => {
  const checked = EXPORT_FORMATS.map(({ value }) => value).filter(isModelFormat)
  expect(checked).toEqual(['asPlanned', 'static', 'dynamic', 'weightOnly'])
})
