import { Fault, isFault } from '../../shared/contract/fault.ts'
import type { OnProgress, Progress } from '../../shared/contract/progress.ts'
import type { StartOptions, TaskOptions, Worker, WorkerHost } from './worker-host.ts'

export interface PoolOptions extends StartOptions {
  /** most workers at a time */
  readonly size: number
  /** tasks that may wait; one more is refused */
  readonly maxQueued?: number
  /** an idle worker is closed after this time, which frees its memory */
  readonly idleMs?: number
}

/**
 * Binds tasks to one worker, for what they keep in its memory: the first takes the place, and those that are run once it has ended run
 * there. Where the worker is gone they fail with engine.crashed, and whoever asked begins anew on a new seat.
 */
export interface Seat {
  /** null until the first task runs */
  worker: Worker | null
}

interface PoolTaskOptions extends TaskOptions {
  readonly seat?: Seat
  /** a task whose worker crashed is run once more on a new worker; only for tasks that may safely run twice */
  readonly retry?: boolean
  /** nothing else runs meanwhile: for measurements of time */
  readonly exclusive?: boolean
}

/** Where tasks go: a queue in front of a bounded number of workers, which are reused and replaced when they crash. */
export interface WorkerPool {
  readonly size: number
  /**
   * @throws what `Worker.run` throws; Fault engine.queueFull when too many tasks wait; Fault engine.closed after `close`
   */
  run<Input, Output>(task: string, input: Input, options?: PoolTaskOptions): Promise<Output>
  /**
   * Runs one task per input; results in the order of the inputs. The first failure stops the others and is thrown once all
   * have ended. Progress is the sum over all inputs, `total` of `progressTotal` where given.
   */
  map<Input, Output>(
    task: string,
    inputs: readonly Input[],
    options?: PoolTaskOptions & { readonly progressTotal?: number },
  ): Promise<Output[]>
  /** Refuses waiting tasks and ends all workers. */
  close(): Promise<void>
}

interface Waiting {
  readonly exclusive: boolean
  readonly seat: Seat | null
  readonly start: (worker: Worker) => Promise<void>
  readonly refuse: (reason: unknown) => void
}

const defaultMaxQueued = 100_000
const defaultIdleMs = 60_000

/** @param host starts the workers; shared hosts are fine, the pool closes only its own workers */
export function createPool(host: WorkerHost, options: PoolOptions): WorkerPool {
  return new Pool(host, options)
}

class Pool implements WorkerPool {
  readonly size: number
  readonly #host: WorkerHost
  readonly #maxQueued: number
  readonly #idleMs: number
  readonly #start: StartOptions
  readonly #idle: Worker[] = []
  readonly #timers = new Map<Worker, NodeJS.Timeout>()
  readonly #workers = new Set<Worker>()
  readonly #busy = new Set<Worker>()
  #queue: Waiting[] = []
  #running = 0
  #exclusive = false
  #closed = false

  constructor(host: WorkerHost, options: PoolOptions) {
    this.#host = host
    this.size = Math.max(1, options.size)
    this.#maxQueued = options.maxQueued ?? defaultMaxQueued
    this.#idleMs = options.idleMs ?? defaultIdleMs
    this.#start = { background: options.background ?? false }
  }

  async run<Input, Output>(task: string, input: Input, options: PoolTaskOptions = {}): Promise<Output> {
    const isSeated = options.seat !== undefined && options.seat.worker !== null
    for (let crashes = 0, unbegun = 0; ;) {
      try {
        return await this.#enqueue<Input, Output>(task, input, options)
      } catch (error) {
        // a worker that died while idle never had the task; there are at most `size` of those
        if (!isSeated && isCrash(error) && error.data['begun'] === false && unbegun++ < this.size) continue
        if (!options.retry || !isWorthRetrying(error) || crashes++ > 0) throw error
        options.onLog?.('warning', `${error.message} It is run once more.`)
      }
    }
  }

  async map<Input, Output>(
    task: string,
    inputs: readonly Input[],
    options: PoolTaskOptions & { readonly progressTotal?: number } = {},
  ): Promise<Output[]> {
    const stop = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
    const listeners = sumProgress(inputs.length, options.progressTotal, options.onProgress)
    let failed = false
    let firstFailure: unknown
    const outcomes = inputs.map(async (input, i) => {
      try {
        return await this.run<Input, Output>(task, input, { ...options, signal, onProgress: listeners[i]! })
      } catch (error) {
        if (!failed) firstFailure = error
        failed = true
        stop.abort(error)
        return undefined
      }
    })
    const results = await Promise.all(outcomes)
    if (failed) throw firstFailure
    return results as Output[]
  }

