import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Attribute } from '../../../graph/model.ts'
import { int, ints, string } from '../../../graph/attributes.ts'
import { permuteTensor } from './constants.ts'
import type { Lowering } from './lowering.ts'
import { Malformed, Unsupported } from './problem.ts'
import { channelsFirst, plainOrder, type Order, type Value } from './value.ts'

/** How a window is padded: as TensorFlow's SAME and VALID, or [begin, end] of each spatial axis. */
export type Padding = 'same' | 'valid' | readonly (readonly [number, number])[]

/** A window over the spatial axes; the lists have one entry for each of them. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly padding: Padding
  /** the source holds channels at axis 1 */
  readonly isChannelsFirst: boolean
}

export interface ConvSpec extends Omit<Window, 'kernel'> {
  readonly x: Value
  /** [...spatial, channels, outChannels]; depthwise [...spatial, channels, multiplier]; transposed [...spatial, outChannels, channels] */
  readonly kernel: Value
  readonly bias: Value | null
}

/** The order in which ONNX wants a value that windows run over. */
export function windowOrder(rank: number, isChannelsFirst: boolean): Order {
  return isChannelsFirst ? plainOrder(rank) : channelsFirst(rank)
}

function spatialDims(x: Value, isChannelsFirst: boolean): readonly Dim[] {
  return isChannelsFirst ? x.dims.slice(2) : x.dims.slice(1, -1)
}

function channelsOf(x: Value, isChannelsFirst: boolean): Dim {
  return isChannelsFirst ? x.dims[1]! : x.dims.at(-1)!
}

/**
 * Attributes of a window in ONNX; SAME with explicit amounts where the lengths are known, the odd element at the end.
 * Source: TensorFlow, "Padding" of tf.nn; total = max((ceil(n / stride) − 1) · stride + (kernel − 1) · dilation + 1 − n, 0).
 */
export function windowAttributes(x: Value, window: Window): [string, Attribute][] {
  const { kernel, strides, dilations, isChannelsFirst } = window
  const spatial = spatialDims(x, isChannelsFirst)
  if ([kernel, strides, dilations].some((list) => list.length !== spatial.length)) {
    throw new Malformed(`has a window of ${kernel.length} axes over an input of ${spatial.length} spatial axes`)
  }
  for (const number of [...kernel, ...strides, ...dilations]) {
    if (!Number.isInteger(number) || number < 1 || number > 2 ** 20)
      throw new Malformed(`has a window, stride or dilation of ${number}`)
  }
  const attributes: [string, Attribute][] = [
    ['kernel_shape', ints(kernel)],
    ['strides', ints(strides)],
  ]
  if (dilations.some((dilation) => dilation !== 1)) attributes.push(['dilations', ints(dilations)])
  const pads = padsOf(spatial, window)
  if (pads === null) attributes.push(['auto_pad', string('SAME_UPPER')])
  else if (pads.some((pad) => pad !== 0)) attributes.push(['pads', ints(pads)])
  return attributes
}

/** [begin…, end…], or null where SAME depends on a length that is open. */
function padsOf(spatial: readonly Dim[], { kernel, strides, dilations, padding }: Window): number[] | null {
  if (padding === 'valid') return [...kernel, ...kernel].map(() => 0)
  const pairs =
    padding === 'same' ? spatial.map((length, i) => samePads(length, kernel[i]!, strides[i]!, dilations[i]!)) : padding
  if (pairs.some((pair) => pair === null)) return null
  return [...pairs.map((pair) => pair![0]), ...pairs.map((pair) => pair![1])]
}

function samePads(length: Dim, kernel: number, stride: number, dilation: number): [number, number] | null {
  const span = (kernel - 1) * dilation + 1
  if (typeof length !== 'number') {
    // with stride 1 the amount does not depend on the length
    if (stride !== 1) return null
    return [Math.floor((span - 1) / 2), Math.ceil((span - 1) / 2)]
  }
  const total = Math.max((Math.ceil(length / stride) - 1) * stride + span - length, 0)
  return [Math.floor(total / 2), Math.ceil(total / 2)]
}

/** Convolution; grouped where the kernel holds fewer channels than the input has. */
export function convolve(to: Lowering, name: string, spec: ConvSpec): Value {
  const { x, kernel } = spec
  const rank = expectKernel(x, kernel)
  const channels = channelsOf(x, spec.isChannelsFirst)
  const inner = kernel.dims[rank - 2]!
  if (typeof channels === 'number' && typeof inner === 'number' && channels % inner !== 0) {
    throw new Malformed(`has a kernel for ${inner} channels, but its input has ${channels}`)
  }
  const group = typeof channels === 'number' && typeof inner === 'number' ? channels / inner : 1
  // [...spatial, in, out] → [out, in, ...spatial]
  const order = [rank - 1, rank - 2, ...plainOrder(rank - 2)]
  return writeConv(to, name, spec, to.read(kernel, order), group)
}

/** Depthwise convolution: each channel has `multiplier` filters of its own. */
export function convolveDepthwise(to: Lowering, name: string, spec: ConvSpec): Value {
  const { x, kernel } = spec
  const rank = expectKernel(x, kernel)
  const dims = kernel.dims
  const tensor = kernel.constant
  if (!tensor) throw new Unsupported('has a depthwise kernel that is not a constant')
  const [channels, multiplier] = [tensor.dims[rank - 2]!, tensor.dims[rank - 1]!]
  const given = channelsOf(x, spec.isChannelsFirst)
  if (typeof given === 'number' && given !== channels) {
    throw new Malformed(`has a kernel of [${dims.join(', ')}], but its input has ${given} channels`)
  }
  // [...spatial, channels, multiplier] → [channels · multiplier, 1, ...spatial]
  const weights = to.storeMade(tensor, 'depthwise', () => {
    const moved = permuteTensor(tensor, [rank - 2, rank - 1, ...plainOrder(rank - 2)])
    return { ...moved, dims: [channels * multiplier, 1, ...moved.dims.slice(2)] }
  })
  return writeConv(to, name, spec, weights, channels)
}

