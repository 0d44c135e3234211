import type { ValueSpec } from '../../shared/contract/tensor.ts'

type Shapes = Readonly<Record<string, readonly number[]>>

/** An axis that a model leaves open, by its name where it has one: inputs that share the name share the length. */
export interface OpenAxis {
  /** the symbolic name, else `input:axis` */
  readonly key: string
  readonly label: string
  /** names of the inputs that have it */
  readonly inputs: readonly string[]
  /** length in one sample; null: not known */
  readonly usual: number | null
}

function keyOf(name: string, dim: string | null, axis: number): string {
  return dim === null || dim === '' ? `${name}:${axis}` : dim
}

/** Axes of the inputs beyond the first, which is the batch, that the file leaves open. */
export function openAxes(inputs: readonly ValueSpec[], sampleShapes: Shapes): OpenAxis[] {
  const found = new Map<string, OpenAxis>()
  for (const { name, shape } of inputs)
    for (const [axis, dim] of (shape ?? []).entries()) {
      if (axis === 0 || typeof dim === 'number') continue
      const key = keyOf(name, dim, axis)
      const before = found.get(key)
      found.set(key, {
        key,
        label: key === `${name}:${axis}` ? `${name}, axis ${axis}` : key,
        inputs: [...(before?.inputs ?? []), name],
        usual: before?.usual ?? sampleShapes[name]?.[axis] ?? null,
      })
    }
  return [...found.values()]
}

/** Whether a batch can be chosen: the first axis of some input is open. */
export function hasOpenBatch(inputs: readonly ValueSpec[]): boolean {
  return inputs.some(({ shape }) => shape !== null && shape.length > 0 && typeof shape[0] !== 'number')
}

/** Whole shapes of the inputs of which some length was chosen. @param lengths by `OpenAxis.key` */
export function shapesOfLengths(
  inputs: readonly ValueSpec[],
  sampleShapes: Shapes,
  lengths: Readonly<Record<string, number>>,
  batch: number | null,
): Record<string, number[]> {
  const shaped = inputs.flatMap(({ name, shape }): [string, number[]][] => {
    const dims = shape ?? []
    const chosen = dims.map((dim, axis) =>
      axis > 0 && typeof dim !== 'number' ? lengths[keyOf(name, dim, axis)] : undefined,
    )
    if (chosen.every((length) => length === undefined)) return []
    const whole = dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim
      return chosen[axis] ?? (axis === 0 ? batch : null) ?? sampleShapes[name]?.[axis] ?? 1
    })
    return [[name, whole]]
  })
  return Object.fromEntries(shaped)
}
