import { createRandom } from '../../data/random.ts'
import { upgradeOpset } from '../../formats/onnx/upgrade/index.ts'
import { passesBeforeUpgrade } from '../../graph/passes/registry.ts'
import { runPasses } from '../../graph/passes/run.ts'
import type { Model } from '../../graph/model.ts'
import type { Problem } from '../../graph/problem.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { replaceHead } from '../../training/head.ts'
import { buildRecipe } from '../../training/recipes/build.ts'
import { parseRecipe, type Recipe } from '../../training/recipes/recipe.ts'
import { readModelFile, writeModelFile } from '../model-file.ts'
import type { Task } from '../worker-host.ts'

/** What a training starts from. */
export type TrainStart =
  | { readonly kind: 'recipe'; readonly file: string; readonly text: string }
  | { readonly kind: 'model'; readonly path: string }

export interface BuildModelInput {
  readonly start: TrainStart
  /** [height, width, channels] of the pictures */
  readonly picture: readonly [number, number, number] | null
  readonly classes: number | null
  /** classes that a model is fitted with a fresh head for; null: it stays as it is */
  readonly replaceHead: number | null
  readonly seed: number
  readonly output: string
}

/** Training changes attributes that are inputs from opset 13 on. */
const LEAST_OPSET = 13
/** Seed of the stream that weights are drawn from. */
const WEIGHTS_STREAM = 1
const HEAD_STREAM = 4

/**
 * Writes the model that a training starts from: a recipe with fresh weights, or a file with named nodes in opset 13 or later.
 * @throws Fault format.recipe, data.*, file.*, format.*
 */
export function createBuildModelTask(): Task<BuildModelInput, { readonly settings: Recipe['train'] }> {
  return async (input, { signal }) => {
    const { start, output } = input
    if (start.kind === 'recipe') {
      const recipe = parseRecipe(start.text, start.file)
      await writeModelFile(freshModel(recipe, input), output, { signal, force: true })
      return { settings: recipe.train }
    }
    const { model } = await readModelFile(start.path, { signal })
    const form = trainableForm(model, start.path)
    const fitted =
      input.replaceHead === null ? form : replaceHead(form, input.replaceHead, createRandom(input.seed, HEAD_STREAM))
    await writeModelFile(fitted, output, { signal, force: true })
    return { settings: {} }
  }
}

function freshModel(recipe: Recipe, { picture, classes, seed }: BuildModelInput): Model {
  if (picture === null && recipe.input === null) {
    throw new Fault(
      'data.shapeMismatch',
      'The pictures differ in size: say --size HEIGHTxWIDTH, to which they are brought.',
    )
  }
  if (classes === null) throw new Fault('usage.classes', 'The data do not tell their classes: say --classes N.')
  const random = createRandom(seed, WEIGHTS_STREAM)
  return buildRecipe(recipe, { picture: picture ?? [...recipe.input!, 3], classes, random })
}

function trainableForm(model: Model, path: string): Model {
  const named = runPasses(model, passesBeforeUpgrade, () => undefined)
  const problems: Problem[] = []
  const opset = Math.max(LEAST_OPSET, named.opsets.get('') ?? LEAST_OPSET)
  const upgraded = upgradeOpset(named, opset, (problem) => problems.push(problem))
  if (problems.length === 0) return upgraded
  const sentences = problems.map(({ where, message }) => `${where}: ${message}`)
  throw new Fault('model.untrainable', `${path} cannot be brought to opset ${opset}: ${sentences.join('; ')}.`, {
    problems: sentences,
  })
}
