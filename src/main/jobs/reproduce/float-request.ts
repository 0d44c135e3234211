import type { DataSpec } from '../../../shared/contract/data.ts'
import { parseRecipe } from '../../training/recipes/recipe.ts'
import { DEFAULT_OPTIONS } from '../../training/options.ts'
import type { TrainRequest } from '../train-run.ts'
import type { FloatAsk, Scale } from './port.ts'

/** A recipe's file and its text. */
export interface RecipeFile {
  readonly file: string
  readonly text: string
}

/** What a float model of a table is trained with, at a scale. @throws Fault format.recipe */
export function floatRequest(
  ask: FloatAsk,
  recipe: RecipeFile,
  data: DataSpec,
  scale: Scale,
): Omit<TrainRequest, 'output' | 'force'> {
  const epochs = ask.options.epochs ?? parseRecipe(recipe.text, recipe.file).train.epochs ?? DEFAULT_OPTIONS.epochs
  return {
    start: { kind: 'recipe', ...recipe },
    data,
    preprocess: null,
    samples: scale.trainSamples,
    validation: validationOf(ask, scale),
    classes: null,
    size: ask.size ?? null,
    options: { ...ask.options, epochs: Math.min(epochs, scale.epochs ?? epochs) },
  }
}

/** Samples held out to choose the best epoch; null: as `train` chooses. */
export function validationOf({ validation }: FloatAsk, { quick }: Scale): number | null {
  // a tenth of few samples decides nothing
  return validation ?? (quick ? 1000 : null)
}
