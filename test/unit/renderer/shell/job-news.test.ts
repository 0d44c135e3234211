import { effectScope, nextTick } from 'vue'
import { expect, it, onTestFinished, vi } from 'vitest'
import { useJobNews } from '../../../../src/renderer/components/shell/use-job-news.ts'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { useJobsStore } from '../../../../src/renderer/stores/jobs.ts'
import { useLayoutStore } from '../../../../src/renderer/stores/layout.ts'
import type { JobInfo } from '../../../../src/shared/contract/api/jobs.ts'
import { os, testWindow } from '../host.ts'

const job = (id: string, state: JobInfo['state']): JobInfo => ({
  id,
  kind: 'bench',
  title: `Time ${id}`,
  model: null,
  state,
  canPause: false,
  progress: null,
  queuedAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  endedAt: null,
  run: null,
  fault: null,
})

it('tells what has become of jobs, and counts failures until the drawer is opened', async () => {
  const { events } = testWindow({
    jobs: { list: os.jobs.list.handler(() => [job('old', 'failed'), job('a', 'running'), job('b', 'queued')]) },
  })
  const scope = effectScope()
  onTestFinished(() => scope.stop())
  const news = scope.run(useJobNews)!
  useAppStore().listen()
  await vi.waitFor(() => expect(useJobsStore().jobs).toHaveLength(3))
  await nextTick()
  expect(news).toEqual({ sentence: '', failed: 0 })
  events.tell({ kind: 'job', job: job('a', 'failed') })
  await vi.waitFor(() => expect(news).toEqual({ sentence: 'Time a failed.', failed: 1 }))
  events.tell({ kind: 'job', job: job('b', 'done') })
  await vi.waitFor(() => expect(news.sentence).toBe('Time b is done.'))
  useLayoutStore().showDock('jobs')
  await vi.waitFor(() => expect(news.failed).toBe(0))
})