  async close(): Promise<void> {
    this.#closed = true
    const waiting = this.#queue
    this.#queue = []
    for (const { refuse } of waiting) refuse(closedFault())
    for (const timer of this.#timers.values()) clearTimeout(timer)
    await Promise.all([...this.#workers].map((worker) => worker.close()))
    this.#workers.clear()
  }

  #enqueue<Input, Output>(task: string, input: Input, options: PoolTaskOptions): Promise<Output> {
    const { promise, resolve, reject } = Promise.withResolvers<Output>()
    if (this.#closed) throw closedFault()
    if (this.#queue.length >= this.#maxQueued) {
      throw new Fault('engine.queueFull', `${this.#queue.length} tasks wait already; let some finish first.`, {
        waiting: this.#queue.length,
      })
    }
    const leave = this.#leaveOnAbort(options.signal, reject)
    const entry: Waiting = {
      exclusive: options.exclusive ?? false,
      seat: options.seat ?? null,
      start: (worker) => {
        leave.done()
        // a worker that ends because the pool closes has not crashed
        const fail = (error: unknown): void => reject(this.#closed && isCrash(error) ? closedFault() : error)
        return worker.run<Input, Output>(task, input, options).then(resolve, fail)
      },
      refuse: reject,
    }
    leave.entry = entry
    this.#queue.push(entry)
    this.#advance()
    return promise
  }

  /** A task that is aborted while it waits leaves the queue at once. */
  #leaveOnAbort(
    signal: AbortSignal | undefined,
    reject: (reason: unknown) => void,
  ): { entry: Waiting | null; done: () => void } {
    const state = { entry: null as Waiting | null, done: () => signal?.removeEventListener('abort', onAbort) }
    const onAbort = (): void => {
      this.#queue = this.#queue.filter((entry) => entry !== state.entry)
      reject(signal!.reason)
      this.#advance()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    return state
  }

  #advance(): void {
    while (!this.#closed && this.#running < this.size && !this.#exclusive) {
      const entry = this.#next()
      if (entry === null) return
      this.#running++
      this.#exclusive = entry.exclusive
      void this.#serve(entry)
    }
  }

  /** The first that can begin: one whose worker is at something else lets others go before it, an exclusive one nobody. */
  #next(): Waiting | null {
    for (const [i, entry] of this.#queue.entries()) {
      if (entry.exclusive && this.#running > 0) return null
      const worker = entry.seat?.worker ?? null
      if (worker !== null && this.#busy.has(worker)) continue
      this.#queue.splice(i, 1)
      return entry
    }
    return null
  }

  async #serve(entry: Waiting): Promise<void> {
    let worker = entry.seat?.worker ?? null
    try {
      if (worker === null) worker = await this.#take()
      else this.#keepFromIdle(worker)
      this.#busy.add(worker)
      if (entry.seat) entry.seat.worker = worker
      await entry.start(worker)
    } catch (error) {
      entry.refuse(error)
    } finally {
      this.#running--
      if (entry.exclusive) this.#exclusive = false
      if (worker) this.#giveBack(worker)
      this.#advance()
    }
  }

  #keepFromIdle(worker: Worker): void {
    this.#busy.add(worker)
    clearTimeout(this.#timers.get(worker))
    this.#timers.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  async #take(): Promise<Worker> {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) {
      clearTimeout(this.#timers.get(worker))
      this.#timers.delete(worker)
      if (worker.alive) {
        this.#busy.add(worker) // at once: a task that is bound to it may be next
        return worker
      }
      this.#workers.delete(worker)
    }
    const worker = await this.#host.start(this.#start)
    this.#workers.add(worker)
    if (this.#closed) {
      await worker.close()
      throw closedFault()
    }
    return worker
  }

  #giveBack(worker: Worker): void {
    this.#busy.delete(worker)
    if (!worker.alive || this.#closed) {
      this.#workers.delete(worker)
      return
    }
    this.#idle.push(worker)
    const timer = setTimeout(() => this.#retire(worker), this.#idleMs)
    timer.unref()
    this.#timers.set(worker, timer)
  }

  #retire(worker: Worker): void {
    this.#timers.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at < 0) return
    this.#idle.splice(at, 1)
    this.#workers.delete(worker)
    void worker.close()
  }
}

function isCrash(error: unknown): error is Fault {
  return isFault(error) && error.code === 'engine.crashed'
}

/** A second run of a task that ran out of heap ends the same way; any other crash may have come from outside. */
function isWorthRetrying(error: unknown): error is Fault {
  return isCrash(error) && error.data['outOfMemory'] !== true
}

function closedFault(): Fault {
  return new Fault('engine.closed', 'The application is closing; no new work is started.')
}

/** One listener per part; each reports the sum of what all parts said last. */
function sumProgress(count: number, total: number | undefined, onProgress: OnProgress | undefined): OnProgress[] {
  const latest = new Array<Progress | null>(count).fill(null)
  const report = (stage: string, unit: string): void => {
    const done = latest.reduce((sum, progress) => sum + (progress?.done ?? 0), 0)
    onProgress?.({ stage, done, total: total ?? sumOfTotals(latest), unit })
  }
  return latest.map((_, i) => (progress) => {
    latest[i] = progress
    report(progress.stage, progress.unit)
  })
}

function sumOfTotals(parts: readonly (Progress | null)[]): number | null {
  let sum = 0
  for (const part of parts) {
    if (!part || part.total === null) return null
    sum += part.total
  }
  return sum
}
