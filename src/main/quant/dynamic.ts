import type { WeightScheme } from '../../shared/contract/plan.ts'
import { int, intAttribute } from '../graph/attributes.ts'
import { Draft } from '../graph/draft.ts'
import type { Attribute, Model, Node, Tensor } from '../graph/model.ts'
import { elementCount, floatTensor } from '../graph/tensors.ts'
import { DynamicInputs, type QuantizedInput } from './dynamic/inputs.ts'
import { packIntegers } from './pack.ts'
import type { LayerQuantization, ModeRewriter, QuantizedLayer } from './setup.ts'
import { transposedWeights } from './stored-weights.ts'
import { topologyOf } from './topology.ts'
import { leftInFloat, rewriteFolded } from './weight-only.ts'
import { weightSiteOf, type WeightSite } from './weight-site.ts'
import type { QuantizedWeights, WeightQuantizer } from './weights.ts'

/**
 * Dynamic mode: activations are quantized by the range they have at run time (one range per tensor and run, so results depend
 * on the batch), weights beforehand; no calibration.
 *
 * MatMul and Gemm become DynamicQuantizeLinear and MatMulInteger with Cast, Mul and Add behind, which ONNX Runtime fuses into
 * DynamicQuantizeMatMul, or MatMulIntegerToFloat where several layers share the quantized input. Conv becomes ConvInteger
 * with **int8 activations and uint8 weights** around 128: of the four pairings of types it is the one that reaches the VNNI
 * kernel (m: 1 against 2 for uint8 activations and 12 for int8 weights, in time). ConvInteger takes one zero point for all
 * channels; scales are applied by a Mul behind it. A Conv too small to gain (see `whyTooSmall`) keeps float arithmetic on
 * weights stored as integers.
 */
export const rewriteDynamic: ModeRewriter = (model, layers, quantizeWeights) => {
  const draft = new Draft(model)
  const topology = topologyOf(model)
  const inputs = new DynamicInputs(draft, (tensor) => topology.intervalOf(tensor).low >= 0)
  const nodes = new Map<string, string>()
  const reports = layers.map((entry) => {
    const { report, added } = rewriteLayer({ draft, model, inputs, quantizeWeights }, entry)
    for (const name of added) nodes.set(name, entry.layer.id)
    return report
  })
  return { model: draft.finish(), layers: reports, nodes }
}

interface Rewriting {
  readonly draft: Draft
  readonly model: Model
  readonly inputs: DynamicInputs
  readonly quantizeWeights: WeightQuantizer
}

interface Outcome {
  readonly report: LayerQuantization
  readonly added: readonly string[]
}

/**
 * Products for each value that has to be moved (quantized, gathered into columns, rescaled) below which a Conv stays in
 * float: moving costs per value, integers save per product.
 * Tuned on chains of Conv and Relu with 16 to 1,024 channels, 1×1 and 3×3, 7 to 112 pixels wide, ONNX Runtime 1.30, AVX-512
 * VNNI, one thread: at 50 dynamic takes 1.0 to 1.2 times the time of float, at 25 about 1.6, at 150 about 0.7.
 */
const minProductsPerValue = 50
/**
 * Cost of a byte gathered into columns, in values quantized or rescaled. The columns of a spatial kernel are gathered by one thread while
 * all else is shared among them: on one thread 3×3 Convs of ResNet-18 with 64 channels take 0.8 times float, on four 1.9
 * times (512 channels: 0.64 and 1.3), so that they are weighed as on four.
 */
const [pointwiseGather, spatialGather] = [0.5, 4]
/** Multiply-accumulates of one sample below which starting the eight kernels costs more than they can save (same chains). */
const minMacs = 5e6
/** Output channels of a group below which ConvInteger's matrix product (one a group) has too few rows; depthwise has one. */
const minGroupChannels = 8

/** Why a Conv would be slower in integers, in words; null when it gains, or when its size is not known. */
function whyTooSmall(node: Node, { dims }: { readonly dims: readonly number[] }, macs: number | null): string | null {
  const [outputs = 0, inputs = 0] = dims
  const products = elementCount(dims.slice(1))
  const groupOutputs = outputs / intAttribute(node, 'group', 1)
  if (groupOutputs < minGroupChannels)
    return `${groupOutputs} output ${groupOutputs === 1 ? 'channel' : 'channels'} a group`
  const gathered = products * (isPointwise(dims) ? pointwiseGather : spatialGather)
  const perValue = (groupOutputs * products) / (groupOutputs + inputs + gathered)
  if (perValue < minProductsPerValue) return `only ${Math.round(perValue)} products for each value moved`
  return macs !== null && macs < minMacs ? `only ${(macs / 1e6).toFixed(1)} million products` : null
}

