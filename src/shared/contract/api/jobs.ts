import { eventIterator, type } from '@orpc/contract'
import { z } from 'zod'
import type { FaultJson } from '../fault.ts'
import { quantPlan, repairNames } from '../plan.ts'
import type { Progress } from '../progress.ts'
import { webFolderOf } from '../web-folder.ts'
import { call } from './base.ts'
import { sampleOptions } from './data.ts'
import type { CandidateView, JobResult, SensitivityRow, SweepPointView, SweepReferenceView } from './job-results.ts'
import {
  compareQatRequest,
  installEngineRequest,
  qatRequest,
  trainRequest,
  type EpochView,
  type StepView,
  type TrainingStage,
} from './training.ts'

const path = z.string().min(1)
const threads = z.int().min(1).max(1024).nullable().optional()
const batch = z.int().min(1).max(65_536).nullable().optional()
/** precisions as the command line takes them: `8,4,int4,8:percentile` */
const configs = z.string().max(2000)
const metric = z.enum(['loss', 'kl', 'top1', 'nsr'])

/** Writes the model that a plan makes; `output` null: a file beside the other exports. */
const quantizeRequest = z.strictObject({
  kind: z.literal('quantize'),
  model: path,
  output: path.nullable().default(null),
  force: z.boolean().default(false),
  plan: quantPlan,
  keepFloat: z.array(z.string()).default([]),
  samples: sampleOptions.nullable(),
})
const evaluateRequest = z.strictObject({
  kind: z.literal('evaluate'),
  model: path,
  reference: path.nullable().default(null),
  samples: sampleOptions,
  batch,
  threads,
  /** what runs the model: 'tfjs' is TensorFlow.js itself, for its own files */
  engine: z.enum(['onnxruntime', 'tfjs']).default('onnxruntime'),
})
/** whole shapes by input, where the model leaves axes open */
const shapes = z.record(z.string(), z.array(z.int().min(1)).max(16)).optional()
const benchRequest = z.strictObject({
  kind: z.literal('bench'),
  model: path,
  reference: path.nullable().default(null),
  batch,
  threads,
  shapes,
})
/** Collects statistics once; every method and bit width is derived from them. */
const calibrateRequest = z.strictObject({ kind: z.literal('calibrate'), model: path, samples: sampleOptions })
/** The exact sweep. `resumes`: id of a run that was cut off; what it measured is found again. */
const sensitivityRequest = z.strictObject({
  kind: z.literal('sensitivity'),
  model: path,
  samples: sampleOptions,
  configs: configs.default('8'),
  base: z.enum(['float', 'quantized']).default('float'),
  metric: metric.nullable().default(null),
  exact: z.boolean().default(false),
  threads,
  resumes: z.string().nullable().default(null),
})
/** One instrumented pass a configuration: seconds, any model. */
const quickScanRequest = z.strictObject({
  kind: z.literal('quickScan'),
  model: path,
  samples: sampleOptions,
  configs: configs.default('8'),
})
const searchRequest = z.strictObject({
  kind: z.literal('search'),
  model: path,
  samples: sampleOptions,
  output: path.nullable().default(null),
  force: z.boolean().default(false),
  strategy: z.string().nullable().default(null),
  configs: configs.nullable().default(null),
  maxDrop: z.number().min(0).max(1).nullable().default(null),
  maxSize: z
    .union([z.strictObject({ bytes: z.number().positive() }), z.strictObject({ share: z.number().positive() })])
    .nullable()
    .default(null),
  minSpeedup: z.number().positive().nullable().default(null),
  maxFloatLayers: z.int().min(0).nullable().default(null),
  maxTrials: z.int().min(1).max(100_000).nullable().default(null),
  repairs: z.array(z.enum(repairNames)).default([]),
  threads,
  resumes: z.string().nullable().default(null),
})
/** The accuracy-versus-bits figure, as JSON, CSV and SVG; `output` null: beside the other exports. */
const sweepRequest = z.strictObject({
  kind: z.literal('sweep'),
  model: path,
  samples: sampleOptions,
  bits: z.array(z.int().min(1).max(8)).min(1).max(8).default([1, 2, 3, 4, 5, 6, 7, 8]),
  curves: z
    .array(z.enum(['weights', 'activations', 'both']))
    .min(1)
    .default(['weights', 'activations', 'both']),
  /** what every point starts from; the default plan when absent */
  plan: quantPlan.optional(),
  output: path.nullable().default(null),
  force: z.boolean().default(false),
})
/** "Measure": accuracy, size and, where `time`, speed of a plan, all layers together; kept, so that asking again costs nothing. */
const measurePlanRequest = z.strictObject({
  kind: z.literal('measurePlan'),
  model: path,
  plan: quantPlan,
  samples: sampleOptions,
  time: z.boolean().default(true),
  /** what it is timed with; accuracy is that of single samples. One sample's shapes where nothing is said */
  batch,
  shapes,
  threads,
})
/** A model in another format: `output` NAME.onnx, or a folder for TensorFlow.js; null: beside the other exports, a TensorFlow.js folder where `to` is not onnx. */
const convertRequest = z.strictObject({
  kind: z.literal('convert'),
  model: path,
  output: path.nullable().default(null),
  /** null: by the name of the output, a graph-model for a folder */
  to: z.enum(['onnx', 'graph-model', 'layers-model']).nullable().default(null),
  force: z.boolean().default(false),
  /** how TensorFlow.js weights are stored, where no plan decides */
  weights: z.enum(['float32', 'float16', 'uint16', 'uint8']).default('float32'),
  keepFloat: z.array(z.string()).default([]),
  plan: quantPlan.nullable().default(null),
  /** the data that the written model is measured on, beside the source; null: not measured */
  samples: sampleOptions.nullable().default(null),
})
/** Fetches an official data set, or goes on where that was cut off. */
const pullDataRequest = z.strictObject({
  kind: z.literal('pullData'),
  name: z.string().min(1).max(100),
  /** where the set gets a folder of its name; null: the store's */
  folder: path.nullable().default(null),
  /** an address that has the files under their names, asked before the makers */
  mirror: z
    .string()
    .max(2000)
    .refine((text) => webFolderOf(text) !== null, 'an http or https address')
    .nullable()
    .default(null),
})
/** Measures a classic table beside its published values, or goes on with it; the files go beside the other exports. */
const reproduceRequest = z.strictObject({
  kind: z.literal('reproduce'),
  table: z.string().min(1).max(100),
  /** folder that holds `mnist/`, `cifar10/` …; null where the table needs none */
  dataRoot: path.nullable().default(null),
  quick: z.boolean().default(false),
})
/** The whole job on the built-in sample; files and report go to `output`, beside the other exports when null. */
const demoRequest = z.strictObject({ kind: z.literal('demo'), output: path.nullable().default(null) })

