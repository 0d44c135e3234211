import { describe, expect, it, vi } from 'vitest'
import { useOfficialDataStore } from '../../../../src/renderer/stores/official-data.ts'
import type { JobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import { os, TestFeed, testWindow } from '../host.ts'
import { job } from './insight-window.ts'

/** A window whose host lists one set in whatever folder it is asked about, and takes jobs. */
function dataWindow() {
  const started: JobRequest[] = []
  testWindow({
    data: {
      official: os.data.official.handler(({ input: { folder } }) => [
        {
          name: 'mnist',
          title: 'MNIST',
          spec: { kind: 'mnist' as const, path: `${folder ?? '/home/data'}/mnist` },
          bytes: 1,
          source: 'example.org',
          terms: '',
          state: 'absent' as const,
        },
      ]),
    },
    jobs: {
      list: os.jobs.list.handler(() => []),
      start: os.jobs.start.handler(({ input }) => {
        started.push(input)
        return job(input.kind)
      }),
      watch: os.jobs.watch.handler(({ signal }) => new TestFeed<never>().follow([], () => false, signal)),
    },
  })
  return { official: useOfficialDataStore(), started }
}

describe('official data sets', () => {
  it('are fetched into the store from their makers when nothing is said', async () => {
    const { official, started } = dataWindow()
    await official.fetch('mnist')
    expect(started).toEqual([{ kind: 'pullData', name: 'mnist', folder: null, mirror: null }])
  })

  it('are fetched into a folder, from a mirror first; both are remembered', async () => {
    const { official, started } = dataWindow()
    official.setFolder('/data')
    await vi.waitFor(() => expect(official.sets?.[0]?.spec).toEqual({ kind: 'mnist', path: '/data/mnist' }))
    official.setMirror(' http://127.0.0.1:8000/mnist ')
    await official.fetch('mnist')
    expect(started).toEqual([
      { kind: 'pullData', name: 'mnist', folder: '/data', mirror: 'http://127.0.0.1:8000/mnist' },
    ])
    expect(localStorage.getItem('quantbench.data.folder')).toBe('/data')
    expect(localStorage.getItem('quantbench.data.mirror')).toBe('http://127.0.0.1:8000/mnist')
    official.setFolder(null)
    official.setMirror('')
    expect(localStorage).toHaveLength(0)
  })

  it('are not fetched from what is no address, nor is that kept', async () => {
    const { official, started } = dataWindow()
    official.setMirror('ftp://example.org')
    expect(official.mirrorProblem).toMatch(/http/)
    await official.fetch('mnist')
    expect(started).toEqual([])
    expect(localStorage).toHaveLength(0)
  })

  it('can be taken as data where they lie', async () => {
    const { official } = dataWindow()
    const taken: unknown[] = []
    official.show((spec) => taken.push(spec))
    await vi.waitFor(() => expect(official.sets).not.toBeNull())
    official.use(official.sets![0]!)
    expect(taken).toEqual([{ kind: 'mnist', path: '/home/data/mnist' }])
    expect(official.isOpen).toBe(false)
  })
})
