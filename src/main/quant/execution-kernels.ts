import { intAttribute } from '../graph/attributes.ts'
import type { Model, Node } from '../graph/model.ts'

/**
 * Kernels of ONNX Runtime that multiply, add or average integers. An op's integer form and its float form have different
 * names, so that the optimised graph alone tells them apart.
 * Source: onnxruntime docs/ContribOperators.md and ONNX operators; kinds seen with ONNX Runtime 1.30.
 */
const integerKernels = new Set([
  'QLinearConv',
  'ConvInteger',
  'QLinearMatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'DynamicQuantizeMatMul',
  'QGemm',
  'QLinearAdd',
  'QLinearMul',
  'QLinearConcat',
  'QLinearAveragePool',
  'QLinearGlobalAveragePool',
  'QLinearSoftmax',
  'QLinearSigmoid',
  'QLinearLeakyRelu',
  'QLinearReduceMean',
  'QLinearWhere',
  'QAttention',
  'DynamicQuantizeLSTM',
])

/** Integer kernels whose result is float again. */
const floatResults = new Set(['MatMulIntegerToFloat', 'DynamicQuantizeMatMul', 'QAttention', 'DynamicQuantizeLSTM'])

/** Ops that pass values on in whatever type they come. */
const movement = new Set([
  'MaxPool',
  'NhwcMaxPool',
  'Resize',
  'Slice',
  'Split',
  'Transpose',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Gather',
  'Expand',
  'Tile',
  'DepthToSpace',
  'SpaceToDepth',
  'Pad',
  'Clip',
  'Identity',
  'Upsample',
])

/** What MatMulNBits does with activations: level 4 quantizes them to int8, lower levels widen the weights to float. */
const integerAccuracyLevel = 4

const byteTypes = new Set(['int8', 'uint8'])

/** Tensors of an optimised graph that hold quantized activations or weights (8-bit integers). */
export function integerTensors(dump: Model): ReadonlySet<string> {
  const integers = new Set<string>()
  for (const [name, tensor] of dump.graph.initializers) if (byteTypes.has(tensor.dataType)) integers.add(name)
  for (const { name, dataType } of dump.graph.inputs)
    if (dataType !== null && byteTypes.has(dataType)) integers.add(name)
  for (const node of dump.graph.nodes) {
    if (givesIntegers(node, integers)) for (const output of node.outputs) integers.add(output)
  }
  return integers
}

function givesIntegers(node: Node, integers: ReadonlySet<string>): boolean {
  const { opType } = node
  if (opType === 'QuantizeLinear' || opType === 'DynamicQuantizeLinear') return true
  if (opType === 'ConvInteger' || opType === 'MatMulInteger') return false // int32
  if (opType === 'QGemm') return (node.inputs[7] ?? '') !== ''
  if (integerKernels.has(opType)) return !floatResults.has(opType)
  return movement.has(opType) && integers.has(node.inputs[0] ?? '')
}

/** True when a node of an optimised graph computes on, or passes on, 8-bit integers. */
export function isIntegerKernel(node: Node, integers: ReadonlySet<string>): boolean {
  if (node.opType === 'MatMulNBits') return intAttribute(node, 'accuracy_level', 0) === integerAccuracyLevel
  if (integerKernels.has(node.opType)) return true
  return movement.has(node.opType) && integers.has(node.inputs[0] ?? '')
}

/** True for kernels that DESIGN section 5 forbids in layers planned float: they compute, in integers. */
export function computesIntegers(node: Node): boolean {
  return integerKernels.has(node.opType)
}

/** True for kernels that change between float and integers: the price of a border between the two. */
export function isConversion(op: string): boolean {
  return op === 'QuantizeLinear' || op === 'DequantizeLinear' || op === 'DynamicQuantizeLinear'
}

/** True for kernels that only change the memory layout. */
export function isLayoutChange(op: string): boolean {
  return op === 'ReorderInput' || op === 'ReorderOutput' || op === 'Transpose'
}
