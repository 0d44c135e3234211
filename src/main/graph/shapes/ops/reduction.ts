import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Infer, OpContext } from '../context.ts'
import type { Value } from '../facts.ts'
import { fact, unknownDims } from '../facts.ts'
import { axesOf } from './arrange.ts'
import { rounded } from './elementwise.ts'

/** Reduce*: `since` is the version from which the axes are an input. Values are followed where `fold` is given and all is reduced. */
export function reduction(since: number, fold?: (a: number, b: number) => number): Infer {
  return (op) => {
    const x = op.shape(0)
    const keep = op.int('keepdims', 1) !== 0
    const axes = axesOf(op, since)
    if (x === null) return [fact(op.type(0), axes === null && !keep ? [] : null)]
    if (axes === 'unknown') return [fact(op.type(0), keep ? unknownDims(x.length) : null)]
    if ((axes === null || axes.length === 0) && op.version >= since && op.int('noop_with_empty_axes', 0) !== 0) {
      return [fact(op.type(0), x)]
    }
    const gone = new Set(axes === null || axes.length === 0 ? x.keys() : axes.map((axis) => op.axis(axis, x.length)))
    const shape = x.flatMap((dim, i): Dim[] => (gone.has(i) ? (keep ? [1] : []) : [dim]))
    return [fact(op.type(0), shape, fold && gone.size === x.length ? foldedValue(op, fold) : null)]
  }
}

function foldedValue(op: OpContext, fold: (a: number, b: number) => number): Value[] | null {
  const numbers = op.numbers(0)
  return numbers === null || numbers.length === 0 ? null : [rounded(numbers.reduce(fold), op.type(0))]
}

/** Source: ONNX ArgMax-13. */
export const inferArg: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact('int64', null)]
  const axis = op.axis(op.int('axis', 0), x.length)
  const keep = op.int('keepdims', 1) !== 0
  return [
    fact(
      'int64',
      x.flatMap((dim, i): Dim[] => (i === axis ? (keep ? [1] : []) : [dim])),
    ),
  ]
}

/** Source: ONNX TopK-11: k as input from 10 on, as attribute before. */
export const inferTopK: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), null), fact('int64', null)]
  const axis = op.axis(op.int('axis', -1), x.length)
  const k = op.version >= 10 ? (op.values(1)?.[0] ?? null) : op.int('k', 0)
  const length = x[axis]!
  if (typeof k === 'number' && (k < 0 || (typeof length === 'number' && k > length))) {
    op.fail(`k is ${k}, the axis has length ${length}`)
  }
  const shape = x.map((dim, i) => (i === axis ? k : dim))
  return [fact(op.type(0), shape), fact('int64', shape)]
}

/** CumSum, Softmax, LogSoftmax, Hardmax, LpNormalization: the axis must exist, the shape stays. */
export function alongAxis(fallback: (version: number) => number): Infer {
  return (op) => {
    const x = op.shape(0)
    if (x !== null && x.length > 0) {
      const axis = op.int('axis', fallback(op.version))
      // before 13 Softmax may name the axis behind the last one
      if (!(op.version < 13 && axis === x.length)) op.axis(axis, x.length)
    }
    return [fact(op.type(0), x)]
  }
}
