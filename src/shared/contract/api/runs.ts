import { type } from '@orpc/contract'
import { z } from 'zod'
import type { Execution } from '../model.ts'
import type { Json, RunDetail, RunSummary } from '../runs.ts'
import { call } from './base.ts'

const runKind = z.enum([
  'inspect',
  'quantize',
  'evaluate',
  'bench',
  'calibrate',
  'sensitivity',
  'search',
  'train',
  'qat',
  'compareQat',
  'sweep',
  'measurePlan',
  'convert',
  'reproduce',
  'demo',
])
const runStatus = z.enum(['running', 'done', 'failed', 'interrupted'])

/** Which runs; what is absent does not matter, all that is there must hold. */
export const runFilter = z.strictObject({
  kinds: z.array(runKind).optional(),
  statuses: z.array(runStatus).optional(),
  modelHash: z.string().optional(),
  dataHash: z.string().optional(),
  tags: z.array(z.string()).optional(),
  /** found in id, path, note or tags; case does not matter */
  text: z.string().max(200).optional(),
  /** ISO 8601 */
  since: z.string().optional(),
  until: z.string().optional(),
  metrics: z
    .array(z.strictObject({ name: z.string(), min: z.number().optional(), max: z.number().optional() }))
    .max(16)
    .optional(),
  /** a value of the run's parameters by its dotted path, compared as text */
  parameters: z
    .array(z.strictObject({ path: z.string().max(200), value: z.string().max(500) }))
    .max(16)
    .optional(),
  /** only the deleted ones */
  deleted: z.boolean().optional(),
})
export type RunFilter = z.infer<typeof runFilter>

/** A column: `startedAt`, `kind`, `status`, `modelPath`, `note`, `duration`, `metric:NAME` or `parameter:dotted.path`. Runs without the value come last. */
const runSort = z.strictObject({ by: z.string().max(200), descending: z.boolean().default(true) })

export interface RunPage {
  readonly total: number
  readonly offset: number
  readonly runs: readonly RunSummary[]
}

/** What filters and columns can choose from, over all runs that are not deleted. */
export interface RunFacets {
  readonly total: number
  readonly deleted: number
  readonly kinds: readonly { readonly kind: string; readonly count: number }[]
  readonly models: readonly { readonly hash: string; readonly path: string | null; readonly count: number }[]
  readonly tags: readonly { readonly tag: string; readonly count: number }[]
  readonly metrics: readonly string[]
  /** dotted paths of single values in the parameters of the newest runs, the most frequent first */
  readonly parameters: readonly string[]
  /** id of the run that deltas are against, null for none */
  readonly baseline: string | null
}

/** One setting that is not the same in all compared runs; values in the order of the runs, null where a run lacks it. */
export interface SettingDifference {
  readonly name: string
  readonly values: readonly Json[]
}

/** One metric over the compared runs; `deltas` against the first run. */
export interface MetricComparison {
  readonly name: string
  readonly values: readonly (number | null)[]
  readonly deltas: readonly (number | null)[]
  /** 95 %; null where none is known or the value is exact */
  readonly intervals: readonly (readonly [number, number] | null)[]
}

/** One layer over the compared runs; null where a run lacks it. */
export interface LayerDifference {
  readonly id: string
  readonly types: readonly (string | null)[]
  readonly executions: readonly (Execution | null)[]
  readonly ms: readonly (number | null)[]
}

/** What differs between runs; the first is the baseline of every delta. */
export interface RunComparison {
  readonly runs: readonly string[]
  readonly settings: readonly SettingDifference[]
  readonly metrics: readonly MetricComparison[]
  readonly layers: readonly LayerDifference[]
}

/** 95 % intervals of a run's metrics by their names; metrics without one are absent. */
export type RunIntervals = Readonly<Record<string, readonly [number, number]>>

export interface TrendPoint {
  readonly run: string
  readonly kind: string
  readonly modelHash: string | null
  readonly at: string
  readonly value: number
}

const runIds = z.strictObject({ runs: z.array(z.string()).min(1).max(20_000) })

/** The store of runs. */
export const runsApi = {
  list: call
    .input(
      z.strictObject({
        filter: runFilter.default({}),
        sort: runSort.default({ by: 'startedAt', descending: true }),
        offset: z.int().min(0).default(0),
        limit: z.int().min(1).max(20_000).default(200),
      }),
    )
    .output(type<RunPage>()),
  /** Ids of all runs that the filter keeps, in that order: what a selection, a range and Ctrl+A are made of. */
  ids: call
    .input(
      z.strictObject({
        filter: runFilter.default({}),
        sort: runSort.default({ by: 'startedAt', descending: true }),
      }),
    )
    .output(type<readonly string[]>()),
  /** Intervals of the metrics of some runs, by run; asked for the rows on screen only. */
  intervals: call
    .input(z.strictObject({ runs: z.array(z.string()).min(1).max(500) }))
    .output(type<Readonly<Record<string, RunIntervals>>>()),
  /** Values of parameters of some runs, by run, in the order of the dotted paths; null where a run has none. */
  parameters: call
    .input(
      z.strictObject({
        runs: z.array(z.string()).min(1).max(500),
        paths: z.array(z.string().max(200)).min(1).max(32),
      }),
    )
    .output(type<Readonly<Record<string, readonly Json[]>>>()),
  facets: call.output(type<RunFacets>()),
  /** `deleted`: one in the trash as well. */
  show: call.input(z.strictObject({ run: z.string(), deleted: z.boolean().default(false) })).output(type<RunDetail>()),
  compare: call.input(z.strictObject({ runs: z.array(z.string()).min(2).max(20) })).output(type<RunComparison>()),
  /** Text of a file; of the runs named, or of all that the filter keeps. */
  export: call
    .input(
      z.strictObject({
        runs: z.array(z.string()).max(20_000).optional(),
        filter: runFilter.default({}),
        format: z.enum(['csv', 'json']),
      }),
    )
    .output(type<{ readonly fileName: string; readonly text: string }>()),
  /** A self-contained HTML page about one or more runs of one model. */
  report: call
    .input(z.strictObject({ runs: z.array(z.string()).min(1).max(20), title: z.string().max(200).optional() }))
    .output(type<{ readonly fileName: string; readonly html: string }>()),
  /** A file of a sweep over bits, as it was written. Fault data.noArtifact. */
  sweepFile: call
    .input(z.strictObject({ run: z.string(), format: z.enum(['json', 'csv', 'svg']) }))
    .output(type<{ readonly fileName: string; readonly text: string }>()),
  tag: call
    .input(
      z.strictObject({ runs: z.array(z.string()).min(1), tags: z.array(z.string().trim().min(1).max(60)).max(32) }),
    )
    .output(type<void>()),
  note: call.input(z.strictObject({ run: z.string(), note: z.string().max(20_000) })).output(type<void>()),
  /** Hides runs; `restore` brings them back. */
  remove: call.input(runIds).output(type<void>()),
  restore: call.input(runIds).output(type<void>()),
  /** The run that deltas are against; null: none. */
  pin: call.input(z.strictObject({ run: z.string().nullable() })).output(type<void>()),
  /** Copies the runs of another store (its folder) that this one lacks, with their files. */
  import: call
    .input(z.strictObject({ path: z.string().min(1) }))
    .output(type<{ readonly imported: number; readonly skipped: number }>()),
  /** One metric over time, oldest first. */
  trends: call
    .input(z.strictObject({ metric: z.string(), filter: runFilter.default({}) }))
    .output(type<readonly TrendPoint[]>()),
}
