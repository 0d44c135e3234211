import type { LayerInfo } from '../../shared/contract/model.ts'
import type { QuantMode } from '../../shared/contract/plan.ts'
import { intAttribute } from '../graph/attributes.ts'
import { constantClipBounds } from '../graph/layers/index.ts'
import type { Node, Tensor } from '../graph/model.ts'
import { float32Of } from '../graph/tensors.ts'
import { storedWeight, type FileStructure } from './execution-structure.ts'
import { unpackIntegers } from './pack.ts'

/** What an explanation looks at. */
export interface LayerCase {
  readonly layer: LayerInfo
  readonly mode: QuantMode
  /** its kernels in the optimised graph */
  readonly kernels: readonly Node[]
  readonly structure: FileStructure
}

/**
 * Why a layer that is quantized in the file was not computed in integers: the first rule of ONNX Runtime's fusions that it
 * breaks, in words.
 * Source: onnxruntime qdq_selectors.cc (node group selectors), qdq_util.cc (IsClipMadeRedundantByQ); DESIGN section 5.
 */
export function explainLayer(found: LayerCase): string {
  if (found.mode === 'weightOnly') return weightOnlyReason(found)
  const node = found.structure.nodes.get(found.layer.id)
  if (!node) return 'its node is not in the file under its name.'
  for (const rule of rules) {
    const reason = rule(node, found)
    if (reason !== null) return reason
  }
  if (found.kernels.length === 0)
    return 'ONNX Runtime merged it into another operator or removed it: it has no kernel of its own.'
  return `ONNX Runtime left ${node.opType} between DequantizeLinear and QuantizeLinear, for no reason known here.`
}

function weightOnlyReason({ kernels, structure, layer }: LayerCase): string {
  const matmul = kernels.find(({ opType }) => opType === 'MatMulNBits')
  if (matmul) return 'weight-only: the kernel MatMulNBits widens the weights to float, as its accuracy level asks.'
  const node = structure.nodes.get(layer.id)
  if (!node || node.opType === 'Conv')
    return 'weight-only: the activations are float, and the weights become float when the file is loaded.'
  const producer = structure.producers.get(node.inputs[1] ?? '')
  if (producer?.opType !== 'DequantizeLinear')
    return 'weight-only: its weights become float when the file is loaded; MatMulNBits takes matrices of 4 and 8 bits, on the right and not transposed.'
  const blockSize = intAttribute(producer, 'block_size', 0)
  const isBlockSize = blockSize === 0 || (blockSize >= 16 && Number.isInteger(Math.log2(blockSize)))
  if (!isBlockSize)
    return `weight-only: MatMulNBits takes blocks of a power of two from 16 on, not of ${blockSize}; the weights are dequantized in every run.`
  return 'weight-only: ONNX Runtime did not fuse its DequantizeLinear into MatMulNBits, and dequantizes the weights in every run.'
}

/** A rule gives the sentence when it is broken. */
type Rule = (node: Node, found: LayerCase) => string | null

/** In the order in which they explain most. */
const rules: readonly Rule[] = [
  weightTypeRule,
  activationTypeRule,
  inputRule,
  constantRule,
  activationBetweenRule,
  rawOutputRule,
  outputRule,
  zeroPointRule,
  sameTypeRule,
]

const weighted = new Set(['Conv', 'Gemm', 'MatMul', 'ConvTranspose'])
const integerWithoutOutput = new Set(['Gemm', 'MatMul'])

function weightTypeRule(node: Node, { structure }: LayerCase): string | null {
  const name = weighted.has(node.opType) ? storedWeight(node.inputs[1] ?? '', structure) : null
  const type = name === null ? null : structure.graph.initializers.get(name)!.dataType
  if (type === null || type === 'int8' || type === 'uint8') return null
  return `its weights are stored as ${type}; integer kernels take 8-bit weights.`
}

function activationTypeRule(node: Node, { structure }: LayerCase): string | null {
  for (const tensor of [node.inputs[0]!, ...outputsOf(node, structure)]) {
    const type = pairType(tensor, structure)
    if (type === 'int16' || type === 'uint16') return `its activations are ${type}; integer kernels take 8 bits.`
  }
  return null
}

function inputRule(node: Node, { structure }: LayerCase): string | null {
  const name = node.inputs[0]!
  if (isDequantized(name, structure)) return null
  const producer = structure.producers.get(name)
  return producer
    ? `its input ${name} comes in float from ${producer.name} (${producer.opType}).`
    : `its input ${name} is not quantized.`
}

function constantRule(node: Node, { structure }: LayerCase): string | null {
  if (!weighted.has(node.opType)) return null
  const name = node.inputs[1] ?? ''
  if (isDequantized(name, structure)) return null
  return `its second input ${name} is not quantized: it comes in float${structure.graph.initializers.has(name) ? ' as a constant' : ''}.`
}

/** Something other than Relu or Clip between the node and its Q. */
function activationBetweenRule(node: Node, { structure, layer }: LayerCase): string | null {
  const readers = readersOf(node.outputs[0]!, structure)
  const [reader] = readers
  if (readers.length !== 1 || !reader || reader.opType === 'QuantizeLinear' || absorbed.has(reader.opType)) return null
  if (!layer.nodes.includes(reader.name) && !leadsToQ(reader, structure)) return null
  return `${reader.opType} (${reader.name}) stands between it and its QuantizeLinear; only Relu and Clip are absorbed.`
}

const absorbed = new Set(['Relu', 'Clip'])