function isPointwise(dims: readonly number[]): boolean {
  return dims.slice(2).every((length) => length === 1)
}

function rewriteLayer(rewriting: Rewriting, entry: QuantizedLayer): Outcome {
  const site = weightSiteOf(entry, rewriting.model)
  if (typeof site === 'string') return left(entry, site)
  const node = rewriting.model.graph.nodes.find(({ name }) => name === site.node)!
  if (site.scheme.bits > 8)
    return left(entry, `dynamic mode has kernels for up to 8 bits, the plan asks for ${site.scheme.bits}-bit weights`)
  const { bits } = entry.decision.activations
  if (bits > 8)
    return left(entry, `dynamic mode has kernels for up to 8 bits, the plan asks for ${bits}-bit activations`)
  if (node.opType === 'Conv') return rewriteConv(rewriting, entry, node, site)
  if (intAttribute(node, 'transA', 0) === 1)
    return left(entry, 'it reads its input transposed (transA), which MatMulInteger cannot')
  return rewriteMatMul(rewriting, entry, node, site)
}

function left(entry: QuantizedLayer, reason: string): Outcome {
  return { report: leftInFloat(entry, `stays in float: ${reason}.`), added: [] }
}

function rewriteConv(rewriting: Rewriting, entry: QuantizedLayer, node: Node, site: WeightSite): Outcome {
  const { dims } = site.layout
  const small = whyTooSmall(node, site.layout, entry.layer.macs)
  if (small !== null) {
    const reason = `computed in float from integer weights: with ${small}, quantizing at run time would cost more than integers save.`
    return rewriteFolded(rewriting, entry, node, { ...site, scheme: byteScheme(site.scheme) }, [reason])
  }
  const scheme = { ...byteScheme(site.scheme), storage: 'int8' as const }
  const weights = unsigned(
    rewriting.quantizeWeights(site.layerId, site.values, site.layout, scheme, null),
    scheme.symmetric,
  )
  const input = rewriting.inputs.quantized(site.inputTensor, entry.decision.activations, 'int8')
  const channel = [1, -1, ...dims.slice(2).map(() => 1)]
  const operands = [input.values, ...constantsOf(rewriting, site, weights, 'uint8', input)]
  const added = addIntegerNode(rewriting, node, site, {
    opType: 'ConvInteger',
    attributes: node.attributes,
    operands,
    input,
    weights,
    channel,
  })
  return { report: reportOf(entry, { ...scheme, storage: 'uint8' }, weights, storageWarnings(site.scheme)), added }
}

function rewriteMatMul(rewriting: Rewriting, entry: QuantizedLayer, node: Node, site: WeightSite): Outcome {
  const scheme = byteScheme(site.scheme)
  const quantized = rewriting.quantizeWeights(site.layerId, site.values, site.layout, scheme, null)
  const weights = intAttribute(node, 'transB', 0) === 1 ? transposedWeights(quantized) : quantized
  const input = rewriting.inputs.quantized(site.inputTensor, entry.decision.activations, 'uint8')
  const operands = [input.values, ...constantsOf(rewriting, site, weights, scheme.storage, input)]
  const added = addIntegerNode(rewriting, node, site, {
    opType: 'MatMulInteger',
    attributes: [],
    operands,
    input,
    weights,
    channel: [-1],
  })
  return { report: reportOf(entry, scheme, quantized, storageWarnings(site.scheme)), added }
}

/** The scheme in a byte a weight: ConvInteger and MatMulInteger read no packed 4-bit weights. */
function byteScheme(scheme: WeightScheme): WeightScheme {
  return { ...scheme, storage: scheme.storage.startsWith('int') ? 'int8' : 'uint8' }
}

function storageWarnings({ storage, bits }: WeightScheme): string[] {
  if (storage === 'int8' || storage === 'uint8') return []
  return [`dynamic mode has no kernel for ${storage} weights: the ${bits}-bit weights take a byte each.`]
}

