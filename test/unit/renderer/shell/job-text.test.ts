import { describe, expect, it } from 'vitest'
import { jobText, stageEtaMs } from '../../../../src/renderer/components/shell/job-text.ts'
import type { JobInfo } from '../../../../src/shared/contract/api/jobs.ts'

const START = Date.parse('2026-01-01T00:00:00.000Z')
const job = (more: Partial<JobInfo>): JobInfo => ({
  id: 'j',
  kind: 'search',
  title: 'Search',
  model: null,
  state: 'running',
  canPause: true,
  progress: null,
  queuedAt: new Date(START).toISOString(),
  startedAt: new Date(START).toISOString(),
  endedAt: null,
  run: null,
  fault: null,
  ...more,
})
const progress = { stage: 'trials', done: 25, total: 100, unit: 'plans' }
const pace = { stage: 'trials', since: START, from: 0 }

describe('time left of a stage', () => {
  it.each([
    { why: 'at the pace so far', more: { progress }, of: pace, ms: 10_000, eta: 30_000 },
    {
      why: 'at the pace since the window saw it',
      more: { progress },
      of: { ...pace, from: 20 },
      ms: 10_000,
      eta: 150_000,
    },
    {
      why: 'unknown without a whole',
      more: { progress: { ...progress, total: null } },
      of: pace,
      ms: 10_000,
      eta: null,
    },
    { why: 'unknown when hardly begun', more: { progress: { ...progress, done: 1 } }, of: pace, ms: 10_000, eta: null },
    { why: 'unknown in its first second', more: { progress }, of: pace, ms: 900, eta: null },
    {
      why: 'unknown where another stage was seen',
      more: { progress },
      of: { ...pace, stage: 'x' },
      ms: 10_000,
      eta: null,
    },
    { why: 'unknown while paused', more: { progress, state: 'paused' as const }, of: pace, ms: 10_000, eta: null },
    { why: 'unknown before the first step', more: {}, of: pace, ms: 10_000, eta: null },
    { why: 'unknown where nothing was seen', more: { progress }, of: null, ms: 10_000, eta: null },
  ])('is $why', ({ more, of, ms, eta }) => {
    expect(stageEtaMs(job(more), of, START + ms)).toBe(eta)
  })
})

const preparing = { stage: 'prepare', done: 0, total: null, unit: '' }
it.each([
  { more: { progress }, text: 'Trials: 25 of 100 plans · 10 s · about 30 s left in this step' },
  {
    more: { progress: { ...progress, etaMs: 90_000 } },
    text: 'Trials: 25 of 100 plans · 10 s · about 1 min 30 s left',
  },
  { more: { progress: { ...progress, etaMs: 5 } }, text: 'Trials: 25 of 100 plans · 10 s' },
  { more: { progress: { ...preparing, note: 'best 1.31 MB' } }, text: 'Prepare · best 1.31 MB · 10 s' },
  { more: { state: 'queued' as const, startedAt: null }, text: 'Waits for the job before it' },
  { more: { state: 'paused' as const, progress }, text: 'Paused · Trials: 25 of 100 plans' },
  { more: { state: 'done' as const, endedAt: new Date(START + 200_000).toISOString() }, text: 'Done in 3 min 20 s' },
  { more: { state: 'cancelled' as const, startedAt: null }, text: 'Cancelled before it began' },
  { more: { state: 'failed' as const, endedAt: new Date(START + 23).toISOString() }, text: 'Failed after 23 ms' },
])('says "$text"', ({ more, text }) => {
  expect(jobText(job(more), START + 10_000, pace)).toBe(text)
})
