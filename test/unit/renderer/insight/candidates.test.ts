import { describe, expect, it } from 'vitest'
import {
  axisOfCriterion,
  candidateText,
  dropKindOf,
  dropText,
  limitsOf,
  mergeCandidate,
  pointsOf,
  sizeUnitOf,
} from '../../../../src/renderer/insight/candidates.ts'
import { usualGoal } from '../../../../src/renderer/insight/goal.ts'
import { candidatesOfRun } from '../../../../src/renderer/insight/search-run.ts'
import type { CandidateView } from '../../../../src/shared/contract/api/job-results.ts'
import { defaultPlan, type QuantPlan } from '../../../../src/shared/contract/plan.ts'
import type { Json } from '../../../../src/shared/contract/runs.ts'

function candidate(key: string, more: Partial<CandidateView> = {}): CandidateView {
  return {
    key,
    plan: defaultPlan,
    floatLayers: [],
    top1: 0.9,
    agreement: 0.95,
    drop: 0.01,
    dropInterval: [0, 0.02],
    bytes: 2e6,
    speedup: null,
    speedupInterval: null,
    medianMs: null,
    predicted: { drop: null, bytes: 2.1e6, speedup: 1.8 },
    ...more,
  }
}

describe('points', () => {
  it('are solid where measured and hollow where predicted; what is known in neither way is left out', () => {
    const known = candidate('a', { predicted: { drop: 0.02, bytes: 2.1e6, speedup: 1.8 } })
    const [point] = pointsOf([known], { x: 'bytes', y: 'drop', kind: 'top1', best: 'a' })
    expect(point).toMatchObject({
      label: 'best: all at 8 bits',
      measured: { x: 2, y: 1, yInterval: [0, 2] },
      predicted: { x: 2.1, y: 2 },
    })
    expect(pointsOf([candidate('b')], { x: 'speedup', y: 'drop', kind: 'top1', best: null })).toEqual([])
  })

  it('are drawn in the unit that suits the largest file', () => {
    expect(sizeUnitOf([candidate('a', { bytes: 46_000 })]).name).toBe('kB')
    expect(sizeUnitOf([candidate('a')]).name).toBe('MB')
    expect(axisOfCriterion('bytes', 'top1', { bytes: 1e3, name: 'kB' })).toEqual({
      label: 'size',
      unit: 'kB',
      better: 'less',
    })
  })

  it('stand under the limits of the goal, a share of the size as bytes', () => {
    const goal = { ...usualGoal, maxSize: { value: 25, unit: '%' as const } }
    const unit = { bytes: 1e6, name: 'MB' as const }
    expect(limitsOf(goal, ['bytes', 'drop'], unit, 4e6)).toEqual([
      { axis: 'x', value: 1, label: 'most size asked for' },
      { axis: 'y', value: 0.5, label: 'most loss asked for' },
    ])
    expect(limitsOf(goal, ['bytes', 'speedup'], unit, null)).toEqual([])
  })
})

describe('words', () => {
  it('tell drops of rates in points, other noise as it is', () => {
    expect(dropText(0.0042, 'top1')).toBe('0.42 points')
    expect(dropText(0.0042, 'nsr')).toBe('0.0042')
    expect(dropText(null, 'top1')).toBe('–')
  })

  it('say what a drop is a drop of', () => {
    expect(dropKindOf({ top1: 0.5, agreement: 1 })).toBe('top1')
    expect(dropKindOf({ top1: null, agreement: 1 })).toBe('disagreement')
    expect(dropKindOf({ top1: null, agreement: null })).toBe('nsr')
  })
})

it.each<{ why: string; floatLayers: string[]; layers: QuantPlan['layers']; text: string }>([
  { why: 'nothing apart', floatLayers: [], layers: {}, text: 'all at 8 bits' },
  {
    why: 'float and fewer bits',
    floatLayers: ['a'],
    layers: {
      a: 'float',
      b: { weights: { bits: 4, storage: 'int4' } },
      c: { weights: { bits: 6 } },
      d: { weights: { bits: 8 } },
      e: {},
    },
    text: '1 float, 1 int4, 1 at 6 bits',
  },
])('a plan is told by what is apart: $why', ({ floatLayers, layers, text }) => {
  expect(candidateText({ floatLayers, plan: { ...defaultPlan, layers } })).toBe(text)
})

it('a plan that comes again takes the place of the earlier one', () => {
  const merged = mergeCandidate([candidate('a'), candidate('b')], candidate('a', { speedup: 2 }))
  expect(merged.map(({ key, speedup }) => [key, speedup])).toEqual([
    ['a', 2],
    ['b', null],
  ])
})

describe('a stored search', () => {
  const summary = (layers: Record<string, Json>, bytes: number): Json => ({
    float: Object.keys(layers),
    drop: 0.01,
    dropInterval: null,
    bytes,
    speedup: 2,
    speedupInterval: [1.9, 2.1],
    predicted: { drop: 0.02, bytes, speedup: 1.9, damage: 1 },
    layers,
  })
  const results: Json = {
    base: summary({}, 1e6),
    best: summary({ a: 'float' }, 1.1e6),
    front: [summary({}, 1e6), summary({ a: 'float' }, 1.1e6)],
    misses: [{ target: 'maxDrop', asked: 0.005, found: 0.01, by: 0.5 }],
  }

  it('gives its plans back, each once, with the defaults of the best', () => {
    const plan = { ...defaultPlan, repairs: ['bias' as const] }
    const { candidates, best, misses } = candidatesOfRun(results, plan)
    expect(candidates.map(({ floatLayers, plan: own }) => [floatLayers, own.layers, own.repairs])).toEqual([
      [[], {}, ['bias']],
      [['a'], { a: 'float' }, ['bias']],
    ])
    expect(best).toBe(candidates[1]!.key)
    expect(misses).toEqual(['The loss is 1 point; at most 0.5 points was asked for.'])
  })

  it('gives nothing where it kept nothing of the kind', () => {
    expect(candidatesOfRun({ best: null }, defaultPlan)).toEqual({ candidates: [], best: null, misses: [] })
  })
})
