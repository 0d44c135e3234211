import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createPause, pausable } from '../../../src/main/jobs/pause.ts'
import { createPool } from '../../../src/main/jobs/pool.ts'
import type { Services } from '../../../src/main/jobs/services.ts'
import { MemoryHost } from '../../builders/memory-workers.ts'

function pausedServices(): { services: Services; pause: ReturnType<typeof createPause>; done: number[] } {
  const done: number[] = []
  const host = new MemoryHost({ note: async (input: number) => void done.push(input) })
  const pool = createPool(host, { size: 2 })
  onTestFinished(() => pool.close())
  const pause = createPause()
  const services = { pool, signal: new AbortController().signal } as Partial<Services> as Services
  return { services: pausable(services, pause), pause, done }
}

it('a paused job begins no task, and goes on when it is resumed', async () => {
  const { services, pause, done } = pausedServices()
  await services.pool.run('note', 1)
  pause.pause()
  const rest = [services.pool.run('note', 2), services.pool.map('note', [3, 4])]
  await sleep(20)
  expect(done).toEqual([1])
  pause.resume()
  await Promise.all(rest)
  expect(done.sort()).toEqual([1, 2, 3, 4])
})

it('a paused job can be cancelled', async () => {
  const { services, pause, done } = pausedServices()
  pause.pause()
  const abort = new AbortController()
  const work = services.pool.run('note', 1, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(work).rejects.toThrow('enough')
  pause.resume()
  expect(done).toEqual([])
})

it('without a pause services stay as they are', () => {
  const { services } = pausedServices()
  expect(pausable(services, undefined)).toBe(services)
})
