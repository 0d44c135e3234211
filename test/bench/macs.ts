import type { Model, Node } from '../../src/main/graph/model.ts'
import { intAttribute } from '../../src/main/graph/attributes.ts'

interface NodeEvent {
  readonly cat: string
  readonly name: string
  readonly args?: {
    readonly op_name?: string
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[]
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[]
  }
}

const CONVOLUTIONS = new Set(['Conv', 'FusedConv', 'QLinearConv', 'ConvInteger'])
const PRODUCTS = new Set([
  'Gemm',
  'QGemm',
  'FusedGemm',
  'MatMul',
  'FusedMatMul',
  'QLinearMatMul',
  'MatMulInteger',
  'DynamicQuantizeMatMul',
  'MatMulIntegerToFloat',
  'MatMulNBits',
])

const product = (dims: readonly number[]): number => dims.reduce((total, dim) => total * dim, 1)

/**
 * Multiply-accumulates of the kernels that ran, by ONNX Runtime's own profile: the shapes are those of the events, padding of its
 * blocked layouts included; kernel sizes come from the model where an event does not tell the shape of packed weights.
 * @param events the profile's JSON
 * @param model the very model that ran, without further optimisation
 */
export function macsOfEvents(events: unknown, model: Model): number {
  if (!Array.isArray(events)) throw new Error('the profile is not an array of events')
  const nodes = new Map(model.graph.nodes.map((node) => [node.name, node]))
  let total = 0
  for (const event of events as readonly NodeEvent[]) {
    if (event.cat !== 'Node' || !event.name.endsWith('_kernel_time')) continue
    const op = event.args?.op_name ?? ''
    const node = nodes.get(event.name.slice(0, -'_kernel_time'.length))
    if (CONVOLUTIONS.has(op)) total += product(outputOf(event)) * product(weightsOf(event, node, model).slice(1))
    else if (PRODUCTS.has(op)) total += product(outputOf(event)) * reducedOf(event, node)
  }
  return total
}

function outputOf({ name, args }: NodeEvent): readonly number[] {
  const [dims] = Object.values(args?.output_type_shape?.[0] ?? {})
  if (!dims) throw new Error(`the event of ${name} tells no shape`)
  return dims
}

/** Weights `[outChannels, inChannels / group, kH, kW]`, as stored or as the event says. */
function weightsOf({ name, args }: NodeEvent, node: Node | undefined, model: Model): readonly number[] {
  const index = args?.op_name === 'QLinearConv' ? 3 : 1
  const stored = model.graph.initializers.get(node?.inputs[index] ?? '')
  if (stored) return stored.dims
  const seen = (args?.input_type_shape ?? []).flatMap((input) => Object.values(input))
  const weights = seen.filter((dims) => dims.length >= 3)[1]
  if (!weights) throw new Error(`the weights of ${name} are not to be found`)
  return weights
}

/** Length of the summed axis: of the left matrix. */
function reducedOf({ name, args }: NodeEvent, node: Node | undefined): number {
  const [dims] = Object.values(args?.input_type_shape?.[0] ?? {})
  const length = node && intAttribute(node, 'transA', 0) === 1 ? dims?.at(-2) : dims?.at(-1)
  if (length === undefined) throw new Error(`the event of ${name} tells no shape`)
  return length
}
