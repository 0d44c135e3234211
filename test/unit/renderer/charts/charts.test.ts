import { expect, it } from 'vitest'
import { chartAsSvg } from '../../../../src/renderer/components/charts/engine.ts'
import { barsOption, barsTable } from '../../../../src/renderer/components/charts/bars.ts'
import { fileNameOf, tableToCsv } from '../../../../src/renderer/components/charts/chart-table.ts'
import { heatOption, heatTable } from '../../../../src/renderer/components/charts/heat.ts'
import { coloursOf, linesOption, linesTable, namedAtEnd } from '../../../../src/renderer/components/charts/lines.ts'
import { shortNumber, signedNumber, withInterval } from '../../../../src/renderer/components/charts/numbers.ts'
import {
  colourAxis,
  parallelOption,
  parallelTable,
  piecesOf,
} from '../../../../src/renderer/components/charts/parallel.ts'
import { paretoFront } from '../../../../src/renderer/components/charts/pareto.ts'
import { extentOf, shortened } from '../../../../src/renderer/components/charts/parts.ts'
import { frontIds, scatterOption, scatterTable } from '../../../../src/renderer/components/charts/scatter.ts'
import type { ChartTheme } from '../../../../src/renderer/components/charts/theme.ts'

const theme: ChartTheme = {
  text: 'rgb(0, 0, 0)',
  quiet: 'rgb(90, 90, 90)',
  line: 'rgb(220, 220, 220)',
  lineStrong: 'rgb(130, 130, 130)',
  surface: 'rgb(255, 255, 255)',
  selected: 'rgb(220, 230, 250)',
  accent: 'rgb(31, 95, 191)',
  good: 'rgb(0, 120, 0)',
  bad: 'rgb(180, 0, 0)',
  warning: 'rgb(130, 80, 0)',
  scale: ['rgb(255, 255, 224)', 'rgb(199, 233, 180)', 'rgb(65, 165, 196)', 'rgb(12, 44, 132)'],
  series: ['rgb(1, 1, 1)', 'rgb(2, 2, 2)'],
  font: 'sans-serif',
  motion: false,
  resolve: (colour) => (colour.startsWith('var') ? 'rgb(9, 9, 9)' : colour),
}
const size = { width: 600, height: 300 }

it.each([
  [0, '0'],
  [1234567, '1234567'],
  [0.03125, '0.03125'],
  [0.0312678, '0.03127'],
  [-2.5, '−2.5'],
  [1.5e-7, '1.5e−7'],
  [2.34e9, '2.34e9'],
  [NaN, '–'],
  [-Infinity, '−∞'],
])('writes %d as %s', (value, text) => {
  expect(shortNumber(value)).toBe(text)
})

it('writes signs and intervals', () => {
  expect([signedNumber(0.5), signedNumber(-0.5), signedNumber(0)]).toEqual(['+0.5', '−0.5', '0'])
  expect(withInterval(1, 0.5, 1.5)).toBe('1 (0.5 … 1.5)')
  expect(withInterval(1, null, 1.5)).toBe('1')
})

it('writes tables as CSV that spreadsheets read and do not run', () => {
  const table = { columns: ['a', 'b'], rows: [['x, "y"', 1.5] as const, ['=cmd()', null] as const] }
  expect(tableToCsv(table)).toBe('a,b\r\n"x, ""y""",1.5\r\n\'=cmd(),\r\n')
  expect(fileNameOf('Damage by layer (ΔKL): ../x', 'csv')).toBe('damage-by-layer-kl-..-x.csv')
  expect(fileNameOf('/', 'svg')).toBe('chart.svg')
})

it('keeps both ends of long names', () => {
  expect(shortened('features/block/conv', 9)).toBe('feat…conv')
  expect(shortened('short', 9)).toBe('short')
})

it('gives equal bounds room', () => {
  expect(extentOf([5, null, 5])).toEqual([4.7, 5.3])
  expect(extentOf([])).toEqual([0, 1])
})

