import type { TensorStatistics } from '../../calibration/collection.ts'
import { binsOf, type Bin } from '../../calibration/histogram.ts'
import { roundHalfEven } from '../../quant/affine.ts'
import type { QuantParams } from '../../quant/params.ts'
import { ratioDb } from './finding.ts'

/** Bins of an octave taken together: each then spans 1.6 % of its value, below a step of 8 bits wherever it matters. */
const GROUPING = 8
/** Values left out on both sides together where the bulk of a tensor is meant. */
const TAIL_SHARE = 1e-3

/** Where the values of a tensor lie. */
export interface TensorShape {
  /** root of the mean square */
  readonly rms: number
  /** fourth central moment over the squared variance: 3 for a normal distribution; NaN of a constant tensor */
  readonly kurtosis: number
  /** width of what holds 99.9 % of the values, zero included */
  readonly bulk: number
}

/** Shape of a tensor's distribution, from its histogram (values at the middle of their bins). */
export function shapeOf(statistics: TensorStatistics): TensorShape {
  const bins = usedBins(statistics)
  const count = bins.reduce((sum, bin) => sum + bin.count, 0)
  const mean = bins.reduce((sum, bin) => sum + bin.count * middle(bin), 0) / count
  let [squares, second, fourth] = [0, 0, 0]
  for (const bin of bins) {
    const value = middle(bin)
    const deviation = (value - mean) ** 2
    squares += bin.count * value * value
    second += bin.count * deviation
    fourth += bin.count * deviation * deviation
  }
  return { rms: Math.sqrt(squares / count), kurtosis: (fourth * count) / (second * second), bulk: bulkOf(bins, count) }
}

function bulkOf(bins: readonly Bin[], count: number): number {
  const low = quantileOf(bins, (count * TAIL_SHARE) / 2)
  const high = -quantileOf(
    [...bins].reverse().map(({ from, to, count: n }) => ({ from: -to, to: -from, count: n })),
    (count * TAIL_SHARE) / 2,
  )
  return Math.max(0, high) - Math.min(0, low)
}

/** The value below which `rank` of the counted ones lie. */
function quantileOf(bins: readonly Bin[], rank: number): number {
  let below = 0
  for (const bin of bins) {
    if (below + bin.count > rank) return bin.from + ((bin.to - bin.from) * (rank - below)) / bin.count
    below += bin.count
  }
  return bins.at(-1)?.to ?? 0
}

/** What quantizing a tensor costs, by its histogram: all squares are means over its values. */
export interface TensorNoise {
  readonly sqnrDb: number
  /** of values beyond the range */
  readonly clippedShare: number
  readonly clipping: number
  /** of values within the range */
  readonly rounding: number
}

/**
 * The error of a tensor under some parameters, predicted from its histogram: for bins wider than a step the mean s² / 12 of rounding, for
 * narrower ones the error of their middle.
 * @param params per-tensor
 */
export function noiseOf(statistics: TensorStatistics, params: QuantParams): TensorNoise {
  const [scale, zeroPoint] = [params.scale[0]!, params.zeroPoint[0]!]
  const { rmin, rmax } = boundsOf(params)
  let [count, signal, clipped, clipping, rounding] = [0, 0, 0, 0, 0]
  for (const bin of usedBins(statistics)) {
    const value = middle(bin)
    count += bin.count
    signal += bin.count * value * value
    const beyond = Math.max(0, value - rmax, rmin - value)
    // half a step beyond the last integer still rounds to it
    if (beyond > scale / 2) {
      clipped += bin.count
      clipping += bin.count * beyond * beyond
    } else if (bin.to - bin.from > scale / 4) {
      rounding += (bin.count * scale * scale) / 12
    } else {
      const integer = Math.min(params.qmax, Math.max(params.qmin, roundHalfEven(value / scale) + zeroPoint))
      rounding += bin.count * (value - scale * (integer - zeroPoint)) ** 2
    }
  }
  return {
    sqnrDb: ratioDb(signal, clipping + rounding),
    clippedShare: clipped / count,
    clipping: clipping / count,
    rounding: rounding / count,
  }
}

/** Real values of the lowest and highest integer of per-tensor parameters. */
export function boundsOf({ qmin, qmax, scale, zeroPoint }: QuantParams): { rmin: number; rmax: number } {
  return { rmin: scale[0]! * (qmin - zeroPoint[0]!), rmax: scale[0]! * (qmax - zeroPoint[0]!) }
}

function usedBins({ histogram, min, max }: TensorStatistics): Bin[] {
  return binsOf(histogram, min, max, GROUPING)
}

function middle({ from, to }: Bin): number {
  return (from + to) / 2
}
