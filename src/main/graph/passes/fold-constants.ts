import type { Model, Node, Tensor } from '../model.ts'
import { elementCount, floatTensor, int64Tensor } from '../tensors.ts'
import { intAttribute, tensorAttribute } from '../attributes.ts'
import type { Fact, Value } from '../shapes/facts.ts'
import { evaluateNode } from './constants/evaluate.ts'
import { isStandard, type Facts, type Pass } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/** A folded constant may always have this many elements (1 MiB of float32); chosen so that shape arithmetic never hits it. */
export const ALWAYS_FOLDED = 1 << 18
/** Beyond that, an output may be this much larger than all its inputs together: Expand and Tile must not blow up the file. */
export const GROWTH = 2
/** Arithmetic works in doubles: above this many elements (512 MiB of them) it is left to the runtime. */
const MOST_ELEMENTS = 1 << 26

/**
 * Replaces by initializers: Constant nodes, expressions of constants (integer and float, computed in double and rounded
 * once), and integers that follow from known shapes (`Shape`, `Size` and the arithmetic behind them). A Reshape whose target
 * holds symbolic lengths gets a constant target where 0 ("as the input") and one −1 say the same.
 * Quantize and dequantize nodes stay as they are: an already quantized model is not widened to float again.
 */
export const foldConstants: Pass = (model, context) => {
  let current = foldPlain(model)
  // shapes told by one round make constants that tell more shapes; two rounds settle all models seen, three are allowed
  for (let round = 0; round < 3; round++) {
    const next = foldPlain(foldShapes(current, context.facts(current)))
    if (next === current) break
    current = next
  }
  return current
}

function foldPlain(model: Model): Model {
  const rewrite = new Rewrite(model)
  for (const node of model.graph.nodes) fold(rewrite, rewrite.node(node.name)!)
  return rewrite.finish()
}

function fold(rewrite: Rewrite, node: Node): void {
  if (!isStandard(node) || node.outputs.some((output) => output !== '' && rewrite.isOutput(output))) return
  const values = node.opType === 'Constant' ? constantValue(node) : evaluated(rewrite, node)
  if (values === null || values.length < node.outputs.length) return
  rewrite.remove(node.name)
  for (const value of values) rewrite.setConstant(value)
}

function evaluated(rewrite: Rewrite, node: Node): Tensor[] | null {
  const inputs = node.inputs.map((input) => rewrite.constant(input))
  const missing = node.inputs.some((input, i) => input !== '' && inputs[i] === null)
  if (missing || inputs.every((input) => input === null)) return null
  const total = inputs.reduce((sum, input) => sum + (input ? elementCount(input.dims) : 0), 0)
  if (total > MOST_ELEMENTS) return null
  return evaluateNode(node, inputs, Math.max(ALWAYS_FOLDED, GROWTH * total))
}

/** The value of a Constant node; null for sparse tensors and strings. */
function constantValue(node: Node): Tensor[] | null {
  const name = node.outputs[0]!
  const value = tensorAttribute(node, 'value')
  if (value !== null) return [{ ...value, name }]
  for (const [key, attribute] of node.attributes) {
    if (key === 'value_float' && attribute.kind === 'float') return [floatTensor(name, [], [attribute.value])]
    if (key === 'value_floats' && attribute.kind === 'floats')
      return [floatTensor(name, [attribute.value.length], attribute.value)]
    if (key === 'value_int' && attribute.kind === 'int') return [bigTensor(name, [], [attribute.value])]
    if (key === 'value_ints' && attribute.kind === 'ints')
      return [bigTensor(name, [attribute.value.length], attribute.value)]
  }
  return null
}

function bigTensor(name: string, dims: readonly number[], values: readonly bigint[]): Tensor {
  return { name, dataType: 'int64', dims, data: new Uint8Array(BigInt64Array.from(values).buffer) }
}

function foldShapes(model: Model, facts: Facts): Model {
  const rewrite = new Rewrite(model)
  for (const node of model.graph.nodes) {
    if (isStandard(node) && node.outputs.length === 1 && !rewrite.isOutput(node.outputs[0]!))
      foldKnown(rewrite, node, facts)
  }
  for (const node of rewrite.nodes()) {
    if (node.opType === 'Reshape' && isStandard(node)) settleReshape(rewrite, node, facts)
  }
  return rewrite.finish()
}

/** Replaces a node whose output is a known list of integers. */
function foldKnown(rewrite: Rewrite, node: Node, facts: Facts): void {
  const name = node.outputs[0]!
  const known = facts.get(name)
  if (known === undefined || known.dataType !== 'int64' || known.values === null) return
  const values = known.values.filter((value): value is number => Number.isSafeInteger(value))
  if (values.length !== known.values.length) return
  rewrite.remove(node.name)
  rewrite.setConstant(int64Tensor(name, known.shape as readonly number[], values))
}

/** Gives a Reshape a constant target where its values are known but for symbolic axes. */
function settleReshape(rewrite: Rewrite, node: Node, facts: Facts): void {
  const [data, shape] = node.inputs as [string, string]
  const target = rewrite.constant(shape) === null ? facts.get(shape) : undefined
  if (target?.dataType !== 'int64' || !target.values || target.shape?.length !== 1) return
  const keepZero = intAttribute(node, 'allowzero', 0) === 1
  const settled = settledTarget(target.values, facts.get(data), keepZero)
  if (settled === null) return
  const constant = rewrite.addConstant(int64Tensor(`${node.name}_shape`, [settled.length], settled))
  rewrite.replace({ ...node, inputs: [data, constant] })
}

/** The target in numbers: a symbolic length becomes 0 where the input has it at the same axis, else −1, at most once. */
function settledTarget(values: readonly Value[], data: Fact | undefined, keepZero: boolean): number[] | null {
  const settled = values.map((value, i) => {
    if (typeof value === 'number') return value
    if (typeof value === 'string' && !keepZero && data?.shape?.[i] === value) return 0
    return -1
  })
  const open = settled.filter((value) => value === -1).length
  if (keepZero && open > 0 && settled.includes(0)) return null // not allowed together
  return open <= 1 && settled.every(Number.isSafeInteger) ? settled : null
}
