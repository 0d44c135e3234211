import type { Node } from '../../graph/model.ts'
import type { NativeOps, Tensor, Tfjs } from '../../engines/tensor-api.ts'
import type { Value } from './value.ts'

/** Everything a node's computation sees. */
export interface OpCall {
  readonly tf: Tfjs
  readonly native: NativeOps
  readonly node: Node
  /** null: an omitted optional input */
  readonly inputs: readonly (Value | null)[]
  readonly training: boolean
  /** a seed that differs from step to step and node to node */
  readonly seed: () => number
  /** takes the batch's statistics of a BatchNormalization, to be averaged into the running ones */
  readonly onStatistics: (node: Node, mean: Tensor, variance: Tensor) => void
  /**
   * Input `index`, a weight, in the layout in which the engine takes it (see weights.ts), where it is a variable or constant that was
   * stored so; null where it is computed in the graph.
   */
  readonly weight: (index: number) => Tensor | null
}

/** The forward computation of one operator; gradients are the engine's. Throws Error for what only shows with real shapes. */
export type Op = (call: OpCall) => Value

/** One row of the registry. */
export interface OpRow {
  readonly run: Op
  /** why this very node cannot be trained, null where it can; asked before anything runs */
  readonly refuse?: (node: Node) => string | null
}

/** Input `index`, which the operator must have. */
export function input(call: OpCall, index: number): Value {
  const value = call.inputs[index]
  if (!value) throw new Error(`${call.node.opType} '${call.node.name}' lacks its input ${index}`)
  return value
}
