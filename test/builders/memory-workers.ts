import { Fault } from '../../src/shared/contract/fault.ts'
import type { Task, TaskOptions, Worker, WorkerHost } from '../../src/main/jobs/worker-host.ts'

/** Thrown by a task to have its worker die as a crashed process would. */
export class Crash extends Error {}

/** Workers in this process: the port of jobs/worker-host.ts without child processes, for tests of what stands on it. */
export class MemoryHost implements WorkerHost {
  readonly started: MemoryWorker[] = []
  readonly #tasks: Readonly<Record<string, Task<never, unknown>>>

  constructor(tasks: Readonly<Record<string, Task<never, unknown>>>) {
    this.#tasks = tasks
  }

  async start(): Promise<MemoryWorker> {
    const worker = new MemoryWorker(this.started.length + 1, this.#tasks)
    this.started.push(worker)
    return worker
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.started.map((worker) => worker.close()))
  }
}

export class MemoryWorker implements Worker {
  readonly pid: number
  alive = true
  busy = false
  /** it has died, and nobody has noticed yet */
  hasVanished = false
  readonly #tasks: Readonly<Record<string, Task<never, unknown>>>

  constructor(pid: number, tasks: Readonly<Record<string, Task<never, unknown>>>) {
    this.pid = pid
    this.#tasks = tasks
  }

  async run<Input, Output>(name: string, input: Input, options: TaskOptions = {}): Promise<Output> {
    if (this.busy) throw new Error('busy')
    if (this.hasVanished) this.alive = false
    if (!this.alive) throw new Fault('engine.crashed', 'The worker is gone.', { task: name, begun: false })
    const task = this.#tasks[name] as Task<Input, Output> | undefined
    if (!task) throw new Error(`no task is named ${name}`)
    this.busy = true
    try {
      // structured clone as over a process border: a task must not share memory with its caller
      const output = await task(structuredClone(input), {
        signal: options.signal ?? new AbortController().signal,
        onProgress: options.onProgress ?? (() => {}),
        onLog: options.onLog ?? (() => {}),
        onPartial: options.onPartial ?? (() => {}),
      })
      return structuredClone(output)
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason
      if (!(error instanceof Crash)) throw error
      this.alive = false
      throw new Fault('engine.crashed', 'The worker crashed.', {
        task: name,
        begun: true,
        outOfMemory: error.message === 'memory',
      })
    } finally {
      this.busy = false
    }
  }

  async close(): Promise<void> {
    this.alive = false
  }
}
