import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Progress } from '../../../src/shared/contract/progress.ts'
import { createPool, type Seat } from '../../../src/main/jobs/pool.ts'
import type { Task } from '../../../src/main/jobs/worker-host.ts'
import { Crash, MemoryHost } from '../../builders/memory-workers.ts'

function setup(size: number, extra: Readonly<Record<string, Task<never, unknown>>> = {}) {
  const seen = { now: 0, most: 0, log: [] as string[] }
  const host = new MemoryHost({
    work: async (input: { ms: number; name: string }, { signal }) => {
      seen.now++
      seen.most = Math.max(seen.most, seen.now)
      seen.log.push(`+${input.name}`)
      try {
        await sleep(input.ms, undefined, { signal })
      } finally {
        seen.now--
        seen.log.push(`-${input.name}`)
      }
      return input.name
    },
    ...extra,
  })
  return { seen, host, pool: createPool(host, { size }) }
}

describe('the pool', () => {
  it('runs at most `size` tasks at a time, gives results in the order of the inputs, reuses workers', async () => {
    const { seen, host, pool } = setup(3)
    const inputs = Array.from({ length: 12 }, (_, i) => ({ ms: (i * 7) % 5, name: String(i) }))
    expect(await pool.map('work', inputs)).toEqual(inputs.map(({ name }) => name))
    expect(seen.most).toBe(3)
    expect(host.started).toHaveLength(3)
  })

  it('starts no more workers than there is work', async () => {
    const { host, pool } = setup(8)
    await pool.run('work', { ms: 0, name: 'a' })
    await pool.run('work', { ms: 0, name: 'b' })
    expect(host.started).toHaveLength(1)
  })

  it('replaces a worker that crashed, and the next task runs', async () => {
    const { host, pool } = setup(1, { die: async () => Promise.reject(new Crash()) })
    await expect(pool.run('die', null)).rejects.toMatchObject({ code: 'engine.crashed' })
    expect(await pool.run('work', { ms: 0, name: 'next' })).toBe('next')
    expect(host.started).toHaveLength(2)
  })

  it('replaces a worker that died while idle', async () => {
    const { host, pool } = setup(1)
    await pool.run('work', { ms: 0, name: 'a' })
    host.started[0]!.alive = false
    expect(await pool.run('work', { ms: 0, name: 'b' })).toBe('b')
  })

  it('gives a task to another worker when the first died before it got it, whether it may be retried or not', async () => {
    const { host, pool } = setup(1)
    await pool.run('work', { ms: 0, name: 'a' })
    host.started[0]!.hasVanished = true
    expect(await pool.run('work', { ms: 0, name: 'b' })).toBe('b')
  })

  it.each([
    { why: 'retried once when asked', retry: true, reason: '', runs: 2 },
    { why: 'not retried unless asked', retry: false, reason: '', runs: 1 },
    { why: 'not retried out of memory: it would end the same way', retry: true, reason: 'memory', runs: 1 },
  ])('a crashed task is $why', async ({ retry, reason, runs }) => {
    let count = 0
    const { pool } = setup(1, {
      die: async () => {
        count++
        throw new Crash(reason)
      },
    })
    await expect(pool.run('die', null, { retry })).rejects.toMatchObject({ code: 'engine.crashed' })
    expect(count).toBe(runs)
  })

  it('a retried task that survives gives its result, and the log tells', async () => {
    let count = 0
    const log: string[] = []
    const { pool } = setup(1, {
      fragile: async () => {
        if (++count === 1) throw new Crash()
        return 'survived'
      },
    })
    expect(await pool.run('fragile', null, { retry: true, onLog: (_, text) => log.push(text) })).toBe('survived')
    expect(log).toHaveLength(1)
  })

  it('an exclusive task runs alone, and nothing overtakes it', async () => {
    const { seen, pool } = setup(4)
    await Promise.all([
      pool.run('work', { ms: 10, name: 'a' }),
      pool.run('work', { ms: 20, name: 'b' }),
      pool.run('work', { ms: 10, name: 'bench' }, { exclusive: true }),
      pool.run('work', { ms: 1, name: 'c' }),
    ])
    expect(seen.log).toEqual(['+a', '+b', '-a', '-b', '+bench', '-bench', '+c', '-c'])
  })

  it('tasks of one seat run in the worker that took it; others go before one whose worker is busy', async () => {
    const pids: Record<string, number> = {}
    const { host, pool, seen } = setup(2)
    const note = async (name: string, ms: number, seat?: Seat): Promise<void> => {
      await pool.run('work', { ms, name }, seat ? { seat } : {})
      if (seat) pids[name] = seat.worker!.pid
    }
    const [left, right]: Seat[] = [{ worker: null }, { worker: null }]
    await Promise.all([note('a', 5, left), note('b', 5, right)])
    await Promise.all([note('c', 20, left), note('d', 1, left), note('e', 1), note('f', 1, right)])
    expect(left!.worker).not.toBe(right!.worker)
    expect(pids['c']).toBe(pids['a'])
    expect(pids['d']).toBe(pids['a'])
    expect(pids['f']).toBe(pids['b'])
    expect(seen.log.indexOf('+e')).toBeLessThan(seen.log.indexOf('+d'))
    expect(seen.log.indexOf('+f')).toBeLessThan(seen.log.indexOf('+d'))
    expect(host.started).toHaveLength(2)
  })

  it('a task whose seat is gone with its worker fails, and no other worker is tried', async () => {
    const { host, pool } = setup(1)
    const seat: Seat = { worker: null }
    await pool.run('work', { ms: 0, name: 'a' }, { seat })
    host.started[0]!.alive = false
    await expect(pool.run('work', { ms: 0, name: 'b' }, { seat })).rejects.toMatchObject({ code: 'engine.crashed' })
    expect(await pool.run('work', { ms: 0, name: 'c' }, { seat: { worker: null } })).toBe('c')
    expect(host.started).toHaveLength(2)
  })

  it('a task aborted while it waits leaves the queue at once', async () => {
    const { seen, pool } = setup(1)
    const abort = new AbortController()
    const first = pool.run('work', { ms: 20, name: 'a' })
    const second = pool.run('work', { ms: 20, name: 'b' }, { signal: abort.signal })
    abort.abort(new Error('changed my mind'))
    await expect(second).rejects.toThrow('changed my mind')
    await first
    expect(seen.log).toEqual(['+a', '-a'])
  })

  it('the first failure of a map stops the rest and is what is thrown', async () => {
    const { seen, pool } = setup(2, { fail: async () => Promise.reject(new Error('first')) })
    const host = pool.map<{ ms: number; name: string }, string>('work', [])
    expect(await host).toEqual([])
    const failing = pool.map('fail', [1, 2, 3])
    await expect(failing).rejects.toThrow('first')
    expect(seen.now).toBe(0)
    expect(await pool.run('work', { ms: 0, name: 'after' })).toBe('after')
  })

  it('adds up the progress of all parts', async () => {
    const { pool } = setup(2, {
      count: async (until: number, { onProgress }) => {
        for (let done = 1; done <= until; done++) onProgress({ stage: 'run', done, total: until, unit: 'images' })
      },
    })
    const steps: Progress[] = []
    await pool.map('count', [3, 4, 5], { onProgress: (step) => steps.push(step), progressTotal: 12 })
    expect(steps.map(({ done }) => done)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(steps.every(({ total }) => total === 12)).toBe(true)
  })

  it('refuses more than `maxQueued` waiting tasks', async () => {
    const { host } = setup(1)
    const pool = createPool(host, { size: 1, maxQueued: 1 })
    const all = [1, 2, 3].map((i) => pool.run('work', { ms: 5, name: String(i) }))
    const outcomes = await Promise.allSettled(all)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect((outcomes[2] as PromiseRejectedResult).reason).toMatchObject({ code: 'engine.queueFull' })
  })

  it('close refuses what waits and ends the workers', async () => {
    const { host, pool } = setup(1)
    const first = pool.run('work', { ms: 5, name: 'a' })
    const second = pool.run('work', { ms: 50, name: 'b' })
    const third = pool.run('work', { ms: 5, name: 'c' })
    const ends = Promise.allSettled([second, third])
    await first
    await pool.close()
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'engine.closed' } })
    await expect(pool.run('work', { ms: 0, name: 'c' })).rejects.toMatchObject({ code: 'engine.closed' })
    expect(host.started.every((worker) => !worker.alive)).toBe(true)
  })

  it('closes workers that stay idle', async () => {
    const { host } = setup(1)
    const pool = createPool(host, { size: 1, idleMs: 10 })
    await pool.run('work', { ms: 0, name: 'a' })
    await sleep(60)
    expect(host.started[0]!.alive).toBe(false)
    expect(await pool.run('work', { ms: 0, name: 'b' })).toBe('b')
  })
})
