import { Fault } from '../../../shared/contract/fault.ts'
import type { DataType, Dim, ValueSpec } from '../../../shared/contract/tensor.ts'
import { toFloat16Bits } from '../../data/float16.ts'
import { createRandom, type RandomSource } from '../../data/random.ts'
import type { EngineTensor, Feeds, TypedArray } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'

/** The inputs of a graph that are fed: files older than IR 4 list their initializers too. */
export function inputsOf({ graph }: Model): ValueSpec[] {
  const fed = graph.inputs.filter(({ name }) => !graph.initializers.has(name))
  return fed.map(({ name, dataType, shape }) => {
    if (dataType !== null) return { name, dataType, shape }
    throw new Fault(
      'engine.unsupportedType',
      `Input '${name}' is not a tensor; models with such inputs cannot be run here.`,
      { name },
    )
  })
}

/** How open dimensions of inputs are settled. */
export interface InputShapes {
  /** length of a first axis that the model leaves open */
  readonly batch: number
  /** whole shapes by input name */
  readonly shapes?: Readonly<Record<string, readonly number[]>>
  /** lengths by the name of a symbolic dimension */
  readonly dims?: Readonly<Record<string, number>>
}

/** Side of pictures where a model leaves height and width open: the size most classifiers are measured at. */
const usualSide = 224

/**
 * The shape each input is run with: as asked, else the model's own, its open first axis the batch, the open sides of pictures 224.
 * @throws Fault usage.inputShape naming the input and the axis that nobody settled, or that contradicts the model
 */
export function settleShapes(inputs: readonly ValueSpec[], wanted: InputShapes): Map<string, readonly number[]> {
  for (const name of Object.keys(wanted.shapes ?? {})) {
    if (inputs.some((input) => input.name === name)) continue
    throw new Fault(
      'usage.inputShape',
      `The model has no input '${name}' (inputs: ${inputs.map((input) => input.name).join(', ')}).`,
      { name },
    )
  }
  return new Map(inputs.map((input) => [input.name, settleShape(input, wanted)]))
}

function settleShape(input: ValueSpec, wanted: InputShapes): readonly number[] {
  const asked = wanted.shapes?.[input.name]
  const declared = input.shape
  if (asked) {
    const fits =
      declared === null ||
      (declared.length === asked.length && declared.every((dim, i) => !isFixed(dim) || dim === asked[i]))
    if (fits) return asked
    const found = `[${declared.map((dim) => dim ?? '?').join(', ')}]`
    throw new Fault(
      'usage.inputShape',
      `Input '${input.name}' is ${found}; it cannot be run as [${asked.join(', ')}].`,
      { name: input.name },
    )
  }
  if (declared === null) {
    const sentence = `Input '${input.name}' says nothing of its shape: give it, for example --shape ${input.name}=1x3x224x224.`
    throw new Fault('usage.inputShape', sentence, { name: input.name })
  }
  return declared.map((dim, axis) => settleDim(input, dim, axis, wanted))
}

function settleDim(input: ValueSpec, dim: Dim, axis: number, wanted: InputShapes): number {
  if (isFixed(dim)) return dim
  if (typeof dim === 'string' && wanted.dims?.[dim] !== undefined) return wanted.dims[dim]
  if (axis === 0) return wanted.batch
  if (isPictureSide(input.shape!, axis)) return usualSide
  const name = typeof dim === 'string' ? `'${dim}'` : `axis ${axis}`
  throw new Fault(
    'usage.inputShape',
    `Input '${input.name}' leaves ${name} open: say its length, for example --shape ${input.name}=…`,
    {
      name: input.name,
      axis,
    },
  )
}

function isFixed(dim: Dim | undefined): dim is number {
  return typeof dim === 'number' && dim > 0
}

function isPictureSide(shape: readonly Dim[], axis: number): boolean {
  if (shape.length !== 4) return false
  const isChannels = (dim: Dim | undefined): boolean => dim === 1 || dim === 3
  return isChannels(shape[1]) ? axis >= 2 : isChannels(shape[3]) && (axis === 1 || axis === 2)
}

/** Random inputs: floats normal(0, 1), bytes over their whole range, other integers and booleans 1 (a safe index, mask and length). */
export function randomFeeds(
  inputs: readonly ValueSpec[],
  shapes: ReadonlyMap<string, readonly number[]>,
  seed: number,
): Feeds {
  const random = createRandom(seed)
  return Object.fromEntries(
    inputs.map(({ name, dataType }) => [name, randomTensor(dataType, shapes.get(name)!, random)]),
  )
}

function randomTensor(dataType: DataType, dims: readonly number[], random: RandomSource): EngineTensor {
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { dataType, dims, data: randomData(dataType, count, random) }
}

function randomData(dataType: DataType, count: number, random: RandomSource): TypedArray {
  switch (dataType) {
    case 'float':
      return Float32Array.from({ length: count }, () => normal(random))
    case 'double':
      return Float64Array.from({ length: count }, () => normal(random))
    case 'float16':
      return Uint16Array.from({ length: count }, () => toFloat16Bits(normal(random)))
    case 'uint8':
      return Uint8Array.from({ length: count }, () => random.below(256))
    case 'int8':
      return Int8Array.from({ length: count }, () => random.below(256) - 128)
    case 'uint16':
      return new Uint16Array(count).fill(1)
    case 'int16':
      return new Int16Array(count).fill(1)
    case 'int32':
      return new Int32Array(count).fill(1)
    case 'uint32':
      return new Uint32Array(count).fill(1)
    case 'int64':
      return new BigInt64Array(count).fill(1n)
    case 'uint64':
      return new BigUint64Array(count).fill(1n)
    case 'bool':
      return new Uint8Array(count).fill(1)
    default:
      throw new Fault('engine.unsupportedType', `No input of type ${dataType} can be made up: give real data.`, {
        dataType,
      })
  }
}

/** Box-Muller; the second value of each pair is not used, which costs nothing that matters here. */
function normal(random: RandomSource): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit())
}
