import { expect, it } from 'vitest'
import { intervalsOfRun } from '../../../src/main/jobs/run-intervals.ts'
import type { Json } from '../../../src/shared/contract/runs.ts'
import { runDetail } from '../../builders/runs.ts'

it.each<{ why: string; metrics: Record<string, number>; results: Json; intervals: object }>([
  {
    why: 'an evaluation says its paired difference',
    metrics: { drop: 0.01 },
    results: { evaluation: { result: { drop: { value: 0.01, low: -0.002, high: 0.022 } } } },
    intervals: { drop: [-0.002, 0.022] },
  },
  {
    why: 'a bench says that of its speedup',
    metrics: { speedup: 2, medianMs: 3 },
    results: { interval: { low: 1.9, high: 2.2 } },
    intervals: { speedup: [1.9, 2.2] },
  },
  {
    why: 'a search says those of its best plan',
    metrics: { drop: 0.004, speedup: 2, floatLayers: 3 },
    results: { best: { dropInterval: [-0.001, 0.009], speedupInterval: null } },
    intervals: { drop: [-0.001, 0.009] },
  },
  { why: 'sizes are exact', metrics: { bytes: 100 }, results: null, intervals: {} },
  {
    why: 'an interval of a metric that the run has not is none',
    metrics: {},
    results: { interval: { low: 1, high: 2 } },
    intervals: {},
  },
])('$why', ({ metrics, results, intervals }) => {
  expect(intervalsOfRun(runDetail({ metrics, results }))).toEqual(intervals)
})

it('gives a share of samples its Wilson interval', () => {
  const { top1 } = intervalsOfRun(runDetail({ metrics: { top1: 0.7, samples: 100 } }))
  expect(top1![0]).toBeCloseTo(0.604, 3)
  expect(top1![1]).toBeCloseTo(0.781, 3)
})
