import type { Infer } from '../context.ts'
import { fact } from '../facts.ts'

/**
 * LSTM, GRU and RNN. Y [seq, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden];
 * with layout 1 the batch comes first.
 * Source: ONNX LSTM-22.
 */
export const inferRecurrent: Infer = (op) => {
  const x = op.shape(0)
  op.expectRank(0, 3, 3)
  const directions = op.string('direction', 'forward') === 'bidirectional' ? 2 : 1
  const hidden = op.node.attributes.has('hidden_size') ? op.int('hidden_size', 0) : (op.shape(2)?.[2] ?? null)
  const batchFirst = op.int('layout', 0) === 1
  const batch = x?.[batchFirst ? 0 : 1] ?? null
  const steps = x?.[batchFirst ? 1 : 0] ?? null
  const state = fact(op.type(0), batchFirst ? [batch, directions, hidden] : [directions, batch, hidden])
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
  return [fact(op.type(0), all), state, state]
}
