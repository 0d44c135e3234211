import type { Dim } from '../../../../shared/contract/tensor.ts'
import { shapeText } from '../broadcast.ts'
import type { Infer, OpContext } from '../context.ts'
import type { Fact, Value } from '../facts.ts'
import { fact, MAX_VALUES, numericDims, productOf, unknownDims } from '../facts.ts'

/** Elements at `indices` along `axis`; null unless all dims and values are known. */
function taken(input: Fact, axis: number, indices: readonly number[]): Value[] | null {
  const dims = numericDims(input.shape)
  if (dims === null || input.values === null) return null
  const inner = productOf(dims.slice(axis + 1))!
  const outer = productOf(dims.slice(0, axis))!
  const result: Value[] = []
  for (let o = 0; o < outer; o++) {
    for (const index of indices) {
      for (let i = 0; i < inner; i++) result.push(input.values[(o * dims[axis]! + index) * inner + i] ?? null)
    }
  }
  return result
}

/** Source: ONNX Concat-13. */
export const inferConcat: Infer = (op) => {
  const dataType = op.inputs().find((input) => input.dataType !== null)?.dataType ?? null
  const known = op.inputs().find((input) => input.shape !== null)?.shape
  if (known === undefined || known === null) return [fact(dataType, null)]
  const rank = known.length
  const axis = op.axis(op.int('axis', op.version < 4 ? 1 : 0), rank)
  const shape: Dim[] = [...known]
  let length: Dim = 0
  for (const input of op.inputs()) {
    const dims = input.shape ?? unknownDims(rank)
    if (dims.length !== rank) op.fail(`inputs of rank ${rank} and ${dims.length} cannot be joined`)
    for (let i = 0; i < rank; i++) if (i !== axis) shape[i] = merged(op, shape[i]!, dims[i]!, i)
    length = sum(length, dims[axis]!)
  }
  shape[axis] = op.inputCount === 1 ? known[axis]! : length
  return [fact(dataType, shape, joinedValues(op, axis, shape))]
}

function sum(a: Dim, b: Dim): Dim {
  if (b === 0) return a
  if (a === 0) return b
  return typeof a === 'number' && typeof b === 'number' ? a + b : null
}

function merged(op: OpContext, a: Dim, b: Dim, axis: number): Dim {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) {
    op.fail(`axis ${axis} is ${a} in one input and ${b} in another`)
  }
  return typeof a === 'number' ? a : typeof b === 'number' ? b : (a ?? b)
}

function joinedValues(op: OpContext, axis: number, shape: readonly Dim[]): Value[] | null {
  const dims = numericDims(shape)
  const count = dims === null ? null : productOf(dims)
  if (dims === null || count === null || count === 0 || count > MAX_VALUES) return null
  const outer = productOf(dims.slice(0, axis))!
  // an input whose values are unknown leaves a gap, so that [N, ?, 4] keeps what is known
  const parts = op.inputs().map((input) => {
    if (input.values !== null) return input.values
    // its other axes may only be known from the inputs beside it
    return unknownDims((count / dims[axis]!) * (input.shape![axis] as number))
  })
  if (parts.every((part) => part.every((value) => value === null))) return null
  const result: Value[] = []
  for (let o = 0; o < outer; o++) {
    for (const part of parts) result.push(...part.slice((o * part.length) / outer, ((o + 1) * part.length) / outer))
  }
  return result
}

/** Source: ONNX Split-18: sizes as input (13), as attribute (before), num_outputs (18), else equal parts. */
export const inferSplit: Infer = (op) => {
  const x = op.shape(0)
  const count = op.node.outputs.length
  const dataType = op.type(0)
  if (x === null) return new Array<Fact>(count).fill(fact(dataType, null))
  const axis = op.axis(op.int('axis', 0), x.length)
  const sizes = splitSizes(op, x[axis]!, count)
  let start = 0
  return sizes.map((size) => {
    const shape = x.map((dim, i) => (i === axis ? size : dim))
    const values = typeof size === 'number' ? taken(op.input(0), axis, range(start, start + size)) : null
    start += typeof size === 'number' ? size : 0
    return fact(dataType, shape, sizes.includes(null) ? null : values)
  })
}

