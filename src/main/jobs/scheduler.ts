import { Fault, isFault, type FaultJson } from '../../shared/contract/fault.ts'
import type { OnLog, OnProgress, Progress } from '../../shared/contract/progress.ts'

type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** What a follower of a job sees. Progress steps may be skipped for a slow follower, nothing else is. */
export type JobEvent =
  | { readonly kind: 'state'; readonly state: 'queued' | 'running' }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'log'; readonly level: 'info' | 'warning'; readonly message: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly fault: FaultJson }
  | { readonly kind: 'cancelled' }

/** What a job's work gets. It must stop soon after `signal` is raised. */
export interface JobContext {
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly onLog: OnLog
}

interface Job<Result> {
  readonly id: string
  readonly kind: string
  readonly state: JobState
  readonly progress: Progress | null
  /** rejects with the fault or bug of the work, or with the reason of `cancel` */
  readonly result: Promise<Result>
  cancel(reason?: unknown): void
  /** What happened last, then what happens until the job ends. Leaving the loop does not stop the job. */
  follow(signal?: AbortSignal): AsyncIterableIterator<JobEvent>
}

export interface SchedulerOptions {
  /** jobs running at a time; jobs share one worker pool, so more than one rarely pays */
  readonly concurrency?: number
  /** jobs that may wait; one more is refused */
  readonly maxQueued?: number
}

/** A bounded queue of long jobs with progress, logs and cancel. The work itself goes to worker processes. */
export interface Scheduler {
  readonly jobs: readonly Job<unknown>[]
  /** @throws Fault engine.queueFull */
  submit<Result>(kind: string, work: (context: JobContext) => Promise<Result>): Job<Result>
  find(id: string): Job<unknown> | null
  /** Cancels everything and waits for it to end. */
  close(): Promise<void>
}

const defaultMaxQueued = 64
/** Ended jobs that stay listed, so that a window opened later still sees how they ended. */
const keptJobs = 50

export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const concurrency = options.concurrency ?? 1
  const maxQueued = options.maxQueued ?? defaultMaxQueued
  let jobs: ScheduledJob<unknown>[] = []
  let count = 0
  const running = (): number => jobs.filter((job) => job.state === 'running').length
  const advance = (): void => {
    for (const job of jobs) if (job.state === 'queued' && running() < concurrency) void job.start().then(advance)
    const ended = jobs.filter((job) => job.hasEnded)
    const dropped = new Set(ended.slice(0, Math.max(0, ended.length - keptJobs)))
    jobs = jobs.filter((job) => !dropped.has(job))
  }
  return {
    get jobs() {
      return jobs
    },
    submit: <Result>(kind: string, work: (context: JobContext) => Promise<Result>) => {
      const waiting = jobs.filter((job) => job.state === 'queued').length
      if (waiting >= maxQueued)
        throw new Fault('engine.queueFull', `${waiting} jobs wait already; let some finish or cancel them.`, {
          waiting,
        })
      const job = new ScheduledJob<Result>(`job-${++count}`, kind, work)
      jobs = [...jobs, job as ScheduledJob<unknown>]
      queueMicrotask(advance)
      return job
    },
    find: (id) => jobs.find((job) => job.id === id) ?? null,
    close: async () => {
      for (const job of jobs) job.cancel(new Fault('engine.closed', 'The application is closing.'))
      await Promise.allSettled(jobs.map((job) => job.result))
    },
  }
}

class ScheduledJob<Result> implements Job<Result> {
  readonly id: string
  readonly kind: string
  readonly result: Promise<Result>
  state: JobState = 'queued'
  progress: Progress | null = null
  readonly #work: (context: JobContext) => Promise<Result>
  readonly #abort = new AbortController()
  readonly #settled = Promise.withResolvers<Result>()
  readonly #followers = new Set<Follower>()
  #last: JobEvent = { kind: 'state', state: 'queued' }

  constructor(id: string, kind: string, work: (context: JobContext) => Promise<Result>) {
    this.id = id
    this.kind = kind
    this.#work = work
    this.result = this.#settled.promise
    this.result.catch(() => {}) // followers may be the only ones who care
  }

  get hasEnded(): boolean {
    return this.state !== 'queued' && this.state !== 'running'
  }

  async start(): Promise<void> {
    this.state = 'running'
    this.#tell({ kind: 'state', state: 'running' })
    try {
      const result = await this.#work({
        signal: this.#abort.signal,
        onProgress: (progress) => {
          this.progress = progress
          this.#tell({ kind: 'progress', progress })
        },
        onLog: (level, message) => this.#tell({ kind: 'log', level, message }),
      })
      this.#end('done', { kind: 'done' })
      this.#settled.resolve(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  cancel(reason: unknown = new DOMException('The job was cancelled.', 'AbortError')): void {
    if (this.hasEnded) return
    this.#abort.abort(reason)
    if (this.state === 'queued') this.#fail(reason)
  }

  async *follow(signal?: AbortSignal): AsyncIterableIterator<JobEvent> {
    const follower = new Follower(this.#last)
    if (!this.hasEnded) this.#followers.add(follower)
    else follower.close()
    const leave = (): void => follower.close()
    signal?.addEventListener('abort', leave, { once: true })
    try {
      yield* follower.events()
    } finally {
      signal?.removeEventListener('abort', leave)
      this.#followers.delete(follower)
    }
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) this.#end('cancelled', { kind: 'cancelled' })
    else this.#end('failed', { kind: 'failed', fault: faultJsonOf(error) })
    this.#settled.reject(this.#abort.signal.aborted ? this.#abort.signal.reason : error)
  }

  #end(state: JobState, event: JobEvent): void {
    this.state = state
    this.#tell(event)
    for (const follower of this.#followers) follower.close()
    this.#followers.clear()
  }

  #tell(event: JobEvent): void {
    if (event.kind !== 'log') this.#last = event
    for (const follower of this.#followers) follower.push(event)
  }
}

/** A bug shows as one bland sentence outside main; its details go to the log. */
function faultJsonOf(error: unknown): FaultJson {
  if (isFault(error)) return error.toJSON()
  return { code: 'internal.bug', message: 'Something went wrong inside Quantbench; the log has the details.', data: {} }
}

/** Events on their way to one reader; consecutive progress steps collapse, so that a slow reader costs no memory. */
class Follower {
  #events: JobEvent[]
  #closed = false
  #wake = Promise.withResolvers<void>()

  constructor(first: JobEvent) {
    this.#events = [first]
  }

  push(event: JobEvent): void {
    if (event.kind === 'progress' && this.#events.at(-1)?.kind === 'progress') this.#events.pop()
    this.#events.push(event)
    this.#wake.resolve()
  }

  close(): void {
    this.#closed = true
    this.#wake.resolve()
  }

  async *events(): AsyncGenerator<JobEvent, void, undefined> {
    for (;;) {
      const ready = this.#events
      this.#events = []
      yield* ready
      if (this.#events.length > 0) continue
      if (this.#closed) return
      await this.#wake.promise
      this.#wake = Promise.withResolvers<void>()
    }
  }
}
