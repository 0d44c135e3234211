import { type } from '@orpc/contract'
import { z } from 'zod'
import { dataSpec, type DataSpec } from '../data.ts'
import { quantPlan, type QuantPlan } from '../plan.ts'
import { call } from './base.ts'

/** What a training starts from: a built-in recipe by its name, a recipe file, or a model file. */
const trainStart = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('recipe'), name: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('recipeFile'), path: z.string().min(1) }),
  z.strictObject({ kind: z.literal('model'), path: z.string().min(1) }),
])
export type TrainStartView = z.infer<typeof trainStart>

/** How a training goes; what is absent is as the recipe says, else as the defaults of training. */
export const trainOptions = z.strictObject({
  epochs: z.int().min(0).max(100_000).optional(),
  batch: z.int().min(1).max(65_536).optional(),
  optimizer: z.enum(['sgd', 'adam']).optional(),
  learningRate: z.number().positive().max(1e6).optional(),
  schedule: z.enum(['constant', 'cosine', 'step', 'linear']).optional(),
  /** epochs during which the rate rises from 0 */
  warmup: z.number().min(0).max(100_000).optional(),
  /** of SGD */
  momentum: z.number().min(0).max(0.999).optional(),
  weightDecay: z.number().min(0).max(1).optional(),
  labelSmoothing: z.number().min(0).max(0.9).optional(),
  seed: z.int().min(0).max(0xffffffff).optional(),
  /** epochs without a better validation after which it stops; null: never */
  patience: z.int().min(1).max(100_000).nullable().optional(),
  /** `crop`: the least share of the area that is kept */
  augment: z
    .strictObject({
      flip: z.boolean(),
      shift: z.int().min(0).max(1000),
      crop: z.number().gt(0).lt(1).optional(),
    })
    .optional(),
})
export type TrainOptionsInput = z.input<typeof trainOptions>

/** Model and data of a training; shared by every kind of it. */
const trainSubject = {
  start: trainStart,
  data: dataSpec,
  /** a preset's name or JSON; proposed from the model's input when null */
  preprocess: z.string().nullable().default(null),
  /** learn from at most so many samples */
  samples: z.int().min(1).nullable().default(null),
  /** samples held out to choose the best epoch; null: a tenth, at most 5,000 */
  validation: z.int().min(0).nullable().default(null),
  /** classes of the data; a model that scores another number of them gets a fresh head */
  classes: z.int().min(1).max(1_000_000).nullable().default(null),
  /** [height, width] that pictures are brought to */
  size: z
    .tuple([z.int().min(1).max(100_000), z.int().min(1).max(100_000)])
    .nullable()
    .default(null),
} as const

/** Trains in float; `output` null: a file beside the other exports. `resumes`: a run that was cut off, whose settings are taken again. */
export const trainRequest = z.strictObject({
  kind: z.literal('train'),
  ...trainSubject,
  options: trainOptions.default({}),
  output: z.string().min(1).nullable().default(null),
  force: z.boolean().default(false),
  resumes: z.string().nullable().default(null),
})

/** What training for integers is told beside model and data. */
const qatSubject = {
  ...trainSubject,
  /** static layers of 2 to 8 bits; the others float */
  plan: quantPlan,
  /** of the float training that comes first, of a recipe or a fresh head; 0 epochs: none */
  floatOptions: trainOptions.default({}),
  /** what is absent is as bits and optimiser suggest */
  options: trainOptions.default({}),
  /** share of the epochs after which the ranges of activations stand still; null: half */
  freeze: z.number().min(0).max(1).nullable().default(null),
  /** step sizes learned by gradient instead of ranges by moving average; null: as the bits suggest */
  lsq: z.boolean().nullable().default(null),
  output: z.string().min(1).nullable().default(null),
  force: z.boolean().default(false),
} as const

/** Trains for integers, from a float model or from scratch, and writes the quantized file. */
export const qatRequest = z.strictObject({
  kind: z.literal('qat'),
  ...qatSubject,
  resumes: z.string().nullable().default(null),
})

/** Float, quantized after training, trained for integers, and both as hybrids, on the same samples; two files are written. */
export const compareQatRequest = z.strictObject({
  kind: z.literal('compareQat'),
  ...qatSubject,
  /** null: the most sensitive layers of the plan, found by a quick scan, are spared */
  hybrid: quantPlan.nullable().default(null),
  resumes: z.string().nullable().default(null),
})

