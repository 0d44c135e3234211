import { describe, expect, it } from 'vitest'
import {
  AIMS,
  aimsFor,
  changedGoal,
  goalFrom,
  goalOfRun,
  goalText,
  requestOfGoal,
  usualGoal,
  type Aim,
  type Goal,
} from '../../../../src/renderer/insight/goal.ts'
import { jobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import type { Json } from '../../../../src/shared/contract/runs.ts'

const settings = { configs: [], repairs: [], maxTrials: null }
const samples = { data: { kind: 'synthetic-digits' as const } }

it.each<{ why: string; goal: Goal; text: string }>([
  {
    why: 'limits come first, then the aim',
    goal: { ...usualGoal, maxFloatLayers: 3 },
    text: 'Lose at most 0.5 points, then make it as small as possible, with at most 3 float layers.',
  },
  {
    why: 'one is singular',
    goal: { ...usualGoal, maxLoss: 1, maxFloatLayers: 1, aim: 'fewFloat' },
    text: 'Lose at most 1 point, then keep as few layers in float as possible, with at most 1 float layer.',
  },
  {
    why: 'size and speed are limits too',
    goal: { maxLoss: null, maxSize: { value: 25, unit: '%' }, minSpeedup: 2, maxFloatLayers: null, aim: 'leastLoss' },
    text: 'Take at most 25 % of the size, be at least 2 times as fast, then lose as little as possible.',
  },
  {
    why: 'without limits the aim stands alone',
    goal: { ...usualGoal, maxLoss: null, aim: 'front' },
    text: 'Show what can be had for what.',
  },
])('$why: $text', ({ goal, text }) => {
  expect(goalText(goal)).toBe(text)
})

describe('the request', () => {
  it('says the goal in the units of the contract, which takes it', () => {
    const goal: Goal = { ...usualGoal, maxSize: { value: 25, unit: '%' }, maxFloatLayers: 3, aim: 'leastLoss' }
    const request = requestOfGoal(goal, { ...settings, repairs: ['bias'] }, '/m.onnx', samples)
    expect(request).toMatchObject({ strategy: 'knapsack', maxDrop: 0.005, maxSize: { share: 0.25 }, maxFloatLayers: 3 })
    expect(jobRequest.safeParse(request).success).toBe(true)
  })

  it('leaves fewer bits to choose from only where a small file is asked for', () => {
    const configs = (change: Partial<Goal>) =>
      requestOfGoal({ ...usualGoal, ...change }, settings, '/m.onnx', samples).configs
    expect(configs({ aim: 'small' })).toBe('8,int4')
    expect(configs({ aim: 'fewFloat' })).toBeNull()
    expect(requestOfGoal(usualGoal, { ...settings, configs: ['8', '6'] }, '/m.onnx', samples).configs).toBe('8,6')
  })

  it.each<Goal>([
    usualGoal,
    { ...usualGoal, aim: 'fewFloat' },
    { ...usualGoal, aim: 'front', maxLoss: null },
    { maxLoss: 1.5, maxSize: { value: 1.25, unit: 'MB' }, minSpeedup: 1.5, maxFloatLayers: 0, aim: 'leastLoss' },
  ])('is read back from the run as the goal it was: $aim', (goal) => {
    const own = { configs: ['8', 'int4'], repairs: ['bias' as const], maxTrials: 12 }
    const { kind: _, model: __, ...parameters } = requestOfGoal(goal, own, '/m.onnx', samples)
    expect(goalOfRun(parameters as unknown as Json)).toEqual({ goal, settings: own })
  })
})

describe('aims', () => {
  it('give way to one that goes with the limits', () => {
    const budgeted = changedGoal(usualGoal, { minSpeedup: 2 })
    expect(budgeted.aim).toBe('leastLoss')
    expect(changedGoal(budgeted, { minSpeedup: null }).aim).toBe('small')
    expect(changedGoal({ ...usualGoal, aim: 'front' }, { minSpeedup: 2 }).aim).toBe('front')
  })

  it('each go with some limits', () => {
    const all = new Set([
      ...aimsFor({ maxSize: null, minSpeedup: null }),
      ...aimsFor({ maxSize: { value: 1, unit: 'MB' }, minSpeedup: null }),
    ])
    expect(all).toEqual(new Set(Object.keys(AIMS) as Aim[]))
  })
})

it('starts with the usual goal where what was kept cannot be read', () => {
  expect(goalFrom('{"aim":"fly"}')).toEqual(usualGoal)
  expect(goalFrom('no JSON')).toEqual(usualGoal)
  expect(goalFrom(JSON.stringify({ ...usualGoal, maxLoss: 2 })).maxLoss).toBe(2)
})
