import type { DataType } from '../../../../shared/contract/tensor.ts'
import { broadcastShapes, broadcastValues } from '../broadcast.ts'
import type { Infer, OpContext } from '../context.ts'
import type { Value } from '../facts.ts'
import { fact } from '../facts.ts'

type Arithmetic = (a: Value, b: Value, integer: boolean) => Value

/** Shape and type of the first input: activations and whatever else works element by element on one tensor. */
export const inferSame: Infer = (op) => [fact(op.type(0), op.shape(0))]

/** The values pass too. */
export const inferIdentity: Infer = (op) => [op.input(0)]

/** Source: ONNX Dropout-13: the mask is bool; until 9 it has the type of the data. */
export const inferDropout: Infer = (op) => [op.input(0), fact(op.version < 10 ? op.type(0) : 'bool', op.shape(0))]

/** Broadcast with the type of the first input and no values followed. */
export const inferBroadcast: Infer = (op) => [
  fact(
    firstType(op),
    broadcastShapes(
      op,
      op.inputs().map(({ shape }) => shape),
    ),
  ),
]

/** Broadcast comparison or predicate: bool. */
export const inferBool: Infer = (op) => [
  fact(
    'bool',
    broadcastShapes(
      op,
      op.inputs().map(({ shape }) => shape),
    ),
  ),
]

/** Arithmetic on any number of inputs, folded from the left, values followed. */
export function arithmetic(combine: Arithmetic): Infer {
  return (op) => {
    const shape = broadcastShapes(
      op,
      op.inputs().map(({ shape }) => shape),
    )
    const dataType = firstType(op)
    const integer = isInteger(dataType)
    const values = broadcastValues(op.inputs(), shape, (parts) =>
      parts.slice(1).reduce<Value>((a, b) => rounded(combine(a, b, integer), dataType), parts[0]!),
    )
    return [fact(dataType, shape, values)]
  }
}

/** Comparison with values followed. */
export function comparison(compare: (a: number, b: number) => boolean): Infer {
  return (op) => {
    const shape = broadcastShapes(op, [op.shape(0), op.shape(1)])
    const values = broadcastValues(op.inputs(), shape, ([a, b]) =>
      typeof a === 'number' && typeof b === 'number' ? Number(compare(a, b)) : null,
    )
    return [fact('bool', shape, values)]
  }
}

/** A function of one element with values followed. */
export function unary(apply: (x: number) => number, type?: DataType): Infer {
  return (op) => {
    const dataType = type ?? op.type(0)
    const values = op.values(0)?.map((x) => (typeof x === 'number' ? rounded(apply(x), dataType) : null))
    return [fact(dataType, op.shape(0), values ?? null)]
  }
}

export const add: Arithmetic = (a, b) => {
  if (a === 0) return b
  if (b === 0) return a
  return typeof a === 'number' && typeof b === 'number' ? a + b : null
}

export const subtract: Arithmetic = (a, b) => {
  if (b === 0) return a
  if (typeof a === 'string' && a === b) return 0
  return typeof a === 'number' && typeof b === 'number' ? a - b : null
}

export const multiply: Arithmetic = (a, b) => {
  if (a === 1) return b
  if (b === 1) return a
  return typeof a === 'number' && typeof b === 'number' ? a * b : null
}

/** Integer division cuts towards zero, as ONNX Runtime does. */
export const divide: Arithmetic = (a, b, integer) => {
  if (b === 1) return a
  if (typeof a !== 'number' || typeof b !== 'number') return null
  if (!integer) return a / b
  return b === 0 ? null : Math.trunc(a / b)
}

export const minimum: Arithmetic = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : a === b ? a : null

export const maximum: Arithmetic = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : a === b ? a : null

export const power: Arithmetic = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a ** b : null)

/** Source: ONNX Mod-13: fmod 0 takes the sign of the divisor, fmod 1 that of the dividend. */
export const inferMod: Infer = (op) => {
  const fmod = op.int('fmod', 0) === 1
  const modulo: Arithmetic = (a, b) => {
    if (typeof a !== 'number' || typeof b !== 'number' || b === 0) return null
    return fmod ? a % b : a - b * Math.floor(a / b)
  }
  return arithmetic(modulo)(op)
}

/** Source: ONNX Where-16. */
export const inferWhere: Infer = (op) => {
  const shape = broadcastShapes(op, [op.shape(0), op.shape(1), op.shape(2)])
  const values = broadcastValues(op.inputs(), shape, ([condition, a, b]) => {
    if (condition === null || typeof condition === 'string') return a === b ? a! : null
    return condition !== 0 ? a! : b!
  })
  return [fact(op.type(1) ?? op.type(2), shape, values)]
}

/** Source: ONNX Clip-13: bounds as inputs; before 11 as attributes. */
export const inferClip: Infer = (op) => {
  const low = op.version >= 11 ? scalar(op, 1, -Infinity) : op.float('min', -Infinity)
  const high = op.version >= 11 ? scalar(op, 2, Infinity) : op.float('max', Infinity)
  const values =
    low === null || high === null
      ? null
      : op.values(0)?.map((x) => (typeof x === 'number' ? Math.min(Math.max(x, low), high) : null))
  return [fact(op.type(0), op.shape(0), values ?? null)]
}

function scalar(op: OpContext, i: number, fallback: number): number | null {
  return op.has(i) ? (op.numbers(i)?.[0] ?? null) : fallback
}

function firstType(op: OpContext): DataType | null {
  return op.inputs().find(({ dataType }) => dataType !== null)?.dataType ?? null
}

export function isInteger(dataType: DataType | null): boolean {
  return dataType !== null && /^u?int/.test(dataType)
}

/** The value as the type holds it; integers that a double cannot hold exactly are given up. */
export function rounded(value: Value, dataType: DataType | null): Value {
  if (typeof value !== 'number') return value
  if (dataType === 'float') return Math.fround(value)
  if (dataType === 'double') return value
  if (isInteger(dataType)) return Number.isSafeInteger(value) ? value : null
  return dataType === 'bool' ? Number(value !== 0) : null
}
