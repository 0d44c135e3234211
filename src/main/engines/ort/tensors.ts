import type { DataType, ValueSpec } from '../../../shared/contract/tensor.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { EngineTensor, TypedArray } from '../port.ts'

/**
 * A tensor as the native binding reads it. Plain objects instead of the package's `Tensor`, because that class turns float16
 * data into a Float16Array, whose bytes the binding of 1.30 does not see ("not enough space: expected 6, got 0").
 */
export interface OrtTensor {
  readonly type: string
  readonly data: unknown
  readonly dims: readonly number[]
  readonly location: 'cpu'
}

/** What `session.inputMetadata` and `outputMetadata` hold. */
export interface OrtMetadata {
  readonly name: string
  readonly isTensor: boolean
  readonly type?: string
  readonly shape?: readonly (number | string)[]
}

const toOrtName: Partial<Record<DataType, string>> = {
  float: 'float32',
  uint8: 'uint8',
  int8: 'int8',
  uint16: 'uint16',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
  float16: 'float16',
  double: 'float64',
  uint32: 'uint32',
  uint64: 'uint64',
}

const fromOrtName: Readonly<Record<string, DataType>> = {
  float32: 'float',
  uint8: 'uint8',
  int8: 'int8',
  uint16: 'uint16',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  string: 'string',
  bool: 'bool',
  float16: 'float16',
  float64: 'double',
  uint32: 'uint32',
  uint64: 'uint64',
  uint4: 'uint4',
  int4: 'int4',
}

/** True for element types that the binding carries in both directions. Others (int4, bfloat16, float8, string) abort the process or fail. */
export function isCarried(dataType: DataType): boolean {
  return toOrtName[dataType] !== undefined
}

/**
 * An engine tensor as the native binding takes it, sharing the data.
 * @throws Fault engine.unsupportedType for types that cannot be fed; engine.inputShape when data and dims disagree
 */
export function toOrtTensor(name: string, tensor: EngineTensor): OrtTensor {
  const type = toOrtName[tensor.dataType]
  if (type === undefined) {
    throw new Fault(
      'engine.unsupportedType',
      `Input '${name}' is ${tensor.dataType}, which ONNX Runtime's Node binding cannot be fed.`,
      {
        tensor: name,
        dataType: tensor.dataType,
      },
    )
  }
  const expected = tensor.dims.reduce((product, dim) => product * dim, 1)
  if (expected !== tensor.data.length) {
    throw new Fault(
      'engine.inputShape',
      `Input '${name}' has ${tensor.data.length} values, but its shape [${tensor.dims.join(', ')}] needs ${expected}.`,
      { tensor: name, expected, found: tensor.data.length },
    )
  }
  return { type, data: tensor.data, dims: tensor.dims, location: 'cpu' }
}

/** A tensor that a run gave back, sharing the data; float16 as its bits. */
export function fromOrtTensor(tensor: { type: string; data: unknown; dims: readonly number[] }): EngineTensor {
  const dataType = fromOrtName[tensor.type]
  if (dataType === undefined) throw new Error(`unexpected tensor type ${tensor.type} from ONNX Runtime`)
  const view = tensor.data as ArrayBufferView & { length: number }
  const data = dataType === 'float16' ? new Uint16Array(view.buffer as ArrayBuffer, view.byteOffset, view.length) : view
  return { dataType, dims: tensor.dims, data: data as TypedArray }
}

/**
 * Input or output as ONNX Runtime declares it. Unnamed dimensions are null; an empty shape is null too, because ONNX
 * Runtime gives it both for scalars and for unknown ranks.
 * @throws Fault engine.unsupportedType for sequences, maps and optionals
 */
export function toValueSpec(metadata: OrtMetadata): ValueSpec {
  const dataType = metadata.isTensor ? fromOrtName[metadata.type ?? ''] : undefined
  if (dataType === undefined) {
    throw new Fault('engine.unsupportedType', `'${metadata.name}' is not a tensor of a type that can be read or fed.`, {
      tensor: metadata.name,
    })
  }
  const shape = metadata.shape ?? []
  return {
    name: metadata.name,
    dataType,
    shape: shape.length === 0 ? null : shape.map((dim) => (dim === '' ? null : dim)),
  }
}
