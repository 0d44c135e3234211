import { type } from '@orpc/contract'
import { z } from 'zod'
import { dataSpec, dataSplit, type DataInfo, type DataSpec, type Preprocess, type SampleRange } from '../data.ts'
import { call, modelHash } from './base.ts'
import type { LinearHistogram } from './models.ts'

const askedRange = z.strictObject({ start: z.int().min(0), end: z.int().min(1).nullable() })

/** What the user says of data; shared by every job that reads samples (DESIGN section 8, common options). */
export const sampleOptions = z.strictObject({
  data: dataSpec,
  split: dataSplit.optional(),
  range: askedRange.optional(),
  calibrationRange: askedRange.optional(),
  samples: z.int().min(1).optional(),
  calibrationSamples: z.int().min(1).optional(),
  seed: z.int().min(0).max(0xffffffff).default(0),
  /** a preset's name or JSON; proposed from the model's input when absent */
  preprocess: z.string().optional(),
  allowOverlap: z.boolean().optional(),
})
export type SampleOptionsInput = z.input<typeof sampleOptions>

/** Samples a class, in the order of the classes; only labelled samples count. */
export interface ClassBalance {
  readonly counts: readonly number[]
  readonly unlabelled: number
  /** samples that were read for it: all of them, or as many as fit into two seconds */
  readonly looked: number
}

export interface DataView {
  readonly info: DataInfo
  readonly splits: readonly ('train' | 'test')[]
  /** null where the data hold no labels */
  readonly balance: ClassBalance | null
}

/** One sample before and after preprocessing, as pictures. */
export interface SamplePreview {
  readonly position: number
  readonly index: number
  readonly name: string
  readonly label: number | null
  readonly className: string | null
  /** data URL of a PNG; null for arrays */
  readonly before: string | null
  /** the model's input drawn as a picture, its values stretched over 0–255; null where it is none */
  readonly after: string | null
  /** of the values the model gets */
  readonly min: number
  readonly max: number
  readonly mean: number
}

export interface DataPreview {
  readonly samples: readonly SamplePreview[]
  /** model input that takes them */
  readonly input: string
  readonly preprocess: Preprocess | null
  /** name of the preset, null for JSON or arrays */
  readonly preset: string | null
  /** a sentence: why this preprocessing */
  readonly why: string
  /** of all values of the previewed samples, as the model gets them */
  readonly histogram: LinearHistogram
}

export interface PresetView {
  readonly name: string
  readonly scale: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly fit: 'centreCrop' | 'stretch'
  readonly order: 'rgb' | 'bgr'
}

/** Something about data and model that does not fit, and what to do. */
export interface DataFinding {
  readonly code: 'otherPreprocess' | 'labelsShifted' | 'labelsOutside' | 'oneClass' | 'nearChance' | 'constantInput'
  readonly message: string
  /** the preset that fits better: what the finding's button sets */
  readonly preset?: string
}

/** Ranges as they would be cut, before anything runs. */
export interface ChosenRangesView {
  readonly evaluation: SampleRange
  readonly calibration: SampleRange | null
  readonly why: readonly string[]
}

export interface DataCheck {
  readonly findings: readonly DataFinding[]
  readonly ranges: ChosenRangesView
  /** of the inputs under the preprocessing in use, and the float model's hits on a few samples where there are labels */
  readonly preprocess: Preprocess | null
  readonly preset: string | null
}

export interface RecentData {
  readonly spec: DataSpec
  readonly split: 'train' | 'test'
  readonly count: number
  readonly labelled: boolean
  readonly classes: readonly string[] | null
  readonly seenAt: string
}

/** A data set as its makers publish it, and where it lies, or would lie, in a folder of its name. */
export interface OfficialSetView {
  readonly name: string
  readonly title: string
  readonly spec: DataSpec
  /** of the download */
  readonly bytes: number
  /** the host that is asked first */
  readonly source: string
  /** licence or terms, as the makers state them */
  readonly terms: string
  /** `partial`: a fetch that was cut off, which goes on where it was; `other`: files that were not fetched here, in no known form */
  readonly state: 'whole' | 'partial' | 'other' | 'absent'
}

/** Samples: where they come from, and what the model sees of them. */
export const dataApi = {
  describe: call.input(z.strictObject({ spec: dataSpec, split: dataSplit.optional() })).output(type<DataView>()),
  preview: call
    .input(
      z.strictObject({
        hash: modelHash,
        samples: sampleOptions,
        /** of the calibration split and range where true, else of the evaluation's */
        calibration: z.boolean().default(true),
        count: z.int().min(1).max(64).default(12),
      }),
    )
    .output(type<DataPreview>()),
  presets: call.output(type<readonly PresetView[]>()),
  recent: call.output(type<readonly RecentData[]>()),
  /** Data sets that the job `pullData` fetches, and how much of each lies in a folder; null: the store's. */
  official: call
    .input(z.strictObject({ folder: z.string().min(1).nullable() }))
    .output(type<readonly OfficialSetView[]>()),
  /** Tries the float model on a few samples: what does not fit, and the ranges a job would use. */
  check: call
    .input(z.strictObject({ hash: modelHash, samples: sampleOptions, calibrate: z.boolean().default(true) }))
    .output(type<DataCheck>()),
}
