import type { DataType } from '../../../../shared/contract/tensor.ts'
import type { Node, Tensor } from '../../model.ts'
import { intAttribute, intsAttribute } from '../../attributes.ts'
import { elementCount } from '../../tensors.ts'
import type { Evaluator } from './evaluate.ts'
import type { Numbers, NumberType } from './values.ts'
import {
  axisWithin,
  broadcastDims,
  broadcastStrides,
  isBig,
  isNumberType,
  numbersOf,
  plainNumbers,
  strided,
  tensorOf,
} from './values.ts'

/** One operator on doubles (rounded to the element type afterwards, once) and, where it exists for integers, on bigints. */
interface Binary {
  readonly float: (a: number, b: number) => number
  /** null: division by zero and the like, left to the runtime */
  readonly big: ((a: bigint, b: bigint) => bigint | null) | null
}

const isFloat = (dataType: DataType): boolean => dataType === 'float' || dataType === 'double'

/** Applies `binary` with broadcasting; `to` is the type of the result (bool for comparisons). */
function combine(binary: Binary, a: Tensor, b: Tensor, to: NumberType, limit: number): Tensor[] | null {
  const dims = broadcastDims(a.dims, b.dims)
  if (dims === null || elementCount(dims) > limit || a.dataType !== b.dataType) return null
  const x = spread(a, dims)
  const y = spread(b, dims)
  if (x === null || y === null) return null
  const values = isBig(a.dataType)
    ? combineBig(binary, x as BigInt64Array, y as BigInt64Array)
    : combineFloat(binary, x as Float64Array, y as Float64Array, isFloat(a.dataType))
  if (values === null) return null
  const inType = isBig(to) || !isBig(a.dataType) ? values : Float64Array.from(values as BigInt64Array, Number)
  return [tensorOf('', to, dims, inType)]
}

function spread(tensor: Tensor, dims: readonly number[]): Numbers | null {
  const wide = strided(tensor, '', dims, broadcastStrides(tensor.dims, dims))
  return wide && numbersOf(wide)
}

/** Null where an integer result does not fit a double exactly: it would wrap wrongly. */
function combineFloat({ float }: Binary, x: Float64Array, y: Float64Array, floats: boolean): Float64Array | null {
  const result = new Float64Array(x.length)
  for (let i = 0; i < x.length; i++) {
    result[i] = float(x[i]!, y[i]!)
    if (!floats && !Number.isSafeInteger(result[i])) return null
  }
  return result
}

function combineBig({ big }: Binary, x: BigInt64Array, y: BigInt64Array): BigInt64Array | null {
  if (big === null) return null
  const result = new BigInt64Array(x.length)
  for (let i = 0; i < x.length; i++) {
    const value = big(x[i]!, y[i]!)
    if (value === null) return null
    result[i] = value
  }
  return result
}

/** Arithmetic between two tensors of one type; integers narrower than 64 bits are exact in doubles and wrap on the way back. */
function arithmeticOp(binary: Binary): Evaluator {
  return (_node, [a, b], limit) =>
    a && b && isNumberType(a.dataType) ? combine(binary, a, b, a.dataType, limit) : null
}

function comparison(float: (a: number, b: number) => boolean, big: (a: bigint, b: bigint) => boolean): Evaluator {
  const binary: Binary = { float: (a, b) => Number(float(a, b)), big: (a, b) => BigInt(big(a, b)) }
  return (_node, [a, b], limit) => (a && b && isNumberType(a.dataType) ? combine(binary, a, b, 'bool', limit) : null)
}

/** Division: exact for floats, truncated for 64-bit integers; narrower integers are left to the runtime. */
const divide: Evaluator = (node, inputs, limit) => {
  const type = inputs[0]?.dataType
  if (type === undefined || !(isFloat(type) || isBig(type))) return null
  return arithmeticOp({ float: (a, b) => a / b, big: (a, b) => (b === 0n ? null : a / b) })(node, inputs, limit)
}

/** An elementwise function of floats. */
function unary(apply: (value: number) => number, big: ((value: bigint) => bigint) | null = null): Evaluator {
  return (_node, [data]) => {
    if (!data || !isNumberType(data.dataType) || data.dataType === 'bool') return null
    const values = numbersOf(data)!
    if (values instanceof Float64Array) {
      return isFloat(data.dataType)
        ? [
            tensorOf(
              '',
              data.dataType,
              data.dims,
              values.map((value) => apply(value)),
            ),
          ]
        : null
    }
    return big === null
      ? null
      : [tensorOf('', data.dataType, data.dims, BigInt64Array.from(values as BigInt64Array, big))]
  }
}

/** TensorProto.DataType numbers of the types Cast is computed for. Source: onnx.proto, TensorProto.DataType. */
const CAST_TARGETS: Readonly<Record<number, NumberType>> = {
  1: 'float',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  11: 'double',
  12: 'uint32',
  13: 'uint64',
}

function cast(node: Node, [data]: readonly (Tensor | null)[]): Tensor[] | null {
  const to = CAST_TARGETS[intAttribute(node, 'to', 0)]
  const values = data && numbersOf(data)
  if (!to || !data || !values) return null
  if (data.dataType === to) return [{ ...data }]
  if (values instanceof Float64Array) return castFloats(data, values, to)
  if (isBig(to)) return [tensorOf('', to, data.dims, values)]
  const narrow = Float64Array.from(values as BigInt64Array, (value) => castBig(value, to))
  return [tensorOf('', to, data.dims, narrow)]
}

