import { describe, expect, it } from 'vitest'
import { damageTable } from '../../../../src/renderer/plan/knowledge.ts'
import { OVERLAYS, overlayOf, type OverlaySource } from '../../../../src/renderer/plan/overlays.ts'
import type { PlanEstimate } from '../../../../src/shared/contract/api/plans.ts'
import type { SensitivityRow } from '../../../../src/shared/contract/api/job-results.ts'
import { layer } from './layers.ts'

const row = (id: string, value: number, rest: Partial<SensitivityRow> = {}): SensitivityRow => ({
  layer: id,
  config: '8',
  metric: 'kl',
  value,
  interval: null,
  samples: 10,
  rank: 1,
  ...rest,
})
const nothing: OverlaySource = {
  layers: [layer('a')],
  sensitivity: null,
  scan: null,
  execution: null,
  estimate: null,
  isMeasured: false,
  config: null,
}

describe('overlayOf', () => {
  it('says for each overlay what is missing, or draws', () => {
    for (const { value } of OVERLAYS) {
      const { overlay, missing } = overlayOf(value, nothing)
      expect(overlay !== null || missing !== null || value === 'none').toBe(true)
    }
  })

  it('shows damages of the configuration asked for, and of the first where it is unknown', () => {
    const rows = [row('a', 0.1), row('a', 0.4, { config: 'int4' }), row('b', 0.2)]
    const source = { ...nothing, sensitivity: damageTable('r', rows) }
    expect(overlayOf('sensitivity', { ...source, config: 'int4' }).overlay).toMatchObject({
      name: 'KL to float',
      of: 'at int4',
      values: new Map([['a', { value: 0.4, estimated: false }]]),
    })
    expect(overlayOf('sensitivity', { ...source, config: 'w2' }).overlay?.values.size).toBe(2)
  })

  it('reads damages that span orders of magnitude on a log scale', () => {
    const wide = damageTable('r', [row('a', 0.0001), row('b', 0.5)])
    expect(overlayOf('sensitivity', { ...nothing, sensitivity: wide }).overlay).toMatchObject({ scale: 'log' })
  })

  it('gives low SQNR the strong tint, and shows drops in points', () => {
    const scan = damageTable('r', [row('a', 20, { metric: 'sqnrDb' })])
    expect(overlayOf('sqnr', { ...nothing, scan }).overlay).toMatchObject({ isLowStrong: true, unit: 'dB' })
    const drops = damageTable('r', [row('a', 0.02, { metric: 'top1' })])
    expect(overlayOf('sensitivity', { ...nothing, sensitivity: drops }).overlay?.values.get('a')).toEqual({ value: 2, estimated: false }) // prettier-ignore
  })

  describe('times', () => {
    const times = (id: string, ms: number | null) => ({ id, damage: null, bytes: null, ms })
    const estimate = { layers: [times('a', 2), times('b', null)] } as unknown as PlanEstimate
    const ran = (ms: number) => ({ execution: 'int8' as const, ms, referenceMs: null, reason: null })
    const execution = { run: 'r', layers: new Map([['a', ran(3)], ['b', ran(4)]]) } // prettier-ignore

    it('of another plan are estimates, and only where there is no better one', () => {
      const { overlay } = overlayOf('latency', { ...nothing, estimate, execution })
      expect(overlay?.values.get('a')).toEqual({ value: 2, estimated: true })
      expect(overlay?.values.get('b')).toEqual({ value: 4, estimated: true })
    })

    it('of this plan are measured', () => {
      const { overlay } = overlayOf('latency', { ...nothing, estimate, execution, isMeasured: true })
      expect(overlay?.values.get('a')).toEqual({ value: 3, estimated: false })
    })
  })

  it('marks how layers ran as of another plan, unless it is the plan on screen', () => {
    const ran = { execution: 'int8' as const, ms: null, referenceMs: null, reason: null }
    const execution = { run: 'r', layers: new Map([['a', ran]]) }
    expect(overlayOf('execution', { ...nothing, execution }).overlay).toMatchObject({ of: 'in another plan' })
    expect(overlayOf('execution', { ...nothing, execution, isMeasured: true }).overlay?.of).toBeUndefined()
  })

  it('falls back to float sizes where nothing is estimated', () => {
    expect(overlayOf('size', nothing).overlay?.values.get('a')).toEqual({ value: 0.4, estimated: true })
  })
})
