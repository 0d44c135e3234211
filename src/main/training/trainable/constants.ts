import type { Node, Tensor } from '../../graph/model.ts'
import { tensorAttribute } from '../../graph/attributes.ts'
import { evaluateNode } from '../../graph/passes/constants/evaluate.ts'
import { floatTensor, int64Tensor } from '../../graph/tensors.ts'
import { shapeOf, type Value } from './value.ts'

/** Most elements that are computed outside the engine: shapes and indices, not images. */
const LIMIT = 65_536

/**
 * The output of a node that needs no engine, because it is constant or follows from shapes; null for every other. What Reshape, Slice
 * and the like read must be known before they run.
 */
export function foldValue(node: Node, inputs: readonly (Value | null)[]): Value | null {
  if (node.opType === 'Constant') return asValue(constantOf(node))
  const first = inputs[0]
  if (node.opType === 'Shape' && first) return asValue(shapeTensor(node, shapeOf(first)))
  if (inputs.some((value) => value !== null && value.kind !== 'constant')) return null
  const constants = inputs.map((value) => (value?.kind === 'constant' ? value.constant : null))
  const outputs = evaluateNode(node, constants, LIMIT)
  return outputs?.length === 1 ? asValue(outputs[0]!) : null
}

const asValue = (constant: Tensor): Value => ({ kind: 'constant', constant })

/** Source: ONNX Shape-15. */
function shapeTensor(node: Node, shape: readonly number[]): Tensor {
  const at = (name: string, absent: number): number => {
    const attribute = node.attributes.get(name)
    return attribute?.kind === 'int' ? Number(attribute.value) : absent
  }
  const part = shape.slice(at('start', 0), at('end', shape.length))
  return int64Tensor(node.outputs[0]!, [part.length], part)
}

/** Source: ONNX Constant-13; strings and sparse tensors are nothing to train with. */
function constantOf(node: Node): Tensor {
  const name = node.outputs[0]!
  const tensor = tensorAttribute(node, 'value')
  if (tensor) return { ...tensor, name }
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === 'int') return int64Tensor(name, [], [Number(attribute.value)])
    if (attribute.kind === 'ints') return int64Tensor(name, [attribute.value.length], attribute.value.map(Number))
    if (attribute.kind === 'float') return floatTensor(name, [], [attribute.value])
    if (attribute.kind === 'floats') return floatTensor(name, [attribute.value.length], attribute.value)
  }
  throw new Error(`Constant '${node.name}' holds no numbers`)
}
