import { describe, expect, it } from 'vitest'
import { etaMs, jobText } from '../../../../src/renderer/components/shell/job-text.ts'
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

describe('time left', () => {
  it.each([
    { why: 'at the pace so far', more: { progress }, ms: 10_000, eta: 30_000 },
    { why: 'as the job says it', more: { progress: { ...progress, etaMs: 5 } }, ms: 10_000, eta: 5 },
    { why: 'unknown without a whole', more: { progress: { ...progress, total: null } }, ms: 10_000, eta: null },
    { why: 'unknown when hardly begun', more: { progress: { ...progress, done: 1 } }, ms: 10_000, eta: null },
    { why: 'unknown while paused', more: { progress, state: 'paused' as const }, ms: 10_000, eta: null },
    { why: 'unknown before the first step', more: {}, ms: 10_000, eta: null },
  ])('is $why', ({ more, ms, eta }) => {
    expect(etaMs(job(more), START + ms)).toBe(eta)
  })
})

it.each([
  { more: { progress }, text: 'Trials: 25 of 100 plans · about 30 s left' },
  {
    more: { progress: { ...progress, note: 'best 1.31 MB' } },
    text: 'Trials: 25 of 100 plans · best 1.31 MB · about 30 s left',
  },
  { more: { progress: { stage: 'prepare', done: 0, total: null, unit: '' } }, text: 'Prepare · 10 s' },
  { more: { state: 'queued' as const, startedAt: null }, text: 'Waits for the job before it' },
  { more: { state: 'paused' as const, progress }, text: 'Paused · Trials: 25 of 100 plans' },
  { more: { state: 'done' as const, endedAt: new Date(START + 200_000).toISOString() }, text: 'Done in 3 min 20 s' },
  { more: { state: 'cancelled' as const, startedAt: null }, text: 'Cancelled before it began' },
  { more: { state: 'failed' as const, endedAt: new Date(START + 23).toISOString() }, text: 'Failed after 23 ms' },
])('says "$text"', ({ more, text }) => {
  expect(jobText(job(more), START + 10_000)).toBe(text)
})
