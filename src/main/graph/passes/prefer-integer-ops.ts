import type { Node } from '../model.ts'
import { intAttribute, intsAttribute } from '../attributes.ts'
import { floatTensor, int64Tensor } from '../tensors.ts'
import { numbersOf, plainNumbers } from './constants/values.ts'
import { isStandard, type Facts, type Pass } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/** The rewrite under way and what is known of its tensors. */
interface Look {
  readonly rewrite: Rewrite
  readonly facts: () => Facts
}

/**
 * Writes float operators without an integer kernel as ones that have it, exactly or to one rounding:
 * - Sum of two tensors becomes Add;
 * - Sub of a constant becomes Add of its negative;
 * - Div by a constant becomes Mul by its reciprocal, rounded once (exact for powers of two);
 * - ReduceMean over the picture axes of an NCHW tensor becomes GlobalAveragePool, with a Squeeze where the axes go (the same
 *   sum, in another order).
 */
export const preferIntegerOps: Pass = (model, context) => {
  const rewrite = new Rewrite(model)
  let known: Facts | null = null
  const look: Look = { rewrite, facts: () => (known ??= context.facts(model)) }
  for (const { name } of model.graph.nodes) {
    const node = rewrite.node(name)!
    // a file may name an operator `constructor`
    if (isStandard(node) && Object.hasOwn(REPLACEMENTS, node.opType)) REPLACEMENTS[node.opType]!(node, look)
  }
  return rewrite.finish()
}

const REPLACEMENTS: Readonly<Record<string, (node: Node, look: Look) => void>> = {
  Sum: sumToAdd,
  Sub: (node, look) => constantSide(node, look, 'Add', (value) => -value),
  Div: (node, look) => constantSide(node, look, 'Mul', reciprocal),
  ReduceMean: meanToPool,
}

function isFloat(look: Look, tensor: string): boolean {
  return look.facts().get(tensor)?.dataType === 'float'
}

function sumToAdd(node: Node, look: Look): void {
  if (node.inputs.length === 2 && isFloat(look, node.inputs[0]!)) look.rewrite.replace({ ...node, opType: 'Add' })
}

/** Replaces `x op c` by `x other f(c)`; `f` gives null where there is none. */
function constantSide(node: Node, { rewrite }: Look, opType: string, change: (value: number) => number | null): void {
  const constant = rewrite.constant(node.inputs[1])
  if (constant?.dataType !== 'float' || rewrite.constant(node.inputs[0]) !== null) return
  const values = Array.from(numbersOf(constant) as Float64Array, change)
  if (values.some((value) => value === null)) return
  const changed = floatTensor(constant.name, constant.dims, values as number[])
  rewrite.replace({ ...node, opType, inputs: [node.inputs[0]!, rewrite.changeConstant(node, changed)] })
}

/** Smallest normal float32: below it a reciprocal or its inverse loses digits. Source: IEEE 754 binary32. */
const SMALLEST_NORMAL = 2 ** -126

/** 1 / value where both are normal float32 numbers. */
function reciprocal(value: number): number | null {
  const size = Math.abs(value)
  return size >= SMALLEST_NORMAL && 1 / size >= SMALLEST_NORMAL ? 1 / value : null
}

function meanToPool(node: Node, look: Look): void {
  const { rewrite } = look
  const input = look.facts().get(node.inputs[0]!)
  const axes = axesOf(node, rewrite)
    ?.map((axis) => (axis < 0 ? axis + 4 : axis))
    .sort()
  if (input?.dataType !== 'float' || input.shape?.length !== 4 || axes?.join() !== '2,3') return
  const pool = { ...node, opType: 'GlobalAveragePool', inputs: [node.inputs[0]!], attributes: new Map() }
  if (intAttribute(node, 'keepdims', 1) === 1) return rewrite.replace(pool)
  const pooled = rewrite.freshTensorName(`${node.name}_pooled`)
  const squeezed = rewrite.addConstant(int64Tensor(`${node.name}_axes`, [2], [2, 3]))
  rewrite.replace({ ...pool, outputs: [pooled] })
  rewrite.add({
    name: `${node.name}_squeeze`,
    opType: 'Squeeze',
    inputs: [pooled, squeezed],
    outputs: [node.outputs[0]!],
  })
}

/** The axes of a reduction as attribute (before opset 18) or constant input. */
function axesOf(node: Node, rewrite: Rewrite): number[] | null {
  const given = rewrite.constant(node.inputs[1])
  return given ? plainNumbers(given) : intsAttribute(node, 'axes')
}