function range(from: number, to: number): number[] {
  return to - from > MAX_VALUES ? [] : Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
}

function splitSizes(op: OpContext, length: Dim, count: number): Dim[] {
  const given = op.version >= 13 ? op.numbers(1) : op.ints('split')
  if (given !== null) {
    if (given.length !== count) op.fail(`${given.length} sizes for ${count} outputs`)
    const total = given.reduce((a, b) => a + b, 0)
    if (given.some((size) => size < 0) || (typeof length === 'number' && total !== length)) {
      op.fail(`the sizes [${given.join(',')}] do not add up to the length ${length}`)
    }
    return given
  }
  if (op.version >= 13 && op.has(1)) return unknownDims(count)
  if (typeof length !== 'number') return count === 1 ? [length] : unknownDims(count)
  if (op.version < 18 && length % count !== 0) op.fail(`length ${length} does not divide into ${count} equal parts`)
  const size = Math.ceil(length / count)
  const sizes = Array.from({ length: count }, (_, i) => (i < count - 1 ? size : length - size * (count - 1)))
  if (sizes.at(-1)! < 0) op.fail(`length ${length} cannot be cut into ${count} parts of ${size}`)
  return sizes
}

interface Cut {
  readonly axis: number
  readonly start: Value
  readonly end: Value
  readonly step: Value
}

/** Source: ONNX Slice-13; bounds as attributes before 10. */
export const inferSlice: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), null)]
  const cuts = cutsOf(op, x.length)
  if (cuts === null) return [fact(op.type(0), unknownDims(x.length))]
  let result: Fact = op.input(0)
  for (const cut of cuts) result = cutFact(op, result, cut)
  return [result]
}

function cutsOf(op: OpContext, rank: number): Cut[] | null {
  const read = (i: number, name: string): readonly Value[] | null => (op.version >= 10 ? op.values(i) : op.ints(name))
  const starts = read(1, 'starts')
  const ends = read(2, 'ends')
  const count = starts?.length ?? ends?.length ?? op.shape(1)?.[0] ?? op.shape(2)?.[0]
  if (typeof count !== 'number' || count > 64) return null
  const axesGiven = op.version >= 10 ? op.has(3) : op.ints('axes') !== null
  const axes = axesGiven ? (op.version >= 10 ? op.numbers(3) : op.ints('axes')) : range(0, count)
  if (axes === null) return null
  const steps = op.version >= 10 && op.has(4) ? (op.values(4) ?? unknownDims(count)) : new Array<Value>(count).fill(1)
  if (axes.length !== count || steps.length !== count || (ends !== null && ends.length !== count)) {
    op.fail('starts, ends, axes and steps differ in length')
  }
  return axes.map((axis, i) => ({
    axis: op.axis(axis, rank),
    start: starts?.[i] ?? null,
    end: ends?.[i] ?? null,
    step: steps[i]!,
  }))
}

const FAR = 2 ** 30

function cutFact(op: OpContext, input: Fact, { axis, start, end, step }: Cut): Fact {
  if (step === 0) op.fail('a step is 0')
  const dim = input.shape![axis]!
  const shape = [...input.shape!]
  if (typeof dim !== 'number' || typeof start !== 'number' || typeof step !== 'number' || typeof end !== 'number') {
    const whole =
      (step === 1 && start === 0 && ((typeof end === 'number' && end >= FAR) || (end !== null && end === dim))) ||
      (step === -1 &&
        (start === -1 || (typeof start === 'number' && start >= FAR)) &&
        typeof end === 'number' &&
        end <= -FAR)
    shape[axis] = whole ? dim : null
    // up to a known end of an unknown length nothing can be said
    return fact(input.dataType, shape, whole && step === 1 ? input.values : null)
  }
  const from = clamp(start < 0 ? start + dim : start, 0, step > 0 ? dim : dim - 1)
  const to = clamp(end < 0 ? end + dim : end, step > 0 ? 0 : -1, dim)
  const length = Math.max(0, Math.ceil((to - from) / step))
  shape[axis] = length
  const indices = length > MAX_VALUES ? [] : Array.from({ length }, (_, i) => from + i * step)
  return fact(input.dataType, shape, taken(input, axis, indices))
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high)
}