function castBig(value: bigint, to: NumberType): number {
  if (to === 'bool') return Number(value !== 0n)
  return isFloat(to) ? Number(value) : Number(BigInt.asIntN(32, value)) // every narrower integer is cut from the low bits
}

function castFloats(data: Tensor, values: Float64Array, to: NumberType): Tensor[] | null {
  if (to === 'bool')
    return [
      tensorOf(
        '',
        to,
        data.dims,
        values.map((value) => Number(value !== 0)),
      ),
    ]
  if (isFloat(to)) return [tensorOf('', to, data.dims, values)]
  // out of the integer's range the result is undefined in ONNX: the runtime decides
  if (
    values.some((value) => !(Math.abs(value) < 2 ** 31)) ||
    (to.startsWith('u') && values.some((value) => value <= -1))
  )
    return null
  const whole = values.map((value) => Math.trunc(value))
  return [tensorOf('', to, data.dims, isBig(to) ? BigInt64Array.from(whole, BigInt) : whole)]
}

function where(_node: Node, [condition, a, b]: readonly (Tensor | null)[], limit: number): Tensor[] | null {
  if (!condition || !a || !b || a.dataType !== b.dataType || !isNumberType(a.dataType)) return null
  const inner = broadcastDims(a.dims, b.dims)
  const dims = inner && broadcastDims(condition.dims, inner)
  if (!dims || elementCount(dims) > limit) return null
  const [choose, yes, no] = [spread(condition, dims), spread(a, dims), spread(b, dims)]
  if (!choose || !yes || !no) return null
  const values = yes.slice() as Numbers
  for (let i = 0; i < values.length; i++) if (choose[i] === 0) values[i] = no[i]!
  return [tensorOf('', a.dataType, dims, values)]
}

function range(_node: Node, [start, limit, delta]: readonly (Tensor | null)[], most: number): Tensor[] | null {
  if (!start || !limit || !delta || start.dataType !== 'int64') return null
  const [from, to, by] = [start, limit, delta].map((tensor) => plainNumbers(tensor)?.[0])
  if (from === undefined || to === undefined || !by) return null
  const count = Math.max(0, Math.ceil((to - from) / by))
  if (count > most) return null
  return [
    tensorOf(
      '',
      'int64',
      [count],
      BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i * by)),
    ),
  ]
}

/** Reductions of integers (shape arithmetic); reductions of floats depend on the order of summation and are the runtime's. */
function reduction(merge: (a: bigint, b: bigint) => bigint): Evaluator {
  return (node, [data, input]) => {
    if (!data || data.dataType !== 'int64' || elementCount(data.dims) === 0) return null
    const values = numbersOf(data) as BigInt64Array
    const axes = (input ? plainNumbers(input) : intsAttribute(node, 'axes')) ?? []
    const rank = data.dims.length
    if (rank > 1 || axes.some((axis) => axisWithin(axis, rank) === null)) return null
    if (axes.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) === 1) return [{ ...data }]
    const total = values.reduce(merge)
    return [
      tensorOf(
        '',
        'int64',
        intAttribute(node, 'keepdims', 1) === 1 ? data.dims.map(() => 1) : [],
        BigInt64Array.of(total),
      ),
    ]
  }
}

const negate = (value: bigint): bigint => -value
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

/** Elementwise operators and small integer reductions. */
export const arithmetic: Readonly<Record<string, Evaluator>> = {
  Add: arithmeticOp({ float: (a, b) => a + b, big: (a, b) => BigInt.asIntN(64, a + b) }),
  Sub: arithmeticOp({ float: (a, b) => a - b, big: (a, b) => BigInt.asIntN(64, a - b) }),
  Mul: arithmeticOp({ float: (a, b) => a * b, big: (a, b) => BigInt.asIntN(64, a * b) }),
  Div: divide,
  Equal: comparison(
    (a, b) => a === b,
    (a, b) => a === b,
  ),
  Less: comparison(
    (a, b) => a < b,
    (a, b) => a < b,
  ),
  LessOrEqual: comparison(
    (a, b) => a <= b,
    (a, b) => a <= b,
  ),
  Greater: comparison(
    (a, b) => a > b,
    (a, b) => a > b,
  ),
  GreaterOrEqual: comparison(
    (a, b) => a >= b,
    (a, b) => a >= b,
  ),
  And: comparison(
    (a, b) => a !== 0 && b !== 0,
    (a, b) => a !== 0n && b !== 0n,
  ),
  Or: comparison(
    (a, b) => a !== 0 || b !== 0,
    (a, b) => a !== 0n || b !== 0n,
  ),
  Not: (_node, [data]) => {
    const values = data?.dataType === 'bool' ? (numbersOf(data) as Float64Array) : null
    return (
      values && [
        tensorOf(
          '',
          'bool',
          data!.dims,
          values.map((value) => 1 - value),
        ),
      ]
    )
  },
  Neg: unary((value) => -value, negate),
  Abs: unary(Math.abs, magnitude),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((value) => 1 / value),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Cast: cast,
  Where: where,
  Range: range,
  ReduceProd: reduction((a, b) => a * b),
  ReduceSum: reduction((a, b) => a + b),
  ReduceMax: reduction((a, b) => (a > b ? a : b)),
  ReduceMin: reduction((a, b) => (a < b ? a : b)),
}