function expectKernel(x: Value, kernel: Value): number {
  const rank = x.dims.length
  if (rank < 3 || kernel.dims.length !== rank) {
    throw new Malformed(`has a kernel of rank ${kernel.dims.length} for an input of rank ${rank}`)
  }
  return rank
}

function writeConv(to: Lowering, name: string, spec: ConvSpec, weights: string, group: number): Value {
  const { x, kernel, bias, isChannelsFirst } = spec
  if (x.spaced)
    return convolveSpaced(
      x,
      (source, block, pads) =>
        writeConv(to, name, { ...spec, x: source, dilations: block, padding: pads }, weights, group),
      spec,
    )
  const sizes = kernel.dims.slice(0, -2).map((dim) => (typeof dim === 'number' ? dim : 0))
  const attributes = windowAttributes(x, { ...spec, kernel: sizes })
  if (group !== 1) attributes.push(['group', int(group)])
  const order = windowOrder(x.dims.length, isChannelsFirst)
  const inputs = [to.read(x, order), weights, ...(bias ? [to.read(bias)] : [])]
  return to.value(name, to.emit({ opType: 'Conv', name, inputs, attributes }), order)
}

/** The middle of SpaceToBatchND, convolution, BatchToSpaceND: only remembered. */
function convolveSpaced(
  x: Value,
  convolveWith: NonNullable<NonNullable<Value['spaced']>['convolve']>,
  spec: ConvSpec,
): Value {
  const spaced = x.spaced!
  const isPlainWindow =
    spec.padding === 'valid' &&
    [...spec.strides, ...spec.dilations].every((number) => number === 1) &&
    !spec.isChannelsFirst
  if (!isPlainWindow || spaced.convolve !== null) {
    throw new Unsupported(
      `reads "${x.name}", made by SpaceToBatchND, otherwise than as a VALID convolution of stride 1`,
    )
  }
  return { ...x, spaced: { ...spaced, convolve: convolveWith } }
}

export interface TransposeSpec extends ConvSpec {
  /** lengths asked for, where the model gives them; else input · stride (SAME) or input · stride + max(kernel − stride, 0) (VALID) */
  readonly outputSpatial: readonly Dim[] | null
}

/**
 * Transposed convolution.
 * Source: TensorFlow, conv2d_backprop_input: the forward convolution from the output to the input says how much is cut.
 */
export function convolveTransposed(to: Lowering, name: string, spec: TransposeSpec): Value {
  const { x, kernel, bias, strides, dilations, padding, isChannelsFirst, outputSpatial } = spec
  const rank = expectKernel(x, kernel)
  const spatial = spatialDims(x, isChannelsFirst)
  const sizes = kernel.dims.slice(0, -2) as number[]
  if (typeof padding !== 'string') throw new Unsupported('has explicit padding on a transposed convolution')
  const cuts = spatial.map((length, i) => {
    const span = (sizes[i]! - 1) * dilations[i]! + 1
    const stride = strides[i]!
    const wanted = outputSpatial?.[i]
    return cutOf(length, span, stride, padding, typeof wanted === 'number' ? wanted : null)
  })
  const attributes: [string, Attribute][] = [
    ['kernel_shape', ints(sizes)],
    ['strides', ints(strides)],
    ['pads', ints([...cuts.map((cut) => cut.begin), ...cuts.map((cut) => cut.end)])],
  ]
  if (dilations.some((dilation) => dilation !== 1)) attributes.push(['dilations', ints(dilations)])
  if (cuts.some((cut) => cut.extra > 0)) attributes.push(['output_padding', ints(cuts.map((cut) => cut.extra))])
  // [...spatial, out, in] → [in, out, ...spatial]
  const weights = to.read(kernel, [rank - 1, rank - 2, ...plainOrder(rank - 2)])
  const order = windowOrder(rank, isChannelsFirst)
  const inputs = [to.read(x, order), weights, ...(bias ? [to.read(bias)] : [])]
  return to.value(name, to.emit({ opType: 'ConvTranspose', name, inputs, attributes }), order)
}

/** What ConvTranspose cuts off the full length, and what it adds at the end. */
function cutOf(
  length: Dim,
  span: number,
  stride: number,
  padding: 'same' | 'valid',
  wanted: number | null,
): { begin: number; end: number; extra: number } {
  // full = (length − 1) · stride + span; usual output = length · stride (+ max(span − stride, 0) for VALID)
  const usual = padding === 'same' ? stride - span : Math.max(stride - span, 0)
  const surplus = wanted === null || typeof length !== 'number' ? usual : wanted - ((length - 1) * stride + span)
  if (padding === 'valid') {
    if (surplus < 0) throw new Malformed('asks for an output that a VALID convolution does not have')
    return { begin: 0, end: 0, extra: surplus }
  }
  if (surplus >= 0) return { begin: 0, end: 0, extra: surplus }
  const begin = Math.floor(-surplus / 2)
  return { begin, end: -surplus - begin, extra: 0 }
}
