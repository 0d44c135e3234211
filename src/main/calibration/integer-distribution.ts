import type { QuantParams } from '../quant/params.ts'
import { binsOf, countOf } from './histogram.ts'
import type { TensorStatistics } from './collection.ts'

/**
 * How often each integer 0–255 occurs in a tensor once it is quantized with one scale and zero point: shares that add up to 1. Values of a bin
 * are spread evenly over it.
 * @param params per-tensor, container uint8
 */
export function integerDistribution({ histogram, min, max }: TensorStatistics, params: QuantParams): Float64Array {
  const shares = new Float64Array(256)
  const total = countOf(histogram)
  if (total === 0) return shares
  const [scale, zeroPoint] = [params.scale[0]!, params.zeroPoint[0]!]
  const place = (value: number): number =>
    Math.min(params.qmax, Math.max(params.qmin, Math.round(value / scale) + zeroPoint))
  for (const { from, to, count } of binsOf(histogram, min, max, 8)) {
    const [low, high] = [place(from), place(to)]
    const share = count / total / (high - low + 1)
    for (let integer = low; integer <= high; integer++) shares[integer]! += share
  }
  return shares
}
