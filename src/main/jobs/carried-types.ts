import type { DataType } from '../../shared/contract/tensor.ts'

/** Element types that a session takes and gives back, and whose values can be compared as numbers. */
export const CARRIED: ReadonlySet<DataType> = new Set<DataType>([
  'float',
  'double',
  'float16',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
])
