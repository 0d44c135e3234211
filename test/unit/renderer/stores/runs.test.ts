import { expect, it, onTestFinished, vi } from 'vitest'
import { clicked } from '../../../../src/renderer/runs/list-selection.ts'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { useRunActionsStore } from '../../../../src/renderer/stores/run-actions.ts'
import { useRunComparisonStore } from '../../../../src/renderer/stores/run-comparison.ts'
import { useRunsStore } from '../../../../src/renderer/stores/runs.ts'
import { createRouter } from '../../../../src/main/hosts/router.ts'
import type { Store } from '../../../../src/main/store/store.ts'
import { writeManyRuns } from '../../../builders/many-runs.ts'
import { testApplication } from '../../../builders/application.ts'
import { runDetail } from '../../../builders/runs.ts'
import { testWindow } from '../host.ts'

/** Waits for what follows from an event of the host; long enough for a machine that does much else. */
const becomes = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 20 })

const ALONE = { extend: false, toggle: false }
const SHIFT = { extend: true, toggle: false }

/** A window over a true store with made-up runs. */
async function runsWindow(count: number) {
  const { app, home } = testApplication()
  writeManyRuns(home, count, 2)
  const router = createRouter(app)
  const host = testWindow({ runs: router.runs, plans: router.plans, models: router.models })
  const abort = new AbortController()
  void (async () => {
    for await (const event of app.events.follow([], abort.signal)) host.events.tell(event)
  })()
  onTestFinished(() => abort.abort())
  useAppStore().listen()
  const runs = useRunsStore()
  await runs.load()
  return { runs, actions: useRunActionsStore(), comparison: useRunComparisonStore(), store: app.store }
}

function addRun(store: Store, id: string, startedAt = '2026-05-01T00:00:00.000Z'): void {
  store.runs.restoreWhole([runDetail({ id, startedAt, metrics: { top1: 0.99 } })])
}

it('knows the order of all runs, and the rows around those on screen', async () => {
  const { runs } = await runsWindow(350)
  expect([runs.total, runs.ids![0], runs.rows.size]).toEqual([350, 'run00349', 100])
  runs.look(200, 220)
  await becomes(() => expect(runs.rows.has(runs.ids![210]!)).toBe(true))
  expect(runs.rows.has(runs.ids![349]!)).toBe(false)
  expect(runs.facets).toMatchObject({ total: 350, deleted: 0, baseline: null })
})

it('sorts by a metric and by a parameter, and remembers columns and order', async () => {
  const { runs } = await runsWindow(40)
  runs.sortBy('metric:top1')
  await becomes(() => expect(runs.busy).toBe(false))
  const values = runs.ids!.map((id) => runs.rows.get(id)!.metrics['top1']!)
  expect(values).toEqual(values.toSorted((a, b) => b - a))
  runs.showColumns(['kind', 'parameter:plan.calibration'])
  runs.sortBy('parameter:plan.calibration')
  await becomes(() => expect(runs.parameters.get(runs.ids![0]!)?.['plan.calibration']).toBe('entropy'))
  expect(JSON.parse(localStorage.getItem('quantbench.runs')!)).toMatchObject({
    columns: ['kind', 'parameter:plan.calibration'],
    sort: { by: 'parameter:plan.calibration', descending: false },
  })
})

it('remembers how wide a column was made', async () => {
  const { runs } = await runsWindow(1)
  runs.resizeColumn('kind', 300.2)
  expect(runs.columns.find(({ id }) => id === 'kind')!.width).toBe(300)
  await becomes(() =>
    expect(JSON.parse(localStorage.getItem('quantbench.runs')!)).toMatchObject({ widths: { kind: 300 } }),
  )
})

it('narrows by what is typed and by chips, and keeps what stays selected', async () => {
  const { runs } = await runsWindow(60)
  runs.select(clicked(clicked(runs.selection, 'run00001', ALONE, runs.ids!), 'run00000', SHIFT, runs.ids!))
  runs.narrow({ kinds: ['quantize'] })
  await becomes(() => expect(runs.total).toBe(10))
  expect(runs.selected).toEqual(['run00000'])
  runs.search('run00006')
  await becomes(() => expect(runs.ids).toEqual(['run00006']))
  expect(runs.narrowed).toBe(true)
})

