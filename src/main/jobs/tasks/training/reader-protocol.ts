import type { FaultJson } from '../../../../shared/contract/fault.ts'
import type { TrainBatch } from '../../../training/measure.ts'
import type { BatchSeries } from './batch-maker.ts'

/** What the training says to the thread that reads for it. `id` counts the series asked for. */
export type ToReader =
  | { readonly kind: 'start'; readonly id: number; readonly series: BatchSeries }
  /** a batch was taken: one more may be made */
  | { readonly kind: 'more'; readonly id: number }
  | { readonly kind: 'stop'; readonly id: number }

/** What that thread answers. */
export type FromReader =
  | { readonly kind: 'ready'; readonly labelRange: readonly [number, number] | null }
  | { readonly kind: 'batch'; readonly id: number; readonly batch: TrainBatch }
  | { readonly kind: 'end'; readonly id: number }
  /** `id` null: before any series was asked for */
  | { readonly kind: 'failed'; readonly id: number | null; readonly failure: ReaderFailure }

/** A fault, or a bug with its stack. */
export type ReaderFailure =
  | { readonly kind: 'fault'; readonly fault: FaultJson }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string }

/** Batches made ahead of the one that is computed with: enough to smooth slow samples, few enough for large pictures. */
export const BATCHES_AHEAD = 3
