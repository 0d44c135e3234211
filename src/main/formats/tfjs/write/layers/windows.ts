import type { Node, Tensor } from '../../../../graph/model.ts'
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../../../graph/attributes.ts'
import { toFloat32 } from '../../../../graph/tensors.ts'
import { permuteTensor } from '../../lower/constants.ts'
import { Unsupported } from '../../lower/problem.ts'
import { plainOrder } from '../../lower/value.ts'
import { channelsLast } from '../forms.ts'
import { windowOf, type PictureWindow } from '../picture-window.ts'
import { fusedActivation } from './activations.ts'
import { addendBehind } from './addend.ts'
import type { LayerExporter, Weighted } from './exporter.ts'
import { isNeverNegative } from './never-negative.ts'

const PICTURES = { data_format: 'channels_last' }

/** The input channels last, with a ZeroPadding2D in front where Keras has no word for the padding. */
function paddedInput(
  to: LayerExporter,
  node: Node,
  window: PictureWindow,
): { input: string; padding: 'same' | 'valid' } {
  const input = to.read(node.inputs[0]!, channelsLast(4))
  if (window.isSame) return { input, padding: 'same' }
  if (window.pads.flat().every((amount) => amount === 0)) return { input, padding: 'valid' }
  const padded = to.add('ZeroPadding2D', `${node.name}/padded`, [input], { padding: window.pads, ...PICTURES })
  return { input: padded, padding: 'valid' }
}

/** Writes a convolution with the addend and the activation behind it. */
function weighted(
  to: LayerExporter,
  node: Node,
  input: string,
  layer: Omit<Weighted, 'bias' | 'activation'> & { readonly outChannels: number },
): void {
  const { outChannels, ...rest } = layer
  const own = node.inputs[2]
  const list = own ? to.constant(own) : null
  if (own && !list) throw new Unsupported('has a bias that is computed')
  const addend = list ? null : addendBehind(to, node.outputs[0]!, outChannels)
  const bias = list ? toFloat32(list) : (addend?.values ?? null)
  const { word, output } = fusedActivation(to, addend?.output ?? node.outputs[0]!)
  to.hold(output, to.addWeighted(node.name, input, { ...rest, bias, activation: word }), channelsLast(4))
}

export function conv(to: LayerExporter, node: Node): void {
  const weights = to.constant(node.inputs[1])
  if (!weights) throw new Unsupported('has weights that are computed')
  const window = windowOf(to, node, weights.dims.slice(2))
  const isDilated = window.dilations.some((dilation) => dilation !== 1)
  if (window.strides.some((stride) => stride !== 1) && isDilated)
    throw new Unsupported('has both strides and dilations, which TensorFlow.js does not compute')
  const group = intAttribute(node, 'group', 1)
  const [outChannels, inner] = weights.dims as [number, number]
  const isDepthwise = group > 1 && inner === 1
  if (group > 1 && !isDepthwise) throw new Unsupported('has groups, which the layers of TensorFlow.js do not')
  if (isDepthwise && isDilated)
    throw new Unsupported('is depthwise and dilated, which the layers of TensorFlow.js do not compute')
  const { input, padding } = paddedInput(to, node, window)
  const config = {
    kernel_size: window.kernel,
    strides: window.strides,
    padding,
    ...PICTURES,
    dilation_rate: window.dilations,
  }
  if (!isDepthwise) {
    const kernel = permuteTensor(weights, [2, 3, 1, 0])
    const layer = { className: 'Conv2D', config: { filters: outChannels, ...config }, weight: 'kernel', channelAxes: 1 }
    return weighted(to, node, input, { ...layer, ...contentOf(kernel), outChannels })
  }
  // [channels · multiplier, 1, h, w] → [h, w, channels, multiplier]
  const moved = permuteTensor(weights, [2, 3, 0, 1])
  const kernel = { ...moved, dims: [...moved.dims.slice(0, 2), group, outChannels / group] }
  const layer = {
    className: 'DepthwiseConv2D',
    config: { depth_multiplier: outChannels / group, ...config },
    weight: 'depthwise_kernel',
    channelAxes: 2,
  }
  weighted(to, node, input, { ...layer, ...contentOf(kernel), outChannels })
}

const contentOf = (tensor: Tensor): { shape: readonly number[]; values: Float32Array } => ({
  shape: tensor.dims,
  values: toFloat32(tensor),
})

