import { expect, it } from 'vitest'
import type { RunFilter } from '../../../../src/shared/contract/api/runs.ts'
import {
  allColumns,
  columnOf,
  columnWidth,
  DEFAULT_COLUMNS,
  movedColumn,
  tableMemory,
  withColumn,
} from '../../../../src/renderer/runs/columns.ts'
import { deltaOf } from '../../../../src/renderer/runs/deltas.ts'
import {
  chipsOf,
  isNarrowed,
  tidy,
  withParameter,
  withRange,
  withValue,
} from '../../../../src/renderer/runs/filters.ts'
import { clicked, everything, kept, moved, NOTHING, stepOf } from '../../../../src/renderer/runs/list-selection.ts'
import { metricHeader, metricInfo, metricText, sortMetrics } from '../../../../src/renderer/runs/metrics.ts'

it.each([
  ['top1', 0.646, 'top-1 (%)', '64.60'],
  ['drop', -0.00001, 'drop (points)', '0.00'],
  ['bytes', 1310000, 'size (MB)', '1.310'],
  ['speedup', 2.9, 'speedup (×)', '2.90'],
  ['somethingMs', 1.5, 'somethingMs (ms)', '1.500'],
  ['unknown', 0.12345678, 'unknown', '0.1235'],
])('writes the metric %s', (name, value, header, text) => {
  expect([metricHeader(metricInfo(name)), metricText(metricInfo(name), value)]).toEqual([header, text])
})

it('orders metrics by what people look for first', () => {
  expect(sortMetrics(['zeta', 'bytes', 'alpha', 'top1', 'speedup'])).toEqual([
    'top1',
    'bytes',
    'speedup',
    'alpha',
    'zeta',
  ])
})

it.each([
  { why: 'a size differs for sure', name: 'bytes', value: 2e6, base: 1e6, own: null, of: null, tone: 'bad' },
  {
    why: 'inside both intervals',
    name: 'top1',
    value: 0.64,
    base: 0.65,
    own: [0.61, 0.67],
    of: [0.62, 0.68],
    tone: 'plain',
  },
  {
    why: 'outside both intervals',
    name: 'top1',
    value: 0.6,
    base: 0.65,
    own: [0.58, 0.62],
    of: [0.63, 0.67],
    tone: 'bad',
  },
  {
    why: 'one interval holds the other value',
    name: 'top1',
    value: 0.62,
    base: 0.65,
    own: [0.59, 0.66],
    of: [0.64, 0.66],
    tone: 'plain',
  },
  {
    why: 'only the own interval is known',
    name: 'speedup',
    value: 3,
    base: 2,
    own: [2.8, 3.2],
    of: null,
    tone: 'good',
  },
  { why: 'nothing is known of the spread', name: 'medianMs', value: 3, base: 2, own: null, of: null, tone: 'plain' },
  { why: 'neither way is good', name: 'samples', value: 3, base: 2, own: null, of: null, tone: 'plain' },
  { why: 'no difference', name: 'bytes', value: 2e6, base: 2e6, own: null, of: null, tone: 'plain' },
] as const)('$why: $tone', ({ name, value, base, own, of, tone }) => {
  expect(deltaOf(metricInfo(name), value, base, own, of)?.tone).toBe(tone)
})

it('writes deltas signed, and none where a value is missing', () => {
  const info = metricInfo('top1')
  expect(deltaOf(info, 0.66, 0.65)?.text).toBe('+1.00')
  expect(deltaOf(info, 0.64, 0.65)?.text).toBe('−1.00')
  expect(deltaOf(info, 0.650001, 0.65)?.text).toBe('0.00')
  expect(deltaOf(info, undefined, 0.65)).toBeNull()
})

it('knows columns of metrics and parameters by their ids', () => {
  expect(columnOf('metric:drop')).toMatchObject({ label: 'drop (points)', align: 'end', descendingFirst: false })
  expect(columnOf('parameter:plan.bits')).toMatchObject({ label: 'plan.bits', parameter: 'plan.bits' })
  expect(columnOf('nothing')).toBeNull()
  expect(allColumns(['top1'], ['seed']).map(({ columns }) => columns.at(-1)!.id)).toEqual([
    'id',
    'metric:top1',
    'parameter:seed',
  ])
})

it('shows, hides and moves columns', () => {
  expect(withColumn(['a', 'b'], 'c', true)).toEqual(['a', 'b', 'c'])
  expect(withColumn(['a', 'b'], 'a', true)).toEqual(['a', 'b'])
  expect(withColumn(['a', 'b'], 'a', false)).toEqual(['b'])
  expect(movedColumn(['a', 'b', 'c'], 'a', 2)).toEqual(['b', 'c', 'a'])
  expect(movedColumn(['a', 'b', 'c'], 'a', -3)).toEqual(['a', 'b', 'c'])
  expect(movedColumn(['a', 'b'], 'x', 1)).toEqual(['a', 'b'])
})

it.each([
  ['nothing was remembered', null],
  ['it is no JSON', '{'],
  ['it is of another shape', '{"columns":3}'],
  ['no column of it is known', '{"columns":["x"],"sort":{"by":"kind","descending":true},"tableSize":1}'],
])('starts from the defaults where %s', (_, text) => {
  expect(tableMemory(text).columns).toEqual(DEFAULT_COLUMNS)
})

