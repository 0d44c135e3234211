import type { JobEvent, JobInfo, JobRequest, JobState, PartialResult } from '../../../shared/contract/api/jobs.ts'
import type { JobResult } from '../../../shared/contract/api/job-results.ts'
import { Fault, type FaultJson } from '../../../shared/contract/fault.ts'
import type { Progress } from '../../../shared/contract/progress.ts'
import { createPause, type Pause } from '../pause.ts'
import { createScheduler, type JobContext, type Scheduler } from '../scheduler.ts'
import { KeptPartials } from './kept-partials.ts'

/** What the work of a job gets beside progress and log. */
export interface JobWorkContext extends JobContext {
  readonly pause: Pause
  readonly onPartial: (partial: PartialResult) => void
  /** called as soon as the job's run of the store is known */
  readonly onRun: (run: string) => void
}

/** Does what is asked for. */
export type JobWork = (request: JobRequest, context: JobWorkContext) => Promise<JobResult>

export interface JobServiceDeps {
  readonly work: JobWork
  /** one line about a request */
  readonly titleOf: (request: JobRequest) => string
  readonly now: () => string
  /** called whenever a job's line changes, at most a few times a second for progress */
  readonly onChange: (job: JobInfo) => void
}

/** Jobs of several steps: they can be held between two of them. */
const PAUSABLE: readonly JobRequest['kind'][] = ['sensitivity', 'quickScan', 'search', 'sweep', 'measurePlan', 'demo']
/** Lines and partial results of one job that a late follower still gets. */
const KEPT_LINES = 2000
/** Progress is told to lists so often; followers of the job get all of it. */
const PROGRESS_MS = 250

/** Long work of all windows: started, followed, paused and cancelled by id. It goes on whether or not anyone looks. */
export class JobService {
  readonly #deps: JobServiceDeps
  readonly #scheduler: Scheduler
  #jobs: TrackedJob[] = []

  constructor(deps: JobServiceDeps) {
    this.#deps = deps
    this.#scheduler = createScheduler()
  }

  get list(): JobInfo[] {
    return this.#jobs.map((job) => job.info)
  }

  /** True while a job runs or waits. */
  get isBusy(): boolean {
    return this.#jobs.some((job) => !job.hasEnded)
  }

  /** @throws Fault engine.queueFull */
  start(request: JobRequest): JobInfo {
    const { work, titleOf, now, onChange } = this.#deps
    const scheduled = this.#scheduler.submit<JobResult>(request.kind, (context) => tracked.run(work, context))
    const tracked: TrackedJob = new TrackedJob(
      {
        id: scheduled.id,
        kind: request.kind,
        title: titleOf(request),
        model: 'model' in request ? request.model : null,
        state: 'queued',
        canPause: PAUSABLE.includes(request.kind),
        progress: null,
        queuedAt: now(),
        startedAt: null,
        endedAt: null,
        run: null,
        fault: null,
      },
      request,
      { cancel: () => scheduled.cancel(), now, onChange },
    )
    this.#jobs = [...withoutOldest(this.#jobs), tracked]
    void tracked.watchEnd(scheduled.result)
    onChange(tracked.info)
    return tracked.info
  }

  /** @throws Fault usage.jobNotFound */
  find(id: string): TrackedJob {
    const job = this.#jobs.find(({ info }) => info.id === id)
    if (job) return job
    throw new Fault('usage.jobNotFound', `There is no job ${id}: it was cleared, or the host was started anew.`, {
      job: id,
    })
  }

  /** Takes ended jobs off the list. */
  clear(): void {
    this.#jobs = this.#jobs.filter((job) => !job.hasEnded)
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }
}

/** Ended jobs that stay listed. */
const KEPT_JOBS = 100

function withoutOldest(jobs: readonly TrackedJob[]): TrackedJob[] {
  const ended = jobs.filter((job) => job.hasEnded)
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - KEPT_JOBS)))
  return jobs.filter((job) => !dropped.has(job))
}

interface Hooks {
  readonly cancel: () => void
  readonly now: () => string
  readonly onChange: (job: JobInfo) => void
}

/** A job with what a late follower needs: its log, its partial results, its end. */
export class TrackedJob {
  readonly #request: JobRequest
  readonly #hooks: Hooks
  readonly #pause = createPause()
  readonly #followers = new Set<EventQueue>()
  readonly #partials = new KeptPartials()
  #log: JobEvent[] = []
  #info: JobInfo
  #end: JobEvent | null = null
  #told = 0

  constructor(info: JobInfo, request: JobRequest, hooks: Hooks) {
    this.#info = info
    this.#request = request
    this.#hooks = hooks
  }

  get info(): JobInfo {
    return this.#info
  }

  get hasEnded(): boolean {
    return this.#end !== null
  }

