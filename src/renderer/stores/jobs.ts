import { defineStore } from 'pinia'
import { computed, shallowReactive, shallowRef, watch } from 'vue'
import type { JobEvent, JobInfo, JobRequestInput } from '../../shared/contract/api/jobs.ts'
import type { JobResult } from '../../shared/contract/api/job-results.ts'
import { faultOf } from '../../shared/contract/api/base.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client, connection } from './client.ts'

/** One line of a job's log. */
export interface LogLine {
  readonly level: 'info' | 'warning'
  readonly message: string
  readonly at: string
}

/** When a job was first seen in the stage it is in, and how much of the stage was done then. */
interface StagePace {
  readonly stage: string
  /** ms since 1970 */
  readonly since: number
  readonly from: number
}

type Follower = (event: JobEvent) => void

interface Watch {
  readonly followers: Set<Follower>
  /** what came already, for those who join later; progress only its newest */
  past: JobEvent[]
  stop: () => void
}

const ENDED = new Set<JobInfo['state']>(['done', 'failed', 'cancelled'])

/** True for a job that will not change any more. */
export function isEnded(job: Pick<JobInfo, 'state'>): boolean {
  return ENDED.has(job.state)
}

/** Share of a job that is done, 0–1; null while its whole is unknown. */
export function shareOf(job: Pick<JobInfo, 'progress' | 'state'>): number | null {
  if (job.state === 'done') return 1
  if (job.progress === null || job.progress.total === null || job.progress.total <= 0) return null
  return Math.min(1, job.progress.done / job.progress.total)
}

/** Long work of the host: what there is, and one subscription for each job that anybody here follows. */
export const useJobsStore = defineStore('jobs', () => {
  const app = useAppStore()
  const byId = shallowReactive(new Map<string, JobInfo>())
  const logs = shallowReactive(new Map<string, readonly LogLine[]>())
  const results = shallowReactive(new Map<string, JobResult>())
  /** what went wrong with the list itself; a job's own failure is its fault */
  const problem = shallowRef<Problem | null>(null)
  const paces = new Map<string, StagePace>()
  const watches = new Map<string, Watch>()

  /** newest first */
  const jobs = computed(() => [...byId.values()].sort((a, b) => b.queuedAt.localeCompare(a.queuedAt)))
  const active = computed(() => jobs.value.filter((job) => !isEnded(job)))
  const running = computed(() => jobs.value.find((job) => job.state === 'running') ?? null)

  function take(job: JobInfo): JobInfo {
    byId.set(job.id, job)
    const { progress } = job
    if (progress && paces.get(job.id)?.stage !== progress.stage)
      paces.set(job.id, { stage: progress.stage, since: Date.now(), from: progress.done })
    return job
  }

  /** Since when the job has been in its stage, as far as this window saw. */
  const paceOf = (id: string): StagePace | null => paces.get(id) ?? null

  async function load(): Promise<void> {
    try {
      const listed = await client().jobs.list()
      const known = new Set(listed.map((job) => job.id))
      for (const id of byId.keys()) if (!known.has(id)) byId.delete(id)
      listed.forEach(take)
      problem.value = null
    } catch (error) {
      problem.value = problemOf(error)
    }
  }
  app.on('job', (event) => take(event.job))
  watch(
    () => app.epoch,
    (epoch) => {
      // a host that came back may have gone on with some jobs and lost others
      if (epoch > 0) void load()
    },
  )

  function note(id: string, event: JobEvent): void {
    switch (event.kind) {
      case 'job':
        take(event.job)
        break
      case 'progress': {
        const job = byId.get(id)
        if (job) take({ ...job, progress: event.progress })
        break
      }
      case 'log':
        logs.set(id, [...(logs.get(id) ?? []), { level: event.level, message: event.message, at: event.at }])
        break
      case 'partial':
        break
      case 'done':
        results.set(id, event.result)
        take(event.job)
        break
      case 'failed':
      case 'cancelled':
        take(event.job)
        break
    }
  }

  function pass(watched: Watch, id: string, event: JobEvent): void {
    if (event.kind === 'progress') watched.past = watched.past.filter((past) => past.kind !== 'progress')
    watched.past.push(event)
    note(id, event)
    for (const follower of [...watched.followers]) follower(event)
  }

  function begin(id: string): Watch {
    const watched: Watch = { followers: new Set(), past: [], stop: () => {} }
    watches.set(id, watched)
    watched.stop = connection().follow(
      (rpc, signal) => {
        // a feed starts with all that was: what an earlier one told is told again
        watched.past = []
        logs.delete(id)
        return rpc.jobs.watch({ job: id }, { signal })
      },
      (event) => pass(watched, id, event),
      (error) => fail(id, watched, error),
    )
    return watched
  }

  /** The host does not know the job (it was started anew), or cannot tell of it. */
  function fail(id: string, watched: Watch, error: unknown): void {
    watches.delete(id)
    const job = byId.get(id)
    if (!job || isEnded(job)) return void (problem.value = problemOf(error))
    const fault = faultOf(error)?.toJSON() ?? {
      code: 'internal.feed' as const,
      message: `What the job does is no longer told: ${problemOf(error).sentence}`,
      data: {},
    }
    pass(watched, id, { kind: 'failed', job: { ...job, state: 'failed', fault }, fault })
  }

  /**
   * Follows a job: `follower` gets what was and what comes. However many follow, the host has one subscription. After a reconnect all is told
   * again, beginning with an event `job`: rows replace earlier ones of the same name.
   * @returns ends the following; the subscription ends with the last follower
   */
  function follow(id: string, follower: Follower): () => void {
    const watched = watches.get(id) ?? begin(id)
    watched.followers.add(follower)
    for (const event of watched.past) follower(event)
    return () => {
      watched.followers.delete(follower)
      if (watched.followers.size > 0) return
      watched.stop()
      if (watches.get(id) === watched) watches.delete(id)
    }
  }

  /** @throws what the host says: shown where it was asked for */
  async function start(request: JobRequestInput): Promise<JobInfo> {
    return take(await client().jobs.start(request))
  }

  /** Starts a job and waits for its end; `onEvent` sees what happens on the way. @throws its fault; null when it was cancelled */
  async function complete(request: JobRequestInput, onEvent?: Follower): Promise<JobResult | null> {
    const job = await start(request)
    return new Promise((resolve, reject) => {
      const stop = follow(job.id, (event) => {
        onEvent?.(event)
        if (event.kind === 'done') resolve(event.result)
        else if (event.kind === 'cancelled') resolve(null)
        else if (event.kind === 'failed')
          reject(Object.assign(new Error(event.fault.message), { code: 'FAULT', data: event.fault }))
        else return
        queueMicrotask(() => stop())
      })
    })
  }

  async function act(change: Promise<JobInfo>): Promise<void> {
    try {
      take(await change)
      problem.value = null
    } catch (error) {
      problem.value = problemOf(error)
    }
  }
  const cancel = (id: string): Promise<void> => act(client().jobs.cancel({ job: id }))
  const pause = (id: string): Promise<void> => act(client().jobs.pause({ job: id }))
  const resume = (id: string): Promise<void> => act(client().jobs.resume({ job: id }))

  /** Takes ended jobs off the list. */
  async function clear(): Promise<void> {
    await client().jobs.clear()
    await load()
  }

  return {
    byId,
    logs,
    results,
    problem,
    jobs,
    active,
    running,
    load,
    paceOf,
    follow,
    start,
    complete,
    cancel,
    pause,
    resume,
    clear,
  }
})