/**
 * Signed integers moved up to unsigned ones, with their zero point: the same real values. They go no further up than their
 * bits need (8 bits: around 128, reduced range: around 64), so that 7-bit weights stay below 128 and no pair of products
 * saturates int16 on CPUs without VNNI.
 */
function unsigned(weights: QuantizedWeights, symmetric: boolean): QuantizedWeights {
  const { params } = weights
  const by = symmetric ? params.qmax + 1 : -params.qmin
  return {
    dims: weights.dims,
    values: weights.values.map((q) => q + by),
    params: {
      ...params,
      qmin: params.qmin + by,
      qmax: params.qmax + by,
      zeroPoint: params.zeroPoint.map((q) => q + by),
    },
  }
}

/** Adds weights and zero points; gives the operands behind the activation: weights, activation zero point, weight zero point. */
function constantsOf(
  { draft }: Rewriting,
  site: WeightSite,
  weights: QuantizedWeights,
  storage: WeightScheme['storage'],
  input: QuantizedInput,
): string[] {
  const { zeroPoint } = weights.params
  const shared = zeroPoint.every((q) => q === zeroPoint[0])
  const [dims, values] = shared ? [[], zeroPoint.subarray(0, 1)] : [[zeroPoint.length], zeroPoint]
  return [
    draft.addInitializer(packIntegers(`${site.weightName}_q`, storage, weights.dims, weights.values)),
    input.zeroPoint,
    draft.addInitializer(packIntegers(`${site.weightName}_z`, storage, dims, values)),
  ]
}

interface IntegerNode {
  readonly opType: 'ConvInteger' | 'MatMulInteger'
  readonly attributes: Iterable<readonly [string, Attribute]>
  readonly operands: readonly string[]
  readonly input: QuantizedInput
  readonly weights: QuantizedWeights
  /** shape that lays one value per channel over the output; -1 is the channel axis */
  readonly channel: readonly number[]
}

/**
 * The integer op under the layer's name, then Cast, Mul by s_x · s_w and Add of the bias; the last one writes the layer's own
 * output tensor. The order of the Mul's inputs is the one MatMulIntegerToFloatFusion looks for.
 * @returns names of the nodes added beside the integer op
 */
function addIntegerNode({ draft }: Rewriting, node: Node, site: WeightSite, made: IntegerNode): string[] {
  const { name } = node
  const [output] = node.outputs
  const accumulator = draft.freshTensorName(`${name}_accumulator`)
  draft.replaceNode(node, {
    name,
    opType: made.opType,
    domain: '',
    inputs: made.operands,
    outputs: [accumulator],
    attributes: new Map(made.attributes),
  })
  const added: string[] = []
  const op = (opType: string, part: string, inputs: readonly string[], target: string | null, to?: number): string => {
    const tensor = target ?? draft.freshTensorName(`${name}_${part}`)
    const attributes = to === undefined ? [] : [['to', int(to)] as const]
    added.push(draft.addNode({ name: `${name}_${part}`, opType, inputs, outputs: [tensor], attributes }).name)
    return tensor
  }
  const { bias } = site
  // the Add behind a MatMul is a node of its own and stays
  const ownBias = bias?.addNode === null ? bias : null
  const weightScale = draft.addInitializer(perChannel(`${site.weightName}_s`, made.weights.params.scale, made.channel))
  const scale = op('Mul', 'scale', [made.input.scale, weightScale], null)
  const real = op('Cast', 'cast', [accumulator], null, 1)
  const product = op('Mul', 'rescale', [real, scale], ownBias ? null : output!)
  if (ownBias)
    op('Add', 'bias', [product, draft.addInitializer(perChannel(ownBias.name, ownBias.values, made.channel))], output!)
  return added
}

/** A constant of one value, or of one per channel in the given shape. */
function perChannel(name: string, values: Float32Array, channel: readonly number[]): Tensor {
  const dims = values.length === 1 ? [] : channel.map((dim) => (dim === -1 ? values.length : dim))
  return floatTensor(name, dims, values)
}

function reportOf(
  { layer }: QuantizedLayer,
  scheme: WeightScheme,
  weights: QuantizedWeights,
  warnings: readonly string[],
): LayerQuantization {
  return {
    id: layer.id,
    op: layer.op,
    mode: 'dynamic',
    type: scheme.storage,
    weights: { ...scheme, params: weights.params },
    inputs: [],
    outputs: [],
    warnings,
  }
}
