import type { DataType, Dim } from '../../../shared/contract/tensor.ts'

/** One element of a small tensor: a number, the symbolic axis length it stands for, or null where it is not known. */
export type Value = number | string | null

/** What is known of a tensor before the model runs. */
export interface Fact {
  /** null: unknown, or not a tensor (sequence, map, optional) */
  readonly dataType: DataType | null
  /** null: rank unknown. An axis is a length, a symbolic name, or null where nothing is known. */
  readonly shape: readonly Dim[] | null
  /**
   * Elements in row-major order where they can be told without running the model (shape arithmetic); null otherwise.
   * bool is 0 or 1; int64 beyond 2^53 is rounded, which only ever matters for "to the end" markers.
   */
  readonly values: readonly Value[] | null
}

export const UNKNOWN: Fact = { dataType: null, shape: null, values: null }

/** Tensors with more elements than this are not followed value by value. */
export const MAX_VALUES = 1024

/** A fact; values are dropped where they are too many or do not fill the shape. */
export function fact(
  dataType: DataType | null,
  shape: readonly Dim[] | null,
  values: readonly Value[] | null = null,
): Fact {
  const count = shape === null ? null : productOf(shape)
  return { dataType, shape, values: values !== null && count === values.length && count <= MAX_VALUES ? values : null }
}

/** A one-dimensional int64 fact with these elements. */
export function vector(values: readonly Value[], dataType: DataType = 'int64'): Fact {
  return fact(dataType, [values.length], values)
}

/** Product of dims, or null when one is not a number. */
export function productOf(dims: readonly Dim[]): number | null {
  let product = 1
  for (const dim of dims) {
    if (typeof dim !== 'number') return null
    product *= dim
  }
  return product
}

/** A shape of the given rank with nothing known. */
export function unknownDims(rank: number): null[] {
  return new Array<null>(rank).fill(null)
}

/** The fact that holds whichever of the two tensors it is: what both agree on. */
export function common(a: Fact, b: Fact): Fact {
  const dataType = a.dataType === b.dataType ? a.dataType : null
  if (a.shape === null || b.shape === null || a.shape.length !== b.shape.length) return fact(dataType, null)
  const shape = a.shape.map((dim, i) => (dim === b.shape![i] ? dim : null))
  const values = a.values && b.values ? a.values.map((value, i) => (value === b.values![i] ? value : null)) : null
  return fact(dataType, shape, values)
}

/** `inferred`, its gaps filled from what the file declares of the same tensor; where they contradict, `inferred` stands. */
export function refined(inferred: Fact, declared: { dataType: DataType | null; shape: readonly Dim[] | null }): Fact {
  const dataType = inferred.dataType ?? declared.dataType
  const shape = inferred.shape ?? declared.shape
  if (shape === null || declared.shape === null || shape.length !== declared.shape.length) {
    return { dataType, shape, values: inferred.values }
  }
  const dims = shape.map((dim, i) => dim ?? usable(declared.shape![i]!))
  return { dataType, shape: dims, values: inferred.values }
}

/** A declared axis as a fact: exporters write −1 for "any length". */
export function usable(dim: Dim): Dim {
  return (typeof dim === 'number' && !(dim >= 0)) || dim === '' ? null : dim
}

/** Row-major strides of fully known dims. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1)
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * dims[i + 1]!
  return strides
}

/** Dims as numbers, or null when one is not known. */
export function numericDims(shape: readonly Dim[] | null): number[] | null {
  return shape !== null && shape.every((dim) => typeof dim === 'number') ? (shape as number[]) : null
}
