import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import type { OnLog, OnProgress, Progress } from '../../../shared/contract/progress.ts'

/** Shows long work on stderr: bars on a terminal, at most a line every 10 s and stage elsewhere. */
export interface ProgressView {
  readonly onProgress: OnProgress
  readonly onLog: OnLog
  /** Takes the bars off the screen; call before anything is printed for good. */
  stop(): void
}

const QUIET_INTERVAL_MS = 10_000

/** @param stream where to write; bars only when it is a terminal */
export function createProgressView(stream: NodeJS.WriteStream = process.stderr): ProgressView {
  return stream.isTTY ? barView(stream) : lineView(stream)
}

function barView(stream: NodeJS.WriteStream): ProgressView {
  const bars = new Map<string, SingleBar>()
  const format = '{stage} {bar} {value}/{total} {unit}  {eta_formatted}'
  const toldFormat = '{stage} {bar} {value}/{total} {unit}  {told}'
  const options = { stream, clearOnComplete: true, hideCursor: true, format, emptyOnZero: true }
  let multi: MultiBar | null = null
  const stop = (): void => {
    multi?.stop()
    multi = null
    bars.clear()
  }
  const onProgress = (progress: Progress): void => {
    const { stage, done, total, unit } = progress
    const told = toldOf(progress)
    multi ??= new MultiBar(options, Presets.shades_classic)
    let bar = bars.get(stage)
    if (!bar) {
      // a job that knows better than the bar how long it takes says so
      bar = multi.create(
        total ?? 0,
        done,
        { stage: stage.padEnd(14), unit, told },
        told === '' ? {} : { format: toldFormat },
      )
      bars.set(stage, bar)
    }
    if (total !== null) bar.setTotal(total)
    bar.update(done, { told })
    if (total !== null && done >= total) {
      multi.remove(bar)
      bars.delete(stage)
    }
    if (bars.size === 0) stop()
  }
  const onLog: OnLog = (level, message) => {
    stop() // bars are redrawn by the next progress; a log line stays
    stream.write(`${level === 'warning' ? 'warning: ' : ''}${message}\n`)
  }
  return { onProgress, onLog, stop }
}

/** What the job itself says of the time left and of what it has found; empty where it says nothing. */
function toldOf({ etaMs, note }: Progress): string {
  const left = etaMs === undefined ? [] : [`about ${durationText(etaMs)} left`]
  return [...left, ...(note === undefined ? [] : [note])].join('; ')
}

function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`
}

function lineView(stream: NodeJS.WriteStream): ProgressView {
  const stages = new Map<string, { shownAt: number; shown: boolean }>()
  const onProgress = (progress: Progress): void => {
    const { stage, done, total, unit } = progress
    const now = performance.now()
    const finished = total !== null && done >= total
    const state = stages.get(stage) ?? { shownAt: now, shown: false } // what is over within the interval is not worth a line
    stages.set(stage, state)
    // a long first step has nothing done yet, but may say what it is at
    const due = (done > 0 || progress.note !== undefined) && now - state.shownAt >= QUIET_INTERVAL_MS
    if (due || (finished && state.shown)) {
      const told = toldOf(progress)
      stream.write(`${stage}: ${done}${total === null ? '' : `/${total}`} ${unit}${told === '' ? '' : `; ${told}`}\n`)
      stages.set(stage, { shownAt: now, shown: true })
    }
    if (finished) stages.delete(stage)
  }
  const onLog: OnLog = (level, message) => {
    stream.write(`${level === 'warning' ? 'warning: ' : ''}${message}\n`)
  }
  return { onProgress, onLog, stop: () => {} }
}
