import { describe, expect, it } from 'vitest'
import {
  axisOfRows,
  barsOf,
  configsOf,
  heatCells,
  isWide,
  keptOrder,
  mergeRows,
  samplesText,
  settledLayers,
  sortedLayers,
  stoppedLayers,
} from '../../../../src/renderer/insight/sweep-rows.ts'
import type { SensitivityRow } from '../../../../src/shared/contract/api/job-results.ts'

function row(layer: string, value: number, more: Partial<SensitivityRow> = {}): SensitivityRow {
  return { layer, config: '8', metric: 'loss', value, interval: null, samples: 64, rank: null, ...more }
}
const rowsOf = (...rows: SensitivityRow[]) => mergeRows(new Map(), rows)
const LAYERS = ['a', 'b', 'c']

describe('rows as they stream in', () => {
  it('take the place of earlier ones of the same layer and configuration', () => {
    const first = rowsOf(row('a', 1, { samples: 16 }), row('a', 9, { config: 'int4' }))
    const second = mergeRows(first, [row('a', 2, { samples: 32 })])
    expect([...second.values()].map(({ config, value }) => [config, value])).toEqual([
      ['8', 2],
      ['int4', 9],
    ])
    expect(first.get('8\na')?.value).toBe(1)
  })

  it('start anew in another metric, and stay as they are when nothing comes', () => {
    const loss = rowsOf(row('a', 1), row('b', 2))
    expect([...mergeRows(loss, [row('a', 30, { metric: 'sqnrDb' })]).values()]).toHaveLength(1)
    expect(mergeRows(loss, [])).toBe(loss)
  })

  it('are shown in the configurations asked for, then in others that came', () => {
    const rows = rowsOf(row('a', 1, { config: '4' }), row('a', 1), row('a', 1, { config: 'int4' }))
    expect(configsOf(rows, ['8', 'int4', '2'])).toEqual(['8', 'int4', '4'])
  })
})

describe('the order', () => {
  it.each([
    { why: 'the largest damage first', base: 'float' as const, metric: 'loss' as const, order: ['b', 'a', 'c'] },
    { why: 'the fewest decibels first', base: 'float' as const, metric: 'sqnrDb' as const, order: ['a', 'b', 'c'] },
    { why: 'the least damage left first', base: 'quantized' as const, metric: 'kl' as const, order: ['a', 'b', 'c'] },
  ])('$why; layers without a value last', ({ base, metric, order }) => {
    const rows = rowsOf(row('a', 1, { metric }), row('b', 2, { metric }))
    expect(sortedLayers(LAYERS, rows, '8', base)).toEqual(order)
  })

  it('stands still: what is there does not move, what is new comes last, what is gone goes', () => {
    expect(keptOrder(['c', 'a', 'x'], LAYERS)).toEqual(['c', 'a', 'b'])
  })
})

describe('settled layers', () => {
  const at = (layer: string, low: number, high: number) => row(layer, (low + high) / 2, { interval: [low, high] })

  it('are those whose interval touches no other', () => {
    const rows = rowsOf(at('a', 0, 1), at('b', 2, 3), at('c', 2.9, 4))
    expect(settledLayers(LAYERS, rows, '8')).toEqual(new Set(['a']))
  })

  it('see a wide interval that reaches over the next ones', () => {
    const rows = rowsOf(at('a', 0, 10), at('b', 1, 2), at('c', 3, 4))
    expect(settledLayers(LAYERS, rows, '8')).toEqual(new Set())
  })

  it('are none while a layer has no value, which may come in anywhere', () => {
    expect(settledLayers(LAYERS, rowsOf(at('a', 0, 1), at('b', 2, 3)), '8')).toEqual(new Set())
  })

  it('are, once a sweep is over, also those it stopped sampling', () => {
    const rows = rowsOf(row('a', 1, { samples: 16 }), row('b', 2), row('c', 3))
    expect(stoppedLayers(LAYERS, rows, '8')).toEqual(new Set(['a']))
    const marks = (isOver: boolean) => barsOf({ ids: LAYERS, rows, config: '8', isOver }).map(({ mark }) => mark)
    expect(marks(true)).toEqual(['settled', undefined, undefined])
    expect(marks(false)).toEqual([undefined, undefined, undefined])
  })
})

describe('what is drawn', () => {
  it('keeps the place of a layer that has no value yet', () => {
    const bars = barsOf({ ids: LAYERS, rows: rowsOf(row('b', 0.5)), config: '8', isOver: false })
    expect(bars.map(({ id, mark }) => [id, mark])).toEqual([
      ['a', 'waits'],
      ['b', undefined],
      ['c', 'waits'],
    ])
  })

  it('tells rates in points, and cells only where there is a value', () => {
    const rows = rowsOf(row('a', 0.02, { metric: 'top1', interval: [0.01, 0.03] }), row('b', NaN, { metric: 'top1' }))
    expect(heatCells(LAYERS, ['8'], rows)).toEqual([{ row: 'a', column: '8', value: 2, low: 1, high: 3 }])
    expect(axisOfRows(rows, 'float')).toEqual({ label: 'top-1 drop', unit: 'points', better: 'less' })
    expect(axisOfRows(rows, 'quantized').label).toBe('top-1 drop left with this layer float')
  })

  it('reads damages that differ widely on a log scale, decibels never', () => {
    expect(isWide(rowsOf(row('a', 1), row('b', 100)))).toBe(true)
    expect(isWide(rowsOf(row('a', 1), row('b', 10), row('c', -100)))).toBe(false)
    expect(isWide(rowsOf(row('a', 1, { metric: 'sqnrDb' }), row('b', 100, { metric: 'sqnrDb' })))).toBe(false)
  })

  it('says the samples that the values stand on', () => {
    expect(samplesText(rowsOf())).toBe('')
    expect(samplesText(rowsOf(row('a', 1)))).toBe('64 samples')
    expect(samplesText(rowsOf(row('a', 1, { samples: 16 }), row('b', 1)))).toBe('16–64 samples')
  })
})
