import { randomBytes } from 'node:crypto'
import { Fault, isFault } from '../../shared/contract/fault.ts'
import type { Environment, Json, RunKind, RunSummary } from '../../shared/contract/runs.ts'
import type { RunEnd } from '../store/runs.ts'
import type { Store } from '../store/store.ts'

/** What every job needs to leave a run behind. */
export interface Recorder {
  readonly store: Store
  readonly environment: Environment
  /** the current time, ISO 8601 in UTC */
  readonly now: () => string
  readonly signal: AbortSignal
  /** called with the id as soon as the run has begun */
  readonly onRun?: (run: string) => void
}

export interface RunRequest {
  readonly kind: RunKind
  readonly modelPath: string | null
  readonly parameters: Json
  /** id of the run this one goes on with, which must have been on the same model */
  readonly resumes?: string | null
}

/** A run in progress: its id, and what is learned of its inputs on the way. */
export interface OpenRun {
  readonly id: string
  identify(known: { modelHash?: string; dataHash?: string }): void
}

/** A job's answer beside what the store keeps of it. */
export interface RunOutcome<Value> extends Omit<RunEnd, 'status' | 'endedAt'> {
  readonly value: Value
}

/**
 * Runs `body` as a run of the store: begun before it starts, ended as done, failed or interrupted whatever happens, so that the table
 * never lies about what was tried.
 * @returns the job's answer; what it threw is thrown on
 * @throws Fault usage.resume where it goes on with a run that was on another model
 */
export async function recordRun<Value>(
  recorder: Recorder,
  { resumes = null, ...request }: RunRequest,
  body: (run: OpenRun) => Promise<RunOutcome<Value>>,
): Promise<{ readonly run: string; readonly value: Value }> {
  const { store, environment, now, signal } = recorder
  const id = newRunId(now())
  store.runs.begin({ id, startedAt: now(), modelHash: null, dataHash: null, environment, ...request })
  recorder.onRun?.(id)
  const identify: OpenRun['identify'] = (known) => {
    store.runs.identify(id, known)
    if (resumes !== null && known.modelHash !== undefined) assertSameModel(store.runs.get(resumes), known.modelHash)
  }
  try {
    const { value, ...end } = await body({ id, identify })
    store.runs.end(id, { ...end, status: 'done', endedAt: now() })
    return { run: id, value }
  } catch (error) {
    const message = isFault(error) ? error.message : String(error)
    const status = signal.aborted ? 'interrupted' : 'failed'
    store.runs.end(id, { status, endedAt: now(), warnings: signal.aborted ? [] : [message] })
    throw error
  }
}

/** A run that was killed before it had read its model says nothing of it. */
function assertSameModel({ id, modelHash, modelPath }: RunSummary, hash: string): void {
  if (modelHash === null || modelHash === hash) return
  throw new Fault(
    'usage.resume',
    `Run ${id} was on another model (${modelPath ?? modelHash}), or the file has changed since: leave out --resume.`,
    { run: id, modelHash, found: hash },
  )
}

/** Metrics without those that were not measured. */
export function measuredOnly(metrics: Readonly<Record<string, number | null | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford's base 32: no letter that reads as a digit

/** A short id that sorts by time: seconds since 1970 in base 32, then 20 random bits. */
function newRunId(now: string): string {
  const encode = (value: number, length: number): string => {
    let text = ''
    for (let i = 0, rest = value; i < length; i++, rest = Math.floor(rest / 32)) text = DIGITS[rest % 32]! + text
    return text
  }
  return `${encode(Math.floor(Date.parse(now) / 1000), 7)}-${encode(randomBytes(4).readUInt32LE() % 2 ** 20, 4)}`
}
