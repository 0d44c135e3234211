import { describe, expect, it } from 'vitest'
import {
  damageTable,
  executionOfRun,
  explanationsOf,
  isQuickScan,
  isReverted,
  mergeExecution,
  rowsOfRun,
} from '../../../../src/renderer/plan/knowledge.ts'
import type { Json, LayerResult } from '../../../../src/shared/contract/runs.ts'

const row = (id: string, rest: Partial<LayerResult>): LayerResult => ({
  id,
  op: 'Conv',
  type: '8',
  execution: null,
  ms: null,
  metrics: {},
  reason: null,
  ...rest,
})

describe('rows of runs', () => {
  const layers = [
    row('a', { metrics: { kl: 0.2, low: 0.1, high: 0.3, samples: 100, rank: 1 } }),
    row('a', { type: 'int4', metrics: { kl: 0.5 } }),
    row('b', { metrics: { kl: 0.1 } }),
  ]

  it('come back as they were measured', () => {
    const [first, second] = rowsOfRun({ layers })
    expect(first).toEqual({ layer: 'a', config: '8', metric: 'kl', value: 0.2, interval: [0.1, 0.3], samples: 100, rank: 1 }) // prettier-ignore
    expect(second).toMatchObject({ config: 'int4', interval: null, rank: null })
  })

  it('make a table by layer and configuration', () => {
    const table = damageTable('r', rowsOfRun({ layers }))!
    expect(table.configs).toEqual(['8', 'int4'])
    expect(table.rows.get('a')?.get('int4')?.value).toBe(0.5)
    expect(damageTable('r', [])).toBeNull()
  })

  it('tell a quick scan and a reverted sweep from an exact one', () => {
    expect(isQuickScan({ layers })).toBe(false)
    expect(isQuickScan({ layers: [row('a', { metrics: { sqnrDb: 30 } })] })).toBe(true)
    expect(isReverted({ parameters: { base: 'quantized' } })).toBe(true)
    expect(isReverted({ parameters: null })).toBe(false)
  })
})

describe('execution', () => {
  it('is null where a run did not look', () => {
    expect(executionOfRun({ id: 'r', layers: [row('a', {})] })).toBeNull()
  })

  it('keeps reasons and float times that a newer run does not say, while the layer runs the same way', () => {
    const bench = executionOfRun({
      id: 'old',
      layers: [
        row('a', { execution: 'float', ms: 2, reason: 'no kernel', metrics: { referenceMs: 2 } }),
        row('b', { execution: 'int8', ms: 1, metrics: { referenceMs: 3 } }),
      ],
    })
    const merged = mergeExecution(bench, {
      run: 'new',
      layers: new Map([
        ['a', { execution: 'float', ms: 2.1, referenceMs: null, reason: null }],
        ['b', { execution: 'float', ms: null, referenceMs: null, reason: null }],
      ]),
    })
    expect(merged.run).toBe('new')
    expect(merged.layers.get('a')).toEqual({ execution: 'float', ms: 2.1, referenceMs: 2, reason: 'no kernel' })
    expect(merged.layers.get('b')).toEqual({ execution: 'float', ms: null, referenceMs: 3, reason: null })
  })
})

describe('explanationsOf', () => {
  it('reads findings and remedies by layer', () => {
    const found = explanationsOf({
      explanations: [
        {
          layer: 'a',
          config: '8',
          findings: [{ kind: 'longTails', text: 'Long tails.', numbers: { ratio: 3 } }],
          remedies: [
            { repair: 'bias', text: 'Correct the bias.' },
            { layer: 'b', override: 'float', text: 'Leave b in float.' },
          ],
        },
      ],
    })
    expect(found.get('a')).toEqual([
      {
        config: '8',
        findings: ['Long tails.'],
        remedies: [
          { repair: 'bias', text: 'Correct the bias.' },
          { layer: 'b', override: 'float', text: 'Leave b in float.' },
        ],
      },
    ])
  })

  it.each<Json>([null, 'text', {}, { explanations: [{ layer: 1 }] }])('is empty for %j', (results) => {
    expect(explanationsOf(results).size).toBe(0)
  })
})
