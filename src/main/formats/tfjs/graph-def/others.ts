import type { Dim } from '../../../../shared/contract/tensor.ts'
import { float, int, string } from '../../../graph/attributes.ts'
import { activate, softmax } from '../lower/activations.ts'
import {
  cast,
  concatenate,
  expandDims,
  FAR_BEGIN,
  FAR_END,
  gather,
  pad,
  slice,
  split,
  squeeze,
  stack,
  targetDims,
  tile,
  type AxisSlice,
} from '../lower/arrange.ts'
import { productOfConstants } from '../lower/constants.ts'
import { clip, elementwise, leakyRelu, prelu, scalar } from '../lower/elementwise.ts'
import { matMul } from '../lower/matrix.ts'
import { batchNormalize } from '../lower/normalization.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import { argMax, normalAxes, reduce, type Reduction } from '../lower/reduction.ts'
import { resize } from '../lower/resize.ts'
import { heldOrder, inverse, isPlain, plainOrder, type Value } from '../lower/value.ts'
import type { OpCall } from './call.ts'
import { windowOrder } from '../lower/convolution.ts'
import { isChannelsFirst } from './windows.ts'

export const unary =
  (opType: string) =>
  (call: OpCall): Value =>
    call.to.unary(call.name, opType, call.input(0))

export const binary =
  (opType: string) =>
  (call: OpCall): Value =>
    elementwise(call.to, call.name, opType, [call.input(0), call.input(1)])

/** A product; of two constants it is one too: weights whose channels were brought to one size before they were stored. */
export function multiply(call: OpCall): Value {
  const [a, b] = [call.input(0), call.input(1)]
  const folded = a.constant && b.constant && productOfConstants(call.name, a.constant, b.constant)
  return folded ? call.to.constant(folded) : elementwise(call.to, call.name, 'Mul', [a, b])
}

export const named =
  (activation: string) =>
  (call: OpCall): Value =>
    activate(call.to, call.name, activation, call.input(0))

export const identity = (call: OpCall): Value => call.input(0)

/** AddN: two at a time, since Add has an integer kernel. */
export function addN(call: OpCall): Value {
  const [first, ...rest] = call.inputs
  if (!first) throw new Malformed('adds nothing')
  return rest.reduce(
    (sum, value, i) =>
      elementwise(call.to, i === rest.length - 1 ? call.name : `${call.name}/${i}`, 'Add', [sum, value]),
    first,
  )
}

export function biasAdd(call: OpCall): Value {
  const [x, bias] = [call.input(0), call.input(1)]
  if (!isChannelsFirst(call) || x.dims.length < 3) return elementwise(call.to, call.name, 'Add', [x, bias])
  const dims = [bias.dims[0]!, ...new Array<Dim>(x.dims.length - 2).fill(1)]
  return elementwise(call.to, call.name, 'Add', [x, call.to.reshaped(`${call.name}/bias`, bias, dims)])
}

export function square(call: OpCall): Value {
  return elementwise(call.to, call.name, 'Mul', [call.input(0), call.input(0)])
}

export function squaredDifference(call: OpCall): Value {
  const difference = elementwise(call.to, `${call.name}/difference`, 'Sub', [call.input(0), call.input(1)])
  return elementwise(call.to, call.name, 'Mul', [difference, difference])
}

export function rsqrt(call: OpCall): Value {
  const root = call.to.unary(`${call.name}/root`, 'Sqrt', call.input(0))
  return call.to.unary(call.name, 'Reciprocal', root)
}

export function leaky(call: OpCall): Value {
  return leakyRelu(call.to, call.name, call.input(0), call.node.float('alpha', 0.2))
}

export function preluOp(call: OpCall): Value {
  return prelu(call.to, call.name, call.input(0), call.input(1))
}

export function clipByValue(call: OpCall): Value {
  return clip(call.to, call.name, call.input(0), call.number(1), call.number(2))
}

