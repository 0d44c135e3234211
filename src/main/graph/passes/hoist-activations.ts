import type { Node } from '../model.ts'
import { constantClipBounds } from '../layers/fuse.ts'
import { INTEGER_KERNELS } from '../layers/roles.ts'
import { isStandard, type Pass } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/** Operators that commute with every function that grows with its argument: they pick or move elements. */
const MOVERS: ReadonlySet<string> = new Set(['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze'])

/**
 * Moves a Relu or Clip from behind a MaxPool, Reshape or Transpose to the Conv, Gemm or other integer operator before it, whose
 * integer kernel absorbs it there: Conv → MaxPool → Relu becomes Conv → Relu → MaxPool, the same function. Only where nobody
 * else reads the tensors between.
 */
export const hoistActivations: Pass = (model) => {
  const rewrite = new Rewrite(model)
  for (const { name } of model.graph.nodes) hoist(rewrite, rewrite.node(name)!)
  return rewrite.finish()
}

function hoist(rewrite: Rewrite, activation: Node): void {
  if (!isStandard(activation) || !isMonotone(rewrite, activation)) return
  const mover = moverBefore(rewrite, activation)
  if (mover === null || !leadsToAbsorber(rewrite, mover)) return
  const between = rewrite.freshTensorName(`${activation.name}_output`)
  rewrite.replace({ ...activation, inputs: [mover.inputs[0]!, ...activation.inputs.slice(1)], outputs: [between] })
  rewrite.replace({ ...mover, inputs: [between, ...mover.inputs.slice(1)], outputs: [activation.outputs[0]!] })
}

/** The mover whose result `node` alone reads, or null. */
function moverBefore(rewrite: Rewrite, node: Node): Node | null {
  const mover = rewrite.producer(node.inputs[0]!)
  if (mover === null || !isStandard(mover) || !MOVERS.has(mover.opType) || mover.outputs.length !== 1) return null
  return rewrite.soleReader(mover.outputs[0]!)?.name === node.name ? mover : null
}

/** True where `mover`, and movers before it, move what an integer operator gives to it alone. */
function leadsToAbsorber(rewrite: Rewrite, mover: Node): boolean {
  for (let last: Node | null = mover; last !== null; last = moverBefore(rewrite, last)) {
    const main = rewrite.producer(last.inputs[0]!)
    if (main !== null && absorbs(main)) return rewrite.soleReader(last.inputs[0]!)?.name === last.name
  }
  return false
}

function isMonotone(rewrite: Rewrite, node: Node): boolean {
  if (node.opType === 'Relu') return true
  return node.opType === 'Clip' && constantClipBounds(node, rewrite.constants) !== null
}

function absorbs(main: Node): boolean {
  const role = isStandard(main) ? INTEGER_KERNELS.get(main.opType) : undefined
  return role === 'weighted' || role === 'arithmetic'
}