/** Transposed convolution: the full one, of which a Cropping2D takes the padding away. */
export function convTranspose(to: LayerExporter, node: Node): void {
  const weights = to.constant(node.inputs[1])
  if (!weights || weights.dims.length !== 4) throw new Unsupported('has weights that are computed or not over pictures')
  const strides = intsAttribute(node, 'strides') ?? [1, 1]
  const isPlain =
    intAttribute(node, 'group', 1) === 1 &&
    (intsAttribute(node, 'dilations') ?? []).every((dilation) => dilation === 1) &&
    stringAttribute(node, 'auto_pad', 'NOTSET') === 'NOTSET' &&
    !node.attributes.has('output_shape')
  if (!isPlain) throw new Unsupported('has groups, dilations, auto_pad or output_shape')
  const lengths = to.dims(node.inputs[0]!).slice(2)
  const wanted = to.dims(node.outputs[0]!).slice(2)
  const [, outChannels, ...kernelSize] = weights.dims as [number, number, number, number]
  const pads = intsAttribute(node, 'pads') ?? [0, 0, 0, 0]
  const crops = [0, 1].map((i): [number, number] => {
    const [length, output] = [lengths[i], wanted[i]]
    if (typeof length !== 'number' || typeof output !== 'number') throw new Unsupported('has open lengths')
    // Source: tfjs-layers, conv_utils.ts, deconvLength for "valid"
    const full = length * strides[i]! + Math.max(kernelSize[i]! - strides[i]!, 0)
    const end = full - pads[i]! - output
    if (end < 0) throw new Unsupported('has an output longer than what its kernel reaches')
    return [pads[i]!, end]
  })
  const isCropped = crops.flat().some((amount) => amount !== 0)
  const bias = node.inputs[2] ? to.constant(node.inputs[2]) : null
  if (node.inputs[2] && !bias) throw new Unsupported('has a bias that is computed')
  const kernel = permuteTensor(weights, [2, 3, 1, 0])
  const fused = isCropped ? { word: 'linear', output: node.outputs[0]! } : fusedActivation(to, node.outputs[0]!)
  const full = to.addWeighted(isCropped ? `${node.name}/full` : node.name, to.read(node.inputs[0]!, channelsLast(4)), {
    className: 'Conv2DTranspose',
    config: { filters: outChannels, kernel_size: kernelSize, strides, padding: 'valid', ...PICTURES },
    weight: 'kernel',
    ...contentOf(kernel),
    // the last axis is that of the input
    channelAxes: 0,
    bias: bias && toFloat32(bias),
    activation: fused.word,
  })
  const cropped = isCropped ? to.add('Cropping2D', node.name, [full], { cropping: crops, ...PICTURES }) : full
  to.hold(fused.output, cropped, channelsLast(4))
}

export function maxPool(to: LayerExporter, node: Node): void {
  if (node.outputs.slice(1).some((output) => output !== '')) throw new Unsupported('gives indices')
  const window = poolWindow(to, node)
  const isPadded = !window.isSame && window.pads.flat().some((amount) => amount !== 0)
  // zeros are as low as the lowest value there, so that no padding wins
  if (isPadded && !isNeverNegative(to, node.inputs[0]!))
    throw new Unsupported('pads values that can be negative, where Keras can only pad with zeros')
  pool(to, node, 'MaxPooling2D', window)
}

export function averagePool(to: LayerExporter, node: Node): void {
  const window = poolWindow(to, node)
  const isPadded = window.pads.flat().some((amount) => amount !== 0)
  const counts = intAttribute(node, 'count_include_pad', 0) === 1
  // with "same" Keras leaves the padding out of the count, with a ZeroPadding2D it counts
  if (!isPadded || (window.isSame && !counts)) return pool(to, node, 'AveragePooling2D', window)
  const isExact = window.pads.every(([, end], i) => end === window.ends[i])
  if (counts && isExact) return pool(to, node, 'AveragePooling2D', { ...window, isSame: false })
  throw new Unsupported('averages over padding in a way that Keras does not')
}

function poolWindow(to: LayerExporter, node: Node): PictureWindow {
  const window = windowOf(to, node, intsAttribute(node, 'kernel_shape') ?? [])
  if (window.dilations.some((dilation) => dilation !== 1))
    throw new Unsupported('has dilations, which TensorFlow.js pools without')
  return window
}

function pool(to: LayerExporter, node: Node, className: string, window: PictureWindow): void {
  const { input, padding } = paddedInput(to, node, window)
  const config = { pool_size: window.kernel, strides: window.strides, padding, ...PICTURES }
  to.hold(node.outputs[0]!, to.add(className, node.name, [input], config), channelsLast(4))
}

export const globalPool =
  (kind: 'Average' | 'Max') =>
  (to: LayerExporter, node: Node): void => {
    const x = node.inputs[0]!
    if (to.dims(x).length !== 4) throw new Unsupported('pools something else than pictures')
    const input = to.read(x, channelsLast(4))
    to.holdPooled(node.outputs[0]!, to.add(`Global${kind}Pooling2D`, node.name, [input], PICTURES))
  }

