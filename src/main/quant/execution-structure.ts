import type { LayerInfo } from '../../shared/contract/model.ts'
import type { QuantMode } from '../../shared/contract/plan.ts'
import type { Graph, Model, Node } from '../graph/model.ts'
import { consumersOf, producersOf } from '../graph/traversal.ts'

/** What the nodes around a layer say of its quantization, in the file as it was loaded. */
export interface FileStructure {
  readonly graph: Graph
  readonly producers: ReadonlyMap<string, Node>
  readonly consumers: ReadonlyMap<string, readonly Node[]>
  readonly outputs: ReadonlySet<string>
  /** node by its name */
  readonly nodes: ReadonlyMap<string, Node>
  /** how the file holds a layer quantized, null when it does not */
  modeOf(layer: LayerInfo): QuantMode | null
}

/** The structure of a file with QuantizeLinear and DequantizeLinear pairs, integer ops, or quantized weights. */
export function fileStructure(model: Model): FileStructure {
  const { graph } = model
  const structure = {
    graph,
    producers: producersOf(graph),
    consumers: consumersOf(graph),
    outputs: new Set(graph.outputs.map(({ name }) => name)),
    nodes: new Map(graph.nodes.map((node) => [node.name, node])),
  }
  return { ...structure, modeOf: (layer) => modeOf(layer, structure) }
}

type Structure = Omit<FileStructure, 'modeOf'>

function modeOf(layer: LayerInfo, structure: Structure): QuantMode | null {
  const node = structure.nodes.get(layer.id)
  if (!node) return null
  if (node.opType === 'ConvInteger' || node.opType === 'MatMulInteger') return 'dynamic'
  const data = node.inputs.filter((name) => name !== '')
  const isWeighted = node.opType === 'Conv' || node.opType === 'Gemm' || node.opType === 'MatMul'
  const first = data[0]
  if (first === undefined) return null
  const isActivation = (name: string): boolean => isDequantized(name, structure) && !isStoredWeight(name, structure)
  if (isActivation(first)) return 'static'
  const weights = isWeighted ? node.inputs[1] : undefined
  return weights !== undefined && isStoredWeight(weights, structure) ? 'weightOnly' : null
}

function isDequantized(name: string, { producers }: Structure): boolean {
  return producers.get(name)?.opType === 'DequantizeLinear'
}

const integerTypes = new Set(['int4', 'uint4', 'int8', 'uint8', 'int16', 'uint16', 'int2', 'uint2'])

/** True for a tensor computed from an integer constant by DequantizeLinear, or by Cast, Sub and Mul. */
function isStoredWeight(name: string, structure: Pick<Structure, 'producers' | 'graph'>): boolean {
  return storedWeight(name, structure) !== null
}

/** The integer constant behind a dequantized tensor, through DequantizeLinear or Cast, Sub and Mul; null for others. */
export function storedWeight(
  name: string,
  { producers, graph }: Pick<Structure, 'producers' | 'graph'>,
): string | null {
  let tensor = name
  for (let depth = 0; depth < 4; depth++) {
    const constant = graph.initializers.get(tensor)
    if (constant) return depth > 0 && integerTypes.has(constant.dataType) ? tensor : null
    const node = producers.get(tensor)
    if (!node || !['DequantizeLinear', 'Cast', 'Sub', 'Mul'].includes(node.opType)) return null
    tensor = node.inputs[0]!
  }
  return null
}

/**
 * The nodes behind a layer's main node that finish its result: Cast, Mul by the scales and Add of the bias behind an integer
 * op, Add or Sub of a constant behind a MatMul with stored weights. Each alone reads the one before. Lets a file be read
 * without the table of the quantizer that wrote it.
 */
export function finishingNodes(node: Node, structure: FileStructure): Node[] {
  const isInteger = node.opType === 'ConvInteger' || node.opType === 'MatMulInteger'
  if (!isInteger && !(node.opType === 'MatMul' && isStoredWeight(node.inputs[1] ?? '', structure))) return []
  const found: Node[] = []
  let last = node
  for (const wanted of isInteger ? [['Cast'], ['Mul'], ['Add']] : [['Add', 'Sub']]) {
    const tensor = last.outputs[0]!
    const readers = structure.consumers.get(tensor) ?? []
    const [reader] = readers
    if (readers.length !== 1 || !reader || !wanted.includes(reader.opType) || structure.outputs.has(tensor)) break
    const other = reader.inputs.find((name) => name !== tensor)
    if (reader.opType === 'Mul') {
      const scales = structure.producers.get(other ?? '')
      if (scales?.opType !== 'Mul') break
      found.push(scales)
    } else if (other !== undefined && !structure.graph.initializers.has(other)) {
      break
    }
    found.push(reader)
    last = reader
  }
  return found
}
