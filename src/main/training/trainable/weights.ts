import type { Graph, Node, Tensor } from '../../graph/model.ts'
import { elementCount, float32Of, floatTensor } from '../../graph/tensors.ts'
import { intAttribute } from '../../graph/attributes.ts'
import { producersOf } from '../../graph/traversal.ts'

/**
 * How a variable is kept in the engine: `plain` as in the file; `conv` [kH, kW, in, out] from ONNX [out, in, kH, kW];
 * `depthwise` [kH, kW, channels, multiplier] from [channels · multiplier, 1, kH, kW]; `convTranspose` [kH, kW, out, in] from
 * [in, out, kH, kW].
 */
export type StoredLayout = 'plain' | 'conv' | 'depthwise' | 'convTranspose'

/** A tensor of the file that training changes. */
export interface TrainableWeight {
  readonly name: string
  readonly layout: StoredLayout
  readonly groups: number
  /** true for weights of Conv, ConvTranspose, Gemm and MatMul: what weight decay acts on */
  readonly decays: boolean
}

/** Which inputs of an operator are learned, by place. */
const LEARNED: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  Add: [0, 1],
  Sub: [0, 1],
  Mul: [0, 1],
  Div: [0, 1],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  PRelu: [1],
  Concat: [0, 1, 2, 3, 4, 5, 6, 7],
}

/** Operators that only move values: an initializer behind them is still the same weight. */
const MOVES = new Set(['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Expand'])
const DECAYING = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * The float initializers that training changes, in the order of the nodes that read them. Scalars and `Constant` nodes are settings of
 * the graph, not weights, and stay.
 */
export function trainableWeights(graph: Graph): TrainableWeight[] {
  const producers = producersOf(graph)
  const uses = new Map<string, { node: Node; index: number; direct: boolean }[]>()
  for (const node of graph.nodes) {
    for (const index of LEARNED[node.opType] ?? []) {
      const read = node.inputs[index]
      if (!read) continue
      const name = originOf(read, producers)
      const tensor = graph.initializers.get(name)
      if (tensor?.dataType !== 'float' || elementCount(tensor.dims) <= 1) continue
      uses.set(name, [...(uses.get(name) ?? []), { node, index, direct: name === read }])
    }
  }
  return [...uses].map(([name, list]) => {
    const layouts = new Set(list.map(({ node, index, direct }) => (direct ? layoutOf(node, index, graph) : 'plain')))
    return {
      name,
      layout: layouts.size === 1 ? [...layouts][0]! : 'plain',
      groups: intAttribute(list[0]!.node, 'group', 1),
      decays: list.some(({ node, index }) => DECAYING.has(node.opType) && index < 2),
    }
  })
}

function originOf(name: string, producers: ReadonlyMap<string, Node>): string {
  let current = name
  for (let node = producers.get(current); node && MOVES.has(node.opType); node = producers.get(current)) {
    current = node.inputs[0]!
  }
  return current
}

/** The engine's layout of input `index` of a node. */
export function layoutOf(node: Node, index: number, graph: Graph): StoredLayout {
  if (index !== 1) return 'plain'
  const dims = graph.initializers.get(node.inputs[1]!)?.dims
  if (dims?.length !== 4) return 'plain'
  const groups = intAttribute(node, 'group', 1)
  if (node.opType === 'ConvTranspose') return groups === 1 ? 'convTranspose' : 'plain'
  if (node.opType !== 'Conv') return 'plain'
  return groups > 1 && dims[1] === 1 ? 'depthwise' : 'conv'
}

/** Shape of a weight as the engine keeps it. */
export function storedShape(dims: readonly number[], layout: StoredLayout, groups: number): number[] {
  const [a = 1, b = 1, h = 1, w = 1] = dims
  switch (layout) {
    case 'plain':
      return [...dims]
    case 'conv':
    case 'convTranspose':
      return [h, w, b, a]
    case 'depthwise':
      return [h, w, groups, a / groups]
  }
}

/** The values of a tensor of the file in the engine's layout. */
export function toStored(tensor: Tensor, layout: StoredLayout): Float32Array {
  const values = float32Of(tensor)
  return layout === 'plain' ? values.slice() : moveWindow(values, tensor.dims, true)
}

/** The tensor of the file with new values from the engine's layout. */
export function fromStored(tensor: Tensor, values: Float32Array, layout: StoredLayout): Tensor {
  const moved = layout === 'plain' ? values : moveWindow(values, tensor.dims, false)
  return floatTensor(tensor.name, tensor.dims, moved)
}

/**
 * [a, b, h, w] to [h, w, b, a] or back. A depthwise weight has b = 1, and [h, w, 1, channels · multiplier] is
 * [h, w, channels, multiplier] in memory.
 */
function moveWindow(values: Float32Array, dims: readonly number[], forth: boolean): Float32Array {
  const [a, b, h, w] = dims as [number, number, number, number]
  const moved = new Float32Array(values.length)
  for (let i = 0, source = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let y = 0; y < h * w; y++, source++) {
        const target = (y * b + j) * a + i
        if (forth) moved[target] = values[source]!
        else moved[source] = values[target]!
      }
    }
  }
  return moved
}
