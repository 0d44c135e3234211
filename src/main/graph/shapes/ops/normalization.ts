import type { Dim } from '../../../../shared/contract/tensor.ts'
import type { Infer } from '../context.ts'
import { fact } from '../facts.ts'

/** Source: ONNX BatchNormalization-15: training outputs are [C]. */
export const inferBatchNormalization: Infer = (op) => {
  const x = op.shape(0)
  const channels = x === null ? null : x.length > 1 ? x[1]! : 1
  for (let i = 1; i < 5; i++) {
    const length = op.shape(i)?.[0]
    if (typeof length === 'number' && typeof channels === 'number' && length !== channels) {
      op.fail(`input ${i} (${op.node.inputs[i]}) has ${length} entries for ${channels} channels`)
    }
  }
  const statistic = fact(op.type(0), [channels])
  return [fact(op.type(0), x), statistic, statistic, statistic, statistic]
}

/** Source: ONNX LayerNormalization-17: mean and inverse deviation keep the axes before `axis`, the rest become 1. */
export const inferLayerNormalization: Infer = (op) => {
  const x = op.shape(0)
  if (x === null) return [fact(op.type(0), null)]
  const axis = op.axis(op.int('axis', -1), x.length)
  const statistic = fact(
    'float',
    x.map((dim, i): Dim => (i < axis ? dim : 1)),
  )
  return [fact(op.type(0), x), statistic, statistic]
}
