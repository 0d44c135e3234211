import type { JobInfo, JobKind } from '../../../shared/contract/api/jobs.ts'
import { durationText } from '../../format.ts'
import type { IconName } from '../ui/icons.ts'

/** Icon of each kind of job. */
export const JOB_ICON: Readonly<Record<JobKind, IconName>> = {
  quantize: 'export',
  evaluate: 'check',
  bench: 'measure',
  calibrate: 'calibrate',
  sensitivity: 'sensitivity',
  quickScan: 'sensitivity',
  search: 'target',
  sweep: 'bars',
  measurePlan: 'measure',
  demo: 'play',
}

/** Time from start to end, or to now, in ms; null for what has not begun. */
export function elapsedMs(job: Pick<JobInfo, 'startedAt' | 'endedAt'>, now: number): number | null {
  if (job.startedAt === null) return null
  return Math.max(0, (job.endedAt === null ? now : Date.parse(job.endedAt)) - Date.parse(job.startedAt))
}

/**
 * Time the rest will take, in ms: what the job itself says, else at the pace so far; null while nothing can be said.
 * A stage that has hardly begun says nothing about its rest.
 */
export function etaMs(job: Pick<JobInfo, 'state' | 'startedAt' | 'endedAt' | 'progress'>, now: number): number | null {
  const { progress } = job
  if (job.state !== 'running' || progress === null) return null
  if (progress.etaMs !== undefined) return progress.etaMs
  const elapsed = elapsedMs(job, now)
  if (elapsed === null || progress.total === null || progress.total <= 0) return null
  const share = progress.done / progress.total
  return share < 0.05 || elapsed < 1000 ? null : (elapsed * (1 - share)) / share
}

/** A rest that is over before one has read of it. */
const LEAST_ETA_MS = 1000

function stepText(job: Pick<JobInfo, 'progress'>): string | null {
  const { progress } = job
  if (progress === null) return null
  const stage = progress.stage.charAt(0).toUpperCase() + progress.stage.slice(1)
  if (progress.total === null && progress.done === 0) return stage
  const count = progress.total === null ? String(progress.done) : `${progress.done} of ${progress.total}`
  return `${stage}: ${count} ${progress.unit}`.trimEnd()
}

/** What a job is at, in one line. */
export function jobText(job: JobInfo, now: number): string {
  const elapsed = elapsedMs(job, now)
  const took = elapsed === null ? '' : durationText(elapsed)
  switch (job.state) {
    case 'queued':
      return 'Waits for the job before it'
    case 'running': {
      const eta = etaMs(job, now)
      return [
        stepText(job) ?? 'Starting',
        job.progress?.note,
        eta === null || eta < LEAST_ETA_MS ? took : `about ${durationText(eta)} left`,
      ]
        .filter((part) => part)
        .join(' · ')
    }
    case 'paused':
      return [`Paused`, stepText(job)].filter((part) => part).join(' · ')
    case 'done':
      return took === '' ? 'Done' : `Done in ${took}`
    case 'cancelled':
      return took === '' ? 'Cancelled before it began' : `Cancelled after ${took}`
    case 'failed':
      return took === '' ? 'Failed' : `Failed after ${took}`
  }
}