export function softmaxOp(call: OpCall): Value {
  return softmax(call.to, call.name, call.input(0), -1, call.node.op === 'LogSoftmax' ? 'LogSoftmax' : 'Softmax')
}

export function matMulOp(call: OpCall): Value {
  const { node } = call
  const [a, b] = [
    node.boolean('transpose_a') || node.boolean('adj_x'),
    node.boolean('transpose_b') || node.boolean('adj_y'),
  ]
  return matMul(call.to, call.name, call.input(0), call.input(1), a, b)
}

export function fusedBatchNorm(call: OpCall): Value {
  if (call.node.boolean('is_training') && call.input(3).dims[0] === 0)
    throw new Unsupported('normalizes by the statistics of the batch')
  return batchNormalize(call.to, call.name, {
    x: call.input(0),
    axis: isChannelsFirst(call) ? 1 : -1,
    gamma: call.input(1),
    beta: call.input(2),
    mean: call.input(3),
    variance: call.input(4),
    epsilon: call.node.float('epsilon', 0.001),
  })
}

export const reduction =
  (opType: Reduction) =>
  (call: OpCall): Value =>
    reduce(call.to, call.name, opType, call.input(0), call.numbers(1), call.node.boolean('keep_dims'))

export const argOp =
  (opType: 'ArgMax' | 'ArgMin') =>
  (call: OpCall): Value =>
    argMax(call.to, call.name, call.input(0), call.number(1), opType)

export function padOp(call: OpCall): Value {
  const numbers = call.numbers(1)
  const pairs = Array.from({ length: numbers.length / 2 }, (_, i): [number, number] => [
    numbers[2 * i]!,
    numbers[2 * i + 1]!,
  ])
  if (numbers.some((amount) => amount < 0 || amount > 2 ** 20)) throw new Malformed(`pads by [${numbers.join(', ')}]`)
  if (call.node.op === 'MirrorPad') {
    const mode = call.node.text('mode', 'REFLECT').toUpperCase()
    if (mode !== 'REFLECT')
      throw new Unsupported(`mirrors in the mode ${mode.slice(0, 40)}, which ONNX Runtime's Pad does not have`)
    return pad(call.to, call.name, call.input(0), pairs, { mode: 'reflect' })
  }
  return pad(call.to, call.name, call.input(0), pairs, { value: call.node.op === 'PadV2' ? padValue(call) : 0 })
}

function padValue(call: OpCall): number {
  const { constant } = call.input(2)
  if (!constant) throw new Unsupported('pads by a number that is computed')
  return constant.dataType === 'float' ? new Float32Array(constant.data.slice().buffer)[0]! : call.number(2)
}

export function reshapeOp(call: OpCall): Value {
  const { to, name } = call
  const x = call.input(0)
  const target = call.dims(1)
  if (target?.every((dim) => dim !== null)) return to.reshaped(name, x, targetDims(x.dims, target))
  if (target && target.filter((dim) => dim === null).length === 1 && !target.includes(-1)) {
    return to.reshaped(
      name,
      x,
      targetDims(
        x.dims,
        target.map((dim) => dim ?? -1),
      ),
    )
  }
  const shape = to.emit({
    opType: 'Cast',
    name: `${name}/shape`,
    inputs: [to.read(call.input(1))],
    attributes: [['to', int(7)]],
  })
  return to.value(name, to.emit({ opType: 'Reshape', name, inputs: [to.read(x), shape] }))
}

/** The lengths of a value in the source's order; needs no other form of it. */
export function shapeOp(call: OpCall): Value {
  const { to, name } = call
  const x = call.input(0)
  const order = heldOrder(x)
  const tensor = to.read(x, order)
  const stored = to.emit({ opType: 'Shape', name: `${name}/stored`, inputs: [tensor] })
  const lengths = isPlain(order)
    ? stored
    : to.emit({
        opType: 'Gather',
        name: `${name}/ordered`,
        inputs: [stored, to.integers(`${name}/order`, inverse(order))],
      })
  return to.value(name, to.emit({ opType: 'Cast', name, inputs: [lengths], attributes: [['to', int(6)]] }))
}