it('finds the points that no other beats', () => {
  const points = [
    { id: 'a', x: 1, y: 5 },
    { id: 'b', x: 2, y: 3 },
    { id: 'beaten', x: 3, y: 4 },
    { id: 'c', x: 4, y: 1 },
    { id: 'same as c', x: 4, y: 1 },
    { id: 'nowhere', x: NaN, y: 0 },
  ]
  expect(paretoFront(points, 'less', 'less').map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect(paretoFront(points, 'more', 'more').map(({ id }) => id)).toEqual(['a', 'beaten', 'c'])
})

it('takes measured points for the front as soon as there is one', () => {
  const x = { label: 'size', better: 'less' as const }
  const y = { label: 'drop', better: 'less' as const }
  const predicted = { id: 'p', label: 'p', predicted: { x: 0, y: 0 }, measured: null }
  const measured = { id: 'm', label: 'm', predicted: null, measured: { x: 1, y: 1 } }
  expect(frontIds({ points: [predicted], x, y })).toEqual(['p'])
  expect(frontIds({ points: [predicted, measured], x, y })).toEqual(['m'])
  expect(frontIds({ points: [measured], x: { label: 'size' }, y })).toEqual([])
})

it('draws bars with their names, values, marks and intervals', () => {
  const items = [
    { id: 'a', label: 'conv1 <b>', value: 0.5, low: 0.4, high: 0.6, mark: 'settled' },
    { id: 'b', label: 'conv2', value: 0.1, estimated: true, colour: 'var(--precision-8)' },
  ]
  const axis = { label: 'ΔKL', unit: 'nats' }
  const svg = chartAsSvg(barsOption({ items, axis, selected: new Set(['a']), hovered: 'b' }, theme, size), 600, 300)
  for (const text of ['conv1 &lt;b&gt;', 'conv2', '0.5  settled', 'ΔKL (nats)', 'rgb(9, 9, 9)'])
    expect(svg).toContain(text)
  expect(barsTable(items, axis, 'Layer').rows).toEqual([
    ['conv1 <b>', 0.5, 0.4, 0.6, 'measured', 'settled'],
    ['conv2', 0.1, null, null, 'estimated', null],
  ])
})

it('draws a heat map in which what is not known stays empty', () => {
  const rows = [
    { id: 'r1', label: 'conv1' },
    { id: 'r2', label: 'conv2' },
  ]
  const columns = [
    { id: 'c1', label: 'int8' },
    { id: 'c2', label: 'int4' },
  ]
  const cells = [
    { row: 'r1', column: 'c1', value: 0.001, low: 0, high: 0.002 },
    { row: 'r2', column: 'c2', value: 0.1 },
  ]
  const look = { rows, columns, cells, axis: { label: 'ΔKL', log: true }, selected: new Set<string>() }
  const svg = chartAsSvg(heatOption(look, theme, size), 600, 300)
  for (const text of ['conv1', 'int4', '0.001', '0.1', 'log']) expect(svg).toContain(text)
  expect(heatTable(look, 'Layer', 'Configuration').rows).toEqual([
    ['conv1', 0.001, null, 0, 0.002, null, null],
    ['conv2', null, 0.1, null, null, null, null],
  ])
})

it('draws points with their front, limits and names', () => {
  const look = {
    points: [
      { id: 'a', label: 'hybrid-1', measured: { x: 1, y: 2, yInterval: [1, 3] as const }, predicted: { x: 1, y: 1.5 } },
      { id: 'b', label: 'hybrid-2', measured: { x: 3, y: 1 }, predicted: null },
    ],
    x: { label: 'size', unit: 'MB', better: 'less' as const },
    y: { label: 'drop', unit: 'points', better: 'less' as const },
    limits: [{ axis: 'y' as const, value: 1.2, label: 'at most 1.2' }],
    selected: new Set(['b']),
    hovered: null,
  }
  const svg = chartAsSvg(scatterOption(look, theme), 600, 300)
  for (const text of ['hybrid-1', 'hybrid-2', 'at most 1.2', 'size (MB) ↓']) expect(svg).toContain(text)
  expect(scatterTable(look, 'Plan').rows[0]).toEqual(['hybrid-1', 1, 2, 1, 1.5, null, null, 1, 3, 'yes'])
})

it('draws curves, names those whose ends keep apart, and keeps colours by series', () => {
  const series = [
    {
      id: 'a',
      label: 'minMax',
      points: [
        { x: 0, y: 1, low: 0, high: 2 },
        { x: 1, y: 2, low: 1, high: 3 },
      ],
    },
    {
      id: 'b',
      label: 'entropy',
      points: [
        { x: 0, y: 1 },
        { x: 1, y: 2.001 },
      ],
    },
    {
      id: 'c',
      label: 'mse',
      points: [
        { x: 0, y: null },
        { x: 1, y: 0.5 },
      ],
      estimated: true,
      like: 'a',
    },
  ]
  const colours = coloursOf(series, theme)
  expect([...colours.values()]).toEqual(['rgb(1, 1, 1)', 'rgb(2, 2, 2)', 'rgb(1, 1, 1)'])
  const x = { kind: 'value' as const, label: 'bits' }
  const look = {
    series,
    colours,
    x,
    y: { label: 'top-1' },
    marks: [{ x: 1, label: 'chosen' }],
    levels: [{ y: 3, label: 'float' }],
    selected: new Set(['b']),
  }
  expect([...namedAtEnd(look, 300)]).toEqual(['b', 'c'])
  const svg = chartAsSvg(linesOption(look, theme, size), 600, 300)
  for (const text of ['entropy', 'mse', 'chosen', 'float', 'bits']) expect(svg).toContain(text)
  expect(linesTable(look).rows[0]).toEqual(['minMax', 0, 1, 0, 2])
})

it('breaks a line of parallel coordinates where a value is missing, on axes of words too', () => {
  const axes = [
    { id: 'k', label: 'kind', words: ['evaluate', 'quantize'] },
    { id: 'd', label: 'data', words: ['cifar10'] },
    { id: 's', label: 'size' },
    { id: 't', label: 'top-1' },
  ]
  const items = [
    { id: 'a', label: 'A', values: ['quantize', 'cifar10', 1, 90] },
    { id: 'b', label: 'B', values: ['evaluate', null, 2, 80] },
    { id: 'c', label: 'C', values: ['evaluate', null, 3, null] },
  ]
  expect(piecesOf({ axes, items })).toEqual([
    { item: 0, from: 0, to: 4 },
    { item: 1, from: 2, to: 4 },
  ])
  const look = { axes, items, colourBy: null, selected: new Set<string>(), hovered: null }
  const svg = chartAsSvg(parallelOption(look, theme, size), 600, 300)
  for (const text of ['evaluate', 'quantize', 'cifar10']) expect(svg).toContain(text)
})

it('moves the name of a point down where another one stands', () => {
  const place = { y: 90, xInterval: null, yInterval: null }
  const look = {
    points: ['alpha', 'beta', 'gamma'].map((label, i) => ({
      id: label,
      label,
      measured: { ...place, x: 1 + i * 0.001, y: 90 - i * 1.5 },
      predicted: null,
    })),
    x: { label: 'size' },
    y: { label: 'top-1' },
    limits: [],
    selected: new Set<string>(),
    hovered: null,
  }
  const far = { id: 'far', label: 'far', measured: { ...place, x: 2, y: 10 }, predicted: null }
  const svg = chartAsSvg(scatterOption({ ...look, points: [...look.points, far] }, theme), 600, 300)
  const heights = ['alpha', 'beta', 'gamma'].map((name) => {
    const found = new RegExp(`translate\\([\\d.]+ ([\\d.]+)\\)"[^>]*>${name}<`).exec(svg)
    return Number(found?.[1])
  })
  expect(heights.every(Number.isFinite)).toBe(true)
  const sorted = heights.toSorted((a, b) => a - b)
  expect(Math.min(sorted[1]! - sorted[0]!, sorted[2]! - sorted[1]!)).toBeGreaterThanOrEqual(12)
})

it('draws parallel axes of numbers and words; a missing value breaks its line', () => {
  const look = {
    axes: [
      { id: 'k', label: 'calibrator', words: ['entropy', 'minMax'] },
      { id: 's', label: 'size', unit: 'MB' },
    ],
    items: [
      { id: 'a', label: 'A', values: ['minMax', 1.5] },
      { id: 'b', label: 'B', values: ['entropy', null] },
    ],
    colourBy: null,
    selected: new Set<string>(),
    hovered: null,
  }
  expect(colourAxis(look)).toBe(1)
  expect(colourAxis({ ...look, colourBy: 'k' })).toBe(1)
  const svg = chartAsSvg(parallelOption(look, theme, size), 600, 300)
  for (const text of ['calibrator', 'minMax', 'size (MB)']) expect(svg).toContain(text)
  expect(parallelTable(look, 'Run').rows).toEqual([
    ['A', 'minMax', 1.5],
    ['B', 'entropy', null],
  ])
})
