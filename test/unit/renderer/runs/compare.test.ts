import { expect, it } from 'vitest'
import { compareRuns } from '../../../../src/main/jobs/compare-runs.ts'
import {
  layerRows,
  letterOf,
  overlayOf,
  settingName,
  settingsOf,
  settingText,
  wordsOf,
} from '../../../../src/renderer/runs/compare.ts'
import { curveSets } from '../../../../src/renderer/runs/curves.ts'
import {
  firstPair,
  parallelOf,
  runningMedian,
  scatterOf,
  sharedMetrics,
  trendSeries,
} from '../../../../src/renderer/runs/pictures.ts'
import { layerResult, runDetail } from '../../../builders/runs.ts'

const first = runDetail({
  id: 'a',
  metrics: { top1: 0.7, bytes: 2e6, speedup: 2, samples: 100 },
  parameters: { plan: { bits: 8 }, calibration: 'minMax', layers: ['x'] },
  results: { interval: { low: 1.9, high: 2.1 } },
  layers: [layerResult({ ms: 0.5 }), layerResult({ id: 'conv2', ms: 1 }), layerResult({ id: 'gone', ms: null })],
})
const second = runDetail({
  id: 'b',
  metrics: { top1: 0.69, bytes: 1e6, samples: 100 },
  parameters: { plan: { bits: 4 }, calibration: 'mse', layers: ['y'] },
  layers: [layerResult({ ms: 0.75 }), layerResult({ id: 'conv2', type: 'float', execution: 'float', ms: 3 })],
})

it('names runs by letters and words', () => {
  expect([letterOf(0), letterOf(19)]).toEqual(['A', 'T'])
  expect(wordsOf(first)).toBe('quantize · model.onnx')
  expect(wordsOf({ ...first, note: 'best so far\nmore' })).toBe('best so far')
})

it('lays all settings side by side', () => {
  const settings = settingsOf([first, second])
  expect(settings.find(({ name }) => name === 'parameters.plan.bits')?.values).toEqual([8, 4])
  expect(settings.map(({ name }) => settingName(name))).toEqual([
    'kind',
    'model (content)',
    'data (content)',
    'plan.bits',
    'calibration',
    'layers',
  ])
  expect([settingText(null), settingText(['x']), settingText('mse'), settingText(`sha256:${'ab'.repeat(32)}`)]).toEqual(
    ['–', '["x"]', 'mse', 'abababababab'],
  )
})

it('lays layers side by side, and what the graph shows of them', () => {
  const rows = layerRows([first, second])
  expect(rows.map(({ id, differs }) => [id, differs])).toEqual([
    ['conv1', false],
    ['conv2', true],
    ['gone', true],
  ])
  expect(rows.map(({ spreadMs }) => spreadMs)).toEqual([0.25, 2, null])
  const overlay = overlayOf(rows, 1)
  expect([...overlay.changed]).toEqual(['conv2', 'gone'])
  expect([...overlay.slowerMs]).toEqual([
    ['conv1', 0.25],
    ['conv2', 2],
  ])
})

it('asks only runs that say anything of layers whether one differs', () => {
  const silent = runDetail({ id: 's', kind: 'evaluate' })
  expect(layerRows([silent, first]).map(({ differs }) => differs)).toEqual([false, false, false])
})

it('takes no layers from scans: they have one row a configuration', () => {
  expect(layerRows([runDetail({ kind: 'sensitivity', layers: [layerResult()] })])).toEqual([])
})

it('makes points and lines of a comparison', () => {
  const comparison = compareRuns([first, second])
  expect(sharedMetrics(comparison)).toEqual(['top1', 'bytes', 'samples'])
  expect(firstPair(['top1', 'bytes', 'samples'])).toEqual(['bytes', 'top1'])
  expect(firstPair(['top1'])).toBeNull()
  const [point] = scatterOf(comparison, 'bytes', 'top1', ['A', 'B'])
  expect(point).toMatchObject({ id: 'a', label: 'A', measured: { x: 2, y: 70, xInterval: null } })
  expect(point!.measured!.yInterval![0]).toBeCloseTo(60.4, 1)
  expect(scatterOf(comparison, 'bytes', 'speedup', ['A', 'B']).map(({ id }) => id)).toEqual(['a'])
  const { axes, items } = parallelOf(comparison, ['A', 'B'])
  expect(axes.map(({ id, words }) => [id, words])).toEqual([
    ['plan.bits', undefined],
    ['calibration', ['minMax', 'mse']],
    ['metric:top1', undefined],
    ['metric:bytes', undefined],
  ])
  expect(items[1]!.values).toEqual([4, 'mse', 69, 1])
})

