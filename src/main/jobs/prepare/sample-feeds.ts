import type { DataType, Dim } from '../../../shared/contract/tensor.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { EngineTensor, Feeds, TypedArray } from '../../engines/port.ts'
import type { Model, ValueInfo } from '../../graph/model.ts'

/** Concrete dims of every graph input, by name. */
export type InputShapes = ReadonlyMap<string, readonly number[]>

/** The distributions that models are tried on: normalised pictures, pictures in 0–1, raw bytes. */
export const FEED_KINDS = ['normal', 'unit', 'byte'] as const
export type FeedKind = (typeof FEED_KINDS)[number]

/** Lengths tried for axes of unknown length: picture sides first, the common ones before the rare. */
const SIDES = [224, 32, 28, 64, 256, 128, 96, 299, 320, 416, 512, 640, 16, 8] as const

/** A guess for the length of a sequence that nothing tells; short, since cost grows with its square. */
const SEQUENCE = 16

/** Most elements of one input: 256 MiB of float32, far beyond any picture or clip and far below what exhausts a machine. */
const MOST_ELEMENTS = 2 ** 26

/** Graph inputs that must be fed; a negative or unnamed length, which some exporters write for "any", counts as open. */
export function fedInputs(model: Model): ValueInfo[] {
  return model.graph.inputs
    .filter((input) => !model.graph.initializers.has(input.name))
    .map((input) =>
      input.shape?.some(isOpen) ? { ...input, shape: input.shape.map((dim) => (isOpen(dim) ? null : dim)) } : input,
    )
}

function isOpen(dim: Dim): boolean {
  return dim === '' || (typeof dim === 'number' && dim < 0)
}

/** The name (or null for an unnamed one) of the batch axis: the first axis of the first input, where its length is open. */
export function batchAxis(model: Model): { readonly symbol: string | null } | null {
  const first = fedInputs(model).find((input) => input.shape !== null && input.shape.length > 1)?.shape?.[0]
  if (first === undefined || typeof first === 'number') return null
  return { symbol: first }
}

/**
 * Concrete shapes to try for the graph inputs, best guess first. What the file fixes stays; what the caller gives is taken;
 * an open first axis is the batch; other open axes are picture sides (4 or more axes), channels or sequence lengths. One
 * symbol has one length.
 * @throws Fault usage.inputShape when a given shape does not fit the declared one
 */
export function candidateShapes(
  model: Model,
  batch: number,
  given: Readonly<Record<string, readonly number[]>>,
): InputShapes[] {
  const inputs = fedInputs(model)
  for (const input of inputs) checkGiven(input, given[input.name])
  const open = inputs.some((input) => given[input.name] === undefined && hasOpenSides(input))
  return (open ? SIDES : SIDES.slice(0, 1)).map((side) => shapesFor(inputs, batch, side, given))
}

function hasOpenSides({ shape }: ValueInfo): boolean {
  return shape === null || shape.slice(1).some((dim) => typeof dim !== 'number')
}

function checkGiven({ name, shape }: ValueInfo, given: readonly number[] | undefined): void {
  if (given === undefined || shape === null) return
  const fits = given.length === shape.length && shape.every((dim, i) => typeof dim !== 'number' || dim === given[i])
  if (fits) return
  const text = shape.map((dim) => dim ?? '?').join(', ')
  throw new Fault(
    'usage.inputShape',
    `Input ${name} has the shape [${text}]; the given [${given.join(', ')}] does not fit it.`,
    { tensor: name },
  )
}

function shapesFor(
  inputs: readonly ValueInfo[],
  batch: number,
  side: number,
  given: Readonly<Record<string, readonly number[]>>,
): InputShapes {
  const lengths = new Map<string, number>()
  for (const { name, shape } of inputs) {
    given[name]?.forEach((length, i) => typeof shape?.[i] === 'string' && lengths.set(shape[i], length))
  }
  return new Map(
    inputs.map(({ name, shape }) => [
      name,
      given[name] ??
        (shape ?? [null, 3, null, null]).map((dim, axis, all) => lengthOf(dim, axis, all, batch, side, lengths)),
    ]),
  )
}

function lengthOf(
  dim: Dim,
  axis: number,
  shape: readonly Dim[],
  batch: number,
  side: number,
  lengths: Map<string, number>,
): number {
  if (typeof dim === 'number') return dim
  const known = dim === null ? undefined : lengths.get(dim)
  if (known !== undefined) return known
  const length = axis === 0 ? batch : guess(axis, shape, side)
  if (dim !== null) lengths.set(dim, length)
  return length
}

function guess(axis: number, shape: readonly Dim[], side: number): number {
  if (shape.length < 4) return side === SIDES[0] ? SEQUENCE : side
  // channels stand first (NCHW) unless the last axis already tells a channel count
  const last = shape.at(-1)
  const channelsLast = typeof last === 'number' && last <= 4
  return axis === 1 && !channelsLast ? 3 : side
}

/**
 * Seeded inputs of these shapes: floats from the distribution of `kind`, integers 0 and 1 in turn (valid as indices, flags
 * and token ids alike).
 * @throws Fault engine.unsupportedType naming the input that cannot be fed, model.inputTooLarge
 */
export function makeFeeds(model: Model, shapes: InputShapes, kind: FeedKind, seed: number): Feeds {
  const random = mulberry32(seed)
  const feeds: Record<string, EngineTensor> = {}
  for (const { name, dataType } of fedInputs(model)) {
    const dims = shapes.get(name)!
    const count = checkedCount(name, dims)
    feeds[name] = { dataType: dataType!, dims, data: valuesOf(name, dataType, count, kind, random) }
  }
  return feeds
}

function checkedCount(name: string, dims: readonly number[]): number {
  const count = dims.reduce((product, dim) => product * dim, 1)
  if (count <= MOST_ELEMENTS) return count
  throw new Fault(
    'model.inputTooLarge',
    `Input ${name} has the shape [${dims.join(', ')}], ${count} elements; at most ${MOST_ELEMENTS} can be fed. Export the model with smaller inputs.`,
    { tensor: name, elements: count },
  )
}

function valuesOf(
  name: string,
  dataType: DataType | null,
  count: number,
  kind: FeedKind,
  random: () => number,
): TypedArray {
  switch (dataType) {
    case 'float':
      return Float32Array.from({ length: count }, DRAW[kind](random))
    case 'double':
      return Float64Array.from({ length: count }, DRAW[kind](random))
    case 'float16':
      return Uint16Array.from({ length: count }, () => Math.floor(random() * 0x3c00)) // bits of numbers in [0, 1)
    case 'int64':
      return BigInt64Array.from({ length: count }, (_, i) => BigInt(count === 1 ? 1 : i % 2))
    case 'int32':
      return Int32Array.from({ length: count }, (_, i) => (count === 1 ? 1 : i % 2))
    case 'uint8':
      return Uint8Array.from({ length: count }, () => Math.floor(random() * 256))
    case 'int8':
      return Int8Array.from({ length: count }, () => Math.floor(random() * 256) - 128)
    case 'bool':
      return Uint8Array.from({ length: count }, (_, i) => (i + 1) % 2)
    default:
      throw new Fault(
        'engine.unsupportedType',
        `Input ${name} is ${dataType ?? 'not a tensor'}, which cannot be fed.`,
        { tensor: name },
      )
  }
}

const DRAW: Readonly<Record<FeedKind, (random: () => number) => () => number>> = {
  normal: (random) => () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  unit: (random) => random,
  byte: (random) => () => Math.floor(random() * 256),
}

/** A small seeded generator, the same on every machine. Source: Tommy Ettinger, mulberry32 (public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
