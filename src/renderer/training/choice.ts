import { z } from 'zod'
import type { JobRequestInput } from '../../shared/contract/api/jobs.ts'
import {
  trainOptions,
  type RecipeView,
  type TrainOptionsInput,
  type TrainStartView,
} from '../../shared/contract/api/training.ts'
import { dataSpec, type DataInfo, type DataSpec } from '../../shared/contract/data.ts'
import { defaultPlan, type QuantPlan } from '../../shared/contract/plan.ts'
import { fileNameOf } from '../model-files.ts'

/** All options of a training, none left to a default. */
export type WholeOptions = Required<TrainOptionsInput>

const count = z.int().min(1).nullable()

const integerChoice = z.object({
  biasBits: z.union([z.literal(8), z.literal(16), z.literal(32)]),
  /** null: as many as weights have */
  activationBits: z.int().min(2).max(8).nullable(),
  /** `usual`: weights symmetric, activations affine */
  symmetry: z.enum(['usual', 'symmetric', 'affine']),
  perTensor: z.boolean(),
})
/** What a plan of as many bits everywhere says beside those of weights. */
export type IntegerChoice = Readonly<z.infer<typeof integerChoice>>

const usualIntegers: IntegerChoice = { biasBits: 32, activationBits: null, symmetry: 'usual', perTensor: false }

/** What is kept of the form; options hold what was set by hand only. */
const keptChoice = z.object({
  start: z.enum(['recipe', 'file', 'model']),
  recipe: z.string(),
  /** path of a recipe file */
  recipeFile: z.string().nullable().default(null),
  /** null: those that the open model is looked at with, else none yet */
  data: dataSpec.nullable(),
  /** a preset's name or JSON; null: as proposed */
  preprocess: z.string().nullable().default(null),
  classes: count,
  size: z.tuple([z.int().min(1), z.int().min(1)]).nullable(),
  samples: count,
  validation: z.int().min(0).nullable(),
  options: trainOptions,
  /** in float; for integers; every way to quantize side by side */
  mode: z.enum(['float', 'qat', 'compare']).default('float'),
  qat: z
    .object({
      /** of weights and activations, where the plan on the graph is not taken */
      bits: z.int().min(2).max(8),
      usesPlan: z.boolean(),
      /** the rest of that plan */
      integers: integerChoice.default(usualIntegers),
      /** of a comparison: the plan on the graph is its hybrid, in the place of one that spares the most sensitive layers */
      hybridPlan: z.boolean().default(false),
      /** null: as the bits suggest */
      lsq: z.boolean().nullable(),
      /** share of the epochs; null: half */
      freeze: z.number().min(0).max(1).nullable(),
      /** of a recipe, before; null: as the recipe says */
      floatEpochs: z.int().min(0).nullable(),
      options: trainOptions,
    })
    .default({
      bits: 8,
      usesPlan: false,
      integers: usualIntegers,
      hybridPlan: false,
      lsq: null,
      freeze: null,
      floatEpochs: null,
      options: {},
    }),
})

/** What is trained on what, and how. */
export type TrainChoice = Readonly<z.infer<typeof keptChoice>>

/** What is trained before anything was chosen: the smallest of the classic convolutional networks. */
const usualChoice: TrainChoice = {
  start: 'recipe',
  recipe: 'lenet5',
  recipeFile: null,
  data: null,
  preprocess: null,
  classes: null,
  size: null,
  samples: null,
  validation: null,
  options: {},
  mode: 'float',
  qat: {
    bits: 8,
    usesPlan: false,
    integers: usualIntegers,
    hybridPlan: false,
    lsq: null,
    freeze: null,
    floatEpochs: null,
    options: {},
  },
}

/** The choice of a former window; the usual one where there is none, or one of another version. */
export function choiceFrom(text: string | null): TrainChoice {
  try {
    return text === null ? usualChoice : keptChoice.parse(JSON.parse(text))
  } catch {
    return usualChoice
  }
}

/** Options with some of them changed; what becomes undefined is left to its default again. */
export function changedOptions(options: TrainOptionsInput, change: TrainOptionsInput): TrainOptionsInput {
  const entries = Object.entries({ ...options, ...change }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries)
}

/** The recipe that is trained, among the built-in ones and the file that was chosen; null for a model. */
export function chosenRecipe(
  { start, recipe, recipeFile }: Pick<TrainChoice, 'start' | 'recipe' | 'recipeFile'>,
  recipes: readonly RecipeView[],
): RecipeView | null {
  if (start === 'model') return null
  return recipes.find(({ name }) => name === (start === 'file' ? recipeFile : recipe)) ?? null
}

/** What options come to when nothing is set by hand: the recipe's, else those of training. */
export function usualOptions(
  choice: TrainChoice,
  recipes: readonly RecipeView[],
  defaults: WholeOptions,
): WholeOptions {
  return chosenRecipe(choice, recipes)?.options ?? defaults
}

