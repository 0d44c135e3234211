import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import type { JobEvent, JobInfo, JobKind, JobRequestInput } from '../../shared/contract/api/jobs.ts'
import { problemOf, problemOfFault, type Problem } from '../problem.ts'
import { isEnded, shareOf, useJobsStore } from './jobs.ts'
import { useModelsStore } from './models.ts'

/** The one job of a kind that a screen is about. */
export interface JobSlot {
  readonly job: ComputedRef<JobInfo | null>
  readonly isActive: ComputedRef<boolean>
  readonly isStarting: Readonly<ShallowRef<boolean>>
  /** 0–1; null while the whole is unknown */
  readonly share: ComputedRef<number | null>
  /** why it could not be started, or failed */
  readonly problem: ShallowRef<Problem | null>
  /** Starts a job and follows it. Gives false where it was refused; `problem` says why. */
  readonly start: (request: JobRequestInput) => Promise<boolean>
  readonly pause: () => Promise<void>
  readonly resume: () => Promise<void>
  readonly cancel: () => Promise<void>
  /** Lets go of the job, which goes on by itself. */
  readonly leave: () => void
}

/** What a slot tells its store. */
export interface JobSlotHooks {
  /** a job is taken up: a new one, or one that was under way when the window came */
  readonly onTake: (job: JobInfo) => void
  readonly onEvent: (event: JobEvent) => void
}

/**
 * Follows the newest job of some kinds, for the open model or, where `scope` is `any`, whatever it is about: one started here, one that
 * another window started, or one that ran on while this window was away. What is told after a reconnect is told from the beginning.
 */
export function createJobSlot(
  kinds: readonly JobKind[],
  { onTake, onEvent }: JobSlotHooks,
  scope: 'model' | 'any' = 'model',
): JobSlot {
  const jobs = useJobsStore()
  const models = useModelsStore()
  const id = shallowRef<string | null>(null)
  const isStarting = shallowRef(false)
  const problem = shallowRef<Problem | null>(null)
  /** jobs that were let go of: they are not taken up again by themselves */
  const left = new Set<string>()
  let stop = (): void => {}

  const job = computed(() => (id.value === null ? null : (jobs.byId.get(id.value) ?? null)))
  const isActive = computed(() => job.value !== null && !isEnded(job.value))
  const share = computed(() => (job.value === null ? null : shareOf(job.value)))
  const own = computed(() => {
    const path = models.current?.summary.path
    const isOfScope = (one: JobInfo): boolean => scope === 'any' || one.model === path
    const ofModel = jobs.jobs.filter((one) => isOfScope(one) && kinds.includes(one.kind) && !left.has(one.id))
    // one under way over one that has ended, the newest of each
    return ofModel.find((one) => !isEnded(one)) ?? ofModel.find(({ state }) => state === 'done') ?? null
  })

  function hear(event: JobEvent): void {
    if (event.kind === 'failed') problem.value = problemOfFault(event.fault)
    onEvent(event)
    if (event.kind !== 'done' && event.kind !== 'failed' && event.kind !== 'cancelled') return
    const end = stop
    queueMicrotask(end)
  }

  function take(wanted: JobInfo): void {
    stop()
    problem.value = null
    id.value = wanted.id
    onTake(wanted)
    stop = jobs.follow(wanted.id, hear)
  }

  function drop(): void {
    stop()
    stop = () => {}
    id.value = null
  }

  function leave(): void {
    if (id.value !== null) left.add(id.value)
    // nor is an earlier one that has ended
    for (const one of jobs.jobs) if (kinds.includes(one.kind) && isEnded(one)) left.add(one.id)
    drop()
  }

  async function start(request: JobRequestInput): Promise<boolean> {
    problem.value = null
    isStarting.value = true
    try {
      take(await jobs.start(request))
      return true
    } catch (error) {
      problem.value = problemOf(error)
      return false
    } finally {
      isStarting.value = false
    }
  }

  watch(
    () => models.hash,
    () => {
      if (scope === 'any') return
      drop()
      problem.value = null
    },
    { flush: 'sync' },
  )
  watch(
    own,
    (found) => {
      if (found === null || found.id === id.value || isStarting.value) return
      if (id.value === null || !isEnded(found)) take(found)
    },
    { immediate: true },
  )

  const act = (does: (job: string) => Promise<void>) => async (): Promise<void> => {
    if (id.value !== null) await does(id.value)
  }
  return {
    job,
    isActive,
    isStarting,
    share,
    problem,
    start,
    pause: act(jobs.pause),
    resume: act(jobs.resume),
    cancel: act(jobs.cancel),
    leave,
  }
}
