/** One step of a long job as the user sees it; `done` of `total` in `unit`. */
export interface Progress {
  readonly stage: string
  readonly done: number
  /** null while unknown */
  readonly total: number | null
  readonly unit: string
}

export type OnProgress = (progress: Progress) => void
/** A sentence for the log (stderr of the CLI, the jobs drawer of the window). */
export type OnLog = (level: 'info' | 'warning', message: string) => void
