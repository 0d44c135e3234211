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
  const mover = rewrite.producer(activation.inputs[0]!)
  if (mover === null || !isStandard(mover) || !MOVERS.has(mover.opType) || mover.outputs.length !== 1) return
  const main = rewrite.producer(mover.inputs[0]!)
  if (main === null || !absorbs(main)) return
  const read = [mover.outputs[0]!, mover.inputs[0]!].map((tensor) => rewrite.soleReader(tensor)?.name)
  if (read[0] !== activation.name || read[1] !== mover.name) return
  const between = rewrite.freshTensorName(`${activation.name}_output`)
  rewrite.replace({ ...activation, inputs: [mover.inputs[0]!, ...activation.inputs.slice(1)], outputs: [between] })
  rewrite.replace({ ...mover, inputs: [between, ...mover.inputs.slice(1)], outputs: [activation.outputs[0]!] })
}

function isMonotone(rewrite: Rewrite, node: Node): boolean {
  if (node.opType === 'Relu') return true
  return node.opType === 'Clip' && constantClipBounds(node, rewrite.constants) !== null
}

function absorbs(main: Node): boolean {
  const role = isStandard(main) ? INTEGER_KERNELS.get(main.opType) : undefined
  return role === 'weighted' || role === 'arithmetic'
}
