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
  // bins mostly follow one another, so that the end of one is the start of the next
  let edge = NaN
  let atEdge = 0
  for (let i = 0; i < bins.length; i++) {
    const { from, to, count } = bins[i]!
    if (from === to) {
      sum += count * errorAt(from, lattice) ** 2
      continue
    }
    const atFrom = from === edge ? atEdge : integralOfError(from, lattice)
    atEdge = integralOfError(to, lattice)
    edge = to
    sum += (count * (atEdge - atFrom)) / (to - from)
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
  const inside = x > low ? (x < high ? x : high) : low
  const steps = inside / scale
  const cells = Math.round(steps)
  const rest = steps - cells
  const beyond = x - inside
  return scale * scale * scale * (cells / 12 + (rest * rest * rest) / 3) + (beyond * beyond * beyond) / 3
}
