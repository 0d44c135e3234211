import type { TaskGuess } from '../../../shared/contract/api/models.ts'
import type { ModelSummary } from '../../../shared/contract/model.ts'
import type { Dim, ValueSpec } from '../../../shared/contract/tensor.ts'

/** What a model seems to be for, and its number of classes where it classifies. Only shapes and names are looked at: a guess. */
export function guessTask({ inputs, outputs }: Pick<ModelSummary, 'inputs' | 'outputs'>): {
  readonly task: TaskGuess
  readonly classes: number | null
} {
  const [input] = inputs
  const [output] = outputs
  if (!input || !output) return { task: 'other', classes: null }
  if (input.dataType === 'int64' || input.dataType === 'int32' || input.dataType === 'string')
    return { task: 'text', classes: null }
  const picture = isPicture(input.shape)
  const classes = classCount(output.shape)
  if (outputs.length === 1 && classes !== null && classes >= 2) return { task: 'classification', classes }
  if (!picture) return { task: (input.shape ?? []).length === 2 ? 'vectors' : 'other', classes: null }
  if (outputs.some(looksLikeBoxes)) return { task: 'detection', classes: null }
  if (outputs.length === 1 && (output.shape ?? []).length === 4) return { task: mapTask(output), classes: null }
  return { task: outputs.length > 1 ? 'detection' : 'other', classes: null }
}

function isPicture(shape: readonly Dim[] | null): boolean {
  if (shape?.length !== 4) return false
  return [1, 3, 4].some((channels) => shape[1] === channels || shape[3] === channels)
}

/** `[N, classes]`, or the same with axes of length 1 behind. */
function classCount(shape: readonly Dim[] | null): number | null {
  if (!shape || shape.length < 2) return null
  const [, classes, ...rest] = shape
  return typeof classes === 'number' && rest.every((dim) => dim === 1) ? classes : null
}

function looksLikeBoxes({ name, shape }: ValueSpec): boolean {
  return (
    /box|score|detection|anchor|loc|conf/i.test(name) || (shape?.length === 3 && (shape[2] === 4 || shape[1] === 4))
  )
}

/** A picture again, or a map of classes. */
function mapTask({ shape }: ValueSpec): TaskGuess {
  const channels = shape?.[1]
  return channels === 1 || channels === 3 ? 'imageToImage' : 'segmentation'
}