/** Mean or maximum over height and width, which is a global pooling. */
export const reduce =
  (kind: 'Average' | 'Max') =>
  (to: LayerExporter, node: Node): void => {
    const rank = to.dims(node.inputs[0]!).length
    const given = intsAttribute(node, 'axes') ?? to.numbers(node.inputs[1]) ?? []
    const axes = given.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)
    if (rank !== 4 || axes.join() !== '2,3') throw new Unsupported('reduces other axes than height and width')
    globalPool(kind)(to, node)
  }

/** Pictures some whole times as large. */
export function resize(to: LayerExporter, node: Node): void {
  const [before, after] = [to.dims(node.inputs[0]!), to.dims(node.outputs[0]!)]
  const size = [2, 3].map((axis) => (after[axis] as number) / (before[axis] as number))
  const isWhole = before.length === 4 && before[1] === after[1] && size.every((times) => Number.isInteger(times))
  if (!isWhole || intAttribute(node, 'antialias', 0) !== 0 || node.attributes.has('keep_aspect_ratio_policy'))
    throw new Unsupported('resizes otherwise than by whole numbers')
  const mode = stringAttribute(node, 'mode', 'nearest')
  const place = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const rounding = stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
  // larger by a whole number and by half pixels, all roundings give the floor of the plain scale
  const isNearest = mode === 'nearest' && (place === 'half_pixel' || (place === 'asymmetric' && rounding === 'floor'))
  const isBilinear = mode === 'linear' && place === 'asymmetric'
  if (!isNearest && !isBilinear)
    throw new Unsupported(`resizes by ${mode}, ${place}, ${rounding}, which UpSampling2D does not`)
  const config = { size, ...PICTURES, interpolation: isNearest ? 'nearest' : 'bilinear' }
  const input = to.read(node.inputs[0]!, channelsLast(4))
  to.hold(node.outputs[0]!, to.add('UpSampling2D', node.name, [input], config), channelsLast(4))
}

/** Zeros around pictures, or more channels of zeros. */
export function pad(to: LayerExporter, node: Node): void {
  const amounts = to.numbers(node.inputs[1])
  const value = node.inputs[2] ? to.constant(node.inputs[2]) : null
  const isZero = !node.inputs[2] || (value !== null && toFloat32(value)[0] === 0)
  if (stringAttribute(node, 'mode', 'constant') !== 'constant' || !isZero)
    throw new Unsupported('pads with something else than zeros')
  if (amounts?.length !== 8 || node.inputs[3] || amounts.some((amount) => amount < 0))
    throw new Unsupported('pads something else than pictures, or by computed or negative amounts')
  const pairs = [0, 1, 2, 3].map((axis): [number, number] => [amounts[axis]!, amounts[axis + 4]!])
  // ZeroPadding2D pads axes 1 and 2 of what it is given
  const order = pairs[1]!.every((amount) => amount === 0) ? channelsLast(4) : plainOrder(4)
  const [batch, first, second, last] = order.map((axis) => pairs[axis]!)
  if ([...batch!, ...last!].some((amount) => amount !== 0))
    throw new Unsupported('pads the batch, or channels and width')
  const config = { padding: [first, second], ...PICTURES }
  to.hold(node.outputs[0]!, to.add('ZeroPadding2D', node.name, [to.read(node.inputs[0]!, order)], config), order)
}

/** BatchNormalization that was not folded, as it is. */
export function batchNorm(to: LayerExporter, node: Node): void {
  const lists = node.inputs.slice(1, 5).map((input) => to.constant(input))
  const [gamma, beta, mean, variance] = lists
  if (!gamma || !beta || !mean || !variance) throw new Unsupported('has statistics that are computed')
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const x = node.inputs[0]!
  const rank = to.dims(x).length
  if (rank < 2 || rank > 4) throw new Unsupported(`normalizes values of rank ${rank}`)
  const { word, output } = fusedActivation(to, node.outputs[0]!)
  const order = channelsLast(rank)
  const normal = to.addWithLists(
    'BatchNormalization',
    node.name,
    to.read(x, order),
    { axis: -1, momentum: 0.99, epsilon, center: true, scale: true },
    {
      gamma: contentOf(gamma),
      beta: contentOf(beta),
      moving_mean: contentOf(mean),
      moving_variance: contentOf(variance),
    },
  )
  const name = word === 'linear' ? normal : to.add('Activation', `${node.name}/${word}`, [normal], { activation: word })
  to.hold(output, name, order)
}
