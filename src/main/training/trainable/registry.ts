import type { OpRow } from './op.ts'
import { arranging } from './ops/arrange.ts'
import { convolutions } from './ops/convolution.ts'
import { elementwise } from './ops/elementwise.ts'
import { matrices } from './ops/matrix.ts'
import { normalizations } from './ops/normalization.ts'
import { pools } from './ops/pooling.ts'

/** Every operator that can be trained, in opset 13 and later. */
export const OPS: ReadonlyMap<string, OpRow> = new Map(
  Object.entries({ ...convolutions, ...matrices, ...pools, ...elementwise, ...normalizations, ...arranging }),
)