export const jobRequest = z.discriminatedUnion('kind', [
  quantizeRequest,
  evaluateRequest,
  benchRequest,
  calibrateRequest,
  sensitivityRequest,
  quickScanRequest,
  searchRequest,
  sweepRequest,
  measurePlanRequest,
  convertRequest,
  trainRequest,
  qatRequest,
  compareQatRequest,
  installEngineRequest,
  pullDataRequest,
  reproduceRequest,
  demoRequest,
])
/** What is asked for, defaults filled in. */
export type JobRequest = z.output<typeof jobRequest>
/** What a window sends. */
export type JobRequestInput = z.input<typeof jobRequest>
export type JobKind = JobRequest['kind']

export type JobState = 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'

/** One line of the jobs drawer. Times are ISO 8601 in UTC. */
export interface JobInfo {
  readonly id: string
  readonly kind: JobKind
  /** one line: what it does to what */
  readonly title: string
  /** path of the model, null where none is open yet */
  readonly model: string | null
  readonly state: JobState
  /** whether pause is possible: the job has steps between which it can be held */
  readonly canPause: boolean
  readonly progress: Progress | null
  readonly queuedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  /** the run of the store it made, once there is one */
  readonly run: string | null
  /** why it failed; null while it has not */
  readonly fault: FaultJson | null
}

/** What becomes known while a job runs. Rows replace earlier rows of the same base, layer and configuration, candidates those of the same key. */
export type PartialResult =
  | { readonly kind: 'sensitivity'; readonly base: 'float' | 'quantized'; readonly rows: readonly SensitivityRow[] }
  /** a plan that a search has measured; `best` where no earlier one is better */
  | { readonly kind: 'candidate'; readonly candidate: CandidateView; readonly best: boolean }
  /** further points of a sweep over bits, on so many samples */
  | {
      readonly kind: 'sweep'
      readonly points: readonly SweepPointView[]
      readonly reference: SweepReferenceView
      readonly samples: number
    }
  /** rows replace earlier rows of the same stage and epoch; steps are further ones, possibly not all */
  | {
      readonly kind: 'training'
      readonly stage: TrainingStage
      readonly epochs: readonly EpochView[]
      readonly steps: readonly StepView[]
    }

export type OnPartial = (partial: PartialResult) => void

/**
 * What a follower of a job sees: first the job as it is, its log and its partial results so far, then what happens, until it ends.
 * Progress steps may be skipped for a slow follower, nothing else is.
 */
export type JobEvent =
  | { readonly kind: 'job'; readonly job: JobInfo }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'log'; readonly level: 'info' | 'warning'; readonly message: string; readonly at: string }
  | { readonly kind: 'partial'; readonly partial: PartialResult }
  | { readonly kind: 'done'; readonly job: JobInfo; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly job: JobInfo; readonly fault: FaultJson }
  | { readonly kind: 'cancelled'; readonly job: JobInfo }

/** A classic table, and the official data sets it needs. */
export interface TableView {
  readonly name: string
  readonly title: string
  readonly data: readonly string[]
}

const jobId = z.strictObject({ job: z.string() })

/** Long work: one heavy job at a time, the others wait. Jobs live in the host: closing the window does not end them. */
export const jobsApi = {
  start: call.input(jobRequest).output(type<JobInfo>()),
  /** Oldest first; ended ones stay listed for a while. */
  list: call.output(type<readonly JobInfo[]>()),
  watch: call.input(jobId).output(eventIterator(type<JobEvent>())),
  /** The result of a job that is done. Fault usage.jobNotDone, usage.jobNotFound. */
  result: call.input(jobId).output(type<JobResult>()),
  cancel: call.input(jobId).output(type<JobInfo>()),
  pause: call.input(jobId).output(type<JobInfo>()),
  resume: call.input(jobId).output(type<JobInfo>()),
  /** What the job `reproduce` can measure. */
  tables: call.output(type<readonly TableView[]>()),
  /** Takes ended jobs off the list. */
  clear: call.output(type<void>()),
}
