import type { PartialResult } from '../../../shared/contract/api/jobs.ts'
import type { FaultJson } from '../../../shared/contract/fault.ts'
import type { Progress } from '../../../shared/contract/progress.ts'

/** What the parent tells a child. A child runs one task at a time; `id` counts the tasks of this child. */
export type ToChild =
  | { readonly kind: 'run'; readonly id: number; readonly task: string; readonly input: unknown }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'close' }

/** How a task failed: a fault of its own, or a bug (with its stack, for the log). */
export type Failure =
  | { readonly kind: 'fault'; readonly fault: FaultJson }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string }

/** What a child tells its parent. */
export type FromChild =
  | { readonly kind: 'ready' }
  /** the task was received: from here on it may have had effects */
  | { readonly kind: 'begun'; readonly id: number }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'log'; readonly id: number; readonly level: 'info' | 'warning'; readonly message: string }
  | { readonly kind: 'partial'; readonly id: number; readonly partial: PartialResult }
  | { readonly kind: 'done'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'aborted'; readonly id: number }
