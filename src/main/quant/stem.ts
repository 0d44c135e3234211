import { int, intAttribute, ints, intsAttribute, stringAttribute } from '../graph/attributes.ts'
import { Draft } from '../graph/draft.ts'
import type { Attribute, Model, Node, Tensor } from '../graph/model.ts'
import { capturedBy, consumersOf, producersOf } from '../graph/traversal.ts'

/** An integer Conv on the picture itself, with what the rewriting needs to know of it. */
interface Stem {
  readonly conv: Node
  /** QuantizeLinear between the graph's input and the Conv */
  readonly quantize: Node
  readonly weights: Tensor
  readonly height: Fold
  readonly width: Fold
}

/** One spatial axis of the folded Conv. */
interface Fold {
  /** zero rows put before the kernel's first, so that it starts at an even position */
  readonly shift: number
  readonly kernel: number
  readonly pads: readonly [number, number]
}

/** More channels than this and ONNX Runtime's gathering of patches is no longer what the Conv spends its time on. */
const MOST_CHANNELS = 4

/**
 * Folds 2×2 pixels into the channels ahead of an integer Conv that walks the graph's input with stride 2 (the stem of ResNet,
 * MobileNet and most other classifiers): SpaceToDepth before the pair, a kernel of half the size and four times the channels
 * behind it. The same products are summed in the same integers, so that nothing of the result changes. ONNX Runtime gathers a
 * patch of an integer Conv tap by tap, three bytes at a time for a picture, which made such a Conv slower than in float; twelve
 * bytes at a time it takes half the time (m: 7×7 stem of ResNet-18 2.5 → 1.2 ms, 3×3 stem of MobileNetV2 1.0 → 0.4 ms). Left as
 * they are: inputs of unknown or odd size, weights of other containers than 8 bits, an input that others read too.
 * Source: ONNX SpaceToDepth-13 (the depth is ordered block row, block column, channel).
 */
export function foldStems(model: Model): Model {
  const stems = findStems(model)
  if (stems.length === 0) return model
  const draft = new Draft(model)
  for (const stem of stems) fold(draft, stem)
  return draft.finish()
}

function findStems({ graph }: Model): Stem[] {
  const producers = producersOf(graph)
  const consumers = consumersOf(graph)
  const kept = new Set([
    ...graph.outputs.map(({ name }) => name),
    ...graph.nodes.flatMap((node) => [...capturedBy(node)]),
  ])
  const isOnlyReadBy = (tensor: string, node: Node): boolean =>
    !kept.has(tensor) && consumers.get(tensor)?.length === 1 && consumers.get(tensor)![0] === node
  return graph.nodes.flatMap((conv) => {
    if (conv.opType !== 'Conv' || !hasPlainStride(conv)) return []
    const chain = quantizedInput(conv, producers)
    const weights = graph.initializers.get(producers.get(conv.inputs[1] ?? '')?.inputs[0] ?? '')
    if (!chain || !weights || chain.some((node, i) => i > 0 && !isOnlyReadBy(node.outputs[0]!, chain[i - 1]!)))
      return []
    const quantize = chain.at(-1)!
    const image = graph.inputs.find(({ name }) => name === quantize.inputs[0])?.shape
    const [, channels, height, width] = image ?? []
    if (typeof channels !== 'number' || channels > MOST_CHANNELS || !isByteKernel(weights)) return []
    const folds = [foldAxis(conv, weights, height, 0), foldAxis(conv, weights, width, 1)]
    return folds[0] && folds[1] ? [{ conv, quantize, weights, height: folds[0], width: folds[1] }] : []
  })
}

function hasPlainStride(conv: Node): boolean {
  const strides = intsAttribute(conv, 'strides') ?? []
  const dilations = intsAttribute(conv, 'dilations') ?? [1]
  return (
    strides.length === 2 &&
    strides.every((stride) => stride === 2) &&
    dilations.every((dilation) => dilation === 1) &&
    intAttribute(conv, 'group', 1) === 1 &&
    stringAttribute(conv, 'auto_pad', 'NOTSET') === 'NOTSET'
  )
}

