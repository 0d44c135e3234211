import type { Node } from '../../../graph/model.ts'
import { intAttribute, intsAttribute, stringAttribute } from '../../../graph/attributes.ts'
import type { Tensor, Tensor4D } from '../../../engines/tensor-api.ts'
import { input, type Op, type OpCall, type OpRow } from '../op.ts'
import { nhwc, numbersOf, plain, shapeOf, storedAxis, toNhwc, toPlain, type Value } from '../value.ts'
import { everyNth } from './window.ts'

/** Numbers that an operator needs before it runs: an input that is constant or follows from shapes. */
function known(call: OpCall, index: number, what: string): number[] {
  const numbers = numbersOf(call.inputs[index])
  if (!numbers) throw new Error(`${call.node.opType} '${call.node.name}' has ${what} that depend on the data`)
  return numbers
}

const isNhwc = (value: Value): boolean => value.kind === 'tensor' && value.nhwc
const stored = (call: OpCall, value: Value): Tensor =>
  value.kind === 'tensor' ? value.tensor : toPlain(call.tf, value)
const like = (value: Value, tensor: Tensor): Value => ({ kind: 'tensor', tensor, nhwc: isNhwc(value) })

const reshape: Op = (call) => {
  const x = input(call, 0)
  const shape = shapeOf(x)
  const keepZero = intAttribute(call.node, 'allowzero', 0) === 1
  const wanted = known(call, 1, 'lengths').map((dim, i) => (dim === 0 && !keepZero ? shape[i]! : dim))
  return plain(call.tf.reshape(toPlain(call.tf, x), wanted))
}

const flatten: Op = (call) => {
  const x = input(call, 0)
  const shape = shapeOf(x)
  const axis = intAttribute(call.node, 'axis', 1)
  const rows = shape.slice(0, axis < 0 ? axis + shape.length : axis).reduce((a, b) => a * b, 1)
  return plain(call.tf.reshape(toPlain(call.tf, x), [rows, -1]))
}

const transpose: Op = (call) => {
  const { tf } = call
  const x = input(call, 0)
  const order = intsAttribute(call.node, 'perm') ?? shapeOf(x).map((_, i) => shapeOf(x).length - 1 - i)
  if (isNhwc(x)) {
    // the stored order of the axes is N, H, W, C: often nothing need move
    const places = order.map((axis) => storedAxis(x, axis))
    if (places.every((place, i) => place === i)) return plain(stored(call, x))
    return plain(tf.transpose(stored(call, x), places))
  }
  if (order.length === 4 && order.join() === '0,3,1,2') return nhwc(stored(call, x))
  return plain(tf.transpose(stored(call, x), order))
}

const squeeze: Op = (call) => {
  const x = input(call, 0)
  const shape = shapeOf(x)
  const axes = numbersOf(call.inputs[1])?.map((axis) => (axis < 0 ? axis + shape.length : axis))
  const left = shape.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1))
  return plain(call.tf.reshape(toPlain(call.tf, x), left))
}

const unsqueeze: Op = (call) => {
  const x = input(call, 0)
  const axes = known(call, 1, 'axes')
  const rank = shapeOf(x).length + axes.length
  const places = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)))
  const rest = [...shapeOf(x)]
  const shape = Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : rest.shift()!))
  return plain(call.tf.reshape(toPlain(call.tf, x), shape))
}

const concat: Op = (call) => {
  const { tf, node } = call
  const values = call.inputs.filter((value) => value !== null)
  const axis = intAttribute(node, 'axis', 0)
  if (values.some(isNhwc)) {
    const place = storedAxis(values.find(isNhwc)!, axis)
    return nhwc(
      tf.concat(
        values.map((value) => toNhwc(tf, value)),
        place,
      ),
    )
  }
  return plain(
    tf.concat(
      values.map((value) => toPlain(tf, value)),
      storedAxis(values[0]!, axis),
    ),
  )
}

const pad: Op = (call) => {
  const x = input(call, 0)
  const rank = shapeOf(x).length
  const amounts = known(call, 1, 'pads')
  const value = numbersOf(call.inputs[2])?.[0] ?? 0
  const axes = numbersOf(call.inputs[3])?.map((axis) => (axis < 0 ? axis + rank : axis)) ?? shapeOf(x).map((_, i) => i)
  const pads = Array.from({ length: rank }, (): [number, number] => [0, 0])
  axes.forEach((axis, i) => (pads[storedAxis(x, axis)] = [amounts[i]!, amounts[i + axes.length]!]))
  return like(x, cutAndPad(call, stored(call, x), pads, value))
}

/** Negative amounts cut. */
function cutAndPad(call: OpCall, x: Tensor, pads: readonly [number, number][], value: number): Tensor {
  const { tf, node } = call
  const begin = pads.map(([start]) => Math.max(0, -start))
  const size = x.shape.map((dim, i) => dim + Math.min(0, pads[i]![0]) + Math.min(0, pads[i]![1]))
  const cut = pads.flat().some((amount) => amount < 0) ? tf.slice(x, begin, size) : x
  const amounts = pads.map(([start, end]): [number, number] => [Math.max(0, start), Math.max(0, end)])
  const mode = stringAttribute(node, 'mode', 'constant')
  return mode === 'reflect' ? tf.mirrorPad(cut, amounts, 'reflect') : tf.pad(cut, amounts, value)
}

