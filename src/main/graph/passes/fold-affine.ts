import type { Node, Tensor } from '../model.ts'
import { elementCount } from '../tensors.ts'
import { affineTargetOf, applyAffine, type Affine, type AffineTarget } from './affine.ts'
import { numbersOf } from './constants/values.ts'
import { isStandard, type Pass } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/**
 * Folds Add, Sub, Mul and Div by a constant, one value or one per channel, into the Conv, ConvTranspose, Gemm or 2-D MatMul
 * before it, where that one's output is read by nothing else. A 2-D MatMul that gets a bias so becomes a Gemm.
 */
export const foldAffine: Pass = (model, context) => {
  const rewrite = new Rewrite(model)
  const rankOf = (tensor: string): number | null => context.facts(model).get(tensor)?.shape?.length ?? null
  for (const { name } of model.graph.nodes) {
    const node = rewrite.node(name)
    if (node !== null && isStandard(node) && Object.hasOwn(STEPS, node.opType)) foldStep(rewrite, node, rankOf)
  }
  return rewrite.finish()
}

function foldStep(rewrite: Rewrite, node: Node, rankOf: (tensor: string) => number | null): void {
  const side = node.inputs.findIndex((input) => rewrite.constant(input) !== null)
  if (side < 0 || node.inputs.length !== 2) return
  const constant = rewrite.constant(node.inputs[side])!
  const target = affineTargetOf(rewrite, node, node.inputs[1 - side]!, rankOf)
  const values = target && perChannel(constant, target)
  const affine = values && STEPS[node.opType]!(values, side === 1)
  if (target && affine) applyAffine(rewrite, target, affine, node)
}

/** The constant as one value per channel of the target's output, or null where it varies along another axis. */
function perChannel(constant: Tensor, { channels, channelAxis, rank }: AffineTarget): Float64Array | null {
  if (constant.dataType !== 'float' || constant.dims.length > rank) return null
  const axis = channelAxis - (rank - constant.dims.length)
  const count = elementCount(constant.dims)
  const along = axis >= 0 ? constant.dims[axis]! : 1
  if (count !== along || (along !== 1 && along !== channels)) return null
  const values = numbersOf(constant) as Float64Array
  return Float64Array.from({ length: channels }, (_, c) => values[along === 1 ? 0 : c]!)
}

const same = (values: Float64Array, value: number): Float64Array => values.map(() => value)

/** What y = x ∘ c (constant on the right) or y = c ∘ x is as scale · x + shift; null where it is not. */
const STEPS: Readonly<Record<string, (values: Float64Array, right: boolean) => Affine | null>> = {
  Add: (values) => ({ scale: same(values, 1), shift: values }),
  Sub: (values, right) =>
    right
      ? { scale: same(values, 1), shift: values.map((value) => -value) }
      : { scale: same(values, -1), shift: values },
  Mul: (values) => ({ scale: values, shift: same(values, 0) }),
  Div: (values, right) =>
    right && values.every((value) => value !== 0)
      ? { scale: values.map((value) => 1 / value), shift: same(values, 0) }
      : null,
}
