import { z } from 'zod'
import { Fault } from '../../../shared/contract/fault.ts'

const size = z.int().min(1).max(100_000)

/** A layer of a recipe; `out: "classes"` is the number of classes of the data. */
export type RecipeLayer =
  | {
      readonly op: 'conv'
      readonly out: number
      readonly kernel: number
      readonly stride: number
      /** on each side */
      readonly pad: number
      /** as much as makes the input this long and wide, instead of `pad` */
      readonly padTo?: number | undefined
      readonly bias: boolean
    }
  | {
      readonly op: 'depthwise'
      readonly kernel: number
      readonly stride: number
      readonly pad: number
      readonly bias: boolean
    }
  | { readonly op: 'maxPool' | 'averagePool'; readonly kernel: number; readonly stride: number; readonly pad: number }
  | { readonly op: 'relu' | 'tanh' | 'sigmoid' | 'hardSwish' | 'batchNorm' | 'flatten' | 'globalAveragePool' }
  | { readonly op: 'clip'; readonly max: number }
  | { readonly op: 'dense'; readonly out: number | 'classes' }
  | { readonly op: 'dropout'; readonly ratio: number }
  | { readonly op: 'residual'; readonly layers: readonly RecipeLayer[]; readonly shortcut: readonly RecipeLayer[] }
  | { readonly op: 'repeat'; readonly times: number; readonly layers: readonly RecipeLayer[] }

const window = { kernel: size, stride: size.default(1), pad: z.int().min(0).max(1000).default(0) }
const nested = z.lazy(() => z.array(layer))

const layer: z.ZodType<RecipeLayer> = z.union([
  z.strictObject({
    op: z.literal('conv'),
    out: size,
    ...window,
    padTo: size.optional(),
    bias: z.boolean().default(true),
  }),
  z.strictObject({ op: z.literal('depthwise'), ...window, bias: z.boolean().default(true) }),
  z.strictObject({ op: z.enum(['maxPool', 'averagePool']), ...window }),
  z.strictObject({
    op: z.enum(['relu', 'tanh', 'sigmoid', 'hardSwish', 'batchNorm', 'flatten', 'globalAveragePool']),
  }),
  z.strictObject({ op: z.literal('clip'), max: z.number().positive() }),
  z.strictObject({ op: z.literal('dense'), out: z.union([size, z.literal('classes')]) }),
  z.strictObject({ op: z.literal('dropout'), ratio: z.number().min(0).max(0.95) }),
  z.strictObject({ op: z.literal('residual'), layers: nested, shortcut: nested.default([]) }),
  z.strictObject({ op: z.literal('repeat'), times: size, layers: nested }),
])

/** How a training goes unless the user says otherwise; what is absent is as DEFAULT_OPTIONS. */
const settings = z.strictObject({
  epochs: size.optional(),
  batch: size.optional(),
  optimizer: z.enum(['sgd', 'adam']).optional(),
  learningRate: z.number().positive().optional(),
  schedule: z.enum(['constant', 'cosine', 'step', 'linear']).optional(),
  warmup: z.number().min(0).optional(),
  momentum: z.number().min(0).max(0.999).optional(),
  weightDecay: z.number().min(0).optional(),
  labelSmoothing: z.number().min(0).max(0.9).optional(),
  augment: z
    .strictObject({
      flip: z.boolean().default(false),
      shift: z.int().min(0).default(0),
      crop: z.number().gt(0).lt(1).optional(),
    })
    .optional(),
})

const recipe = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  title: z.string(),
  /** where the architecture is described */
  source: z.string(),
  /** [height, width] of the input; null: as the data's pictures are */
  input: z.tuple([size, size]).nullable().default(null),
  layers: z.array(layer).min(1),
  train: settings.default({}),
})

/** A model that is built and trained from a data file. */
export type Recipe = z.infer<typeof recipe>

/**
 * Reads a recipe's JSON.
 * @throws Fault format.recipe naming the first place that is wrong
 */
export function parseRecipe(text: string, file: string): Recipe {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('format.recipe', `${file} is not JSON: ${(cause as Error).message}.`, { file }, { cause })
  }
  const result = recipe.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new Fault('format.recipe', `${file} is not a recipe: at '${issue.path.join('.')}' ${issue.message}.`, {
    file,
    path: issue.path.join('.'),
  })
}