export function squeezeOp(call: OpCall): Value {
  const axes = call.node.ints('squeeze_dims')
  return squeeze(call.to, call.name, call.input(0), axes.length > 0 ? axes : null)
}

export function expandDimsOp(call: OpCall): Value {
  return expandDims(call.to, call.name, call.input(0), call.number(1))
}

export function transposeOp(call: OpCall): Value {
  const x = call.input(0)
  const perm = normalPerm(call.numbers(1), x.dims.length)
  return call.to.transposed(call.name, x, perm)
}

function normalPerm(perm: readonly number[], rank: number): number[] {
  const sorted = normalAxes(perm, rank)
  if (perm.length !== rank || sorted.join() !== plainOrder(rank).join())
    throw new Malformed(`transposes by [${perm.join(', ')}] an input of rank ${rank}`)
  return perm.map((axis) => (axis < 0 ? axis + rank : axis))
}

/** ConcatV2 names its axis last, Concat first. */
export function concatOp(call: OpCall): Value {
  const isFirst = call.node.op === 'Concat'
  const at = isFirst ? 0 : call.inputs.length - 1
  const values = isFirst ? call.inputs.slice(1) : call.inputs.slice(0, -1)
  return concatenate(call.to, call.name, values, call.number(at))
}

export function splitOp(call: OpCall): Value[] {
  const isSizes = call.node.op === 'SplitV'
  const x = call.input(isSizes ? 0 : 1)
  const axis = call.number(isSizes ? 2 : 0)
  const [along] = normalAxes([axis], x.dims.length)
  const length = x.dims[along!]
  if (typeof length !== 'number') throw new Unsupported('splits an axis of open length')
  const count = call.node.int('num_split', 1)
  if (!isSizes && (count < 1 || count > 4096 || length % count !== 0))
    throw new Malformed(`splits ${length} items into ${count} parts`)
  const given = isSizes ? call.numbers(1) : new Array<number>(count).fill(length / count)
  const rest = length - given.filter((size) => size >= 0).reduce((sum, size) => sum + size, 0)
  const sizes = given.map((size) => (size === -1 ? rest : size))
  if (sizes.some((size) => size < 0) || sizes.reduce((sum, size) => sum + size, 0) !== length) {
    throw new Malformed(`splits ${length} items into [${given.join(', ')}]`)
  }
  return split(call.to, call.name, x, along!, sizes)
}

export function sliceOp(call: OpCall): Value {
  const [begins, sizes] = [call.numbers(1), call.numbers(2)]
  const x = call.input(0)
  if (begins.length !== x.dims.length || sizes.length !== x.dims.length)
    throw new Malformed(`slices ${begins.length} axes of an input of rank ${x.dims.length}`)
  const parts = begins.map((begin, axis): AxisSlice => ({
    axis,
    begin,
    end: sizes[axis] === -1 ? FAR_END : begin + sizes[axis]!,
    step: 1,
  }))
  return slice(call.to, call.name, x, parts)
}

/** Source: TensorFlow, strided_slice: bits of the masks belong to places of the specification. */
export function stridedSlice(call: OpCall): Value {
  const { node, to, name } = call
  const x = call.input(0)
  const [begins, ends, steps] = [call.numbers(1), call.numbers(2), call.numbers(3)]
  const bit = (mask: string, i: number): boolean => Math.floor(node.int(mask, 0) / 2 ** i) % 2 === 1
  if (node.int('ellipsis_mask', 0) !== 0 || node.int('new_axis_mask', 0) !== 0)
    throw new Unsupported('slices with an ellipsis or a new axis')
  if (begins.length > x.dims.length || ends.length !== begins.length || steps.length !== begins.length) {
    throw new Malformed(`slices ${begins.length} axes of an input of rank ${x.dims.length}`)
  }
  const dropped: number[] = []
  const parts = begins.map((begin, axis): AxisSlice => {
    const step = steps[axis]!
    if (step === 0) throw new Malformed('slices by a step of 0')
    if (bit('shrink_axis_mask', axis)) {
      dropped.push(axis)
      return { axis, begin, end: begin === -1 ? FAR_END : begin + 1, step: 1 }
    }
    const from = bit('begin_mask', axis) ? (step > 0 ? 0 : FAR_END) : begin
    const until = bit('end_mask', axis) ? (step > 0 ? FAR_END : FAR_BEGIN) : ends[axis]!
    return { axis, begin: from, end: until, step }
  })
  const part = slice(to, name, x, parts)
  return dropped.length === 0 ? part : squeeze(to, `${name}/item`, part, dropped)
}