it('overlays curves of layer times', () => {
  const [times] = curveSets([
    { name: 'A', run: first },
    { name: 'B', run: second },
  ])
  expect(times).toMatchObject({ id: 'times', x: { categories: ['conv1', 'conv2', 'gone'] } })
  expect(times!.series.map(({ points }) => points.map(({ y }) => y))).toEqual([
    [0.5, 1, null],
    [0.75, 3, null],
  ])
})

it('overlays scans by their metric, with intervals, a curve a configuration', () => {
  const scanned = runDetail({
    kind: 'sensitivity',
    layers: [
      layerResult({ type: '8', metrics: { kl: 0.1, low: 0.05, high: 0.2, rank: 1 } }),
      layerResult({ type: '4', metrics: { kl: 0.9 } }),
    ],
  })
  const quick = runDetail({ id: 'q', kind: 'sensitivity', layers: [layerResult({ metrics: { sqnrDb: 30 } })] })
  const sets = curveSets([
    { name: 'A', run: scanned },
    { name: 'B', run: quick },
  ])
  expect(sets.map(({ y }) => y.label)).toEqual(['KL to float', 'local SQNR'])
  expect(sets[0]!.series.map(({ label }) => label)).toEqual(['A 8', 'A 4'])
  expect(sets[0]!.series[0]!.points).toEqual([{ x: 0, y: 0.1, low: 0.05, high: 0.2, name: 'conv1' }])
})

it('overlays bit sweeps: the interval of a drop is turned into that of the accuracy', () => {
  const point = (bits: number, top1: number) => ({
    what: 'both',
    bits,
    top1,
    drop: 0.7 - top1,
    interval: [0.01, 0.03],
    bytes: 1000,
  })
  const reference = { top1: 0.7, loss: null, bytes: 4000 }
  const swept = runDetail({ kind: 'sweep', results: { points: [point(8, 0.68), point(4, 0.5)], reference } })
  const [set] = curveSets([{ name: 'A', run: swept }])
  expect(set!.series[0]!.points.map(({ x, y }) => [x, y])).toEqual([
    [4, 50],
    [8, 68],
  ])
  expect(set!.series[0]!.points[1]!.low).toBeCloseTo(67, 9)
  expect(set!.series[0]!.points[1]!.high).toBeCloseTo(69, 9)
})

it('overlays the fronts of searches by size', () => {
  const front = [
    { bytes: 2e6, drop: 0.01, dropInterval: [0, 0.02], floatLayers: 1 },
    { bytes: 1e6, drop: 0.04, dropInterval: null, floatLayers: 0 },
  ]
  const [set] = curveSets([{ name: 'A', run: runDetail({ kind: 'search', results: { front } }) }])
  expect(set!.series[0]!.points).toEqual([
    { x: 1, y: 4, name: '1.000 MB, 0 float layers' },
    { x: 2, y: 1, low: 0, high: 2, name: '2.000 MB, 1 float layers' },
  ])
})

it('has no curves of runs without any', () => {
  expect(curveSets([{ name: 'A', run: runDetail({ results: { points: 'none', front: [1, null] } }) }])).toEqual([])
})

it('draws trends a model, and medians where there are many runs', () => {
  const point = (i: number, modelHash: string | null) => ({
    run: `r${i}`,
    kind: 'bench',
    modelHash,
    at: new Date(i * 1000).toISOString(),
    value: i / 100,
  })
  const few = trendSeries([point(1, 'm'), point(2, null)], 'top1', (hash) => hash.toUpperCase())
  expect(few.map(({ label, points }) => [label, points[0]!.y])).toEqual([
    ['M', 1],
    ['no model', 2],
  ])
  const many = trendSeries(
    Array.from({ length: 50 }, (_, i) => point(i, 'm')),
    'top1',
    String,
  )
  expect(many.map(({ id, like, dotsOnly }) => [id, like, dotsOnly])).toEqual([
    ['m', undefined, true],
    ['m:median', 'm', undefined],
  ])
  expect(runningMedian([5, 1, 9, 2], 3)).toEqual([3, 5, 2, 5.5])
})