/** What a choice stands beside. */
interface ChoiceSurroundings {
  /** path of the open model */
  readonly model: string | null
  readonly recipes: readonly RecipeView[]
  readonly data: DataSpec | null
  /** what the data are; null while that is not known */
  readonly info: DataInfo | null
}

/** Why a training cannot begin, and what to do; null where it can. */
export function choiceProblem(choice: TrainChoice, around: ChoiceSurroundings): string | null {
  const { model, recipes, data, info } = around
  if (choice.start === 'model' && model === null) return 'Open a model first, or train a recipe.'
  if (choice.start === 'file' && chosenRecipe(choice, recipes) === null) return 'Choose a recipe file first.'
  if (data === null) return 'Choose data to learn from.'
  if (info === null) return null
  if (!info.labelled) return 'These data have no labels; training needs one for every sample.'
  const held = choice.validation ?? 0
  if (held >= info.count) return `Holding out ${held} samples leaves none of ${info.count} to learn from.`
  if (choice.start === 'model') return null
  if (info.classes === null && choice.classes === null) return 'The data do not tell their classes: say how many.'
  const recipe = chosenRecipe(choice, recipes)
  const isOpen = info.pictureShape === null && choice.size === null && !recipe?.input
  return isOpen ? 'The pictures differ in size: say to which height and width they are brought.' : null
}

/** The plan of training for integers: as many bits everywhere, ranges by moving average. */
export function planOfBits(bits: number, integers: IntegerChoice = usualIntegers): QuantPlan {
  const { weights, activations } = defaultPlan.defaults
  const { biasBits, activationBits, symmetry, perTensor } = integers
  const isSymmetric = symmetry !== 'affine'
  return {
    ...defaultPlan,
    defaults: {
      ...defaultPlan.defaults,
      weights: {
        ...weights,
        bits,
        symmetric: isSymmetric,
        storage: isSymmetric ? 'int8' : 'uint8',
        granularity: perTensor ? 'perTensor' : 'perChannel',
      },
      activations: {
        ...activations,
        bits: activationBits ?? bits,
        symmetric: symmetry === 'symmetric',
        calibrator: { method: 'movingAverage' },
      },
      bias: { bits: biasBits },
    },
  }
}

/** Whether the plan on the graph is trained for: it belongs to the open model. */
export const takesPlan = ({ start, qat }: Pick<TrainChoice, 'start' | 'qat'>): boolean =>
  start === 'model' && qat.usesPlan

/** Whether the plan on the graph can be the hybrid of a comparison: it belongs to the open model, and is not what all ways have. */
export const canBeHybrid = ({ mode, start, qat }: Pick<TrainChoice, 'mode' | 'start' | 'qat'>): boolean =>
  mode === 'compare' && start === 'model' && !qat.usesPlan

/** A recipe, or a fresh head, is trained in float before it is trained for integers. */
export const trainsFloatFirst = ({ start, classes }: Pick<TrainChoice, 'start' | 'classes'>): boolean =>
  start !== 'model' || classes !== null

type TrainJob = Extract<JobRequestInput, { kind: 'train' | 'qat' | 'compareQat' }>

/**
 * What the host is asked for.
 * @param model path of the open model
 * @param plans what is trained for, where it is trained for integers, and the plan on the graph
 */
export function trainRequestOf(
  choice: TrainChoice,
  data: DataSpec,
  model: string | null,
  { plan, onGraph }: { readonly plan: QuantPlan; readonly onGraph: QuantPlan },
): TrainJob {
  const { mode, qat, classes, size, samples, validation, preprocess, options } = choice
  const subject = { start: startOf(choice, model), data, preprocess, classes, size, samples, validation }
  if (mode === 'float') return { kind: 'train', ...subject, options }
  const { lsq, freeze, floatEpochs } = qat
  const floatOptions = changedOptions(options, { epochs: floatEpochs ?? options.epochs })
  const asked = { ...subject, plan, floatOptions, options: qat.options, lsq, freeze }
  if (mode === 'qat') return { kind: 'qat', ...asked }
  return { kind: 'compareQat', ...asked, hybrid: canBeHybrid(choice) && qat.hybridPlan ? onGraph : null }
}

function startOf({ start, recipe, recipeFile }: TrainChoice, model: string | null): TrainStartView {
  if (start === 'model' && model !== null) return { kind: 'model', path: model }
  return start === 'file' && recipeFile !== null
    ? { kind: 'recipeFile', path: recipeFile }
    : { kind: 'recipe', name: recipe }
}

/** Data in a few words: `60,000 samples · 10 classes · 28 × 28 × 1`. */
export function dataText({ count: samples, classes, labelled, pictureShape, split }: DataInfo): string {
  const words = [
    `${samples.toLocaleString('en')} samples (${split})`,
    labelled ? (classes === null ? 'labelled' : `${classes.length} classes`) : 'no labels',
    pictureShape === null ? 'sizes differ' : pictureShape.join(' × '),
  ]
  return words.join(' · ')
}

/** What is trained, in a word or two. */
export function subjectText(start: TrainStartView): string {
  return fileNameOf(start.kind === 'recipe' ? start.name : start.path)
}