export function packOp(call: OpCall): Value {
  return stack(call.to, call.name, call.inputs, call.node.int('axis', 0))
}

export function unpackOp(call: OpCall): Value[] {
  const x = call.input(0)
  const [axis] = normalAxes([call.node.int('axis', 0)], x.dims.length)
  const length = x.dims[axis!]
  if (typeof length !== 'number' || length < 1 || length > 4096)
    throw new Unsupported(`unpacks an axis of length ${String(length)}`)
  if (length === 1) return [squeeze(call.to, call.name, x, [axis!])]
  return split(call.to, call.name, x, axis!, new Array<number>(length).fill(1)).map((part) =>
    squeeze(call.to, `${part.name}/item`, part, [axis!]),
  )
}

export function tileOp(call: OpCall): Value {
  return tile(call.to, call.name, call.input(0), call.numbers(1))
}

export function castOp(call: OpCall): Value {
  const dataType = call.node.dataType('DstT')
  if (dataType === null) throw new Malformed('does not say to which type')
  return cast(call.to, call.name, call.input(0), dataType)
}

export function gatherOp(call: OpCall): Value {
  if (call.node.int('batch_dims', 0) !== 0) throw new Unsupported('gathers within batches')
  return gather(call.to, call.name, call.input(0), call.input(1), call.inputs.length > 2 ? call.number(2) : 0)
}

export const resizeOp =
  (method: 'nearest' | 'bilinear') =>
  (call: OpCall): Value => {
    const [height, width] = call.numbers(1)
    if (!(height! > 0 && width! > 0 && height! < 2 ** 20 && width! < 2 ** 20))
      throw new Malformed(`resizes to ${height} × ${width}`)
    return resize(call.to, call.name, {
      x: call.input(0),
      method,
      size: { lengths: [height!, width!] },
      alignCorners: call.node.boolean('align_corners'),
      halfPixelCenters: call.node.boolean('half_pixel_centers'),
      isChannelsFirst: false,
    })
  }

/** Source: TensorFlow, depth_to_space: channels are [block, block, depth], ONNX's mode DCR. */
export function depthToSpace(call: OpCall): Value {
  const x = call.input(0)
  const order = windowOrder(x.dims.length, isChannelsFirst(call))
  const attributes = [
    ['blocksize', int(call.node.int('block_size', 2))],
    ['mode', string('DCR')],
  ] as const
  return call.to.value(
    call.name,
    call.to.emit({ opType: 'DepthToSpace', name: call.name, inputs: [call.to.read(x, order)], attributes }),
    order,
  )
}

export function fill(call: OpCall): Value {
  const { constant } = call.input(1)
  const dims = call.numbers(0)
  if (!constant) throw new Unsupported('fills by a number that is computed')
  return tile(call.to, call.name, call.to.constant({ ...constant, dims: dims.map(() => 1) }), dims)
}

export function eluOp(call: OpCall): Value {
  return call.to.unary(call.name, 'Elu', call.input(0), [['alpha', float(1)]])
}

export function log1p(call: OpCall): Value {
  const sum = elementwise(call.to, `${call.name}/sum`, 'Add', [call.input(0), scalar(call.to, `${call.name}/one`, 1)])
  return call.to.unary(call.name, 'Log', sum)
}