it('takes up new and changed runs without losing the selection', async () => {
  const { runs, actions, store } = await runsWindow(20)
  runs.show('run00003')
  addRun(store, 'new')
  await actions.note('run00003', 'look at this') // its event makes the list ask anew
  await becomes(() => expect(runs.ids![0]).toBe('new'))
  await becomes(() => expect(runs.rows.get('run00003')?.note).toBe('look at this'))
  expect(runs.selected).toEqual(['run00003'])
})

it('moves runs to the trash, and back by undo', async () => {
  const { runs, actions, comparison } = await runsWindow(12)
  await actions.remove(['run00002', 'run00005'])
  await becomes(() => expect(runs.total).toBe(10))
  expect(actions.done?.text).toBe('2 runs moved to the trash.')
  runs.narrow({ deleted: true })
  await becomes(() => expect(runs.ids).toEqual(['run00005', 'run00002']))
  runs.show('run00002') // what lies there can be looked at
  await becomes(() => expect(comparison.single?.id).toBe('run00002'))
  await actions.done!.undo!()
  await becomes(() => expect(runs.total).toBe(0))
  runs.narrow({})
  await becomes(() => expect(runs.total).toBe(12))
})

it('tags runs that were never on screen, and keeps the tags they have', async () => {
  const { runs, actions, store } = await runsWindow(130)
  await actions.tag(['run00000', 'run00001'], ' mine ', true)
  expect(store.runs.get('run00000').tags).toEqual(['baseline', 'keep', 'mine', 'paper'])
  expect(store.runs.get('run00001').tags).toEqual(['mine'])
  await becomes(() => expect(runs.facets?.tags.find(({ tag }) => tag === 'mine')?.count).toBe(2))
  await actions.tag(['run00000'], 'baseline', false)
  expect(store.runs.get('run00000').tags).toEqual(['keep', 'mine', 'paper'])
})

it('pins a baseline, fetches intervals for it, and compares against it first', async () => {
  const { runs, actions, comparison } = await runsWindow(10)
  await actions.pin('run00002')
  await becomes(() => expect(runs.baseline?.id).toBe('run00002'))
  await becomes(() => expect(runs.intervals.get('run00002')?.['drop']).toBeDefined())
  runs.select(clicked(clicked(runs.selection, 'run00005', ALONE, runs.ids!), 'run00001', SHIFT, runs.ids!))
  await becomes(() => expect(comparison.comparison?.runs).toHaveLength(5))
  expect(comparison.comparison!.runs[0]).toBe('run00002')
  expect(comparison.labels[0]).toBe('A measure plan · resnet18-with-a-very-long-name-of-an-experiment-v12-final.onnx')
  await comparison.loadDetails()
  expect(comparison.layers.map(({ id }) => id)).toEqual(['stage0/conv0', 'stage0/conv1'])
})

it('shows one run whole, and none of more than twenty', async () => {
  const { runs, comparison } = await runsWindow(30)
  runs.show('run00004')
  await becomes(() => expect(comparison.single?.id).toBe('run00004'))
  runs.selectAll()
  await becomes(() => expect(comparison.isTooMany).toBe(true))
  expect([comparison.comparison, runs.selected.length]).toEqual([null, 30])
})

it('follows a metric over time for the runs that the filter keeps', async () => {
  const { runs, comparison } = await runsWindow(24)
  await comparison.loadTrend('top1')
  expect(comparison.trend).toHaveLength(24)
  runs.narrow({ kinds: ['bench'] })
  await becomes(() => expect(comparison.trend).toHaveLength(4))
})

it('says what went wrong where it happened', async () => {
  const { actions } = await runsWindow(2)
  await actions.note('no such run', 'x')
  expect(actions.problem).toMatchObject({ code: 'data.runNotFound' })
})
