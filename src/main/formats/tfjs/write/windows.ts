import type { Node } from '../../../graph/model.ts'
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../../graph/attributes.ts'
import { permuteTensor } from '../lower/constants.ts'
import { Unsupported } from '../lower/problem.ts'
import type { Exporter } from './exporter.ts'
import { channelsLast } from './forms.ts'
import { windowOf, type PictureWindow } from './picture-window.ts'
import { tf, type TfAttribute } from './tf-node.ts'

const stridesOf = (strides: readonly number[]): TfAttribute => tf.ints([1, ...strides, 1])

/** The input channels last, padded by hand where TensorFlow has no word for the padding. */
function paddedInput(
  to: Exporter,
  node: Node,
  window: PictureWindow,
  value: number,
): { input: string; padding: 'SAME' | 'VALID' } {
  const input = to.read(node.inputs[0]!, channelsLast(4))
  const isPadded = window.pads.flat().some((amount) => amount !== 0)
  if (window.isSame) return { input, padding: 'SAME' }
  if (!isPadded) return { input, padding: 'VALID' }
  const pads = to.integers(`${node.name}/pads`, [0, 0, ...window.pads.flat(), 0, 0], [4, 2])
  const types = { Tpaddings: tf.type('DT_INT32') }
  const padded =
    value === 0
      ? to.emit('Pad', `${node.name}/padded`, [input, pads], types)
      : to.emit('PadV2', `${node.name}/padded`, [input, pads, to.number(`${node.name}/pad_value`, value)], types)
  return { input: padded, padding: 'VALID' }
}

/** An activation that TensorFlow computes together with the operator before, with the node that asks for it. */
export function fusedActivation(to: Exporter, output: string): { word: string; node: Node } | null {
  const reader = to.soleReader(output)
  if (!reader || reader.inputs[0] !== output || reader.domain !== '') return null
  if (reader.opType === 'Relu') return { word: 'Relu', node: reader }
  if (reader.opType !== 'Clip') return null
  const [low, high] = [to.numbers(reader.inputs[1]), to.numbers(reader.inputs[2])]
  return low?.[0] === 0 && high?.[0] === 6 ? { word: 'Relu6', node: reader } : null
}

/** Writes `plain`, or `fused` with bias and the activation behind, and notes where the result is held. */
export function emitFused(
  to: Exporter,
  node: Node,
  ops: { readonly plain: string; readonly fused: string },
  inputs: readonly string[],
  bias: string | null,
  attr: Readonly<Record<string, TfAttribute>>,
): void {
  const output = node.outputs[0]!
  const order = channelsLast(to.dims(output).length)
  if (bias === null) return to.hold(output, to.emit(ops.plain, node.name, inputs, attr), order)
  const activation = fusedActivation(to, output)
  const words = ['BiasAdd', ...(activation ? [activation.word] : [])]
  const fused = { ...attr, fused_ops: tf.texts(words), num_args: tf.int(1), epsilon: tf.float(0) }
  const name = to.emit(ops.fused, node.name, [...inputs, bias], fused)
  to.hold(activation?.node.outputs[0] ?? output, name, order)
  if (activation) to.done.add(activation.node.name)
}

export function conv(to: Exporter, node: Node): void {
  const weights = to.constant(node.inputs[1])
  if (!weights) throw new Unsupported('has weights that are computed')
  const window = windowOf(to, node, weights.dims.slice(2))
  if (window.strides.some((stride) => stride !== 1) && window.dilations.some((dilation) => dilation !== 1)) {
    throw new Unsupported('has both strides and dilations, which TensorFlow.js does not compute')
  }
  const group = intAttribute(node, 'group', 1)
  const [outChannels, inner] = weights.dims as [number, number]
  const bias = node.inputs[2] ? to.read(node.inputs[2]) : null
  const { input, padding } = paddedInput(to, node, window, 0)
  const attr = {
    strides: stridesOf(window.strides),
    dilations: stridesOf(window.dilations),
    padding: tf.text(padding),
    data_format: tf.text('NHWC'),
    explicit_paddings: tf.ints([]),
  }
  if (group === 1) {
    const kernel = to.madeWeight(weights, 'conv', () => permuteTensor(weights, [2, 3, 1, 0]), 1)
    return emitFused(to, node, { plain: 'Conv2D', fused: '_FusedConv2D' }, [input, kernel], bias, attr)
  }
  if (inner === 1) {
    // [channels · multiplier, 1, h, w] → [h, w, channels, multiplier]
    const kernel = to.madeWeight(
      weights,
      'depthwise',
      () => {
        const moved = permuteTensor(weights, [2, 3, 0, 1])
        return { ...moved, dims: [...moved.dims.slice(0, 2), group, outChannels / group] }
      },
      2,
    )
    const ops = { plain: 'DepthwiseConv2dNative', fused: 'FusedDepthwiseConv2dNative' }
    return emitFused(to, node, ops, [input, kernel], bias, attr)
  }
  grouped(to, node, { input, bias, attr, group })
}

