import type { Infer } from '../context.ts'
import { fact, unknownDims } from '../facts.ts'

/** Source: ONNX NonMaxSuppression-11: [selected, 3]; how many depends on the data. */
export const inferNonMaxSuppression: Infer = () => [fact('int64', [null, 3])]

/** Source: ONNX RoiAlign-16: [regions, C, output_height, output_width]. */
export const inferRoiAlign: Infer = (op) => {
  const channels = op.shape(0)?.[1] ?? null
  return [fact(op.type(0), [op.shape(1)?.[0] ?? null, channels, op.int('output_height', 1), op.int('output_width', 1)])]
}

/** Source: ONNX MaxRoiPool-1. */
export const inferMaxRoiPool: Infer = (op) => {
  const pooled = op.ints('pooled_shape') ?? unknownDims(2)
  return [fact(op.type(0), [op.shape(1)?.[0] ?? null, op.shape(0)?.[1] ?? null, ...pooled])]
}

/** Source: ONNX GridSample-20: X [N, C, …] and a grid [N, …output, spatial rank]. */
export const inferGridSample: Infer = (op) => {
  const x = op.shape(0)
  const grid = op.shape(1)
  if (x === null || grid === null) return [fact(op.type(0), null)]
  return [fact(op.type(0), [x[0]!, x[1]!, ...grid.slice(1, -1)])]
}

/** Source: ONNX Unique-11: how many depends on the data. */
export const inferUnique: Infer = (op) => {
  const x = op.shape(0)
  const axis = op.node.attributes.has('axis') && x !== null ? op.axis(op.int('axis', 0), x.length) : null
  const whole = op.node.attributes.has('axis') ? (x?.map((dim, i) => (i === axis ? null : dim)) ?? null) : [null]
  const list = fact('int64', [null])
  return [fact(op.type(0), whole), list, list, list]
}