/** Source: ONNX Gather-13: the indices' axes stand in the place of `axis`. */
export const inferGather: Infer = (op) => {
  const x = op.shape(0)
  const indices = op.shape(1)
  if (x === null || indices === null) return [fact(op.type(0), null)]
  if (x.length === 0) op.fail('a scalar has no axis to gather from')
  const axis = op.axis(op.int('axis', 0), x.length)
  const shape = [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)]
  const numbers = op.numbers(1)
  const length = x[axis]
  if (numbers === null || typeof length !== 'number') return [fact(op.type(0), shape)]
  for (const index of numbers) {
    if (index < -length || index >= length) op.fail(`index ${index} lies outside axis ${axis} of ${shapeText(x)}`)
  }
  return [
    fact(
      op.type(0),
      shape,
      taken(
        op.input(0),
        axis,
        numbers.map((index) => (index < 0 ? index + length : index)),
      ),
    ),
  ]
}

/** Source: ONNX GatherElements-13: the shape of the indices. */
export const inferGatherElements: Infer = (op) => [fact(op.type(0), op.shape(1))]

/** Source: ONNX GatherND-13. */
export const inferGatherND: Infer = (op) => {
  const x = op.shape(0)
  const indices = op.shape(1)
  const depth = indices?.at(-1)
  if (x === null || indices === null || typeof depth !== 'number') return [fact(op.type(0), null)]
  const batch = op.int('batch_dims', 0)
  if (batch < 0 || batch + depth > x.length) op.fail(`indices of depth ${depth} do not fit ${shapeText(x)}`)
  return [fact(op.type(0), [...indices.slice(0, -1), ...x.slice(batch + depth)])]
}

/** Source: ONNX Pad-21: pads as input from 11 on, as attribute before. */
export const inferPad: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), null)]
  const pads = op.version >= 11 ? op.values(1) : op.ints('pads')
  if (pads === null) return [fact(op.type(0), unknownDims(x.length))]
  const axes = op.version >= 18 && op.has(3) ? op.numbers(3) : x.map((_, i) => i)
  if (axes === null) return [fact(op.type(0), unknownDims(x.length))]
  if (pads.length !== axes.length * 2) op.fail(`pads has ${pads.length} entries, expected ${axes.length * 2}`)
  const shape = [...x]
  axes.forEach((given, i) => {
    const axis = op.axis(given, x.length)
    shape[axis] = padded(op, x[axis]!, pads[i]!, pads[i + axes.length]!)
  })
  return [fact(op.type(0), shape, shape.every((dim, i) => dim === x[i]) ? op.values(0) : null)]
}

function padded(op: OpContext, dim: Dim, begin: Value, end: Value): Dim {
  if (begin === 0 && end === 0) return dim
  if (typeof dim !== 'number' || typeof begin !== 'number' || typeof end !== 'number') return null
  const length = dim + begin + end
  if (length < 0) op.fail(`pads ${begin} and ${end} leave a negative length of ${dim}`)
  return length
}

/** ScatterElements, ScatterND, Trilu, …: shape and type of the first input (values are not followed). */
export const inferScatter: Infer = (op) => [fact(op.type(0), op.shape(0))]

/** Source: ONNX Compress-11: the length along the axis depends on the data. */
export const inferCompress: Infer = (op) => {
  const axis = op.node.attributes.has('axis') ? op.int('axis', 0) : null
  const x = op.shape(0)
  if (axis === null) return [fact(op.type(0), [null])]
  if (x === null) return [fact(op.type(0), null)]
  const at = op.axis(axis, x.length)
  return [
    fact(
      op.type(0),
      x.map((dim, i) => (i === at ? null : dim)),
    ),
  ]
}

/** Source: ONNX OneHot-11. */
export const inferOneHot: Infer = (op) => {
  const indices = op.shape(0)
  if (indices === null) return [fact(op.type(2), null)]
  const axis = op.axis(op.int('axis', -1), indices.length + 1)
  const depth = op.numbers(1)?.[0] ?? null
  return [fact(op.type(2), [...indices.slice(0, axis), depth, ...indices.slice(axis)])]
}
