import type { Graph, Node } from '../graph/model.ts'
import { intAttribute } from '../graph/attributes.ts'
import { constantClipBounds } from '../graph/layers/index.ts'
import { INTEGER_KERNELS, kernelGap } from '../graph/layers/roles.ts'
import { isStandard } from '../graph/passes/pass.ts'
import { float32Of } from '../graph/tensors.ts'

/** Real interval a tensor's values lie in, whatever the input: [low, high]. */
export interface Interval {
  readonly low: number
  readonly high: number
}

export const everything: Interval = { low: -Infinity, high: Infinity }

/** What the quantizer knows of one operator. */
export interface OperatorRow {
  readonly kind: 'weighted' | 'arithmetic' | 'movement'
  /** inputs that carry activations (or weights); the others are shapes, indices, bounds */
  readonly dataInputs: 'first' | 'firstTwo' | 'all'
}

const firstTwo: ReadonlySet<string> = new Set(['Gemm', 'MatMul', 'Add', 'Mul'])

/**
 * The operator's row, or null for one without an integer kernel (or in a form that has none).
 * Source: `INTEGER_KERNELS` of graph/layers.
 */
export function operatorOf(node: Node): OperatorRow | null {
  const kind = isStandard(node) ? INTEGER_KERNELS.get(node.opType) : undefined
  if (kind === undefined || kernelGap(node) !== null) return null
  return { kind, dataInputs: firstTwo.has(node.opType) ? 'firstTwo' : node.opType === 'Concat' ? 'all' : 'first' }
}

/** Positions of the inputs that carry activations or weights and are present. */
export function dataInputIndices(node: Node, row: OperatorRow): number[] {
  const count = { first: 1, firstTwo: 2, all: node.inputs.length }[row.dataInputs]
  return node.inputs.flatMap((name, i) => (i < count && name !== '' ? [i] : []))
}

type IntervalRule = (inputs: readonly Interval[], node: Node, graph: Graph) => Interval

const keep = (inputs: readonly Interval[]): Interval => inputs[0] ?? everything
const between = (low: number, high: number) => (): Interval => ({ low, high })
const hull = (inputs: readonly Interval[]): Interval => ({
  low: Math.min(...inputs.map((input) => input.low)),
  high: Math.max(...inputs.map((input) => input.high)),
})
const sum = ([a = everything, b = everything]: readonly Interval[]): Interval => ({
  low: a.low + b.low,
  high: a.high + b.high,
})
const product = ([a = everything, b = everything]: readonly Interval[]): Interval =>
  a.low >= 0 && b.low >= 0 ? { low: 0, high: Infinity } : everything
const relu = ([a = everything]: readonly Interval[]): Interval => ({
  low: Math.max(0, a.low),
  high: Math.max(0, a.high),
})
const clip: IntervalRule = (inputs, node, graph) => clipInterval(node, graph) ?? keep(inputs)

/** What each operator's output lies in, given its data inputs; an operator without a row can give anything. */
const intervalRules: ReadonlyMap<string, IntervalRule> = new Map<string, IntervalRule>([
  ['Relu', relu],
  ['Clip', clip],
  ['Sigmoid', between(0, 1)],
  ['Softmax', between(0, 1)],
  ['HardSigmoid', between(0, 1)],
  ['Tanh', between(-1, 1)],
  // the least value of x · clip(x / 6 + 1/2, 0, 1) is at x = −3/2
  ['HardSwish', between(-0.375, Infinity)],
  ['Add', sum],
  ['Mul', product],
  ['Concat', hull],
  ['AveragePool', keep],
  ['GlobalAveragePool', keep],
  ['Pad', padInterval],
])

/** The interval of a node's outputs, from those of the tensors it reads. */
export function outputInterval(node: Node, graph: Graph, intervalOf: (tensor: string) => Interval): Interval {
  if (!isStandard(node)) return everything
  const row = operatorOf(node)
  const rule = intervalRules.get(node.opType) ?? (row?.kind === 'movement' ? keep : null)
  if (!rule) return everything
  const indices = row ? dataInputIndices(node, row) : [0]
  return rule(
    indices.map((i) => intervalOf(node.inputs[i]!)),
    node,
    graph,
  )
}

/** What a Clip lets through, when its bounds are constants in order; null otherwise. An absent bound is infinite. */
export function clipInterval(node: Node, graph: Graph): Interval | null {
  const bounds = constantClipBounds(node, graph.initializers)
  return bounds && bounds.min <= bounds.max ? { low: bounds.min, high: bounds.max } : null
}

/** The value a constant Pad fills with, 0 when it names none; null when that is computed or not finite. */
export function padValue(node: Node, graph: Graph): number | null {
  const name = node.inputs[2] ?? ''
  if (name === '') return 0
  const tensor = graph.initializers.get(name)
  const value = tensor?.dataType === 'float' ? float32Of(tensor)[0] : undefined
  return value !== undefined && Number.isFinite(value) ? value : null
}

function padInterval(inputs: readonly Interval[], node: Node, graph: Graph): Interval {
  const value = padValue(node, graph)
  return value === null ? everything : hull([keep(inputs), { low: value, high: value }])
}

/**
 * True for an activation that ONNX Runtime fuses into the layer before it once a Q with a fitting zero point follows: Relu,
 * and Clip with constant bounds around 0. All others need a pair between the layer and themselves (m).
 */
export function isFoldableActivation(node: Node, graph: Graph): boolean {
  if (!isStandard(node)) return false
  if (node.opType === 'Relu') return true
  if (node.opType !== 'Clip') return false
  const interval = clipInterval(node, graph)
  return interval !== null && interval.low <= 0 && interval.high > 0
}

/** Axis of the output channels in a weight's stored layout, null where ONNX Runtime takes one scale only. */
export function channelAxis(node: Node, weightIndex: number, rank: number): number | null {
  switch (node.opType) {
    case 'Conv':
      return 0
    case 'ConvTranspose':
      // [in, out / group, …]: with groups one index of axis 1 serves several channels
      return intAttribute(node, 'group', 1) === 1 ? 1 : null
    case 'Gemm':
      return intAttribute(node, 'transB', 0) === 1 ? 0 : 1
    case 'MatMul':
      return weightIndex === 1 && rank === 2 ? 1 : null
    default:
      return null
  }
}
