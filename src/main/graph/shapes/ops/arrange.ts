import type { Dim } from '../../../../shared/contract/tensor.ts'
import { shapeText } from '../broadcast.ts'
import type { Infer, OpContext } from '../context.ts'
import type { Value } from '../facts.ts'
import { fact, MAX_VALUES, numericDims, productOf, stridesOf, unknownDims } from '../facts.ts'
import { broadcastShapes, broadcastValues } from '../broadcast.ts'

/** Source: ONNX Reshape-21: 0 copies the axis (unless allowzero), one −1 takes what is left. */
export const inferReshape: Infer = (op) => {
  const rank = op.shape(1)?.[0]
  const target = op.values(1) ?? (typeof rank === 'number' && rank <= 64 ? unknownDims(rank) : null)
  if (target === null) return [fact(op.type(0), null)]
  const shape = reshaped(op, op.shape(0), target, op.int('allowzero', 0) !== 0)
  return [fact(op.type(0), shape, op.values(0))]
}

function reshaped(op: OpContext, input: readonly Dim[] | null, target: readonly Value[], allowZero: boolean): Dim[] {
  const output = target.map((value, i): Dim => {
    if (value === 0 && !allowZero) {
      if (input !== null && i >= input.length) op.fail(`shape entry ${i} is 0, but the input has rank ${input.length}`)
      return input?.[i] ?? null
    }
    if (typeof value === 'number' && value < -1) op.fail(`shape entry ${i} is ${value}`)
    return value
  })
  const open = output.flatMap((dim, i) => (dim === -1 ? [i] : []))
  if (open.length > 1) op.fail(`the shape [${target.join(',')}] has more than one −1`)
  const unknown = output.flatMap((dim, i) => (dim === null ? [i] : []))
  // a lone unknown entry is settled by the element count just as −1 is
  const gap = open[0] ?? (unknown.length === 1 ? unknown[0]! : null)
  if (gap !== null) {
    output[gap] =
      input === null
        ? null
        : remaining(
            op,
            input,
            output.filter((_, i) => i !== gap),
          )
  } else {
    checkCounts(op, input, output)
  }
  return output.map((dim) => (dim === -1 ? null : dim))
}

function checkCounts(op: OpContext, input: readonly Dim[] | null, output: readonly Dim[]): void {
  const from = input === null ? null : productOf(input)
  const to = productOf(output)
  if (from !== null && to !== null && from !== to) {
    op.fail(`${shapeText(input)} has ${from} elements, ${shapeText(output)} has ${to}`)
  }
}

/** What is left of the elements of `input` once `others` are taken: a number, a symbol, or null. */
function remaining(op: OpContext, input: readonly Dim[], others: readonly Dim[]): Dim {
  const symbols = input.filter((dim) => typeof dim !== 'number')
  for (const dim of others) {
    if (typeof dim === 'number') continue
    const at = dim === null ? -1 : symbols.indexOf(dim)
    if (at < 0) return null
    symbols.splice(at, 1)
  }
  const from = productOf(input.filter((dim) => typeof dim === 'number'))!
  const to = productOf(others.filter((dim) => typeof dim === 'number'))!
  if (symbols.length > 1 || (symbols.length === 1 && from !== to)) return null
  if (symbols.length === 1) return to === 0 ? null : symbols[0]!
  if (to === 0)
    return from === 0 ? null : op.fail(`${shapeText(input)} cannot be given a shape with an axis of length 0`)
  if (from % to !== 0) op.fail(`the ${from} elements of ${shapeText(input)} do not divide by ${to}`)
  return from / to
}

/** Source: ONNX Flatten-21: axes before `axis` become the first, the rest the second. */
export const inferFlatten: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), unknownDims(2))]
  const given = op.int('axis', 1)
  const axis = given < 0 ? given + x.length : given
  if (axis < 0 || axis > x.length) op.fail(`axis ${given} does not exist in a tensor of rank ${x.length}`)
  return [fact(op.type(0), [collapsed(x.slice(0, axis)), collapsed(x.slice(axis))], op.values(0))]
}

/** Product of axes, a symbol alone kept as it is. */
function collapsed(dims: readonly Dim[]): Dim {
  const rest = dims.filter((dim) => dim !== 1)
  return rest.length === 1 ? rest[0]! : productOf(rest)
}

/** Source: ONNX Transpose-21. */
export const inferTranspose: Infer = (op) => {
  const x = op.shape(0)
  const perm = op.ints('perm') ?? x?.map((_, i) => x.length - 1 - i)
  if (perm === undefined) return [fact(op.type(0), null)]
  if (x !== null && ![...perm].sort((a, b) => a - b).every((axis, i) => axis === i && perm.length === x.length)) {
    op.fail(`perm [${perm.join(',')}] is no permutation of the ${x.length} axes of its input`)
  }
  const shape = perm.map((axis) => x?.[axis] ?? null)
  return [fact(op.type(0), shape, transposedValues(op, perm, shape))]
}

function transposedValues(op: OpContext, perm: readonly number[], shape: readonly Dim[]): Value[] | null {
  const values = op.values(0)
  const from = numericDims(op.shape(0))
  const to = numericDims(shape)
  if (values === null || from === null || to === null) return null
  const strides = stridesOf(from)
  const toStrides = stridesOf(to)
  return values.map((_, index) => {
    const at = to.reduce(
      (sum, dim, axis) => sum + (Math.floor(index / toStrides[axis]!) % dim) * strides[perm[axis]!]!,
      0,
    )
    return values[at]!
  })
}

/** The axes an operator works on: second input from `since` on, the attribute before; null: not given; 'unknown': not constant. */
export function axesOf(op: OpContext, since: number): number[] | null | 'unknown' {
  if (op.version < since) return op.ints('axes')
  return op.has(1) ? (op.numbers(1) ?? 'unknown') : null
}

