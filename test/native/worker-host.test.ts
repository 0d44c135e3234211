import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { Fault } from '../../src/shared/contract/fault.ts'
import type { Progress } from '../../src/shared/contract/progress.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import type { Worker } from '../../src/main/jobs/worker-host.ts'

const entry = fileURLToPath(new URL('./worker-tasks/entry.ts', import.meta.url))
const host = createNodeWorkerHost({ entry, heapMiB: 64 })
afterAll(() => host.closeAll())

async function withWorker<T>(use: (worker: Worker) => Promise<T>): Promise<T> {
  const worker = await host.start()
  try {
    return await use(worker)
  } finally {
    await worker.close()
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Fault)) throw new Error(`expected a fault, got ${String(error)}`)
  return error
}

describe('a worker process', () => {
  it('carries typed arrays, bigints and nested values both ways unchanged', () =>
    withWorker(async (worker) => {
      const value = {
        a: Float32Array.of(1.5, NaN),
        b: [1n, { c: Uint8Array.of(1, 2).subarray(1) }],
        d: undefined,
        e: Infinity,
      }
      expect(await worker.run('echo', value)).toEqual(value)
    }))

  it('gives way to others where it is asked to, its threads too', async () => {
    const plain = await host.start()
    const background = await host.start({ background: true })
    try {
      expect(os.getPriority(background.pid)).toBeGreaterThan(os.getPriority(plain.pid))
      if (process.platform !== 'linux') return
      const threads = fs.readdirSync(`/proc/${background.pid}/task`).map(Number)
      expect(threads.length).toBeGreaterThan(1)
      expect(new Set(threads.map((thread) => os.getPriority(thread)))).toEqual(
        new Set([os.getPriority(background.pid)]),
      )
    } finally {
      await Promise.all([plain.close(), background.close()])
    }
  })

  it('is another process, and the same one from task to task', () =>
    withWorker(async (worker) => {
      const pids = [await worker.run('pid', null), await worker.run('pid', null)]
      expect(pids).toEqual([worker.pid, worker.pid])
      expect(worker.pid).not.toBe(process.pid)
    }))

  it('reports progress, the last step always, and log sentences', () =>
    withWorker(async (worker) => {
      const steps: Progress[] = []
      const log: string[] = []
      await worker.run(
        'count',
        { until: 10_000 },
        { onProgress: (step) => steps.push(step), onLog: (_, text) => log.push(text) },
      )
      expect(steps.at(-1)).toEqual({ stage: 'counting', done: 10_000, total: 10_000, unit: 'numbers' })
      expect(steps.length).toBeLessThan(100)
      expect(log).toEqual(['counted'])
    }))

  it('gives faults of a task as they were thrown', () =>
    withWorker(async (worker) => {
      const fault = await faultOf(worker.run('fault', null))
      expect(fault.toJSON()).toEqual({ code: 'data.corrupt', message: 'Image 7 is corrupt.', data: { image: 7 } })
    }))

  it('gives bugs as errors with the stack of the child, and lives on', () =>
    withWorker(async (worker) => {
      const error = await worker.run('bug', null).catch((reason: unknown) => reason)
      expect(error).not.toBeInstanceOf(Fault)
      expect((error as Error).stack).toContain('worker-tasks/entry.ts')
      expect(await worker.run('echo', 1)).toBe(1)
    }))

  it.each(['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const)(
    'that dies by %s is a fault with the signal and its last words',
    (signal) =>
      withWorker(async (worker) => {
        const fault = await faultOf(worker.run('kill', { signal }))
        expect(fault.code).toBe('engine.crashed')
        expect(fault.data).toMatchObject({ task: 'kill', signal, exitCode: null })
        expect(fault.data['output']).toContain('last words')
        expect(worker.alive).toBe(false)
        expect((await faultOf(worker.run('echo', 1))).code).toBe('engine.crashed')
      }),
  )

  it('that exits is a fault with the exit code', () =>
    withWorker(async (worker) => {
      expect((await faultOf(worker.run('exit', { code: 7 }))).data).toMatchObject({ signal: null, exitCode: 7 })
    }))

  it('that fills its heap is a fault that says so, and the parent lives', () =>
    withWorker(async (worker) => {
      const fault = await faultOf(worker.run('heap', null))
      expect(fault.data).toMatchObject({ outOfMemory: true })
      expect(fault.message).toContain('ran out of memory')
    }))

  it('stops when asked, with the reason of the signal, and can be used again', () =>
    withWorker(async (worker) => {
      const abort = new AbortController()
      const reason = new Error('enough')
      setTimeout(() => abort.abort(reason), 50)
      await expect(worker.run('polite', null, { signal: abort.signal })).rejects.toBe(reason)
      expect(worker.alive).toBe(true)
      expect(await worker.run('echo', 2)).toBe(2)
    }))

  it('is killed when it does not stop within two seconds', () =>
    withWorker(async (worker) => {
      const abort = new AbortController()
      setTimeout(() => abort.abort(new Error('enough')), 50)
      const start = performance.now()
      await expect(worker.run('deaf', null, { signal: abort.signal })).rejects.toThrow('enough')
      expect(performance.now() - start).toBeGreaterThan(1900)
      expect(performance.now() - start).toBeLessThan(4000)
      expect(worker.alive).toBe(false)
    }))

  it('does not start on a signal that is already raised', () =>
    withWorker(async (worker) => {
      await expect(worker.run('pid', null, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
        'before',
      )
    }))

  it('refuses a second task at the same time: that is a bug of the caller', () =>
    withWorker(async (worker) => {
      const abort = new AbortController()
      const first = worker.run('polite', null, { signal: abort.signal })
      expect(() => worker.run('echo', 1)).toThrow('busy')
      abort.abort()
      await expect(first).rejects.toThrow()
    }))

  it('names a task it does not know', () =>
    withWorker(async (worker) => {
      await expect(worker.run('nonsense', null)).rejects.toThrow('nonsense')
    }))

  it('is gone after close', async () => {
    const worker = await host.start()
    await worker.close()
    expect(isRunning(worker.pid)).toBe(false)
  })
})

it('an entry that cannot start is a fault with its words', async () => {
  const broken = createNodeWorkerHost({ entry: fileURLToPath(new URL('./worker-tasks/absent.ts', import.meta.url)) })
  const fault = await faultOf(broken.start())
  expect(fault.code).toBe('engine.crashed')
  expect(fault.data['output']).toContain('absent.ts')
})

it('children end when their parent is killed', async () => {
  const parent = spawn(process.execPath, [fileURLToPath(new URL('./worker-tasks/orphan-parent.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pids = JSON.parse(line.toString()) as number[]
  expect(pids.every(isRunning)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  for (let i = 0; i < 50 && pids.some(isRunning); i++) await sleep(100)
  expect(pids.filter(isRunning)).toEqual([])
})