/** Grouped convolution: TensorFlow.js has none, so the channels are split and joined again. */
function grouped(
  to: Exporter,
  node: Node,
  {
    input,
    bias,
    attr,
    group,
  }: { input: string; bias: string | null; attr: Record<string, TfAttribute>; group: number },
): void {
  const weights = to.constant(node.inputs[1])!
  const each = weights.dims[0]! / group
  const part = weights.data.length / group
  const split = to.emit('Split', `${node.name}/groups`, [to.integers(`${node.name}/axis`, [3], []), input], {
    num_split: tf.int(group),
  })
  const parts = Array.from({ length: group }, (_, i) => {
    const own = {
      ...weights,
      dims: [each, ...weights.dims.slice(1)],
      data: weights.data.slice(i * part, (i + 1) * part),
    }
    const kernel = to.madeWeight(weights, `group${i}`, () => permuteTensor(own, [2, 3, 1, 0]), 1)
    return to.emit('Conv2D', `${node.name}/group${i}`, [i === 0 ? split : `${split}:${i}`, kernel], attr)
  })
  const axis = to.integers(`${node.name}/join_axis`, [3], [])
  const joined = to.emit('ConcatV2', bias ? `${node.name}/joined` : node.name, [...parts, axis], {
    N: tf.int(group),
    Tidx: tf.type('DT_INT32'),
  })
  const name = bias ? to.emit('BiasAdd', node.name, [joined, bias], { data_format: tf.text('NHWC') }) : joined
  to.hold(node.outputs[0]!, name, channelsLast(4))
}

export function maxPool(to: Exporter, node: Node): void {
  if (node.outputs.length > 1 && node.outputs[1] !== '') throw new Unsupported('gives indices')
  const window = windowOf(to, node, intsAttribute(node, 'kernel_shape') ?? [])
  if (window.dilations.some((dilation) => dilation !== 1))
    throw new Unsupported('has dilations, which TensorFlow.js pools without')
  // the lowest float32: nothing that is pooled is below it
  const { input, padding } = paddedInput(to, node, window, -3.4028234663852886e38)
  to.hold(node.outputs[0]!, to.emit('MaxPool', node.name, [input], poolAttributes(window, padding)), channelsLast(4))
}

export function averagePool(to: Exporter, node: Node): void {
  const window = windowOf(to, node, intsAttribute(node, 'kernel_shape') ?? [])
  if (window.dilations.some((dilation) => dilation !== 1))
    throw new Unsupported('has dilations, which TensorFlow.js pools without')
  const counts = intAttribute(node, 'count_include_pad', 0) === 1
  const isPadded = window.pads.flat().some((amount) => amount !== 0)
  // TensorFlow's SAME leaves the padding out of the count
  const { input, padding } = paddedInput(
    to,
    node,
    counts ? { ...window, isSame: window.isSame && !isPadded } : window,
    0,
  )
  const pooled = to.emit(
    'AvgPool',
    padding === 'VALID' && isPadded ? `${node.name}/pooled` : node.name,
    [input],
    poolAttributes(window, padding),
  )
  const ratio = padding === 'VALID' && isPadded ? countRatio(to, node, window, counts) : null
  const name = ratio === null ? pooled : to.emit('Mul', node.name, [pooled, ratio])
  to.hold(node.outputs[0]!, name, channelsLast(4))
}

