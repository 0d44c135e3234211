import { expect, it, vi } from 'vitest'
import { useAnswerStore } from '../../../../src/renderer/stores/answer.ts'
import { usePlanStore } from '../../../../src/renderer/stores/plan.ts'
import { useSamplesStore } from '../../../../src/renderer/stores/samples.ts'
import { useSearchStore } from '../../../../src/renderer/stores/search.ts'
import type { CandidateView } from '../../../../src/shared/contract/api/job-results.ts'
import { defaultPlan } from '../../../../src/shared/contract/plan.ts'
import { insightWindow, job, PATH, run } from './insight-window.ts'

function candidate(key: string, bytes: number): CandidateView {
  return {
    key,
    plan: defaultPlan,
    floatLayers: [],
    top1: 0.9,
    agreement: null,
    drop: 0,
    dropInterval: null,
    bytes,
    speedup: null,
    speedupInterval: null,
    medianMs: null,
    predicted: { drop: null, bytes, speedup: 1 },
  }
}

it('goes for the goal and keeps the best so far while plans come in', async () => {
  const { feed, state, models } = insightWindow()
  await models.open(PATH)
  useSamplesStore().chooseBuiltIn()
  const search = useSearchStore()
  search.aim({ maxLoss: 1, maxFloatLayers: 2 })
  expect(await search.start()).toBe(true)
  expect(state.started).toMatchObject([{ kind: 'search', maxDrop: 0.01, maxFloatLayers: 2, strategy: 'knapsack' }])
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'partial', partial: { kind: 'candidate', candidate: candidate('a', 9), best: true } })
  feed.tell({ kind: 'partial', partial: { kind: 'candidate', candidate: candidate('b', 8), best: true } })
  feed.tell({ kind: 'partial', partial: { kind: 'candidate', candidate: candidate('c', 7), best: false } })
  await vi.waitFor(() => expect(search.candidates).toHaveLength(3))
  expect(search.best?.key).toBe('b')
  expect(search.searchedFor).toMatchObject({ maxLoss: 1 })
  feed.tell({
    kind: 'done',
    job: job('search', { state: 'done', run: 'r1' }),
    result: {
      kind: 'search',
      run: 'r1',
      output: '/plan.json',
      strategy: 'knapsack',
      dropKind: 'top1',
      best: candidate('c', 7),
      base: candidate('a', 9),
      front: [candidate('c', 7)],
      misses: ['the drop is 0.02, asked was at most 0.01'],
      trials: 3,
      measuredNow: 3,
      referenceBytes: 36,
      wallMs: 5,
      warnings: [],
    },
  })
  await vi.waitFor(() => expect(search.best?.key).toBe('c'))
  expect(search.misses).toHaveLength(1)
  expect(search.isActive).toBe(false)
})

it('keeps goal and settings for the next window', async () => {
  const { models } = insightWindow()
  await models.open(PATH)
  const search = useSearchStore()
  search.aim({ aim: 'front' })
  search.set({ configs: ['8', '6'] })
  expect(JSON.parse(localStorage.getItem('quantbench.goal')!)).toMatchObject({ aim: 'front' })
  expect(JSON.parse(localStorage.getItem('quantbench.search')!)).toMatchObject({ configs: ['8', '6'] })
})

/** A measured plan whose layer `conv` is in float. */
const withFloat = (key: string, bytes: number): CandidateView => ({
  ...candidate(key, bytes),
  plan: { ...defaultPlan, layers: { conv: 'float' } },
  floatLayers: ['conv'],
  drop: 0.02,
  speedup: 3,
})

it('makes the bottom line say what the search has measured of the plan on the graph', async () => {
  const { feed, models } = insightWindow()
  await models.open(PATH)
  useSamplesStore().chooseBuiltIn()
  const search = useSearchStore()
  const answer = useAnswerStore()
  await search.start()
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'job', job: job('search', { run: 'r1' }) })
  feed.tell({ kind: 'partial', partial: { kind: 'candidate', candidate: withFloat('a', 9), best: true } })
  await vi.waitFor(() => expect(search.candidates).toHaveLength(1))
  expect(answer.measured).toBeNull()
  usePlanStore().replace(search.best!.plan, 'taken')
  expect(answer.measured).toMatchObject({ run: 'r1', bytes: 9, drop: 0.02, referenceTop1: 0.92, speed: { speedup: 3 } })
  expect(answer.answers.map(({ isMeasuredNow }) => isMeasuredNow)).toEqual([true, true, true])
  // an edit is held against what was measured before it
  usePlanStore().change(['fc'], { kind: 'float' })
  await vi.waitFor(() => expect(answer.former).toMatchObject({ run: 'r1', bytes: 9 }))
})

it('knows what former searches measured as soon as the model is open', async () => {
  const { predicted, plan, floatLayers, ...numbers } = withFloat('a', 9)
  const found = { ...numbers, predicted, float: floatLayers, layers: plan.layers }
  const results = { base: { ...found, float: [], layers: {} }, best: found, front: [], misses: [] }
  const { models } = insightWindow({
    runs: [run('r7', { kind: 'search', results: JSON.parse(JSON.stringify(results)) })],
  })
  await models.open(PATH)
  const answer = useAnswerStore()
  await vi.waitFor(() => expect(answer.measured).toMatchObject({ run: 'r7', bytes: 9 }))
})
