import { expect, it, vi } from 'vitest'
import { useDemoStore } from '../../../../src/renderer/stores/demo.ts'
import { useLayoutStore } from '../../../../src/renderer/stores/layout.ts'
import type { JobEvent, JobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import { os, TestFeed, testWindow } from '../host.ts'
import { job } from './insight-window.ts'

it('the demo is shown among the jobs, and its report is handed over once', async () => {
  const feed = new TestFeed<JobEvent>()
  const started: JobRequest[] = []
  const shown: string[] = []
  testWindow({
    jobs: {
      list: os.jobs.list.handler(() => []),
      start: os.jobs.start.handler(({ input }) => {
        started.push(input)
        return job(input.kind)
      }),
      watch: os.jobs.watch.handler(({ signal }) =>
        feed.follow([{ kind: 'job', job: job('demo') }], ({ kind }) => kind === 'done', signal),
      ),
    },
    files: {
      download: os.files.download.handler(() => null),
      reveal: os.files.reveal.handler(({ input }) => void shown.push(input.path)),
    },
  })
  const demo = useDemoStore()
  await demo.run()
  expect(started).toMatchObject([{ kind: 'demo', output: null }])
  expect(useLayoutStore().state.dockHidden).toBe(false)
  await vi.waitFor(() => expect(feed.followers).toBe(1))
  const result = { kind: 'demo' as const, reportPath: '/exports/demo/report.html', files: [] }
  feed.tell({ kind: 'done', job: job('demo', { state: 'done' }), result })
  await vi.waitFor(() => expect(shown).toEqual(['/exports/demo/report.html']))
  expect(demo.problem).toBeNull()
})
