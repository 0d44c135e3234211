import type { JobInfo, JobKind } from '../../../shared/contract/api/jobs.ts'
import { bytesText, durationText } from '../../format.ts'
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
  convert: 'export',
  train: 'train',
  qat: 'train',
  compareQat: 'compare',
  installEngine: 'download',
  pullData: 'download',
  reproduce: 'bars',
  demo: 'play',
}

/** Time from start to end, or to now, in ms; null for what has not begun. */
function elapsedMs(job: Pick<JobInfo, 'startedAt' | 'endedAt'>, now: number): number | null {
  if (job.startedAt === null) return null
  return Math.max(0, (job.endedAt === null ? now : Date.parse(job.endedAt)) - Date.parse(job.startedAt))
}

/** When a job was first seen in the stage it is in, and how much of the stage was done then. */
export interface Pace {
  readonly stage: string
  /** ms since 1970 */
  readonly since: number
  readonly from: number
}

/** Less than this share of a stage says nothing about its rest. */
const LEAST_SHARE = 0.02

/** Time the rest of the stage will take at its pace so far, in ms; null while nothing can be said. */
export function stageEtaMs(job: Pick<JobInfo, 'state' | 'progress'>, pace: Pace | null, now: number): number | null {
  const { progress } = job
  if (job.state !== 'running' || !progress || progress.total === null || pace?.stage !== progress.stage) return null
  const steps = progress.done - pace.from
  const elapsed = now - pace.since
  if (elapsed < 1000 || steps <= 0 || steps < (progress.total - pace.from) * LEAST_SHARE) return null
  return (elapsed * (progress.total - progress.done)) / steps
}

/** A rest that is over before one has read of it. */
const LEAST_ETA_MS = 1000

/** Stages whose names are no words. */
const STAGE_WORDS: Readonly<Record<string, string>> = { qat: 'QAT' }

function stepText(job: Pick<JobInfo, 'progress'>): string | null {
  const { progress } = job
  if (progress === null) return null
  const stage = STAGE_WORDS[progress.stage] ?? progress.stage.charAt(0).toUpperCase() + progress.stage.slice(1)
  if (progress.total === null && progress.done === 0) return stage
  const isSize = progress.unit === 'bytes'
  const [done, total] = [progress.done, progress.total].map((count) =>
    count !== null && isSize ? bytesText(count) : count,
  )
  const count = total === null ? String(done) : `${done} of ${total}`
  return `${stage}: ${count} ${isSize ? '' : progress.unit}`.trimEnd()
}

/** What is left, in words: of the job where it says so itself, else of the stage; null where nothing can be said. */
function restText(job: JobInfo, pace: Pace | null, now: number): string | null {
  const ofJob = job.progress?.etaMs
  const rest = ofJob ?? stageEtaMs(job, pace, now)
  if (rest === null || rest < LEAST_ETA_MS) return null
  return `about ${durationText(rest)} left${ofJob === undefined ? ' in this step' : ''}`
}

/** What a job is at, in one line. */
export function jobText(job: JobInfo, now: number, pace: Pace | null = null): string {
  const elapsed = elapsedMs(job, now)
  const took = elapsed === null ? '' : durationText(elapsed)
  switch (job.state) {
    case 'queued':
      return 'Waits for the job before it'
    case 'running':
      return [stepText(job) ?? 'Starting', job.progress?.note, took, restText(job, pace, now)]
        .filter((part) => part)
        .join(' · ')
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
