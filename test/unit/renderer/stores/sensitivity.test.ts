import { expect, it, vi } from 'vitest'
import { useDeskStore } from '../../../../src/renderer/stores/desk.ts'
import { useEvidenceStore } from '../../../../src/renderer/stores/evidence.ts'
import { useSamplesStore } from '../../../../src/renderer/stores/samples.ts'
import { useSensitivityStore } from '../../../../src/renderer/stores/sensitivity.ts'
import type { SensitivityRow } from '../../../../src/shared/contract/api/job-results.ts'
import { insightWindow, job, PATH, run } from './insight-window.ts'

const row = (layer: string, value: number): SensitivityRow => ({
  layer,
  config: '8',
  metric: 'kl',
  value,
  interval: null,
  samples: 16,
  rank: null,
})
const values = (rows: ReadonlyMap<string, SensitivityRow>) =>
  [...rows.values()].map(({ layer, value }) => [layer, value])

it('asks what is chosen of the samples chosen, and shows rows as they come, on the graph too', async () => {
  const { feed, state, models } = insightWindow()
  await models.open(PATH)
  const samples = useSamplesStore()
  const sensitivity = useSensitivityStore()
  expect(await sensitivity.start()).toBe(false)
  samples.chooseBuiltIn()
  sensitivity.ask({ configs: ['8'] })
  expect(await sensitivity.start()).toBe(true)
  expect(state.started).toMatchObject([
    { kind: 'sensitivity', model: PATH, configs: '8', samples: { data: { kind: 'synthetic-digits' } } },
  ])
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  expect(useDeskStore().overlay).toBe('sensitivity')
  feed.tell({ kind: 'partial', partial: { kind: 'sensitivity', base: 'float', rows: [row('fc', 1)] } })
  feed.tell({ kind: 'partial', partial: { kind: 'sensitivity', base: 'float', rows: [row('conv', 3), row('fc', 2)] } })
  await vi.waitFor(() => expect(sensitivity.arrivals).toBe(2))
  expect(values(sensitivity.rows)).toEqual([
    ['fc', 2],
    ['conv', 3],
  ])
  expect(sensitivity.layers).toEqual(['conv', 'fc'])
  expect(useEvidenceStore().sensitivity?.rows.get('fc')?.get('8')?.value).toBe(2)
})

it('takes the words of the run when it is done', async () => {
  const explanations = [{ layer: 'fc', config: '8', findings: [{ text: 'wide' }], remedies: [] }]
  const stored = run('r1', { results: { explanations }, parameters: { configs: '8' } })
  const { feed, models } = insightWindow({ runs: [stored] })
  await models.open(PATH)
  useSamplesStore().chooseBuiltIn()
  const sensitivity = useSensitivityStore()
  await sensitivity.start()
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({
    kind: 'done',
    job: job('sensitivity', { state: 'done', run: 'r1' }),
    result: {
      kind: 'sensitivity',
      run: 'r1',
      base: 'float',
      rows: [row('fc', 2)],
      whole: [],
      evaluations: 1,
      found: 0,
      samples: 16,
      wallMs: 5,
      warnings: [],
    },
  })
  await vi.waitFor(() => expect(sensitivity.explanations.get('fc')).toMatchObject([{ findings: ['wide'] }]))
  expect(values(sensitivity.rows)).toEqual([['fc', 2]])
  expect(sensitivity.isActive).toBe(false)
})

it('takes up a sweep that was under way when the window came', async () => {
  const { app, jobs, models, feed } = insightWindow({ jobs: [job('sensitivity')] })
  app.listen()
  await models.open(PATH)
  const sensitivity = useSensitivityStore()
  await jobs.load()
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  expect(sensitivity.isActive).toBe(true)
  app.stop()
})

it('shows the newest former run, and another when asked', async () => {
  const stored = (id: string, value: number) =>
    run(id, {
      parameters: { configs: '8', base: 'float' },
      layers: [{ id: 'fc', op: 'Gemm', type: '8', execution: null, ms: null, metrics: { kl: value }, reason: null }],
    })
  const { models } = insightWindow({ runs: [stored('new', 2), stored('old', 7)] })
  await models.open(PATH)
  const sensitivity = useSensitivityStore()
  await sensitivity.loadFormer()
  expect(values(sensitivity.rows)).toEqual([['fc', 2]])
  await sensitivity.open('old')
  expect(values(sensitivity.rows)).toEqual([['fc', 7]])
  expect(sensitivity.source?.run).toBe('old')
})
