import { expect, it } from 'vitest'
import { compareRuns } from '../../../src/main/jobs/compare-runs.ts'
import { layerResult, runDetail } from '../../builders/runs.ts'

const base = runDetail({ id: 'a', metrics: { top1: 0.9, bytes: 100 }, parameters: { plan: { bits: 8 }, seed: 1 } })

it('shows only the settings that differ, by their dotted path', () => {
  const other = runDetail({ id: 'b', parameters: { plan: { bits: 4 }, seed: 1, extra: [1, 2] } })
  expect(compareRuns([base, other]).settings).toEqual([
    { name: 'parameters.plan.bits', values: [8, 4] },
    { name: 'parameters.extra', values: [null, [1, 2]] },
  ])
})

it('gives metrics side by side with deltas against the first run', () => {
  const other = runDetail({ id: 'b', metrics: { top1: 0.85, ms: 3 } })
  const { metrics } = compareRuns([base, other])
  expect(metrics.map(({ name }) => name)).toEqual(['bytes', 'ms', 'top1'])
  expect(metrics[0]).toMatchObject({ values: [100, null], deltas: [0, null] })
  expect(metrics[1]).toMatchObject({ values: [null, 3], deltas: [null, null] })
  expect(metrics[2]!.deltas[1]).toBeCloseTo(-0.05, 12)
})

it('lists the layers whose type or execution differs, not those whose time does', () => {
  const first = runDetail({
    id: 'a',
    layers: [layerResult(), layerResult({ id: 'conv2' }), layerResult({ id: 'gone' })],
  })
  const second = runDetail({
    id: 'b',
    layers: [layerResult({ ms: 9 }), layerResult({ id: 'conv2', type: 'float', execution: 'float' })],
  })
  const { layers } = compareRuns([first, second])
  expect(layers.map(({ id, types }) => [id, ...types])).toEqual([
    ['conv2', 'int8', 'float'],
    ['gone', 'int8', null],
  ])
})
