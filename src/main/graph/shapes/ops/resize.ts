import type { Dim } from '../../../../shared/contract/tensor.ts'
import { shapeText } from '../broadcast.ts'
import type { Infer, OpContext } from '../context.ts'
import { fact, unknownDims } from '../facts.ts'

/** Source: ONNX Upsample-9 (scales as input), Upsample-7 (attribute): length = floor(length × scale). */
export const inferUpsample: Infer = (op) => {
  const attribute = op.node.attributes.get('scales')
  const given = attribute?.kind === 'floats' ? [...attribute.value] : op.numbers(1)
  return [fact(op.type(0), scaledShape(op, op.shape(0), given))]
}

/** Source: ONNX Resize-19: X, roi, scales, sizes; Resize-10: X, scales. */
export const inferResize: Infer = (op) => {
  const x = op.shape(0)
  if (op.version < 11) return [fact(op.type(0), scaledShape(op, x, op.numbers(1)))]
  if (x === null) return [fact(op.type(0), null)]
  const axes = (op.version >= 18 ? op.ints('axes') : null)?.map((axis) => op.axis(axis, x.length)) ?? x.map((_, i) => i)
  const spread = <T>(values: readonly T[], rest: (i: number) => T): T[] => {
    if (values.length !== axes.length) op.fail(`${values.length} lengths or scales for ${axes.length} axes`)
    return x.map((_, i) => (axes.includes(i) ? values[axes.indexOf(i)]! : rest(i)))
  }
  if (op.has(3) && op.shape(3)?.[0] !== 0) {
    const sizes = op.values(3)
    const policy = op.string('keep_aspect_ratio_policy', 'stretch')
    if (policy !== 'stretch') return [fact(op.type(0), proportionalShape(op, x, axes, policy === 'not_larger'))]
    return [fact(op.type(0), sizes === null ? unknownDims(x.length) : spread<Dim>(sizes, (i) => x[i]!))]
  }
  const scales = op.numbers(2)
  if (scales === null) return [fact(op.type(0), unknownDims(x.length))]
  // with tf_crop_and_resize the specification multiplies by the region's extent too; ONNX Runtime 1.30 does not
  return [
    fact(
      op.type(0),
      scaledShape(
        op,
        x,
        spread(scales, () => 1),
      ),
    ),
  ]
}

/**
 * floor(length × scale) with the product in float32, the type of the scales, as ONNX Runtime computes it.
 */
function scaledShape(op: OpContext, x: readonly Dim[] | null, scales: readonly number[] | null): Dim[] | null {
  if (x === null) return scales === null ? null : unknownDims(scales.length)
  if (scales === null) return unknownDims(x.length)
  if (scales.length !== x.length) op.fail(`${scales.length} scales for ${shapeText(x)}`)
  return x.map((dim, i) => {
    const scale = scales[i]!
    if (!(scale > 0)) op.fail(`scale ${scale} is not positive`)
    if (scale === 1) return dim
    return typeof dim === 'number' ? Math.floor(Math.fround(dim * Math.fround(scale))) : null
  })
}

/** Source: ONNX Resize-19, keep_aspect_ratio_policy: one scale for all axes, lengths rounded half up. */
function proportionalShape(op: OpContext, x: readonly Dim[], axes: readonly number[], notLarger: boolean): Dim[] {
  // ONNX Runtime 1.30 leaves the lengths as they are here where axes are counted from the end, against the specification
  if (op.ints('axes')?.some((axis) => axis < 0)) return x.map((dim, i) => (axes.includes(i) ? null : dim))
  const sizes = op.numbers(3)
  const scales = axes.map((axis, i) => {
    const dim = x[axis]!
    return sizes === null || typeof dim !== 'number' ? null : Math.fround(sizes[i]! / dim)
  })
  if (!scales.every((scale) => scale !== null)) return x.map((dim, i) => (axes.includes(i) ? null : dim))
  const scale = notLarger ? Math.min(...scales) : Math.max(...scales)
  return x.map((dim, i) => (axes.includes(i) ? Math.floor(Math.fround(scale * (dim as number)) + 0.5) : dim))
}
