import { expect, it, vi } from 'vitest'
import { useBitsPlans } from '../../../../src/renderer/components/bits/use-bits-plans.ts'
import { useBitsStore } from '../../../../src/renderer/stores/bits.ts'
import { usePlanStore } from '../../../../src/renderer/stores/plan.ts'
import { useSamplesStore } from '../../../../src/renderer/stores/samples.ts'
import type { JobResultOf, SweepPointView } from '../../../../src/shared/contract/api/job-results.ts'
import type { JobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import { defaultPlan } from '../../../../src/shared/contract/plan.ts'
import { insightWindow, job, PATH, run } from './insight-window.ts'

const reference = { top1: 0.95, loss: 0.2, bytes: 4_000_000 }
const point = (bits: number, more: Partial<SweepPointView> = {}): SweepPointView => ({
  what: 'weights',
  bits,
  top1: 0.9,
  loss: 0.3,
  agreement: 0.97,
  sqnrDb: 20,
  drop: 0.05,
  interval: { low: 0.04, high: 0.06 },
  bytes: 1_000_000,
  ...more,
})
const parameters = {
  bits: [4, 8],
  curves: ['weights'],
  template: { ...defaultPlan, repairs: ['bias'] },
  samples: { data: { kind: 'synthetic-digits' }, seed: 3 },
}
const results = {
  points: [{ what: 'weights', bits: 4, top1: 0.9, drop: 0.05, interval: [0.04, 0.06], bytes: 1_000_000 }],
  reference,
}
const doneResult: JobResultOf<'sweep'> = {
  kind: 'sweep',
  run: 'r1',
  points: [point(4), point(8)],
  reference,
  files: { json: '/a.json', csv: '/a.csv', svg: '/a.svg' },
  samples: 100,
  measured: 2,
  found: 0,
  wallMs: 5,
  warnings: [],
}

it('asks for what is chosen, takes points as they come, and puts the plan of one on the graph', async () => {
  const { feed, state, models } = insightWindow({
    runs: [run('r1', { kind: 'sweep', parameters: parameters })],
  })
  await models.open(PATH)
  useSamplesStore().chooseBuiltIn()
  const bits = useBitsStore()
  bits.ask({ bits: [4, 8], curves: ['weights'], repairs: ['bias'], keepFloat: true })
  usePlanStore().replace({ ...defaultPlan, layers: { fc: 'float' } }, 'fc in float')
  await bits.start()
  const [sent] = state.started as Extract<JobRequest, { kind: 'sweep' }>[]
  expect(sent).toMatchObject({ kind: 'sweep', bits: [4, 8], curves: ['weights'] })
  expect(sent!.plan).toMatchObject({ repairs: ['bias'], layers: { fc: 'float' } })
  expect(bits.asked?.bits).toEqual([4, 8])

  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'job', job: job('sweep', { run: 'r1' }) })
  feed.tell({ kind: 'partial', partial: { kind: 'sweep', points: [point(4)], reference, samples: 100 } })
  await vi.waitFor(() => expect(bits.points).toHaveLength(1))
  expect(bits.isWhole).toBe(false)
  await vi.waitFor(() => expect(bits.plans.size).toBe(2))

  const { taken, take } = useBitsPlans()
  expect([...taken.value]).toEqual([])
  take('weights 4')
  expect(usePlanStore().plan.defaults.weights.bits).toBe(4)
  expect([...taken.value]).toEqual(['weights 4'])

  feed.tell({ kind: 'done', job: job('sweep', { state: 'done', run: 'r1' }), result: doneResult })
  await vi.waitFor(() => expect(bits.isWhole).toBe(true))
  expect(bits.points.map((one) => one.bits)).toEqual([4, 8])
  expect(bits.result?.measured).toBe(2)
  expect(JSON.parse(localStorage.getItem('quantbench.bits')!)).toMatchObject({ bits: [4, 8], keepFloat: true })
})

it('shows the newest former sweep, and goes on with one that was cut off as it was asked', async () => {
  const { state, models } = insightWindow({
    runs: [
      run('cut', { kind: 'sweep', status: 'interrupted', parameters: parameters }),
      run('old', {
        kind: 'sweep',
        parameters: parameters,
        results: results,
        metrics: { samples: 100 },
      }),
    ],
  })
  await models.open(PATH)
  const bits = useBitsStore()
  await bits.loadFormer()
  expect(bits.run).toBe('old')
  expect(bits.points).toMatchObject([{ what: 'weights', bits: 4, drop: 0.05 }])
  expect(bits.sampleCount).toBe(100)
  expect(bits.cutOff).toBeNull()
  await bits.open('cut')
  expect(bits.cutOff).toBe('cut')
  await bits.goOn('cut')
  expect(state.started).toMatchObject([
    { kind: 'sweep', bits: [4, 8], curves: ['weights'], samples: { seed: 3 }, plan: { repairs: ['bias'] } },
  ])
})

it('learns from the run what another window asked', async () => {
  const { feed, models, jobs } = insightWindow({
    jobs: [job('sweep', { run: 'r1' })],
    runs: [run('r1', { kind: 'sweep', status: 'running', parameters: parameters })],
  })
  await models.open(PATH)
  const bits = useBitsStore()
  await jobs.load()
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'partial', partial: { kind: 'sweep', points: [point(4)], reference, samples: 100 } })
  await vi.waitFor(() => expect(bits.asked?.bits).toEqual([4, 8]))
})
