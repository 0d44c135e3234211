import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { Dim } from '../../../shared/contract/tensor.ts'
import type { Graph, Model, Node, Tensor } from '../model.ts'
import { elementCount } from '../tensors.ts'
import { capturedBy, graphsOf, producersOf, subgraphsOf } from '../traversal.ts'
import type { Facts } from '../passes/pass.ts'
import { groupNodes, lastOf, nodesOf, type NodeGroup } from './fuse.ts'
import { macsOfNode } from './macs.ts'
import { judge, type LayerView } from './quantizable.ts'

export interface LayerOptions {
  /**
   * Concrete dims of tensors in one run with `batch` samples, by name, as observed in an engine; without it multiply-accumulates
   * are counted from the static shapes, with the symbolic first axis of the first graph input taken as 1
   */
  readonly observed?: ReadonlyMap<string, readonly number[]>
  /** samples in the observed run; told from the file when absent */
  readonly batch?: number
}

/**
 * The layers of a prepared model in graph order; every node of the main graph belongs to exactly one.
 * - `inputs`: tensors read from outside the layer, without constants; `outputs`: what its last node writes.
 * - `parameters`: float numbers in the initializers that its main op and bias read, subgraphs included; bounds of a Clip and
 *   fill values of a Pad do not count.
 * - `macs`: of one sample; see `macsOfNode`. A batch that is fixed in the file is divided out.
 * @param shapes types and shapes of the tensors, as `inferShapes` gives them (any map of such facts will do)
 */
export function findLayers(model: Model, shapes: Facts, options: LayerOptions = {}): readonly LayerInfo[] {
  const { graph } = model
  const view: LayerView = {
    functions: model.functions ?? new Set(),
    constants: graph.initializers,
    producers: producersOf(graph),
    typeOf: (tensor) => shapes.get(tensor)?.dataType ?? null,
  }
  const count = macCounter(model, shapes, options)
  return groupNodes(model).map((group) => describe(group, view, shapes, count))
}

function describe(group: NodeGroup, view: LayerView, shapes: Facts, count: (node: Node) => number | null): LayerInfo {
  const { main, bias, activation } = group
  const last = lastOf(group)
  const verdict = judge(main, view)
  const reason = verdict.reason ?? biasReason(bias, view)
  return {
    id: main.name,
    op: main.opType,
    activation: activation?.opType ?? null,
    role: verdict.role,
    nodes: nodesOf(group).map((node) => node.name),
    inputs: readsOf(group, view.constants),
    outputs: last.outputs.filter((name) => name !== ''),
    outputShape: shapes.get(last.outputs[0]!)?.shape ?? null,
    parameters: verdict.role === 'movement' ? 0 : parametersOf(bias ? [main, bias] : [main], view.constants),
    macs: count(main),
    quantizable: reason === null,
    reason,
  }
}

function biasReason(bias: Node | null, view: LayerView): string | null {
  return bias === null ? null : judge(bias, view).reason
}

/** What the layer reads that is neither constant nor its own. */
function readsOf(group: NodeGroup, constants: ReadonlyMap<string, Tensor>): string[] {
  const nodes = nodesOf(group)
  const own = new Set(['', ...nodes.flatMap((node) => node.outputs)])
  const reads = new Set(nodes.flatMap((node) => [...node.inputs, ...capturedBy(node)]))
  return [...reads].filter((name) => !own.has(name) && !constants.has(name))
}

function parametersOf(nodes: readonly Node[], constants: ReadonlyMap<string, Tensor>): number {
  const names = new Set(nodes.flatMap((node) => [...node.inputs, ...capturedBy(node)]))
  const outer = [...names].map((name) => constants.get(name)).filter((tensor) => tensor !== undefined)
  const inner = nodes
    .flatMap(subgraphsOf)
    .flatMap((body) => [...graphsOf(body)])
    .flatMap(initializersOf)
  return [...outer, ...inner].reduce((sum, tensor) => sum + parametersIn(tensor), 0)
}

const initializersOf = (graph: Graph): Tensor[] => [...graph.initializers.values()]

const PARAMETER_TYPES: ReadonlySet<string> = new Set(['float', 'double', 'float16', 'bfloat16'])

/** Numbers of a constant that count as parameters: floating point, not shapes and indices. */
export function parametersIn(tensor: Tensor): number {
  return PARAMETER_TYPES.has(tensor.dataType) ? elementCount(tensor.dims) : 0
}

/** Counts the multiply-accumulates of a node for one sample. */
function macCounter(model: Model, shapes: Facts, { observed, batch }: LayerOptions): (node: Node) => number | null {
  const { initializers, inputs, outputs } = model.graph
  const first = inputs.find((input) => !initializers.has(input.name))?.shape?.[0]
  // a fixed first axis is the batch where the output has it too; an unbatched picture [3, H, W] is not three samples
  const fixed = typeof first === 'number' && first > 0 && shapes.get(outputs[0]?.name ?? '')?.shape?.[0] === first
  const samples = batch ?? (fixed ? first : 1)
  const dimsOf = (tensor: string): readonly number[] | null =>
    observed?.get(tensor) ?? withoutBatch(shapes.get(tensor)?.shape ?? null, first)
  return (node) => {
    const macs = macsOfNode(node, initializers, dimsOf)
    return macs === null ? null : macs / samples
  }
}

/** Dims with the symbol of the batch axis as 1; null where another axis is unknown. */
function withoutBatch(shape: readonly Dim[] | null, batch: Dim | undefined): readonly number[] | null {
  const dims = shape?.map((dim, i) =>
    typeof dim === 'number' ? dim : dim === batch && (dim !== null || i === 0) ? 1 : null,
  )
  return dims?.every((dim) => dim !== null) ? dims : null
}
