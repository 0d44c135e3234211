/**
 * Element types of ONNX tensors, named as TensorProto.DataType in lower case.
 * Source: onnx.proto, TensorProto.DataType.
 */
export type DataType =
  | 'float'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'double'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2'

/** One axis: a known length, a symbolic name, or null where nothing is known. */
export type Dim = number | string | null

/** A graph input or output as the user sees it. */
export interface ValueSpec {
  readonly name: string
  readonly dataType: DataType
  /** null where the rank is unknown */
  readonly shape: readonly Dim[] | null
}
