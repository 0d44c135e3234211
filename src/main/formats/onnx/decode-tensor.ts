import { Fault } from '../../../shared/contract/fault.ts'
import type { DataType } from '../../../shared/contract/tensor.ts'
import type { Tensor } from '../../graph/model.ts'
import { bitsOf } from '../../graph/tensors.ts'
import { dataTypeOfNumber } from '../../graph/data-types.ts'
import { TensorProtoSchema } from './gen/onnx_pb.js'
import type { TensorProto } from './gen/onnx_pb.js'
import { restOf } from './opaque.ts'

/** What decoding needs to know everywhere: the name of the file, for messages. */
export interface DecodeContext {
  readonly source: string
}

const interpreted = new Set([
  'dims',
  'dataType',
  'name',
  'rawData',
  'floatData',
  'int32Data',
  'stringData',
  'int64Data',
  'doubleData',
  'uint64Data',
  'externalData',
  'dataLocation',
])

/** Bytes that a tensor of this type and shape needs, null for types and shapes that `decodeTensor` refuses, and for strings. */
export function neededBytes(proto: TensorProto): number | null {
  const dataType = dataTypeOfNumber(proto.dataType)
  if (dataType === null || dataType === 'string' || proto.dims.some((dim) => dim < 0n)) return null
  const byteLength = Math.ceil((proto.dims.reduce((count, dim) => count * Number(dim), 1) * bitsOf(dataType)) / 8)
  return Number.isSafeInteger(byteLength) ? byteLength : null
}

/**
 * Turns a TensorProto of any encoding (external data brought in before) into raw little-endian bytes; `raw_data` stays a
 * view of the file.
 * @param where place in the file, for messages
 * @throws Fault format.dataType, format.shape, format.tensorSize
 */
export function decodeTensor(proto: TensorProto, where: string, context: DecodeContext): Tensor {
  const label = `${where} "${proto.name}"`
  const dataType = dataTypeOfNumber(proto.dataType)
  if (dataType === null) {
    throw new Fault(
      'format.dataType',
      `${context.source}: ${label} has data type number ${proto.dataType}, which is not a tensor type this program knows (1 to 26)`,
      { tensor: proto.name, dataType: proto.dataType },
    )
  }
  const dims = proto.dims.map((dim) => checkedDim(dim, label, context))
  const count = checkedCount(dims, label, context)
  const opaque = restOf(TensorProtoSchema, proto, interpreted)
  const rest = opaque === null ? {} : { opaque }
  if (dataType === 'string') {
    checkLength(proto.stringData.length, count, 'strings', label, dims, dataType, context)
    return { name: proto.name, dataType, dims, data: new Uint8Array(0), strings: proto.stringData, ...rest }
  }
  return { name: proto.name, dataType, dims, data: bytesOf(proto, dataType, dims, count, label, context), ...rest }
}

function checkedDim(dim: bigint, label: string, context: DecodeContext): number {
  if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Fault(
      'format.shape',
      `${context.source}: ${label} has a dimension of ${dim}; lengths run from 0 to 2^53 - 1`,
    )
  }
  return Number(dim)
}

function checkedCount(dims: readonly number[], label: string, context: DecodeContext): number {
  if (dims.includes(0)) return 0
  let count = 1
  for (const dim of dims) count *= dim
  if (count * 16 > Number.MAX_SAFE_INTEGER) {
    throw new Fault(
      'format.shape',
      `${context.source}: ${label} has shape [${dims.join(', ')}], more elements than any file can hold`,
    )
  }
  return count
}

function checkLength(
  found: number,
  expected: number,
  unit: string,
  label: string,
  dims: readonly number[],
  dataType: DataType,
  context: DecodeContext,
): void {
  if (found === expected) return
  throw new Fault(
    'format.tensorSize',
    `${context.source}: ${label}, ${dataType} of shape [${dims.join(', ')}], needs ${expected} ${unit} but holds ${found}; the file is damaged`,
    { expected, found },
  )
}

function bytesOf(
  proto: TensorProto,
  dataType: DataType,
  dims: readonly number[],
  count: number,
  label: string,
  context: DecodeContext,
): Uint8Array {
  const byteLength = Math.ceil((count * bitsOf(dataType)) / 8)
  const typed = proto.rawData.length > 0 ? null : typedBytes(proto, dataType)
  if (typed !== null && typed.length > 0) {
    checkLength(typed.length, byteLength, 'bytes', label, dims, dataType, context)
    return typed
  }
  checkLength(proto.rawData.length, byteLength, 'bytes', label, dims, dataType, context)
  return proto.rawData
}

/** The bytes of the typed field that belongs to `dataType`. Source: comments of TensorProto in onnx.proto. */
function typedBytes(proto: TensorProto, dataType: DataType): Uint8Array {
  switch (dataType) {
    case 'float':
    case 'complex64':
      return viewOf(Float32Array.from(proto.floatData))
    case 'double':
    case 'complex128':
      return viewOf(Float64Array.from(proto.doubleData))
    case 'int64':
      return viewOf(BigInt64Array.from(proto.int64Data))
    case 'uint64':
      return viewOf(BigUint64Array.from(proto.uint64Data))
    case 'uint32':
      return viewOf(Uint32Array.from(proto.uint64Data, (value) => Number(BigInt.asUintN(32, value))))
    case 'int32':
      return viewOf(Int32Array.from(proto.int32Data))
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return viewOf(Uint16Array.from(proto.int32Data))
    default:
      // int8, bool, float8 and the packed types: the low byte of each entry
      return Uint8Array.from(proto.int32Data)
  }
}

function viewOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
