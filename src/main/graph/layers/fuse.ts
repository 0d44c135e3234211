import type { Model, Node, Tensor } from '../model.ts'
import { elementCount, float32Of } from '../tensors.ts'
import { consumersOf } from '../traversal.ts'
import { isStandard } from '../passes/pass.ts'
import { ABSORBED_ACTIVATIONS, INTEGER_KERNELS } from './roles.ts'

/** The nodes of one layer: `main` names it, `bias` is the Add behind a MatMul, `activation` the absorbed one. */
export interface NodeGroup {
  readonly main: Node
  readonly bias: Node | null
  readonly activation: Node | null
}

/** The nodes of a group in graph order. */
export function nodesOf({ main, bias, activation }: NodeGroup): Node[] {
  return [main, bias, activation].filter((node) => node !== null)
}

/** The node that writes what the group gives to others. */
export function lastOf({ main, bias, activation }: NodeGroup): Node {
  return activation ?? bias ?? main
}

/**
 * Groups the nodes of the main graph into layers, every node in exactly one, in graph order of the main ops: a linear or
 * arithmetic operator takes in the Relu or Clip (constant bounds around 0) that alone reads its output, and a MatMul with constant weights the Add of a
 * constant before that. Other activations need a pair of their own (DESIGN section 5) and are layers of their own.
 */
export function groupNodes(model: Model): NodeGroup[] {
  const { graph } = model
  const consumers = consumersOf(graph)
  const outputs = new Set(graph.outputs.map((output) => output.name))
  const taken = new Set<string>()
  const soleReader = (node: Node): Node | null => {
    const name = node.outputs[0]!
    const readers = consumers.get(name)
    const reader = readers?.length === 1 ? readers[0]! : null
    return reader && !outputs.has(name) && reader.inputs.includes(name) && !taken.has(reader.name) ? reader : null
  }
  const groups: NodeGroup[] = []
  for (const main of graph.nodes) {
    if (taken.has(main.name)) continue
    const bias = fusedBias(main, graph.initializers, soleReader)
    const activation = fusedActivation(main, bias ?? main, graph.initializers, soleReader)
    const group = { main, bias, activation }
    for (const node of nodesOf(group)) taken.add(node.name)
    groups.push(group)
  }
  return groups
}

type SoleReader = (node: Node) => Node | null
type Constants = ReadonlyMap<string, Tensor>

/** The Add of a constant along the last axis that alone reads a MatMul with constant weights. */
function fusedBias(main: Node, constants: Constants, soleReader: SoleReader): Node | null {
  if (main.opType !== 'MatMul' || !isStandard(main) || !isWeightMatrix(main, constants)) return null
  const add = soleReader(main)
  if (add?.opType !== 'Add' || !isStandard(add)) return null
  const bias = constants.get(add.inputs[add.inputs[0] === main.outputs[0] ? 1 : 0]!)
  const columns = constants.get(main.inputs[1]!)!.dims.at(-1)!
  if (bias?.dataType !== 'float') return null
  const width = bias.dims.at(-1) ?? 1
  return elementCount(bias.dims) === width && (width === columns || width === 1) ? add : null
}

function isWeightMatrix(main: Node, constants: Constants): boolean {
  const weights = constants.get(main.inputs[1]!)
  return weights?.dataType === 'float' && weights.dims.length >= 2
}

/** The Relu or Clip with constant bounds around 0 that alone reads `last`, for ops whose integer kernel absorbs it. */
function fusedActivation(main: Node, last: Node, constants: Constants, soleReader: SoleReader): Node | null {
  const role = INTEGER_KERNELS.get(main.opType)
  const absorbs = role === 'weighted' || role === 'arithmetic' || main.opType === 'ConvTranspose'
  if (!absorbs || !isStandard(main) || main.outputs.length !== 1) return null
  const activation = soleReader(last)
  if (activation === null || !isStandard(activation) || !ABSORBED_ACTIVATIONS.has(activation.opType)) return null
  if (activation.inputs[0] !== last.outputs[0]) return null
  if (activation.opType === 'Relu') return activation
  const bounds = constantClipBounds(activation, constants)
  // a range without 0 could not be quantized as the Clip's alone
  return bounds !== null && bounds.min <= 0 && bounds.max > 0 ? activation : null
}

/** The bounds of a Clip as constants, −Infinity and Infinity where it has none; null where they are computed. */
export function constantClipBounds(clip: Node, constants: Constants): { min: number; max: number } | null {
  const bound = (i: number, absent: number): number | null => {
    const name = clip.inputs[i] ?? ''
    if (name === '') return absent
    const tensor = constants.get(name)
    return tensor?.dataType === 'float' && elementCount(tensor.dims) === 1 ? float32Of(tensor)[0]! : null
  }
  const min = bound(1, -Infinity)
  const max = bound(2, Infinity)
  return min === null || max === null ? null : { min, max }
}