/** What the mean over padded windows is multiplied by so that it counts as ONNX does; null where it does already. */
function countRatio(
  to: Exporter,
  node: Node,
  { pads, ends, kernel, strides, outputs }: PictureWindow,
  counts: boolean,
): string | null {
  const dims = to.dims(node.inputs[0]!)
  const along = [0, 1].map((i): number[] => {
    const output = outputs[i]
    const length = dims[i + 2]
    if (typeof length !== 'number' || typeof output !== 'number')
      throw new Unsupported('averages over padding of an open length')
    // with count_include_pad what was padded counts, what rounding up reads beyond does not
    const [from, until] = counts ? [-pads[i]![0], length + ends[i]!] : [0, length]
    return Array.from({ length: output }, (_, at) => {
      const start = at * strides[i]! - pads[i]![0]
      return Math.min(start + kernel[i]!, until) - Math.max(start, from)
    })
  })
  const whole = kernel[0]! * kernel[1]!
  const ratios = along[0]!.flatMap((height) => along[1]!.map((width) => whole / (height * width)))
  if (ratios.every((ratio) => ratio === 1)) return null
  return to.weight(`${node.name}/count`, [1, along[0]!.length, along[1]!.length, 1], Float32Array.from(ratios))
}

function poolAttributes({ kernel, strides }: PictureWindow, padding: string): Record<string, TfAttribute> {
  return {
    ksize: stridesOf(kernel),
    strides: stridesOf(strides),
    padding: tf.text(padding),
    data_format: tf.text('NHWC'),
  }
}

export const globalPool =
  (op: 'Mean' | 'Max') =>
  (to: Exporter, node: Node): void => {
    const rank = to.dims(node.inputs[0]!).length
    const axes = to.integers(
      `${node.name}/axes`,
      Array.from({ length: rank - 2 }, (_, i) => i + 1),
    )
    const input = to.read(node.inputs[0]!, channelsLast(rank))
    to.hold(
      node.outputs[0]!,
      to.emit(op, node.name, [input, axes], { keep_dims: tf.flag(true), Tidx: tf.type('DT_INT32') }),
      channelsLast(rank),
    )
  }

