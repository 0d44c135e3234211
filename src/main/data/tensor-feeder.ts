import { Fault } from '../../shared/contract/fault.ts'
import type { DataType, ValueSpec } from '../../shared/contract/tensor.ts'
import type { EngineTensor, TypedArray } from '../engines/port.ts'
import { rowsOf } from './batch-rows.ts'
import { fromFloat16Bits } from './float16.ts'
import type { Feeder } from './feeder.ts'
import type { Sample, TensorSample } from './port.ts'

type Row = TensorSample['tensors'][string]

/**
 * Feeds samples that are tensors already. Values pass unchanged; a float input also takes any real type (the usual float64 of
 * numpy, float16, integers), rounded to float32.
 */
export function createTensorFeeder(inputs: readonly ValueSpec[]): Feeder {
  const fixedBatch = fixedBatchOf(inputs)
  return {
    fixedBatch,
    prepare: (sample) => sample,
    toFeeds: (samples) => {
      const rows = rowsOf(samples, fixedBatch)
      return Object.fromEntries(inputs.map((input) => [input.name, batchOf(input, rows, inputs.length)]))
    },
  }
}

function fixedBatchOf(inputs: readonly ValueSpec[]): number | null {
  for (const { shape } of inputs) {
    const batch = shape?.[0]
    if (typeof batch === 'number' && batch > 0) return batch
  }
  return null
}

function batchOf(input: ValueSpec, rows: readonly Sample[], inputCount: number): EngineTensor {
  const first = tensorOf(rows[0]!, input, inputCount)
  const dims = dimsFor(input, first, rows[0]!)
  const length = dims.reduce((product, dim) => product * dim, 1)
  const data = emptyLike(input.dataType, first, rows.length * length)
  rows.forEach((sample, row) => {
    const tensor = tensorOf(sample, input, inputCount)
    const isSame =
      tensor.dims.length === first.dims.length && tensor.dims.every((dim, axis) => dim === first.dims[axis])
    if (!isSame) throw mismatch(input, sample, tensor, 'differs from the others of its batch')
    copy(tensor, data, row * length)
  })
  return { dataType: input.dataType, dims: [rows.length, ...dims], data }
}

function tensorOf(sample: Sample, input: ValueSpec, inputCount: number): Row {
  if (sample.content.kind !== 'tensors') throw new Error(`sample ${sample.name} holds a picture, not tensors`)
  const { tensors } = sample.content
  const tensor = tensors[input.name] ?? (inputCount === 1 ? onlyOne(tensors) : undefined)
  if (!tensor) {
    const names = Object.keys(tensors)
      .map((name) => name || '(unnamed)')
      .join(', ')
    throw new Fault(
      'data.shapeMismatch',
      `The data have no array for the model's input ${input.name} (arrays: ${names}).`,
      { input: input.name },
    )
  }
  if (tensor.dataType !== input.dataType && !isWidening(tensor.dataType, input.dataType)) {
    throw mismatch(input, sample, tensor, `has element type ${tensor.dataType}`)
  }
  return tensor
}

function onlyOne(tensors: TensorSample['tensors']): Row | undefined {
  const all = Object.values(tensors)
  return all.length === 1 ? all[0] : undefined
}

function isWidening(from: DataType, to: DataType): boolean {
  return to === 'float' && from !== 'bool'
}

/** Dims of one sample as the model has them: axes of length 1 may be missing or extra in the data. */
function dimsFor(input: ValueSpec, tensor: Row, sample: Sample): readonly number[] {
  const wanted = input.shape?.slice(1)
  if (!wanted || fits(wanted, tensor.dims)) return tensor.dims
  const rest = tensor.dims.filter((dim) => dim !== 1)
  const guessed: number[] = []
  for (const dim of wanted) guessed.push(dim === 1 ? 1 : (rest.shift() ?? 1))
  if (rest.length > 0 || !fits(wanted, guessed))
    throw mismatch(input, sample, tensor, `has shape [${tensor.dims.join(',')}]`)
  return guessed
}

function fits(wanted: readonly (number | string | null)[], dims: readonly number[]): boolean {
  return (
    wanted.length === dims.length &&
    wanted.every((dim, axis) => typeof dim !== 'number' || dim <= 0 || dim === dims[axis])
  )
}

function mismatch(input: ValueSpec, sample: Sample, tensor: Row, problem: string): Fault {
  const shape = input.shape?.map((dim) => dim ?? '?').join(',') ?? '?'
  const found = `Sample ${sample.name} (${tensor.dataType} [${tensor.dims.join(',')}]) ${problem}`
  const todo = 'Store the array in that type and shape, first axis the sample.'
  const sentence = `${found}; the model's input ${input.name} wants ${input.dataType} [${shape}]. ${todo}`
  return new Fault('data.shapeMismatch', sentence, { input: input.name, sample: sample.name })
}

function emptyLike(dataType: DataType, tensor: Row, elements: number): TypedArray {
  if (dataType === 'float') return new Float32Array(elements)
  const Type = tensor.data.constructor as new (elements: number) => TypedArray
  return new Type(elements)
}

function copy(tensor: Row, target: TypedArray, offset: number): void {
  const { data } = tensor
  if (target.constructor === data.constructor && !(target instanceof Uint16Array && tensor.dataType !== 'float16')) {
    // same element type: a plain copy of bits
    ;(target as Float32Array).set(data as Float32Array, offset)
    return
  }
  const read =
    tensor.dataType === 'float16' ? (i: number) => fromFloat16Bits(data[i] as number) : (i: number) => Number(data[i])
  for (let i = 0; i < data.length; i++) target[offset + i] = read(i)
}
