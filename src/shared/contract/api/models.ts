import { type } from '@orpc/contract'
import { z } from 'zod'
import type { GraphView } from '../graph-view.ts'
import type { ModelSummary } from '../model.ts'
import { calibratorSpec, type CalibratorSpec } from '../plan.ts'
import type { Json } from '../runs.ts'
import type { DataType, Dim } from '../tensor.ts'
import { call, modelHash } from './base.ts'

/** What a model seems to be for, by its inputs and outputs. */
export type TaskGuess = 'classification' | 'detection' | 'segmentation' | 'imageToImage' | 'text' | 'vectors' | 'other'

/** A model as opened: its summary, and what a start page shows. */
export interface OpenModel {
  readonly summary: ModelSummary
  /** file name without its folder */
  readonly name: string
  readonly task: TaskGuess
  /** number of classes where it classifies */
  readonly classes: number | null
  /** dims of the inputs that shapes and multiply-accumulates hold for, by name */
  readonly sampleShapes: Readonly<Record<string, readonly number[]>>
  /** sentences: layers that cannot be quantized for a reason worth knowing; empty when all is well */
  readonly problems: readonly string[]
  /** largest relative error of the prepared model's outputs on seeded inputs; null when preparation changed nothing */
  readonly maxRelativeError: number | null
}

/** The numbers of the best plan that a search or a measured plan found for a model. */
export interface BestPlan {
  readonly run: string
  readonly bytes: number | null
  readonly drop: number | null
  readonly speedup: number | null
}

export interface RecentModel {
  readonly hash: string
  readonly name: string
  readonly path: string
  readonly bytes: number
  /** of ai.onnx, null where the file has none */
  readonly opset: number | null
  readonly task: TaskGuess
  readonly layers: number
  readonly parameters: number
  readonly seenAt: string
  /** false: the file is no longer at its path */
  readonly exists: boolean
  /** a small picture of its graph as a data URL, once the window has drawn one */
  readonly thumbnail: string | null
  readonly best: BestPlan | null
}

/** Counts over even bins from `low` to `high`. */
export interface LinearHistogram {
  readonly low: number
  readonly high: number
  readonly counts: readonly number[]
}

/** One constant of a layer. */
export interface WeightView {
  readonly tensor: string
  readonly role: 'weight' | 'bias'
  readonly dataType: DataType
  readonly dims: readonly number[]
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly std: number
  readonly histogram: LinearHistogram
  /** ranges of the channels along the output axis; null for a bias or where there is none */
  readonly channels: { readonly axis: number; readonly min: readonly number[]; readonly max: readonly number[] } | null
}

/** A range as a calibrator would choose it. */
export interface CandidateRange {
  readonly calibrator: CalibratorSpec
  readonly rmin: number
  readonly rmax: number
  /** share of the values outside */
  readonly clipped: number
}

/** A stored calibration: what was seen on which samples. */
export interface StoredCalibration {
  readonly sha256: string
  readonly run: string
  readonly madeAt: string
  /** data, ranges and preprocessing, as the run keeps them; null where the run does not say */
  readonly samples: Json
}

/** What a calibration saw of one tensor. */
export interface ActivationView {
  readonly tensor: string
  readonly calibration: StoredCalibration
  /** samples that were run */
  readonly samples: number
  /** exact bounds over all values of all samples */
  readonly min: number
  readonly max: number
  readonly histogram: LinearHistogram
  /** ranges of the channels (axis 1), null where the tensor has none */
  readonly channels: { readonly min: readonly number[]; readonly max: readonly number[] } | null
  /** one a calibrator, at the bits and symmetry asked for */
  readonly ranges: readonly CandidateRange[]
}

/** Which tensors were seen, with their bounds, for lists. */
export interface CalibratedTensor {
  readonly tensor: string
  readonly min: number
  readonly max: number
}

export interface TensorData {
  readonly tensor: string
  readonly dims: readonly (number | Dim)[]
  /** the .npy file as base64 */
  readonly npy: string
  readonly fileName: string
}

/** Models: open, look inside. A model is named by its path once, and by its hash from then on. */
export const modelsApi = {
  /** Opens a file (or a folder that holds one model): reads, checks, prepares, and keeps it among the recent ones. */
  open: call.input(z.strictObject({ path: z.string().min(1) })).output(type<OpenModel>()),
  /** The same for the built-in sample. */
  sample: call.output(type<OpenModel>()),
  /** A model that was opened before, by its hash; opened anew where this host has not seen it yet. */
  get: call.input(z.strictObject({ hash: modelHash })).output(type<OpenModel>()),
  recent: call.output(type<readonly RecentModel[]>()),
  forget: call.input(z.strictObject({ hash: modelHash })).output(type<void>()),
  /** Keeps a picture of the model's graph: a data URL of a PNG of at most 200 kB. */
  keepThumbnail: call
    .input(z.strictObject({ hash: modelHash, png: z.string().startsWith('data:image/png;base64,').max(280_000) }))
    .output(type<void>()),
  graph: call
    .input(z.strictObject({ hash: modelHash, form: z.enum(['prepared', 'file']).default('prepared') }))
    .output(type<GraphView>()),
  weights: call
    .input(z.strictObject({ hash: modelHash, layer: z.string(), bins: z.int().min(8).max(512).default(96) }))
    .output(type<readonly WeightView[]>()),
  /** A constant of the prepared model as a .npy file, for "save as". */
  tensor: call.input(z.strictObject({ hash: modelHash, tensor: z.string() })).output(type<TensorData>()),
  /** Newest first. */
  calibrations: call.input(z.strictObject({ hash: modelHash })).output(type<readonly StoredCalibration[]>()),
  calibrated: call
    .input(z.strictObject({ hash: modelHash, calibration: z.string().optional() }))
    .output(type<readonly CalibratedTensor[]>()),
  /** Histogram of an activation from a stored calibration, the newest when none is named. Fault data.noCalibration without one. */
  activations: call
    .input(
      z.strictObject({
        hash: modelHash,
        tensor: z.string(),
        calibration: z.string().optional(),
        bits: z.int().min(1).max(16).default(8),
        symmetric: z.boolean().default(false),
        /** beside the usual ones */
        calibrators: z.array(calibratorSpec).max(8).optional(),
        bins: z.int().min(8).max(512).default(128),
      }),
    )
    .output(type<ActivationView>()),
}
