import { Fault } from '../../shared/contract/fault.ts'
import { intAttribute } from '../graph/attributes.ts'
import type { Graph, Model, Node, Tensor } from '../graph/model.ts'
import { elementCount, floatTensor, int64Of, int64Tensor } from '../graph/tensors.ts'
import { producersOf } from '../graph/traversal.ts'
import { fillNormal, type Random } from './random.ts'

/** What may stand between the layer that scores the classes and the output. */
const BEHIND = new Set([
  'Softmax',
  'LogSoftmax',
  'Flatten',
  'Reshape',
  'Squeeze',
  'GlobalAveragePool',
  'AveragePool',
  'Relu',
  'Add',
  'Dropout',
  'Identity',
])

/**
 * A classifier for another number of classes: the layer that scores them (Gemm, MatMul or Conv) gets fresh weights and a bias of 0, all
 * other weights stay. The same model where it has that many classes already.
 * @throws Fault model.head where no such layer is found
 */
export function replaceHead(model: Model, classes: number, random: Random): Model {
  const { graph } = model
  const path = headPath(graph)
  const head = path.at(-1)!
  const weight = graph.initializers.get(head.inputs[1]!)!
  const axis = classAxis(head, weight)
  const before = weight.dims[axis]!
  if (before === classes) return model
  const initializers = new Map(graph.initializers)
  const dims = weight.dims.map((dim, i) => (i === axis ? classes : dim))
  const fanIn = elementCount(dims) / classes
  const fresh = fillNormal(new Float32Array(elementCount(dims)), random, Math.sqrt(1 / fanIn))
  initializers.set(weight.name, floatTensor(weight.name, dims, fresh))
  for (const node of path)
    for (const name of node.inputs.slice(node === head ? 2 : 0)) refit(initializers, name, before, classes)
  const outputs = graph.outputs.map((output) => ({
    ...output,
    shape:
      output.shape?.map((dim, i, shape) =>
        i === shape.length - 1 || dim === before ? lengthOf(dim, before, classes) : dim,
      ) ?? null,
  }))
  return { ...model, graph: { ...graph, initializers, outputs, valueInfo: new Map() } }
}

const lengthOf = <T>(dim: T, before: number, classes: number): T | number => (dim === before ? classes : dim)

/** The nodes from the output back to the layer that scores, which is the last. */
function headPath(graph: Graph): Node[] {
  const producers = producersOf(graph)
  const path: Node[] = []
  let node = producers.get(graph.outputs[0]?.name ?? '')
  while (node) {
    path.push(node)
    if (/^(?:Gemm|MatMul|Conv)$/.test(node.opType)) {
      if (graph.initializers.get(node.inputs[1]!)?.dataType === 'float') return path
      break
    }
    if (!BEHIND.has(node.opType)) break
    const next: string | undefined = node.inputs.find(
      (name) => producers.has(name) && producers.get(name)!.opType !== 'Constant',
    )
    node = next === undefined ? undefined : producers.get(next)
  }
  const found = path.at(-1)
  throw new Fault(
    'model.head',
    `No layer that scores the classes was found before the output${found ? ` (the search ended at ${found.opType} '${found.name}')` : ''}, so it cannot be replaced for another number of classes.`,
    { node: found?.name ?? null },
  )
}

function classAxis(head: Node, weight: Tensor): number {
  if (head.opType === 'Conv') return 0
  return head.opType === 'Gemm' && intAttribute(head, 'transB', 0) === 1 ? 0 : weight.dims.length - 1
}

/** A bias of the old length becomes zeros of the new one, a shape that names the old length names the new one. */
function refit(initializers: Map<string, Tensor>, name: string, before: number, classes: number): void {
  const tensor = initializers.get(name)
  if (tensor?.dataType === 'float' && tensor.dims.includes(before)) {
    const dims = tensor.dims.map((dim) => lengthOf(dim, before, classes))
    initializers.set(name, floatTensor(name, dims, new Float32Array(elementCount(dims))))
  } else if (tensor?.dataType === 'int64') {
    const values = Array.from(int64Of(tensor), (value) => lengthOf(Number(value), before, classes))
    initializers.set(name, int64Tensor(name, tensor.dims, values))
  }
}