const slice: Op = (call) => {
  const { tf } = call
  const x = input(call, 0)
  const shape = shapeOf(x)
  const starts = known(call, 1, 'starts')
  const ends = known(call, 2, 'ends')
  const axes = numbersOf(call.inputs[3]) ?? starts.map((_, i) => i)
  const steps = numbersOf(call.inputs[4]) ?? starts.map(() => 1)
  let tensor = stored(call, x)
  axes.forEach((axis, i) => {
    const place = storedAxis(x, axis)
    const length = shape[axis < 0 ? axis + shape.length : axis]!
    const step = steps[i]!
    const from = step > 0 ? clampIndex(starts[i]!, length, 0, length) : clampIndex(starts[i]!, length, 0, length - 1)
    const to = step > 0 ? clampIndex(ends[i]!, length, 0, length) : clampIndex(ends[i]!, length, -1, length - 1)
    const [low, high] = step > 0 ? [from, to] : [to + 1, from + 1]
    const begin = tensor.shape.map((_, k) => (k === place ? low : 0))
    tensor = tf.slice(
      tensor,
      begin,
      tensor.shape.map((dim, k) => (k === place ? Math.max(0, high - low) : dim)),
    )
    if (step < 0) tensor = tf.reverse(tensor, place)
    tensor = everyNth(tf, tensor, place, Math.abs(step))
  })
  return like(x, tensor)
}

const clampIndex = (index: number, length: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, index < 0 ? index + length : index))

const gather: Op = (call) => {
  const { tf } = call
  const x = input(call, 0)
  const axis = storedAxis({ kind: 'tensor', tensor: toPlain(tf, x), nhwc: false }, intAttribute(call.node, 'axis', 0))
  const length = shapeOf(x)[axis]!
  const indices = known(call, 1, 'indices').map((index) => (index < 0 ? index + length : index))
  const dims = shapeOf(call.inputs[1]!)
  const tensor = toPlain(tf, x)
  const shape = [...tensor.shape.slice(0, axis), ...dims, ...tensor.shape.slice(axis + 1)]
  if (indices.length === 1) {
    const begin = tensor.shape.map((_, i) => (i === axis ? indices[0]! : 0))
    return plain(
      tf.reshape(
        tf.slice(
          tensor,
          begin,
          tensor.shape.map((dim, i) => (i === axis ? 1 : dim)),
        ),
        shape,
      ),
    )
  }
  return plain(tf.reshape(tf.gather(tensor, tf.tensor1d(indices, 'int32'), axis), shape))
}

const expand: Op = (call) => {
  const x = toPlain(call.tf, input(call, 0))
  const wanted = known(call, 1, 'lengths')
  const rank = Math.max(x.rank, wanted.length)
  const wide = (dims: readonly number[]): number[] => [...Array<number>(rank - dims.length).fill(1), ...dims]
  const [from, to] = [wide(x.shape), wide(wanted)]
  const shape = from.map((dim, i) => Math.max(dim, to[i]!))
  return plain(call.tf.add(call.tf.reshape(x, from), call.tf.zeros(shape)))
}

const reduceMean: Op = (call) => {
  const { tf, node } = call
  const x = input(call, 0)
  const keep = intAttribute(node, 'keepdims', 1) === 1
  const axes = numbersOf(call.inputs[1]) ?? intsAttribute(node, 'axes') ?? shapeOf(x).map((_, i) => i)
  const value = keep ? x : plain(toPlain(tf, x))
  const places = axes.map((axis) => storedAxis(value, axis))
  const compute = node.opType === 'ReduceSum' ? tf.sum : tf.mean
  return like(value, compute(stored(call, value), places, keep))
}

/** Nearest neighbour by whole factors, as every framework exports an upsampling: each pixel is repeated. Source: ONNX Resize-19. */
const resize: Op = (call) => {
  const { tf, node } = call
  const x = toNhwc(tf, input(call, 0)) as Tensor4D
  const sizes = numbersOf(call.inputs[3])
  const scales = sizes?.length ? sizes.map((size, i) => size / shapeOf(call.inputs[0]!)[i]!) : known(call, 2, 'scales')
  const [n, c, h, w] = scales as [number, number, number, number]
  if (n !== 1 || c !== 1 || !Number.isInteger(h) || !Number.isInteger(w)) {
    throw new Error(
      `Resize '${node.name}' scales by [${scales.join(', ')}]; only whole factors of height and width are trained`,
    )
  }
  return nhwc(tf.image.resizeNearestNeighbor(x, [x.shape[1] * h, x.shape[2] * w]))
}

function refuseResize(node: Node): string | null {
  const mode = stringAttribute(node, 'mode', 'nearest')
  return mode === 'nearest' ? null : `interpolates (${mode}); only nearest is trained`
}

function refusePad(node: Node): string | null {
  const mode = stringAttribute(node, 'mode', 'constant')
  return mode === 'constant' || mode === 'reflect' ? null : `has mode ${mode}`
}

/** Operators that move values. */
export const arranging: Readonly<Record<string, OpRow>> = {
  Reshape: { run: reshape },
  Flatten: { run: flatten },
  Transpose: { run: transpose },
  Squeeze: { run: squeeze },
  Unsqueeze: { run: unsqueeze },
  Concat: { run: concat },
  Pad: { run: pad, refuse: refusePad },
  Slice: { run: slice },
  Gather: { run: gather },
  Expand: { run: expand },
  ReduceMean: { run: reduceMean },
  ReduceSum: { run: reduceMean },
  Resize: { run: resize, refuse: refuseResize },
}