/** Source: ONNX Squeeze-13; axes as an attribute before. */
export const inferSqueeze: Infer = (op) => {
  const x = op.shape(0)
  const axes = axesOf(op, 13)
  if (x === null || axes === 'unknown') return [fact(op.type(0), null)]
  if (axes === null) {
    // an unknown axis may or may not be 1
    const shape = x.every((dim) => typeof dim === 'number') ? x.filter((dim) => dim !== 1) : null
    return [fact(op.type(0), shape, op.values(0))]
  }
  const drop = new Set(axes.map((axis) => op.axis(axis, x.length)))
  for (const axis of drop) {
    const dim = x[axis]
    if (typeof dim === 'number' && dim !== 1)
      op.fail(`axis ${axis} of ${shapeText(x)} is ${dim}, only 1 can be squeezed`)
  }
  return [
    fact(
      op.type(0),
      x.filter((_, i) => !drop.has(i)),
      op.values(0),
    ),
  ]
}

/** Source: ONNX Unsqueeze-13; axes as an attribute before. */
export const inferUnsqueeze: Infer = (op) => {
  const x = op.shape(0)
  const axes = axesOf(op, 13)
  if (axes === null) return op.fail('the axes are missing')
  if (x === null || axes === 'unknown') {
    const added = axes === 'unknown' ? op.shape(1)?.[0] : null
    return [
      fact(op.type(0), x !== null && typeof added === 'number' && added <= 64 ? unknownDims(x.length + added) : null),
    ]
  }
  const rank = x.length + axes.length
  const added = new Set(axes.map((axis) => op.axis(axis, rank)))
  if (added.size !== axes.length) op.fail(`axes [${axes.join(',')}] repeat`)
  const rest = [...x]
  const shape = Array.from({ length: rank }, (_, i): Dim => (added.has(i) ? 1 : rest.shift()!))
  return [fact(op.type(0), shape, op.values(0))]
}

/** Source: ONNX Expand-13: broadcast both ways against the shape given as input. */
export const inferExpand: Infer = (op) => {
  const count = op.shape(1)?.[0]
  const target = op.values(1) ?? (typeof count === 'number' && count <= 64 ? unknownDims(count) : null)
  if (target?.some((dim) => typeof dim === 'number' && dim < 0)) op.fail(`the shape [${target.join(',')}] is negative`)
  const shape = target === null ? null : broadcastShapes(op, [op.shape(0), target])
  return [
    fact(
      op.type(0),
      shape,
      broadcastValues([op.input(0)], shape, ([x]) => x!),
    ),
  ]
}

/** Source: ONNX Tile-13. */
export const inferTile: Infer = (op) => {
  const x = op.shape(0)
  const repeats = op.values(1)
  if (x === null)
    return [fact(op.type(0), typeof op.shape(1)?.[0] === 'number' ? unknownDims(op.shape(1)![0] as number) : null)]
  if (repeats === null) return [fact(op.type(0), unknownDims(x.length))]
  if (repeats.length !== x.length) op.fail(`${repeats.length} repeats for a tensor of rank ${x.length}`)
  const shape = x.map((dim, i): Dim => {
    const times = repeats[i]!
    if (typeof times === 'number' && times < 0) op.fail(`repeat ${times} is negative`)
    if (times === 1) return dim
    if (dim === 1) return times
    return typeof dim === 'number' && typeof times === 'number' ? dim * times : null
  })
  return [fact(op.type(0), shape, tiledValues(op, x, shape))]
}

function tiledValues(op: OpContext, x: readonly Dim[], shape: readonly Dim[]): Value[] | null {
  const values = op.values(0)
  const from = numericDims(x)
  const to = numericDims(shape)
  const count = to === null ? null : productOf(to)
  if (values === null || from === null || to === null || count === null || count > MAX_VALUES) return null
  const strides = stridesOf(from)
  const toStrides = stridesOf(to)
  return Array.from({ length: count }, (_, index) => {
    const at = to.reduce(
      (sum, dim, axis) => sum + ((Math.floor(index / toStrides[axis]!) % dim) % from[axis]!) * strides[axis]!,
      0,
    )
    return values[at]!
  })
}

/** Source: ONNX DepthToSpace-13. */
export const inferDepthToSpace: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), unknownDims(4))]
  op.expectRank(0, 4, 4)
  const block = op.int('blocksize', 0)
  if (block < 1) op.fail(`blocksize is ${block}`)
  const [n, c, h, w] = x as [Dim, Dim, Dim, Dim]
  if (typeof c === 'number' && c % (block * block) !== 0) op.fail(`${c} channels do not divide by ${block * block}`)
  return [fact(op.type(0), [n, scaled(c, 1 / (block * block)), scaled(h, block), scaled(w, block)])]
}

/** Source: ONNX SpaceToDepth-13. */
export const inferSpaceToDepth: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), unknownDims(4))]
  op.expectRank(0, 4, 4)
  const block = op.int('blocksize', 0)
  if (block < 1) op.fail(`blocksize is ${block}`)
  const [n, c, h, w] = x as [Dim, Dim, Dim, Dim]
  for (const dim of [h, w])
    if (typeof dim === 'number' && dim % block !== 0) op.fail(`length ${dim} does not divide by ${block}`)
  return [fact(op.type(0), [n, scaled(c, block * block), scaled(h, 1 / block), scaled(w, 1 / block)])]
}

function scaled(dim: Dim, factor: number): Dim {
  return typeof dim === 'number' ? Math.round(dim * factor) : factor === 1 ? dim : null
}
