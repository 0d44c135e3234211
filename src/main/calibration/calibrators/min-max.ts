import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'

/** The exact bounds of all samples, widened to contain 0: nothing is clipped. */
export function minMax({ min, max }: TensorStatistics): Range {
  return { rmin: Math.min(0, min), rmax: Math.max(0, max) }
}
