import { expect, it, vi } from 'vitest'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { isEnded, shareOf, useJobsStore } from '../../../../src/renderer/stores/jobs.ts'
import type { JobEvent, JobInfo } from '../../../../src/shared/contract/api/jobs.ts'
import { os, TestFeed, testWindow } from '../host.ts'

const JOB: JobInfo = {
  id: 'j1',
  kind: 'demo',
  title: 'Demo',
  model: null,
  state: 'running',
  canPause: true,
  progress: null,
  queuedAt: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:01.000Z',
  endedAt: null,
  run: null,
  fault: null,
}
const RESULT = { kind: 'demo', reportPath: '/r.html', files: [] } as const
const isLast = ({ kind }: JobEvent): boolean => kind === 'done' || kind === 'failed' || kind === 'cancelled'

function jobWindow(first: readonly JobEvent[] = [{ kind: 'job', job: JOB }]) {
  const feed = new TestFeed<JobEvent>()
  const state = { watched: 0, jobs: [JOB] as readonly JobInfo[] }
  const host = testWindow({
    jobs: {
      list: os.jobs.list.handler(() => state.jobs),
      start: os.jobs.start.handler(() => JOB),
      watch: os.jobs.watch.handler(({ signal }) => {
        state.watched += 1
        return feed.follow(first, isLast, signal)
      }),
      pause: os.jobs.pause.handler(() => ({ ...JOB, state: 'paused' as const })),
      cancel: os.jobs.cancel.handler(({ errors }) => {
        throw errors.FAULT({ data: { code: 'usage.jobNotFound', message: 'There is no such job.', data: {} } })
      }),
    },
  })
  return { ...host, feed, state, store: useJobsStore() }
}

it('asks the host once however many follow, and tells those who come later what was', async () => {
  const { feed, state, store } = jobWindow()
  const one: string[] = []
  const two: string[] = []
  store.follow('j1', ({ kind }) => one.push(kind))
  await vi.waitFor(() => expect(one).toEqual(['job']))
  feed.tell({ kind: 'log', level: 'info', message: 'hello', at: JOB.queuedAt })
  await vi.waitFor(() => expect(one).toEqual(['job', 'log']))
  store.follow('j1', ({ kind }) => two.push(kind))
  expect(two).toEqual(['job', 'log'])
  feed.tell({ kind: 'done', job: { ...JOB, state: 'done' }, result: RESULT })
  await vi.waitFor(() => expect([one.at(-1), two.at(-1)]).toEqual(['done', 'done']))
  expect(state.watched).toBe(1)
  expect(store.logs.get('j1')).toMatchObject([{ message: 'hello' }])
  expect(store.results.get('j1')).toEqual(RESULT)
  expect(store.byId.get('j1')?.state).toBe('done')
})

it('ends the subscription with the last follower', async () => {
  const { feed, store } = jobWindow()
  const ends = [store.follow('j1', () => {}), store.follow('j1', () => {})]
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  ends[0]!()
  ends[1]!()
  await vi.waitFor(() => expect(feed.followers).toBe(0))
})

it('keeps only the newest progress for those who come later', async () => {
  const { feed, store } = jobWindow()
  store.follow('j1', () => {})
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  for (const done of [1, 2, 3]) feed.tell({ kind: 'progress', progress: { stage: 's', done, total: 4, unit: 'x' } })
  await vi.waitFor(() => expect(store.byId.get('j1')?.progress?.done).toBe(3))
  expect(store.paceOf('j1')).toMatchObject({ stage: 's', from: 1 })
  const late: JobEvent[] = []
  store.follow('j1', (event) => late.push(event))
  expect(late.map(({ kind }) => kind)).toEqual(['job', 'progress'])
})

it('follows again after the connection was lost, from the beginning and without doubled lines of the log', async () => {
  const line: JobEvent = { kind: 'log', level: 'warning', message: 'careful', at: JOB.queuedAt }
  const { connection, state, store } = jobWindow([{ kind: 'job', job: JOB }, line])
  store.follow('j1', () => {})
  await vi.waitFor(() => expect(store.logs.get('j1')).toHaveLength(1))
  await connection.interrupt()
  await vi.waitFor(() => expect(state.watched).toBe(2))
  await vi.waitFor(() => expect(store.logs.get('j1')).toHaveLength(1))
})

it('reads the list anew when the host is there again, and drops what it no longer knows', async () => {
  const { connection, state, store } = jobWindow()
  useAppStore().listen()
  await vi.waitFor(() => expect(store.jobs).toHaveLength(1))
  state.jobs = [{ ...JOB, id: 'j2' }]
  await connection.interrupt()
  await vi.waitFor(() => expect(store.jobs.map(({ id }) => id)).toEqual(['j2']))
})

it('gives the result of a job that it waited for, and null for a cancelled one', async () => {
  const { feed, store } = jobWindow()
  const finished = store.complete({ kind: 'demo' })
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'done', job: { ...JOB, state: 'done' }, result: RESULT })
  expect(await finished).toEqual(RESULT)
  const cancelled = store.complete({ kind: 'demo' })
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  feed.tell({ kind: 'cancelled', job: { ...JOB, state: 'cancelled' } })
  expect(await cancelled).toBeNull()
})

it('takes what the host answers, and shows its fault as a sentence', async () => {
  const { store } = jobWindow()
  await store.pause('j1')
  expect(store.byId.get('j1')?.state).toBe('paused')
  await store.cancel('j1')
  expect(store.problem).toMatchObject({ sentence: 'There is no such job.', code: 'usage.jobNotFound' })
})

it('knows how far a job is', () => {
  const progress = { stage: 's', done: 1, total: 4, unit: 'x' }
  expect(shareOf({ ...JOB, progress })).toBe(0.25)
  expect(shareOf({ ...JOB, progress: { ...progress, total: null } })).toBeNull()
  expect(shareOf(JOB)).toBeNull()
  expect(shareOf({ ...JOB, state: 'done' })).toBe(1)
  expect(
    ['queued', 'running', 'paused', 'done', 'failed', 'cancelled'].map((state) => isEnded({ state } as JobInfo)),
  ).toEqual([false, false, false, true, true, true])
})
