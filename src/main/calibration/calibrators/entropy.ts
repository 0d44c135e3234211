import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'
import { binsOf, type Bin } from '../histogram.ts'
import { fullRange, searchClip, sidesOf } from './clip-search.ts'
import { latticeOf, type Lattice } from './lattice.ts'

/** Parts of one quantization step between which the divergence tells; even, so that 0 is on an edge. */
const PARTS = 4
/** From here on (10 bits) the steps are finer than the histogram and nothing is gained by clipping. */
const MOST_BITS = 9
/** Probability given to a level that holds nothing but clipped values; keeps the divergence finite. */
const FLOOR = 1e-10
/** Bins of an octave taken together: 256 an octave, half a step of 8 bits at the top of the range. */
const GROUPING = 2

/**
 * The range whose quantized distribution diverges least (Kullback-Leibler) from the distribution of the values, for the bits and
 * symmetry asked for: clipped values pile up at the ends, values of one step are spread evenly over its occupied parts. Exact zeros are
 * left out, because they survive every quantization. The grid is laid relative to each candidate range, so that an outlier
 * does not cost resolution. From 10 bits on this is min-max.
 * Source: Migacz, 8-bit inference with TensorRT (GTC 2017), generalised to any number of levels and a zero point.
 */
export function entropy(statistics: TensorStatistics, scheme: ActivationScheme): Range {
  const { min, max, histogram } = statistics
  const full = fullRange(min, max, scheme.symmetric)
  if (full.rmin === full.rmax || scheme.bits > MOST_BITS) return full
  const cumulative = cumulativeOf(
    binsOf(histogram, min, max, GROUPING).filter(({ from, to }) => from !== to || from !== 0),
  )
  if (cumulative.total === 0) return full
  const cost = (range: Range): number => divergenceOf(cumulative, latticeOf(range, scheme, full.rmin >= 0))
  return searchClip(full, sidesOf(full, scheme.symmetric), cost)
}

/** Number of values below each edge; piecewise linear between edges. */
interface Cumulative {
  readonly edges: Float64Array
  readonly below: Float64Array
  readonly total: number
}

function cumulativeOf(bins: readonly Bin[]): Cumulative {
  const edges: number[] = []
  const below: number[] = []
  let total = 0
  for (const { from, to, count } of bins) {
    if (edges.at(-1) !== from) {
      edges.push(from)
      below.push(total)
    }
    total += count
    edges.push(to)
    below.push(total)
  }
  return { edges: Float64Array.from(edges), below: Float64Array.from(below), total }
}

/** Kullback-Leibler divergence, in nats, of the quantized from the true distribution. */
function divergenceOf(cumulative: Cumulative, { scale, low, high }: Lattice): number {
  const levels = Math.round((high - low) / scale) + 1
  const { inside, below, above } = massesOf(cumulative, low - scale / 2, scale / PARTS, levels * PARTS)
  const kept = cumulative.total - below - above
  if (kept <= 0) return Infinity
  // clipped values count where they end up, but do not tell the quantizer how the level is filled
  const last = inside.length - 1
  let divergence = 0
  for (let first = 0; first <= last; first += PARTS) {
    let sum = 0
    let occupied = 0
    for (let i = first; i < first + PARTS; i++) {
      sum += inside[i]!
      if (inside[i]! > 0 || (i === 0 && below > 0) || (i === last && above > 0)) occupied++
    }
    if (occupied === 0) continue
    const q = Math.max(FLOOR, sum / occupied / kept)
    for (let i = first; i < first + PARTS; i++) {
      const count = inside[i]! + (i === 0 ? below : 0) + (i === last ? above : 0)
      if (count > 0) divergence += (count / cumulative.total) * Math.log(count / cumulative.total / q)
    }
  }
  return divergence
}

/** Values in each of `count` equal parts from `start` on, and beyond both ends. */
function massesOf(
  { edges, below, total }: Cumulative,
  start: number,
  width: number,
  count: number,
): { inside: Float64Array; below: number; above: number } {
  const inside = new Float64Array(count)
  let under = 0
  let previous = 0
  let edge = 0
  for (let i = 0; i <= count; i++) {
    const x = start + i * width
    while (edge < edges.length && edges[edge]! < x) edge++
    const at = edge === edges.length ? total : edge === 0 ? 0 : interpolated(edges, below, edge, x)
    if (i === 0) under = at
    else inside[i - 1] = at - previous
    previous = at
  }
  return { inside, below: under, above: total - previous }
}

/** The cumulative count at `x`, edges[edge − 1] < x ≤ edges[edge]. */
function interpolated(edges: Float64Array, below: Float64Array, edge: number, x: number): number {
  const from = edges[edge - 1]!
  const share = (x - from) / (edges[edge]! - from)
  return below[edge - 1]! + share * (below[edge]! - below[edge - 1]!)
}
