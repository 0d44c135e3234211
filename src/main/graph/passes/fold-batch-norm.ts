import type { Node } from '../model.ts'
import { floatAttribute, intAttribute } from '../attributes.ts'
import { elementCount } from '../tensors.ts'
import { numbersOf } from './constants/values.ts'
import { affineTargetOf, applyAffine, type Affine } from './affine.ts'
import { isStandard, type Pass, type PassContext } from './pass.ts'
import { Rewrite } from './rewrite.ts'

/**
 * Folds BatchNormalization into the Conv, ConvTranspose, Gemm or 2-D MatMul before it, where that one's output is read by the
 * BatchNormalization alone: W' = W · γ / √(σ² + ε) per output channel, b' = (b − μ) · γ / √(σ² + ε) + β, computed in double and
 * rounded to float32 once. The folded node writes the tensor that the BatchNormalization wrote. One that stands elsewhere stays.
 * Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
 * equation 14; ONNX BatchNormalization-15.
 */
export const foldBatchNorm: Pass = (model, context) => {
  const rewrite = new Rewrite(model)
  const rankOf = (tensor: string): number | null => context.facts(model).get(tensor)?.shape?.length ?? null
  for (const { name } of model.graph.nodes) {
    const node = rewrite.node(name)
    if (node?.opType !== 'BatchNormalization' || !isStandard(node)) continue
    const main = affineTargetOf(rewrite, node, node.inputs[0]!, rankOf)
    const affine = main && fixedAffine(rewrite, node, context.note)
    if (main && affine) applyAffine(rewrite, main, affine, node)
  }
  return rewrite.finish()
}

/** The factor γ / √(σ² + ε) and shift β − μ · factor of a BatchNormalization per channel, or null where it is not a fixed one. */
export function fixedAffine(rewrite: Rewrite, node: Node, note: PassContext['note']): Affine | null {
  if (intAttribute(node, 'training_mode', 0) !== 0) return null
  if (node.outputs.slice(1).some((name) => name !== '' && (rewrite.isOutput(name) || rewrite.readers(name).length > 0)))
    return null
  const constants = node.inputs.slice(1, 5).map((name) => rewrite.constant(name))
  if (constants.length !== 4 || constants.some((tensor) => tensor?.dataType !== 'float')) return null
  const count = elementCount(constants[0]!.dims)
  if (constants.some((tensor) => elementCount(tensor!.dims) !== count)) return null
  const [gamma, beta, mean, variance] = constants.map((tensor) => numbersOf(tensor!) as Float64Array) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const scale = gamma.map((value, c) => value / Math.sqrt(variance[c]! + epsilon))
  const shift = beta.map((value, c) => value - mean[c]! * scale[c]!)
  if ([...scale, ...shift].every(Number.isFinite)) return { scale, shift }
  note(`BatchNormalization ${node.name} stays: its variance or parameters are not finite numbers above 0.`)
  return null
}
