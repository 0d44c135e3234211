import type { WeightScheme } from '../../shared/contract/plan.ts'
import type { Model, Node, Tensor } from '../graph/model.ts'
import { floatAttribute, intAttribute } from '../graph/attributes.ts'
import { elementCount, float32Of } from '../graph/tensors.ts'
import { channelAxis } from './operators.ts'
import type { QuantizedLayer } from './setup.ts'
import { areFinite, type WeightLayout } from './weights.ts'

/** The weights and bias of one layer as integers will hold them: real values with the op's factors multiplied in. */
export interface WeightSite {
  readonly layerId: string
  /** node that reads the weights */
  readonly node: string
  readonly inputTensor: string
  readonly weightName: string
  readonly weightIndex: number
  readonly scheme: WeightScheme
  readonly layout: WeightLayout
  /** real weights, `alpha` of a Gemm multiplied in */
  readonly values: Float32Array
  readonly bias: BiasSite | null
  readonly biasBits: 8 | 16 | 32
}

export interface BiasSite {
  readonly name: string
  /** the Add behind a MatMul that carries it; null where it is an input of the node itself */
  readonly addNode: string | null
  /** one value per output channel, `beta` of a Gemm multiplied in */
  readonly values: Float32Array
}

/** The site of a weighted layer, or why it has none, in words. */
export function weightSiteOf({ layer, decision }: QuantizedLayer, model: Model): WeightSite | string {
  const { graph } = model
  const node = graph.nodes.find((candidate) => candidate.name === layer.id)
  if (!node || !decision.weights) return 'its main node is not in the graph'
  const weightName = node.inputs[1] ?? ''
  const weight = graph.initializers.get(weightName)
  if (!weight) return `its weights "${weightName}" are not constant`
  if (weight.dataType !== 'float')
    return `its weights "${weightName}" are ${weight.dataType}, only float32 is quantized`
  const values = scaled(float32Of(weight), node.opType === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1)
  if (!areFinite(values, weight.dims)) return `its weights "${weightName}" hold NaN or infinite values`
  const bias = biasOf(node, layer.nodes, model, weight)
  if (typeof bias === 'string') return bias
  return {
    layerId: layer.id,
    node: node.name,
    inputTensor: node.inputs[0]!,
    weightName,
    weightIndex: 1,
    scheme: decision.weights,
    layout: layoutOf(node, weight, decision.weights),
    values,
    bias,
    biasBits: decision.biasBits,
  }
}

/** How the scales of a weight tensor lie for a scheme: the output channels, or blocks along the axis that is summed over. */
export function layoutOf(node: Node, weight: Tensor, scheme: WeightScheme): WeightLayout {
  const { dims } = weight
  const channels = channelAxis(node, 1, dims.length)
  // QLinearConv is alone in ever having refused zero points that differ between channels
  const sharedZeroPoint = node.opType === 'Conv' || node.opType === 'ConvTranspose'
  if (scheme.granularity === 'perTensor' || channels === null) return { dims, axis: null, sharedZeroPoint }
  if (scheme.granularity === 'perChannel') return { dims, axis: channels, sharedZeroPoint }
  const summed = channels === 0 ? 1 : 0
  return {
    dims,
    axis: summed,
    sharedZeroPoint,
    ...(scheme.blockSize === undefined ? {} : { blockSize: scheme.blockSize }),
  }
}

function scaled(values: Float32Array, factor: number): Float32Array {
  return factor === 1 ? values : values.map((value) => value * factor)
}

function biasOf(node: Node, layerNodes: readonly string[], model: Model, weight: Tensor): BiasSite | null | string {
  const channels = weight.dims[channelAxis(node, 1, weight.dims.length) ?? 1] ?? 1
  if (node.opType === 'MatMul') return addedBias(node, layerNodes, model, weight.dims.at(-1) ?? 1)
  const name = node.inputs[2] ?? ''
  if (name === '') return null
  const tensor = model.graph.initializers.get(name)
  if (!tensor) return `its bias "${name}" is not constant`
  const beta = node.opType === 'Gemm' ? floatAttribute(node, 'beta', 1) : 1
  return broadcastBias(name, tensor, channelsOf(node, weight, channels), beta, null)
}

function channelsOf(node: Node, weight: Tensor, channels: number): number {
  return node.opType === 'ConvTranspose' ? (weight.dims[1] ?? 1) * intAttribute(node, 'group', 1) : channels
}

/** The constant a fused Add brings, per column. */
function addedBias(node: Node, layerNodes: readonly string[], model: Model, columns: number): BiasSite | null | string {
  const own = new Set(layerNodes)
  const add = model.graph.nodes.find(
    (other) => own.has(other.name) && other.opType === 'Add' && other.inputs.includes(node.outputs[0]!),
  )
  if (!add) return null
  const name = add.inputs[add.inputs[0] === node.outputs[0] ? 1 : 0]!
  const tensor = model.graph.initializers.get(name)
  return tensor ? broadcastBias(name, tensor, columns, 1, add.name) : `its bias "${name}" is not constant`
}

/** A bias as one value per channel; a sentence for shapes that are not that. */
function broadcastBias(
  name: string,
  tensor: Tensor,
  channels: number,
  factor: number,
  addNode: string | null,
): BiasSite | string {
  if (tensor.dataType !== 'float') return `its bias "${name}" is ${tensor.dataType}, only float32 is quantized`
  const count = elementCount(tensor.dims)
  const isRow = count === channels && (tensor.dims.at(-1) ?? 1) === channels
  if (count !== 1 && !isRow)
    return `its bias "${name}" has the shape [${tensor.dims.join(', ')}], expected one value for each of ${channels} channels`
  const given = scaled(float32Of(tensor), factor)
  if (!areFinite(given, tensor.dims)) return `its bias "${name}" holds NaN or infinite values`
  return { name, addNode, values: count === channels ? given : new Float32Array(channels).fill(given[0]!) }
}