  /** @throws Fault usage.jobNotDone; the fault of a job that failed */
  get result(): JobResult {
    if (this.#end?.kind === 'done') return this.#end.result
    if (this.#end?.kind === 'failed') throw Fault.fromJSON(this.#end.fault)
    throw new Fault('usage.jobNotDone', `The job ${this.#info.id} has no result: it is ${this.#info.state}.`, {
      job: this.#info.id,
    })
  }

  cancel(): void {
    this.#hooks.cancel()
    this.#pause.resume()
  }

  /** @throws Fault usage.notPausable */
  pause(): void {
    if (!this.#info.canPause)
      throw new Fault(
        'usage.notPausable',
        `A job of this kind (${this.#info.kind}) has no place to pause: cancel it, and what it measured is found again.`,
      )
    if (this.#info.state !== 'running') return
    this.#pause.pause()
    this.#change({ state: 'paused' })
  }

  resume(): void {
    if (this.#info.state !== 'paused') return
    this.#pause.resume()
    this.#change({ state: 'running' })
  }

  /** Does the work; called by the queue. */
  run(work: JobWork, context: JobContext): Promise<JobResult> {
    this.#change({ state: 'running', startedAt: this.#hooks.now() })
    return work(this.#request, {
      signal: context.signal,
      pause: this.#pause,
      onProgress: (progress) => this.#progress(progress),
      onLog: (level, message) => this.#line({ kind: 'log', level, message, at: this.#hooks.now() }),
      onPartial: (partial) => this.#partial(partial),
      onRun: (run) => this.#change({ run }),
    })
  }

  /** Follows the end of the work, whatever it is. */
  async watchEnd(result: Promise<JobResult>): Promise<void> {
    try {
      const value = await result
      const job = this.#ended('done', 'run' in value ? { run: value.run } : {})
      this.#finish({ kind: 'done', job, result: value })
    } catch (error) {
      if (isAbort(error)) this.#finish({ kind: 'cancelled', job: this.#ended('cancelled', {}) })
      else {
        const fault = faultJsonOf(error)
        this.#finish({ kind: 'failed', fault, job: this.#ended('failed', { fault }) })
      }
    }
  }

  /** What was, then what happens, until the job ends or the signal is raised. */
  async *follow(signal?: AbortSignal): AsyncGenerator<JobEvent, void, undefined> {
    const queue = new EventQueue([
      { kind: 'job', job: this.#info },
      ...this.#log,
      ...this.#partials.all.map((partial): JobEvent => ({ kind: 'partial', partial })),
      ...(this.#end ? [this.#end] : []),
    ])
    if (this.#end) queue.close()
    else this.#followers.add(queue)
    const leave = (): void => queue.close()
    signal?.addEventListener('abort', leave, { once: true })
    try {
      yield* queue.events()
    } finally {
      signal?.removeEventListener('abort', leave)
      this.#followers.delete(queue)
    }
  }

  #change(change: Partial<JobInfo>): void {
    this.#info = { ...this.#info, ...change }
    this.#tell({ kind: 'job', job: this.#info })
    this.#hooks.onChange(this.#info)
  }

  #progress(progress: Progress): void {
    this.#info = { ...this.#info, progress }
    this.#tell({ kind: 'progress', progress })
    if (performance.now() - this.#told < PROGRESS_MS) return
    this.#told = performance.now()
    this.#hooks.onChange(this.#info)
  }

  #line(event: JobEvent): void {
    this.#log.push(event)
    if (this.#log.length > KEPT_LINES) this.#log = this.#log.slice(-KEPT_LINES)
    this.#tell(event)
  }

  #partial(partial: PartialResult): void {
    this.#partials.add(partial)
    this.#tell({ kind: 'partial', partial })
  }

  #ended(state: JobState, change: Partial<JobInfo>): JobInfo {
    this.#info = { ...this.#info, ...change, state, endedAt: this.#hooks.now() }
    return this.#info
  }

  #finish(event: JobEvent): void {
    this.#end = event
    this.#tell(event)
    for (const follower of this.#followers) follower.close()
    this.#followers.clear()
    this.#hooks.onChange(this.#info)
  }

  #tell(event: JobEvent): void {
    for (const follower of this.#followers) follower.push(event)
  }
}

function isAbort(error: unknown): boolean {
  return (
    (error instanceof DOMException && error.name === 'AbortError') ||
    (error instanceof Fault && error.code === 'engine.closed')
  )
}

/** A bug shows as one bland sentence outside the host; its details go to the host's own output. */
function faultJsonOf(error: unknown): FaultJson {
  if (error instanceof Fault) return error.toJSON()
  console.error(error)
  return {
    code: 'internal.bug',
    message: 'Something went wrong inside Quantbench; the output of its host has the details.',
    data: {},
  }
}

/** Events on their way to one reader; consecutive progress steps collapse, so that a slow reader costs no memory. */
class EventQueue {
  #events: JobEvent[]
  #closed = false
  #wake = Promise.withResolvers<void>()

  constructor(first: readonly JobEvent[]) {
    this.#events = [...first]
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
