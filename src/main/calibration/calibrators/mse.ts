import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'
import { binsOf, type Bin } from '../histogram.ts'
import { fullRange, searchClip, sidesOf } from './clip-search.ts'
import { latticeOf, type Lattice } from './lattice.ts'

/** Bins of an octave taken together: 64 an octave place a threshold well inside the flat bottom of the curve. */
const GROUPING = 8

/**
 * The range whose quantizer leaves the least mean square error E[(x − fakeQuantize(x))²], clipping and rounding together, for the
 * bits and symmetry asked for. Searched over the histogram; inside a bin the error is integrated exactly.
 * Source: the criterion of Banner et al., Post training 4-bit quantization of convolutional networks, section 3, on the observed distribution.
 */
export function mse(statistics: TensorStatistics, scheme: ActivationScheme): Range {
  const { min, max, histogram } = statistics
  const full = fullRange(min, max, scheme.symmetric)
  if (full.rmin === full.rmax) return full
  const bins = binsOf(histogram, min, max, GROUPING)
  const cost = (range: Range): number => squaredErrorOf(bins, latticeOf(range, scheme, full.rmin >= 0))
  return searchClip(full, sidesOf(full, scheme.symmetric), cost)
}

/** Sum of squared errors of rounding to the lattice and clipping to its ends, values evenly spread inside each bin. */
export function squaredErrorOf(bins: readonly Bin[], lattice: Lattice): number {
  let sum = 0
  for (const { from, to, count } of bins) {
    const width = to - from
    if (width > 0) sum += (count * (integralOfError(to, lattice) - integralOfError(from, lattice))) / width
    else if (from !== 0) sum += count * errorAt(from, lattice) ** 2
  }
  return sum
}

function errorAt(x: number, { scale, low, high }: Lattice): number {
  return x - Math.min(high, Math.max(low, scale * Math.round(x / scale)))
}

/**
 * Integral from 0 to x of the squared error. Zero is on the lattice, so up to the n-th point n whole cells of scale³/12 are
 * passed and (x − n · scale)³/3 of the next one; beyond the ends the distance to the end counts.
 */
function integralOfError(x: number, { scale, low, high }: Lattice): number {
  const inside = Math.min(high, Math.max(low, x))
  const cells = Math.round(inside / scale)
  const rest = inside / scale - cells
  const beyond = x - inside
  return scale ** 3 * (cells / 12 + rest ** 3 / 3) + beyond ** 3 / 3
}