/** Conv, DequantizeLinear, (integer Clip,) QuantizeLinear, from the Conv upwards; null where the Conv reads anything else. */
function quantizedInput(conv: Node, producers: ReadonlyMap<string, Node>): Node[] | null {
  const dequantize = producers.get(conv.inputs[0]!)
  if (dequantize?.opType !== 'DequantizeLinear') return null
  const above = producers.get(dequantize.inputs[0]!)
  const quantize = above?.opType === 'Clip' ? producers.get(above.inputs[0]!) : above
  if (quantize?.opType !== 'QuantizeLinear') return null
  return [conv, dequantize, ...(above === quantize ? [] : [above!]), quantize]
}

/** 1×1 and 2×2 kernels gain nothing: their patches are as few pieces as the folded ones. */
function isByteKernel({ dataType, dims }: Tensor): boolean {
  return (dataType === 'int8' || dataType === 'uint8') && dims.length === 4 && dims[2]! > 2 && dims[3]! > 2
}

/**
 * Tap r of output o reads position 2·o − pad + r. In pairs of positions that is pair o − ceil(pad/2) + (r + shift) div 2, with
 * shift = pad mod 2; the last pad is what gives the same number of outputs.
 */
function foldAxis(conv: Node, weights: Tensor, size: unknown, axis: 0 | 1): Fold | null {
  if (typeof size !== 'number' || size % 2 !== 0) return null
  const pads = intsAttribute(conv, 'pads') ?? [0, 0, 0, 0]
  const [before, after] = [pads[axis]!, pads[axis + 2]!]
  const taps = weights.dims[axis + 2]!
  const shift = before % 2
  const kernel = Math.ceil((taps + shift) / 2)
  const first = Math.ceil(before / 2)
  const outputs = Math.floor((size + before + after - taps) / 2) + 1
  const last = outputs - 1 + kernel - size / 2 - first
  return last < 0 ? null : { shift, kernel, pads: [first, last] }
}

function fold(draft: Draft, { conv, quantize, weights, height, width }: Stem): void {
  const image = quantize.inputs[0]!
  const blocks = draft.freshTensorName(`${image}_blocks`)
  draft.addNode({
    name: `${image}_blocks`,
    opType: 'SpaceToDepth',
    inputs: [image],
    outputs: [blocks],
    attributes: [['blocksize', int(2)]],
  })
  draft.replaceNode(quantize, { ...quantize, inputs: [blocks, ...quantize.inputs.slice(1)] })
  const dequantize = draft.nodes.find((node) => node.outputs[0] === conv.inputs[1])!
  const folded = draft.addInitializer(foldKernel(weights, zeroPointsOf(draft, dequantize), height, width))
  draft.replaceNode(dequantize, { ...dequantize, inputs: [folded, ...dequantize.inputs.slice(1)] })
  const attributes = new Map<string, Attribute>([...conv.attributes])
  attributes.set('strides', ints([1, 1]))
  attributes.set('kernel_shape', ints([height.kernel, width.kernel]))
  attributes.set('pads', ints([height.pads[0], width.pads[0], height.pads[1], width.pads[1]]))
  draft.replaceNode(conv, { ...conv, attributes })
}

/** Bytes that stand for a weight of 0, one for all output channels or one each. */
function zeroPointsOf(draft: Draft, dequantize: Node): Uint8Array {
  return draft.initializers.get(dequantize.inputs[2] ?? '')?.data ?? Uint8Array.of(0)
}

/** The kernel [out, in, kh, kw] as [out, 4·in, kh', kw'], taps that the old one lacked being 0. */
function foldKernel(weights: Tensor, zeroPoints: Uint8Array, height: Fold, width: Fold): Tensor {
  const [outputs = 0, channels = 0, rows = 0, columns = 0] = weights.dims
  const dims = [outputs, 4 * channels, height.kernel, width.kernel]
  const size = 4 * channels * height.kernel * width.kernel
  const data = new Uint8Array(outputs * size)
  for (let o = 0; o < outputs; o++) {
    data.fill(zeroPoints[zeroPoints.length === 1 ? 0 : o]!, o * size, (o + 1) * size)
    for (let c = 0; c < channels; c++) {
      for (let r = 0; r < rows; r++) {
        for (let s = 0; s < columns; s++) {
          const [y, x] = [r + height.shift, s + width.shift]
          const depth = (2 * (y % 2) + (x % 2)) * channels + c
          const target = ((o * 4 * channels + depth) * height.kernel + (y >> 1)) * width.kernel + (x >> 1)
          data[target] = weights.data[((o * channels + c) * rows + r) * columns + s]!
        }
      }
    }
  }
  return { ...weights, name: `${weights.name}_blocks`, dims, data }
}