it('remembers columns, without those that there are no longer', () => {
  const text = JSON.stringify({
    columns: ['kind', 'gone', 'kind', 'metric:kl'],
    sort: { by: 'kind', descending: false },
    tableSize: 200,
  })
  expect(tableMemory(text)).toEqual({
    columns: ['kind', 'metric:kl'],
    widths: {},
    sort: { by: 'kind', descending: false },
    tableSize: 200,
  })
})

it.each([
  [120.4, 120],
  [-5, 48],
  [5000, 960],
])('takes a column dragged to %s px as %s px wide', (px, width) => {
  expect(columnWidth(px)).toBe(width)
})

it('makes a chip of every part of a filter, and takes each away alone', () => {
  const filter: RunFilter = {
    kinds: ['bench', 'search'],
    tags: ['paper'],
    modelHash: 'sha256:ab',
    metrics: [
      { name: 'top1', min: 0.6 },
      { name: 'speedup', min: 1, max: 2 },
    ],
    parameters: [{ path: 'plan.bits', value: '8' }],
    since: '2026-01-01T00:00:00.000Z',
    text: 'x',
  }
  const chips = chipsOf(filter, () => 'squeezenet')
  expect(chips.map(({ label }) => label)).toEqual([
    'kind: bench',
    'kind: search',
    'model: squeezenet',
    'tag: paper',
    'top-1 ≥ 60.00 %',
    '1.00 ≤ speedup ≤ 2.00 ×',
    'plan.bits = 8',
    'since 2026-01-01',
  ])
  expect(chips[0]!.rest.kinds).toEqual(['search'])
  expect(chips[4]!.rest.metrics).toEqual([{ name: 'speedup', min: 1, max: 2 }])
  expect(
    chips.reduce<RunFilter>((rest, { id }) => chipsOf(rest, String).find((chip) => chip.id === id)!.rest, filter),
  ).toEqual({
    ...filter,
    kinds: [],
    tags: [],
    modelHash: undefined,
    metrics: [],
    parameters: [],
    since: undefined,
  })
})

it('adds to filters, one of a kind', () => {
  expect(withValue({ tags: ['a'] }, 'tags', 'a')).toEqual({ tags: ['a'] })
  expect(withValue({}, 'kinds', 'bench')).toEqual({ kinds: ['bench'] })
  expect(withRange({ metrics: [{ name: 'kl', max: 1 }] }, { name: 'kl', max: 2 }).metrics).toEqual([
    { name: 'kl', max: 2 },
  ])
  expect(withRange({ metrics: [{ name: 'kl', max: 1 }] }, { name: 'kl' }).metrics).toEqual([])
  expect(withParameter({ parameters: [{ path: 'a', value: '1' }] }, 'a', '').parameters).toEqual([])
  expect(tidy({ text: '', kinds: [], deleted: false, modelHash: undefined, tags: ['a'] })).toEqual({ tags: ['a'] })
  expect([isNarrowed({ deleted: true, text: '' }), isNarrowed({ text: 'a' })]).toEqual([false, true])
})

const LIST = ['a', 'b', 'c', 'd', 'e']
const ALONE = { extend: false, toggle: false }
const SHIFT = { extend: true, toggle: false }
const CTRL = { extend: false, toggle: true }

it('selects by pointer: alone, a range, one more, one less', () => {
  const one = clicked(NOTHING, 'b', ALONE, LIST)
  expect([...one.ids]).toEqual(['b'])
  const range = clicked(one, 'd', SHIFT, LIST)
  expect([...range.ids]).toEqual(['b', 'c', 'd'])
  expect([...clicked(range, 'a', SHIFT, LIST).ids]).toEqual(['a', 'b'])
  const more = clicked(range, 'e', CTRL, LIST)
  expect([...more.ids]).toEqual(['b', 'c', 'd', 'e'])
  expect([...clicked(more, 'c', CTRL, LIST).ids]).toEqual(['b', 'd', 'e'])
})

it('selects by keys', () => {
  expect(moved(NOTHING, 1, ALONE, LIST).focus).toBe('a')
  expect(moved(NOTHING, -1, ALONE, LIST).focus).toBe('e')
  const b = clicked(NOTHING, 'b', ALONE, LIST)
  expect([...moved(b, 2, SHIFT, LIST).ids]).toEqual(['b', 'c', 'd'])
  expect([...moved(moved(b, 2, SHIFT, LIST), -1, SHIFT, LIST).ids]).toEqual(['b', 'c'])
  const walked = moved(b, 1, CTRL, LIST)
  expect([walked.focus, ...walked.ids]).toEqual(['c', 'b'])
  expect(moved(b, stepOf('End', 4)!, ALONE, LIST).focus).toBe('e')
  expect(moved(b, stepOf('Home', 4)!, ALONE, LIST).focus).toBe('a')
  expect(stepOf('x', 4)).toBeNull()
  expect(everything(b, LIST)).toMatchObject({ focus: 'b', ids: new Set(LIST) })
  expect(moved(NOTHING, 1, ALONE, [])).toBe(NOTHING)
})

it('keeps what is still there when the list changes', () => {
  const selected = clicked(clicked(NOTHING, 'b', ALONE, LIST), 'd', CTRL, LIST)
  expect(kept(selected, LIST, ['x', 'a', 'b', 'c', 'd', 'e'])).toEqual(selected)
  const less = kept(selected, LIST, ['a', 'b', 'c', 'e'])
  expect([less.focus, less.anchor, ...less.ids]).toEqual(['e', null, 'b'])
})
