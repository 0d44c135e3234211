import type { DataType } from '../../../shared/contract/tensor.ts'
import type { LayerRole } from '../../../shared/contract/model.ts'
import type { Node, Tensor } from '../model.ts'
import { elementCount, float32Of } from '../tensors.ts'
import { subgraphsOf } from '../traversal.ts'
import { isStandard } from '../passes/pass.ts'
import { INTEGER_KERNELS, kernelGap } from './roles.ts'

/** What the decision looks at. */
export interface LayerView {
  /** operators the file defines itself, as `domain::name` */
  readonly functions: ReadonlySet<string>
  readonly constants: ReadonlyMap<string, Tensor>
  readonly producers: ReadonlyMap<string, Node>
  readonly typeOf: (tensor: string) => DataType | null
}

/** Role of a layer by its main node, and why it cannot be quantized; reason null when it can. */
export interface Verdict {
  readonly role: LayerRole
  readonly reason: string | null
}

const other = (reason: string): Verdict => ({ role: 'other', reason })

/** Decides for the main node of a layer; reasons are whole phrases that read after "stays in float: ". */
export function judge(node: Node, view: LayerView): Verdict {
  if (subgraphsOf(node).length > 0) return other(`${node.opType} runs a subgraph, and subgraphs are not quantized`)
  if (view.functions.has(`${node.domain}::${node.opType}`))
    return other(`${node.opType} is a function defined in the file`)
  if (!isStandard(node)) return other(`${node.opType} is an operator of the domain ${node.domain}`)
  if (QUANTIZED_OPS.has(node.opType)) return other(`${node.opType} is already part of a quantized model`)
  const type = dataTypeOf(node, view)
  if (type !== null && type !== 'float') return other(`it works on ${type}, only float32 is quantized`)
  const role = INTEGER_KERNELS.get(node.opType)
  if (role === undefined) return other(`${node.opType} has no integer kernel in ONNX Runtime`)
  const gap = kernelGap(node)
  if (gap !== null) return other(gap)
  if (!node.inputs.some((input) => input !== '' && !view.constants.has(input))) return other('it reads constants only')
  if (role === 'weighted') return judgeWeighted(node, view)
  if (role === 'movement' && view.constants.has(node.inputs[0]!)) return other('it moves a constant, not an activation')
  return { role, reason: role === 'arithmetic' ? brokenConstant(node, view) : null }
}

/** Operators that already carry integers. */
const QUANTIZED_OPS: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'QLinearConv',
  'QLinearMatMul',
  'ConvInteger',
  'MatMulInteger',
])

/** The element type of the data a node works on: its first input, or what it gives where it has none. */
function dataTypeOf(node: Node, view: LayerView): DataType | null {
  const name = node.inputs.find((input) => input !== '') ?? node.outputs[0]!
  return view.constants.get(name)?.dataType ?? view.typeOf(name)
}

function judgeWeighted(node: Node, view: LayerView): Verdict {
  const weights = view.constants.get(node.inputs[1] ?? '')
  if (weights === undefined) return judgeComputedWeights(node, view)
  if (view.constants.has(node.inputs[0]!)) return judgeLeftConstant(node)
  const rank = weights.dims.length
  const reason =
    brokenConstant(node, view) ??
    (elementCount(weights.dims) === 0 ? `its weights ${weights.name} are empty` : null) ??
    (node.opType === 'MatMul' && rank === 1
      ? `its weights ${weights.name} are a vector, which has no integer kernel`
      : null) ??
    computedBias(node, view)
  return { role: 'weighted', reason }
}

/** A MatMul of two activations has an integer kernel; Conv and Gemm need constant weights for theirs. */
function judgeComputedWeights(node: Node, view: LayerView): Verdict {
  const source = view.producers.get(node.inputs[1] ?? '')
  if (source !== undefined && QUANTIZED_OPS.has(source.opType))
    return { role: 'weighted', reason: 'its weights are already quantized' }
  if (node.opType !== 'MatMul')
    return { role: 'weighted', reason: 'its weights are computed at run time, not constant' }
  return { role: 'arithmetic', reason: brokenConstant(node, view) }
}

function judgeLeftConstant(node: Node): Verdict {
  return node.opType === 'MatMul'
    ? { role: 'arithmetic', reason: null }
    : { role: 'weighted', reason: 'its data input is constant' }
}

function computedBias(node: Node, view: LayerView): string | null {
  const bias = node.inputs[2] ?? ''
  if (bias === '' || view.constants.has(bias)) return null
  return `its ${node.opType === 'Gemm' ? 'C input' : 'bias'} ${bias} is computed at run time, not constant`
}

/** Names the first float constant that holds NaN or Inf, or has another type. */
function brokenConstant(node: Node, { constants }: LayerView): string | null {
  for (const name of node.inputs) {
    const tensor = constants.get(name)
    if (tensor === undefined) continue
    if (tensor.dataType !== 'float') return `its constant ${name} is ${tensor.dataType}, only float32 is quantized`
    const values = float32Of(tensor)
    const at = firstNotFinite(values)
    if (at >= 0) return `its constant ${name} holds ${String(values[at])} at element ${at}`
  }
  return null
}

/** Runs over every weight of a model, hence the arithmetic: v − v is 0 for finite numbers only, and cheaper than a call. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value - value !== 0) return i
  }
  return -1
}