/** Transposed convolution: the full one, of which the padding is cut off. */
export function convTranspose(to: Exporter, node: Node): void {
  const weights = to.constant(node.inputs[1])
  if (!weights || weights.dims.length !== 4) throw new Unsupported('has weights that are computed or not over pictures')
  const strides = intsAttribute(node, 'strides') ?? [1, 1]
  const hasMore =
    intAttribute(node, 'group', 1) !== 1 ||
    (intsAttribute(node, 'dilations') ?? [1, 1]).some((dilation) => dilation !== 1)
  const [batch, , height, width] = to.dims(node.inputs[0]!)
  const [, , outHeight, outWidth] = to.dims(node.outputs[0]!)
  if (hasMore) throw new Unsupported('has groups or dilations, which TensorFlow.js does not compute')
  if ([height, width, outHeight, outWidth].some((length) => typeof length !== 'number'))
    throw new Unsupported('has open lengths')
  if (stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET' || node.attributes.has('output_shape'))
    throw new Unsupported('pads by auto_pad or output_shape')
  const [, outChannels, kernelHeight, kernelWidth] = weights.dims as [number, number, number, number]
  const pads = intsAttribute(node, 'pads') ?? [0, 0, 0, 0]
  const full = [
    Math.max(((height as number) - 1) * strides[0]! + kernelHeight, pads[0]! + (outHeight as number)),
    Math.max(((width as number) - 1) * strides[1]! + kernelWidth, pads[1]! + (outWidth as number)),
  ]
  const input = to.read(node.inputs[0]!, channelsLast(4))
  const shape =
    typeof batch === 'number'
      ? to.integers(`${node.name}/shape`, [batch, ...full, outChannels])
      : openShape(to, node, input, [...full, outChannels])
  // [in, out, h, w] → [h, w, out, in]
  const kernel = to.madeWeight(weights, 'transposed', () => permuteTensor(weights, [2, 3, 1, 0]))
  const attr = {
    strides: stridesOf(strides),
    dilations: tf.ints([1, 1, 1, 1]),
    padding: tf.text('VALID'),
    data_format: tf.text('NHWC'),
  }
  let result = to.emit('Conv2DBackpropInput', `${node.name}/full`, [shape, kernel, input], attr)
  if (full[0] !== outHeight || full[1] !== outWidth) {
    const begin = to.integers(`${node.name}/begin`, [0, pads[0]!, pads[1]!, 0])
    const size = to.integers(`${node.name}/size`, [-1, outHeight as number, outWidth as number, -1])
    result = to.emit('Slice', `${node.name}/cut`, [result, begin, size], { Index: tf.type('DT_INT32') })
  }
  if (node.inputs[2])
    result = to.emit('BiasAdd', node.name, [result, to.read(node.inputs[2])], { data_format: tf.text('NHWC') })
  to.hold(node.outputs[0]!, result, channelsLast(4))
}

/** [batch of the input, …lengths]. */
function openShape(to: Exporter, node: Node, input: string, lengths: readonly number[]): string {
  const whole = to.emit('Shape', `${node.name}/input_shape`, [input], { out_type: tf.type('DT_INT32') })
  const begin = to.integers(`${node.name}/batch_begin`, [0])
  const size = to.integers(`${node.name}/batch_size`, [1])
  const batch = to.emit('Slice', `${node.name}/batch`, [whole, begin, size], { Index: tf.type('DT_INT32') }, 'DT_INT32')
  const rest = to.integers(`${node.name}/lengths`, lengths)
  const axis = to.integers(`${node.name}/shape_axis`, [0], [])
  return to.emit(
    'ConcatV2',
    `${node.name}/shape`,
    [batch, rest, axis],
    { N: tf.int(2), Tidx: tf.type('DT_INT32') },
    'DT_INT32',
  )
}

/** Pictures of another size. Source: ONNX Resize-19 against tfjs's kernels, as in `lower/resize.ts`. */
export function resize(to: Exporter, node: Node): void {
  const [before, after] = [to.dims(node.inputs[0]!), to.dims(node.outputs[0]!)]
  const lengths = after.slice(2)
  if (before.length !== 4 || lengths.some((length) => typeof length !== 'number') || before[1] !== after[1]) {
    throw new Unsupported('resizes something else than height and width to known lengths')
  }
  const scales = to.numbers(node.inputs[2])
  // TensorFlow.js goes by the lengths alone
  const isRatio = (scale: number, i: number): boolean =>
    typeof before[i] !== 'number' || Math.abs(scale * before[i] - (after[i] as number)) < 1e-3
  if (scales && scales.length > 0 && !(scales.length === 4 && scales.every(isRatio))) {
    throw new Unsupported('resizes by scales that are not the ratio of the lengths')
  }
  if (intAttribute(node, 'antialias', 0) !== 0 || node.attributes.has('keep_aspect_ratio_policy')) {
    throw new Unsupported('resizes with antialiasing or by a policy, which TensorFlow.js does not')
  }
  const mode = stringAttribute(node, 'mode', 'nearest')
  const place = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const rounding = stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
  const known: Readonly<Record<string, string>> = {
    asymmetric: 'floor',
    half_pixel: 'round_prefer_ceil',
    align_corners: 'round_prefer_ceil',
  }
  // twice as large by half pixels: all roundings agree with the floor of the plain scale
  const isDoubling =
    place === 'half_pixel' &&
    lengths.every(
      (length, i) => typeof before[i + 2] === 'number' && (length as number) % (before[i + 2] as number) === 0,
    )
  const isFine =
    mode === 'nearest' ? known[place] === rounding || isDoubling : mode === 'linear' && Object.hasOwn(known, place)
  if (!isFine || floatAttribute(node, 'extrapolation_value', 0) !== 0)
    throw new Unsupported(`resizes by ${mode}, ${place}, ${rounding}, which TensorFlow.js does not compute`)
  const size = to.integers(`${node.name}/size`, lengths as number[])
  const attr = {
    align_corners: tf.flag(place === 'align_corners'),
    half_pixel_centers: tf.flag(place === 'half_pixel'),
  }
  const op = mode === 'nearest' ? 'ResizeNearestNeighbor' : 'ResizeBilinear'
  to.hold(
    node.outputs[0]!,
    to.emit(op, node.name, [to.read(node.inputs[0]!, channelsLast(4)), size], attr),
    channelsLast(4),
  )
}
