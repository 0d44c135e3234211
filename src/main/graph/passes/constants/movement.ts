import type { Node, Tensor } from '../../model.ts'
import { intAttribute, intsAttribute, tensorAttribute } from '../../attributes.ts'
import { bitsOf, elementCount, int64Tensor } from '../../tensors.ts'
import type { Evaluator } from './evaluate.ts'
import { axisWithin, broadcastDims, broadcastStrides, plainNumbers, strided, stridesOf } from './values.ts'

const reshaped = (source: Tensor, dims: readonly number[]): Tensor[] | null =>
  elementCount(dims) === elementCount(source.dims) ? [{ ...source, dims }] : null

/** Integers of an optional input; undefined when it is not given, null when it cannot be read. */
function integers(tensor: Tensor | null | undefined): number[] | null | undefined {
  return tensor ? plainNumbers(tensor) : undefined
}

function reshape(node: Node, [data, shape]: readonly (Tensor | null)[]): Tensor[] | null {
  const target = integers(shape)
  if (!data || !target) return null
  const keepZero = intAttribute(node, 'allowzero', 0) === 1
  const dims = target.map((dim, i) => (dim === 0 && !keepZero ? (data.dims[i] ?? -1) : dim))
  const open = dims.indexOf(-1)
  if (open >= 0) {
    const rest = dims.reduce((product, dim, i) => (i === open ? product : product * dim), 1)
    dims[open] = rest === 0 ? -1 : elementCount(data.dims) / rest
  }
  return dims.every((dim) => Number.isInteger(dim) && dim >= 0) ? reshaped(data, dims) : null
}

function flatten(node: Node, [data]: readonly (Tensor | null)[]): Tensor[] | null {
  if (!data) return null
  const axis = intAttribute(node, 'axis', 1)
  const cut = axis < 0 ? axis + data.dims.length : axis
  return reshaped(data, [elementCount(data.dims.slice(0, cut)), elementCount(data.dims.slice(cut))])
}

function axesOf(node: Node, input: Tensor | null | undefined): number[] | null {
  return integers(input) ?? intsAttribute(node, 'axes')
}

function unsqueeze(node: Node, [data, input]: readonly (Tensor | null)[]): Tensor[] | null {
  const axes = axesOf(node, input)
  if (!data || !axes) return null
  const rank = data.dims.length + axes.length
  const added = new Set(axes.map((axis) => axisWithin(axis, rank)))
  if (added.has(null) || added.size !== axes.length) return null
  const rest = [...data.dims]
  return reshaped(
    data,
    Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : rest.shift()!)),
  )
}

function squeeze(node: Node, [data, input]: readonly (Tensor | null)[]): Tensor[] | null {
  if (!data) return null
  const axes = axesOf(node, input)?.map((axis) => axisWithin(axis, data.dims.length))
  if (axes?.includes(null)) return null
  const dims = data.dims.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1))
  return reshaped(data, dims)
}

function transpose(node: Node, [data]: readonly (Tensor | null)[]): Tensor[] | null {
  if (!data) return null
  const rank = data.dims.length
  const perm = intsAttribute(node, 'perm') ?? data.dims.map((_, i) => rank - 1 - i)
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((axis) => axisWithin(axis, rank) !== axis))
    return null
  const strides = stridesOf(data.dims)
  const moved = strided(
    data,
    '',
    perm.map((axis) => data.dims[axis]!),
    perm.map((axis) => strides[axis]!),
  )
  return moved && [moved]
}

function expand(_node: Node, [data, shape]: readonly (Tensor | null)[], limit: number): Tensor[] | null {
  const target = integers(shape)
  const dims = data && target ? broadcastDims(data.dims, target) : null
  if (!data || !dims || elementCount(dims) > limit) return null
  const grown = strided(data, '', dims, broadcastStrides(data.dims, dims))
  return grown && [grown]
}

/** Start, end and step of one axis as ONNX clamps them. Source: ONNX Slice-13. */
function sliceBounds(start: number, end: number, step: number, dim: number): { start: number; count: number } {
  const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)
  const from = start < 0 ? start + dim : start
  const to = end < 0 ? end + dim : end
  const first = step > 0 ? clamp(from, 0, dim) : clamp(from, 0, dim - 1)
  const last = step > 0 ? clamp(to, 0, dim) : clamp(to, -1, dim - 1)
  return { start: first, count: Math.max(0, Math.ceil((last - first) / step)) }
}