/** Fetches libtensorflow where it is missing, and computes with it. */
export const installEngineRequest = z.strictObject({ kind: z.literal('installEngine') })

/** Which half of a training numbers come from: in float, or for integers. */
export type TrainingStage = 'float' | 'qat'

/** What one epoch came to. Rates in 0–1. */
export interface EpochView {
  /** from 1 */
  readonly epoch: number
  readonly learningRate: number
  readonly loss: number
  readonly accuracy: number
  /** null without validation samples */
  readonly validationLoss: number | null
  readonly validationAccuracy: number | null
  readonly samplesPerSecond: number
}

/** The loss of one step. */
export interface StepView {
  /** epochs done by then: 1.5 is half way through the second */
  readonly at: number
  readonly loss: number
}

/** The native engine that trains, as it is found on this machine. */
export interface TrainingEngineView {
  /** null: not installed, or it does not load */
  readonly installed: {
    /** of libtensorflow */
    readonly version: string
    readonly folder: string
    /** `cache`: fetched by us; `folder`: named by the user; `package`: beside tfjs-node */
    readonly source: 'cache' | 'folder' | 'package'
    /** time from nothing to a computed product */
    readonly loadMs: number
  } | null
  /** where it would be fetched from, in order; empty where there is no build for this platform */
  readonly sources: readonly string[]
  /** `linux-x64` */
  readonly platform: string
  /** it is there and does not load: why */
  readonly problem: string | null
}

/** A recipe as it is offered. */
export interface RecipeView {
  /** of a recipe file: its path */
  readonly name: string
  readonly title: string
  /** where the architecture is described */
  readonly source: string
  /** [height, width] of its input; null: as the data's pictures are */
  readonly input: readonly [number, number] | null
  /** what it is trained with unless the user says otherwise; defaults of training filled in */
  readonly options: Required<TrainOptionsInput>
}

/** What training for integers uses where nothing is said. */
export interface QatGuideView {
  readonly options: Required<TrainOptionsInput>
  /** why the learning rate is what it is */
  readonly why: string
  /** whether step sizes are learned by gradient */
  readonly learnsSteps: boolean
}

/** A way to quantize, as it was measured on the test samples in ONNX Runtime. Rates in 0–1. */
export interface ComparisonRowView {
  readonly name: 'float' | 'ptq' | 'ptq-repaired' | 'qat' | 'ptq-hybrid' | 'qat-hybrid'
  /** the run it was measured as; of `float` the one that trained it, null where none did */
  readonly run: string | null
  /** null: float */
  readonly plan: QuantPlan | null
  readonly top1: number
  readonly loss: number
  /** 95 %, of top-1 against float */
  readonly drop: { readonly value: number; readonly low: number; readonly high: number } | null
  readonly bytes: number
  readonly wallMs: number | null
  /** the written file; null where none was written */
  readonly output: string | null
}

/** A training, or a comparison of ways to quantize, that was cut off and can be gone on with from its last whole epoch. */
export interface ResumableView {
  readonly run: string
  readonly kind: 'train' | 'qat' | 'compareQat'
  readonly startedAt: string
  readonly status: 'interrupted' | 'failed'
  readonly start: TrainStartView
  readonly data: DataSpec
  readonly output: string
  readonly epochsDone: number
  readonly epochs: number
  /** of a comparison: how many of its ways are measured; null for a training */
  readonly ways: { readonly done: number; readonly total: number } | null
  readonly history: readonly EpochView[]
}

/** What training needs to know before it starts. */
export const trainingApi = {
  /** Looks at the engine by loading it; takes about a second. */
  engine: call.output(type<TrainingEngineView>()),
  /** Built-in recipes, and the options that are taken where neither user nor recipe say any. */
  recipes: call.output(type<{ readonly recipes: readonly RecipeView[]; readonly defaults: RecipeView['options'] }>()),
  /** Reads a recipe file. */
  recipeFile: call.input(z.strictObject({ path: z.string().min(1) })).output(type<RecipeView>()),
  /** What a plan's bits suggest for training for integers. */
  qatGuide: call
    .input(
      z.strictObject({
        plan: quantPlan,
        optimizer: z.enum(['sgd', 'adam']).optional(),
        lsq: z.boolean().nullable().default(null),
      }),
    )
    .output(type<QatGuideView>()),
  /** Newest first. */
  resumable: call.output(type<readonly ResumableView[]>()),
}
