import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/shared/contract/fault.ts'
import { createScheduler, type JobContext, type JobEvent } from '../../../src/main/jobs/scheduler.ts'

async function collect(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const list: JobEvent[] = []
  for await (const event of events) list.push(event)
  return list
}

const step = (done: number) => ({ stage: 'run', done, total: 3, unit: 'images' })

async function untilAborted({ signal }: JobContext): Promise<never> {
  await sleep(60_000, undefined, { signal })
  throw new Error('unreachable')
}

describe('the scheduler', () => {
  it('runs jobs one after the other in the order they came', async () => {
    const scheduler = createScheduler()
    const log: string[] = []
    const jobs = ['a', 'b', 'c'].map((name) =>
      scheduler.submit('test', async () => {
        log.push(`+${name}`)
        await sleep(2)
        log.push(`-${name}`)
        return name
      }),
    )
    expect(await Promise.all(jobs.map((job) => job.result))).toEqual(['a', 'b', 'c'])
    expect(log).toEqual(['+a', '-a', '+b', '-b', '+c', '-c'])
    expect(jobs.map((job) => job.state)).toEqual(['done', 'done', 'done'])
  })

  it('streams states, progress and log to a follower, and ends', async () => {
    const scheduler = createScheduler()
    const job = scheduler.submit('test', async ({ onProgress, onLog }) => {
      onProgress(step(1))
      await sleep(1)
      onLog('warning', 'careful')
      onProgress(step(3))
    })
    expect(await collect(job.follow())).toEqual([
      { kind: 'state', state: 'queued' },
      { kind: 'state', state: 'running' },
      { kind: 'progress', progress: step(1) },
      { kind: 'log', level: 'warning', message: 'careful' },
      { kind: 'progress', progress: step(3) },
      { kind: 'done' },
    ])
  })

  it('collapses progress for a follower that is slow', async () => {
    const scheduler = createScheduler()
    const job = scheduler.submit('test', async ({ onProgress }) => {
      for (let done = 1; done <= 1000; done++) onProgress(step(done))
    })
    const events = job.follow()
    await events.next()
    await job.result
    const rest = await collect(events)
    expect(rest.map(({ kind }) => kind)).toEqual(['state', 'progress', 'done'])
    expect(rest[1]).toEqual({ kind: 'progress', progress: step(1000) })
  })

  it('tells a late follower how a job ended', async () => {
    const scheduler = createScheduler()
    const job = scheduler.submit('test', async () => 1)
    await job.result
    expect(await collect(scheduler.find(job.id)!.follow())).toEqual([{ kind: 'done' }])
  })

  it('a fault ends the job with its code; the next job runs', async () => {
    const scheduler = createScheduler()
    const job = scheduler.submit('test', async () => Promise.reject(new Fault('data.corrupt', 'Image 3 is corrupt.')))
    const next = scheduler.submit('test', async () => 2)
    const events = await collect(job.follow())
    expect(events.at(-1)).toMatchObject({ kind: 'failed', fault: { code: 'data.corrupt' } })
    await expect(job.result).rejects.toMatchObject({ code: 'data.corrupt' })
    expect(await next.result).toBe(2)
  })

  it('a bug shows as internal to followers and whole to the caller', async () => {
    const scheduler = createScheduler()
    const job = scheduler.submit('test', async () => Promise.reject(new TypeError('x is undefined')))
    expect((await collect(job.follow())).at(-1)).toMatchObject({ kind: 'failed', fault: { code: 'internal.bug' } })
    await expect(job.result).rejects.toThrow('x is undefined')
  })

  it('cancels a running job through its signal, and a waiting one before it starts', async () => {
    const scheduler = createScheduler()
    const first = scheduler.submit('test', untilAborted)
    const second = scheduler.submit('test', untilAborted)
    await sleep(1)
    second.cancel()
    first.cancel(new Error('stop'))
    await expect(first.result).rejects.toThrow('stop')
    await expect(second.result).rejects.toMatchObject({ name: 'AbortError' })
    expect([first.state, second.state]).toEqual(['cancelled', 'cancelled'])
  })

  it('leaving the loop does not stop the job', async () => {
    const scheduler = createScheduler()
    const job = scheduler.submit('test', async () => {
      await sleep(5)
      return 'finished'
    })
    for await (const event of job.follow()) if (event.kind === 'state') break
    expect(await job.result).toBe('finished')
  })

  it('refuses more than `maxQueued` waiting jobs', async () => {
    const scheduler = createScheduler({ maxQueued: 1 })
    scheduler.submit('test', untilAborted)
    await sleep(1)
    scheduler.submit('test', untilAborted)
    expect(() => scheduler.submit('test', untilAborted)).toThrow(expect.objectContaining({ code: 'engine.queueFull' }))
    await scheduler.close()
    expect(scheduler.jobs.map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
  })
})