function slice(_node: Node, [data, starts, ends, axes, steps]: readonly (Tensor | null)[]): Tensor[] | null {
  const from = integers(starts)
  const to = integers(ends)
  if (!data || !from || !to || data.dims.includes(0)) return null
  const along = integers(axes) ?? from.map((_, i) => i)
  const by = integers(steps) ?? from.map(() => 1)
  const dims = [...data.dims]
  const strides = stridesOf(data.dims)
  let offset = 0
  for (let i = 0; i < from.length; i++) {
    const axis = axisWithin(along[i]!, dims.length)
    if (axis === null || !by[i]) return null
    const { start, count } = sliceBounds(from[i]!, to[i]!, by[i]!, data.dims[axis]!)
    offset += start * strides[axis]!
    dims[axis] = count
    strides[axis] = strides[axis]! * by[i]!
  }
  const part = strided(data, '', dims, strides, offset)
  return part && [part]
}

function concat(node: Node, inputs: readonly (Tensor | null)[], limit: number): Tensor[] | null {
  const first = inputs[0]
  if (!first || inputs.some((input) => !input || input.dims.length !== first.dims.length)) return null
  const parts = inputs as readonly Tensor[]
  const axis = axisWithin(intAttribute(node, 'axis', 0), first.dims.length)
  const bytes = bitsOf(first.dataType) / 8
  if (axis === null || bytes < 1) return null
  const dims = first.dims.map((dim, i) => (i === axis ? parts.reduce((sum, part) => sum + part.dims[i]!, 0) : dim))
  if (elementCount(dims) > limit) return null
  const outer = elementCount(dims.slice(0, axis))
  const data = new Uint8Array(elementCount(dims) * bytes)
  let at = 0
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const run = part.data.byteLength / outer
      data.set(part.data.subarray(o * run, (o + 1) * run), at)
      at += run
    }
  }
  return at === data.byteLength ? [{ name: '', dataType: first.dataType, dims, data }] : null
}

function gather(node: Node, [data, indices]: readonly (Tensor | null)[], limit: number): Tensor[] | null {
  const at = integers(indices)
  if (!data || !indices || !at) return null
  const axis = axisWithin(intAttribute(node, 'axis', 0), data.dims.length)
  const bytes = bitsOf(data.dataType) / 8
  if (axis === null || bytes < 1) return null
  const dims = [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)]
  const picked = at.map((index) => axisWithin(index, data.dims[axis]!))
  if (elementCount(dims) > limit || picked.includes(null)) return null
  const outer = elementCount(data.dims.slice(0, axis))
  const run = elementCount(data.dims.slice(axis + 1)) * bytes
  const result = new Uint8Array(elementCount(dims) * bytes)
  let to = 0
  for (let o = 0; o < outer; o++) {
    for (const index of picked) {
      const from = (o * data.dims[axis]! + index!) * run
      result.set(data.data.subarray(from, from + run), to)
      to += run
    }
  }
  return [{ name: '', dataType: data.dataType, dims, data: result }]
}

function constantOfShape(node: Node, [shape]: readonly (Tensor | null)[], limit: number): Tensor[] | null {
  const dims = integers(shape)
  if (!dims || dims.some((dim) => dim < 0) || elementCount(dims) > limit) return null
  const value = tensorAttribute(node, 'value') ?? { name: '', dataType: 'float', dims: [1], data: new Uint8Array(4) }
  const filled = strided(
    value,
    '',
    dims,
    dims.map(() => 0),
  )
  return filled && [filled]
}

function shapeOf(node: Node, [data]: readonly (Tensor | null)[]): Tensor[] | null {
  if (!data) return null
  const rank = data.dims.length
  const bound = (value: number): number => Math.min(Math.max(value < 0 ? value + rank : value, 0), rank)
  const dims = data.dims.slice(bound(intAttribute(node, 'start', 0)), bound(intAttribute(node, 'end', rank)))
  return [int64Tensor('', [dims.length], dims)]
}

const identity: Evaluator = (_node, [data]) => (data ? [{ ...data }] : null)
const size: Evaluator = (_node, [data]) => (data ? [int64Tensor('', [], [elementCount(data.dims)])] : null)

/** Operators that move elements without changing them, on any element type of whole bytes. */
export const movement: Readonly<Record<string, Evaluator>> = {
  Identity: identity,
  Reshape: reshape,
  Flatten: flatten,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Transpose: transpose,
  Expand: expand,
  Slice: slice,
  Concat: concat,
  Gather: gather,
  ConstantOfShape: constantOfShape,
  Shape: shapeOf,
  Size: size,
}
