import { Fault } from '../../../shared/contract/fault.ts'
import type { DataType, ValueSpec } from '../../../shared/contract/tensor.ts'
import { CARRIED } from '../carried-types.ts'

/** An output of the model and the reference's output it is compared with. */
export interface OutputMatch {
  readonly model: string
  readonly reference: string
}

const scoreTypes: ReadonlySet<DataType> = new Set<DataType>(['float', 'float16', 'double'])

/** Outputs whose values can be compared as numbers. */
export function comparable(outputs: readonly ValueSpec[]): ValueSpec[] {
  return outputs.filter(({ dataType }) => CARRIED.has(dataType))
}

/**
 * Pairs outputs by name, or by position where all names differ (a model that was renamed on the way).
 * @throws Fault model.outputsDiffer when they cannot be paired
 */
export function matchOutputs(model: readonly ValueSpec[], reference: readonly ValueSpec[]): OutputMatch[] {
  const own = comparable(model).map(({ name }) => name)
  const other = comparable(reference).map(({ name }) => name)
  const shared = own.filter((name) => other.includes(name))
  if (shared.length > 0) return shared.map((name) => ({ model: name, reference: name }))
  if (own.length > 0 && own.length === other.length)
    return own.map((name, i) => ({ model: name, reference: other[i]! }))
  const sentence = `The model's outputs (${own.join(', ')}) are not those of the reference (${other.join(', ')}).`
  throw new Fault('model.outputsDiffer', `${sentence} Compare with the float model it was made from.`)
}

/**
 * The output that holds one score per class: the one asked for, else the first float output of shape `[N, classes]` (further axes
 * of length 1 allowed) with at least two classes. Null for models that do not classify.
 * @param lengths values of one sample by output, as seen in a run
 * @throws Fault usage.classOutput when the output asked for does not exist
 */
export function classesOf(
  outputs: readonly ValueSpec[],
  lengths: ReadonlyMap<string, number>,
  asked: string | null,
): { readonly output: string; readonly count: number } | null {
  if (asked !== null) {
    const count = lengths.get(asked)
    if (count === undefined) {
      throw new Fault(
        'usage.classOutput',
        `The model has no output '${asked}' to read classes from (outputs: ${[...lengths.keys()].join(', ')}).`,
      )
    }
    return { output: asked, count }
  }
  for (const { name, dataType, shape } of outputs) {
    const count = lengths.get(name) ?? 0
    if (scoreTypes.has(dataType) && count >= 2 && isClassShape(shape)) return { output: name, count }
  }
  return null
}

function isClassShape(shape: ValueSpec['shape']): boolean {
  if (shape === null) return true
  return shape.length >= 2 && shape.slice(2).every((dim) => dim === 1) && shape[1] !== 1
}
