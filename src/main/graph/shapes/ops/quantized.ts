import type { DataType } from '../../../../shared/contract/tensor.ts'
import { dataTypeOfNumber } from '../../data-types.ts'
import { broadcastShapes } from '../broadcast.ts'
import type { Infer, OpContext } from '../context.ts'
import { fact } from '../facts.ts'
import { inferConcat } from './pick.ts'
import { inferGemm } from './matrix.ts'
import { inferGlobalPool, inferPool } from './window-ops.ts'
import { OpContext as Context } from '../context.ts'

/** Source: ONNX QuantizeLinear-25: the type of the zero point, else output_dtype, else uint8. */
export const inferQuantizeLinear: Infer = (op) => {
  const asked = op.node.attributes.has('output_dtype') ? dataTypeOfNumber(op.int('output_dtype', 0)) : null
  return [fact(op.has(2) ? op.type(2) : (asked ?? 'uint8'), op.shape(0))]
}

/** Source: ONNX DequantizeLinear-25: the type of the scale. */
export const inferDequantizeLinear: Infer = (op) => {
  const asked = op.node.attributes.has('output_dtype') ? dataTypeOfNumber(op.int('output_dtype', 0)) : null
  return [fact(asked ?? op.type(1), op.shape(0))]
}

/** Source: ONNX DynamicQuantizeLinear-11: uint8, a float scale and a uint8 zero point. */
export const inferDynamicQuantizeLinear: Infer = (op) => [
  fact('uint8', op.shape(0)),
  fact('float', []),
  fact('uint8', []),
]

/** Source: ONNX Runtime contrib operators QLinearAdd, QLinearMul: A, scale, zero point, B, scale, zero point, C scale, C zero point. */
export const inferQLinearBinary: Infer = (op) => [fact(op.type(0), broadcastShapes(op, [op.shape(0), op.shape(3)]))]

/** Source: ONNX Runtime contrib operator QLinearConcat: Y scale, Y zero point, then (X, scale, zero point) for each input. */
export const inferQLinearConcat: Infer = (op) => {
  const picked = op.node.inputs.flatMap((_, i) => (i >= 2 && i % 3 === 2 ? [i] : []))
  const [result] = inferConcat(withInputs(op, picked))
  return [fact(op.type(2), result!.shape)]
}

/** QLinearAveragePool, QLinearGlobalAveragePool (com.microsoft): X, scales and zero points; NCHW unless channels_last. */
export const inferQLinearPool: Infer = (op) => {
  if (op.int('channels_last', 0) !== 0) return [fact(op.type(0), null)]
  const infer = op.node.opType.includes('Global') ? inferGlobalPool : inferPool
  return infer(op).slice(0, 1)
}

/** Source: ONNX Runtime contrib operator QGemm: A, a_scale, a_zero_point, B, …; float output when y_zero_point (input 8) is omitted. */
export const inferQGemm: Infer = (op) => {
  const [result] = inferGemm(withInputs(op, [0, 3]))
  const dataType: DataType | null = op.has(8) ? op.type(8) : 'float'
  return [fact(dataType, result!.shape)]
}

function withInputs(op: OpContext, picked: readonly number[]): OpContext {
  const node = { ...op.node, inputs: picked.map((i) => op.node.inputs[i]!) }
  return new Context(
    node,
    op.version,
    picked.map((i) => op.input(i)),
    op.inferBody,
  )
}
