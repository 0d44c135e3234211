import type { DataType, Dim } from '../../../../shared/contract/tensor.ts'
import type { Attribute, Tensor } from '../../model.ts'
import { elementCount } from '../../tensors.ts'
import { dataTypeOfNumber } from '../../data-types.ts'
import type { Infer } from '../context.ts'
import type { Fact, Value } from '../facts.ts'
import { fact, MAX_VALUES, UNKNOWN, unknownDims, vector } from '../facts.ts'
import { isInteger, rounded } from './elementwise.ts'

/** What is known of a constant: type, dims, and the elements of a small one. */
export function tensorFact(tensor: Tensor): Fact {
  return fact(tensor.dataType, tensor.dims, smallValues(tensor))
}

function smallValues(tensor: Tensor): Value[] | null {
  const count = elementCount(tensor.dims)
  if (!(count <= MAX_VALUES)) return null
  const { data } = tensor
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const read = READERS[tensor.dataType]
  if (read === undefined || data.byteLength !== count * read.bytes) return null
  return Array.from({ length: count }, (_, i) => read.at(view, i * read.bytes))
}

const READERS: Partial<Record<DataType, { bytes: number; at: (view: DataView, offset: number) => number }>> = {
  float: { bytes: 4, at: (view, offset) => view.getFloat32(offset, true) },
  double: { bytes: 8, at: (view, offset) => view.getFloat64(offset, true) },
  int64: { bytes: 8, at: (view, offset) => Number(view.getBigInt64(offset, true)) },
  int32: { bytes: 4, at: (view, offset) => view.getInt32(offset, true) },
  uint8: { bytes: 1, at: (view, offset) => view.getUint8(offset) },
  int8: { bytes: 1, at: (view, offset) => view.getInt8(offset) },
  bool: { bytes: 1, at: (view, offset) => Number(view.getUint8(offset) !== 0) },
}

/** Source: ONNX Constant-13. */
export const inferConstant: Infer = (op) => {
  const [name, attribute] = [...op.node.attributes].find(([key]) => key.startsWith('value')) ?? []
  return [attribute === undefined || name === 'sparse_value' ? UNKNOWN : attributeFact(attribute)]
}

function attributeFact(attribute: Attribute): Fact {
  switch (attribute.kind) {
    case 'tensor':
      return tensorFact(attribute.value)
    case 'int':
      return fact('int64', [], [Number(attribute.value)])
    case 'ints':
      return vector(attribute.value.map(Number))
    case 'float':
      return fact('float', [], [Math.fround(attribute.value)])
    case 'floats':
      return vector(attribute.value.map(Math.fround), 'float')
    case 'string':
      return fact('string', [])
    case 'strings':
      return fact('string', [attribute.value.length])
    default:
      return UNKNOWN
  }
}

/** Source: ONNX ConstantOfShape-20: float 0 unless the attribute value says otherwise. */
export const inferConstantOfShape: Infer = (op) => {
  const attribute = op.node.attributes.get('value')
  const filler = attribute?.kind === 'tensor' ? tensorFact(attribute.value) : fact('float', [1], [0])
  const rank = op.shape(0)?.[0]
  const shape = op.values(0) ?? (typeof rank === 'number' && rank <= 64 ? unknownDims(rank) : null)
  if (shape?.some((dim) => typeof dim === 'number' && dim < 0)) op.fail(`the shape [${shape.join(',')}] is negative`)
  const count = shape === null || !shape.every((dim) => typeof dim === 'number') ? Infinity : elementCount(shape)
  const value = filler.values?.[0] ?? null
  return [fact(filler.dataType, shape, count <= MAX_VALUES ? new Array<Value>(count).fill(value) : null)]
}

/** Source: ONNX Shape-21: start and end from 15 on. */
export const inferShape: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact('int64', [null])]
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + x.length : at, 0), x.length)
  const start = clamp(op.int('start', 0))
  const end = clamp(op.int('end', x.length))
  return [vector(x.slice(start, Math.max(start, end)))]
}

/** Source: ONNX Size-21. */
export const inferSize: Infer = (op) => {
  const x = op.shape(0)
  const rest = x?.filter((dim) => dim !== 1) ?? []
  const product =
    rest.length === 1 ? rest[0]! : rest.every((dim) => typeof dim === 'number') ? elementCount(rest) : null
  return [fact('int64', [], [x === null ? null : product])]
}

/** Source: ONNX Range-11. */
export const inferRange: Infer = (op) => {
  const [start, limit, delta] = [op.numbers(0)?.[0], op.numbers(1)?.[0], op.numbers(2)?.[0]]
  if (delta === 0) op.fail('the step is 0')
  if (start === undefined || limit === undefined || delta === undefined) {
    const symbol = start === 0 && delta === 1 ? op.values(1)?.[0] : null
    return [fact(op.type(0), [symbol ?? null])]
  }
  const count = Math.max(0, Math.ceil((limit - start) / delta))
  const values =
    count > MAX_VALUES ? null : Array.from({ length: count }, (_, i) => rounded(start + i * delta, op.type(0)))
  return [fact(op.type(0), [count], values)]
}

/** Source: ONNX Cast-21; float to integer cuts towards zero. */
export const inferCast: Infer = (op) => {
  const dataType = dataTypeOfNumber(op.int('to', 0))
  return [fact(dataType, op.shape(0), op.values(0)?.map((value) => castValue(value, dataType)) ?? null)]
}

function castValue(value: Value, dataType: DataType | null): Value {
  if (typeof value === 'string') return dataType === 'int64' || dataType === 'int32' ? value : null
  if (typeof value !== 'number') return null
  return isInteger(dataType)
    ? dataType === 'int64' || dataType === 'int32'
      ? rounded(Math.trunc(value), dataType)
      : null
    : rounded(value, dataType)
}

/** Source: ONNX CastLike-21. */
export const inferCastLike: Infer = (op) => [fact(op.type(1), op.shape(0))]

/** RandomNormal, RandomUniform. */
export const inferRandom: Infer = (op) => [fact(dataTypeOfNumber(op.int('dtype', 1)), op.ints('shape'))]

/** EyeLike, RandomNormalLike, RandomUniformLike, Bernoulli: the input's type unless dtype says otherwise. */
export const inferLike: Infer = (op) => [
  fact(op.node.attributes.has('dtype') ? dataTypeOfNumber(op.int('dtype', 0)) : op.type(0), op.shape(0)),
]

/** Source: ONNX NonZero-13: [rank, count]. */
export const inferNonZero: Infer = (op) => {
  const dims: Dim[] = [op.shape(0)?.length ?? null, null]
  return [fact('int64', dims)]
}
