/** One step of a long job as the user sees it; `done` of `total` in `unit`. */
export interface Progress {
  readonly stage: string
  readonly done: number
  /** null while unknown */
  readonly total: number | null
  readonly unit: string
  /** time the rest will take at the pace so far, in ms; absent while nothing is known */
  readonly etaMs?: number
  /** what is known already, in words: the best so far */
  readonly note?: string
}

export type OnProgress = (progress: Progress) => void
/** A sentence for the log (stderr of the CLI, the jobs drawer of the window). */
export type OnLog = (level: 'info' | 'warning', message: string) => void
