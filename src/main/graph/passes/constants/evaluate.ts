import type { Node, Tensor } from '../../model.ts'
import { arithmetic } from './arithmetic.ts'
import { movement } from './movement.ts'

/** Computes a node on constants. Null: not computable here (another type, an odd attribute, shapes that do not fit, too big). */
export type Evaluator = (node: Node, inputs: readonly (Tensor | null)[], limit: number) => Tensor[] | null

/** Operators that are computed without a runtime, by op. Everything else constant is left to the engine. */
export const evaluators: ReadonlyMap<string, Evaluator> = new Map([
  ...Object.entries(movement),
  ...Object.entries(arithmetic),
])

/**
 * The outputs of a node whose inputs are all constants, named as the node names them; null where it cannot be told here.
 * @param limit most elements an output may have
 */
export function evaluateNode(node: Node, inputs: readonly (Tensor | null)[], limit: number): Tensor[] | null {
  const outputs = evaluators.get(node.opType)?.(node, inputs, limit) ?? null
  return outputs?.map((tensor, i) => ({ ...tensor, name: node.outputs[i]! })) ?? null
}