function leadsToQ(node: Node, structure: FileStructure): boolean {
  return readersOf(node.outputs[0]!, structure).some(({ opType }) => opType === 'QuantizeLinear')
}

function rawOutputRule(node: Node, { structure }: LayerCase): string | null {
  if (integerWithoutOutput.has(node.opType)) return null
  for (const tensor of outputsOf(node, structure)) {
    if (structure.outputs.has(tensor))
      return `its raw output ${tensor} is an output of the model, so it has to exist in float.`
    const readers = readersOf(tensor, structure)
    const stranger = readers.find(({ opType }) => opType !== 'QuantizeLinear' && !absorbed.has(opType))
    if (readers.length > 1 && stranger)
      return `its raw output ${tensor} is also read by ${stranger.name} (${stranger.opType}) in float.`
    if (readers.length > 1) return `its raw output ${tensor} has ${readers.length} readers; a fused kernel gives one.`
  }
  return null
}

function outputRule(node: Node, { structure }: LayerCase): string | null {
  if (integerWithoutOutput.has(node.opType)) return null
  const last = outputsOf(node, structure).at(-1)!
  const readers = readersOf(last, structure)
  if (readers.some(({ opType }) => opType === 'QuantizeLinear')) return null
  const [reader] = readers
  return `its output ${last} is not quantized${reader ? `: ${reader.name} (${reader.opType}) reads it in float` : ''}.`
}

/** After Relu or Clip the zero point has to be the lowest integer, and the Clip no narrower than what the Q can hold. */
function zeroPointRule(node: Node, { structure }: LayerCase): string | null {
  const tensors = outputsOf(node, structure)
  if (tensors.length < 2) return null
  const activation = structure.producers.get(tensors.at(-1)!)!
  const quantize = readersOf(tensors.at(-1)!, structure).find(({ opType }) => opType === 'QuantizeLinear')
  const pair = quantize ? pairOf(quantize, structure) : null
  if (!pair) return null
  const { qmin, qmax, scale, zeroPoint, type } = pair
  const bounds =
    activation.opType === 'Relu'
      ? { min: 0, max: Infinity }
      : constantClipBounds(activation, structure.graph.initializers)
  if (!bounds) return `the bounds of its ${activation.opType} are computed at run time.`
  if (bounds.min > scale * (qmin - zeroPoint)) {
    return `the zero point of ${tensors.at(-1)!} is ${zeroPoint}, not ${qmin}, the lowest ${type}: its ${activation.opType} cannot be absorbed.`
  }
  if (bounds.max < scale * (qmax - zeroPoint))
    return `its ${activation.opType} ends at ${bounds.max}, below the highest value that ${tensors.at(-1)!} can hold in ${type}.`
  return null
}

function sameTypeRule(node: Node, { structure }: LayerCase): string | null {
  const input = pairType(node.inputs[0]!, structure)
  const output = pairType(outputsOf(node, structure).at(-1)!, structure)
  if (input !== null && output !== null && input !== output)
    return `its input is ${input} and its output ${output}; integer kernels want one type for both.`
  const name = weighted.has(node.opType) ? storedWeight(node.inputs[1] ?? '', structure) : null
  const weights = name === null ? null : structure.graph.initializers.get(name)!.dataType
  return input === 'int8' && weights === 'uint8'
    ? 'its activations are int8 and its weights uint8; with int8 activations the weights have to be int8.'
    : null
}

/** The node's own output, and behind it that of the Relu or Clip that alone reads it. */
function outputsOf(node: Node, structure: FileStructure): string[] {
  const own = node.outputs[0]!
  const readers = readersOf(own, structure)
  const [reader] = readers
  return readers.length === 1 && reader && absorbed.has(reader.opType) ? [own, reader.outputs[0]!] : [own]
}

function readersOf(tensor: string, structure: FileStructure): readonly Node[] {
  return structure.consumers.get(tensor) ?? []
}

function isDequantized(name: string, structure: FileStructure): boolean {
  return structure.producers.get(name)?.opType === 'DequantizeLinear'
}

interface Pair {
  readonly type: string
  readonly qmin: number
  readonly qmax: number
  readonly scale: number
  readonly zeroPoint: number
}

/** Container of the pair on a tensor: of the DQ that writes it, or the Q that reads it. */
function pairType(tensor: string, structure: FileStructure): string | null {
  const writer = structure.producers.get(tensor)
  const pair =
    writer?.opType === 'DequantizeLinear'
      ? writer
      : readersOf(tensor, structure).find(({ opType }) => opType === 'QuantizeLinear')
  return pair ? (pairOf(pair, structure)?.type ?? null) : null
}

/** Scale, zero point and bounds of a Q or DQ with constant parameters for a whole tensor. */
function pairOf(node: Node, { graph }: FileStructure): Pair | null {
  const scale = graph.initializers.get(node.inputs[1] ?? '')
  const zeroPoint = graph.initializers.get(node.inputs[2] ?? '')
  if (scale?.dataType !== 'float' || !zeroPoint) return null
  const bits = Number(/\d+$/.exec(zeroPoint.dataType)?.[0] ?? 8)
  const isSigned = zeroPoint.dataType.startsWith('int')
  return {
    type: zeroPoint.dataType,
    qmin: isSigned ? -(2 ** (bits - 1)) : 0,
    qmax: isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1,
    scale: float32Of(scale)[0]!,
    zeroPoint: firstInteger(zeroPoint),
  }
}

function firstInteger(tensor: Tensor): number {
  return unpackIntegers(tensor, 1)[0]!
}
