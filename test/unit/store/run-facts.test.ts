import { expect, it, onTestFinished } from 'vitest'
import { intervalsOf } from '../../../src/main/jobs/run-intervals.ts'
import { openStore, type Store } from '../../../src/main/store/store.ts'
import { writeManyRuns } from '../../builders/many-runs.ts'
import { temporaryFolder } from '../../builders/temporary.ts'

const NEWEST = { by: 'startedAt', descending: true }

function filledStore(count: number): { readonly store: Store; readonly ids: readonly string[] } {
  const home = temporaryFolder()
  const ids = writeManyRuns(home, count, 3)
  const store = openStore(home)
  onTestFinished(() => store.close())
  return { store, ids }
}

it('gives the ids of all runs a filter keeps, in the order of its pages', () => {
  const { store } = filledStore(60)
  for (const sort of [
    NEWEST,
    { by: 'metric:top1', descending: false },
    { by: 'modelPath', descending: true },
    { by: 'parameter:plan.calibration', descending: false },
  ]) {
    const page = store.runs.page({ filter: { kinds: ['bench'] }, sort, offset: 0, limit: 100 })
    expect(store.facts.ids({ filter: { kinds: ['bench'] }, sort })).toEqual(page.runs.map(({ id }) => id))
  }
})

it('picks the parts of intervals out of the results', () => {
  const { store, ids } = filledStore(3)
  const [record] = store.facts.intervalRecords([ids[2]!, 'none'])
  const { drop, speedup } = store.runs.get(ids[2]!).metrics
  expect(record).toMatchObject({ id: ids[2], metrics: { drop, speedup } })
  const intervals = intervalsOf(record!.metrics, record!.parts)
  expect(intervals['drop']).toEqual([drop! - 0.006, drop! + 0.008])
  expect(intervals['speedup']).toEqual([speedup! - 0.1, speedup! + 0.12])
})

it('knows the parameters of runs by their paths', () => {
  const { store, ids } = filledStore(4)
  expect(store.facts.parameterPaths().map(({ path }) => path)).toEqual([
    'model',
    'plan.bits',
    'plan.calibration',
    'seed',
    'threads',
  ])
  const found = store.facts.parameters([ids[1]!], ['plan.bits', 'seed', 'nothing', 'plan'])
  expect(found[ids[1]!]!.slice(0, 3)).toEqual([8, 1, null])
})

it('sorts by a parameter', () => {
  const { store } = filledStore(12)
  const ids = store.facts.ids({ filter: {}, sort: { by: 'parameter:seed', descending: false } })
  expect(ids.map((id) => (store.runs.get(id).parameters as { seed: number }).seed)).toEqual([...Array(12).keys()])
})
