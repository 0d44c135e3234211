import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import type { Range } from '../../quant/params.ts'
import type { TensorStatistics } from '../collection.ts'
import { binsOf, type Bin } from '../histogram.ts'
import { fullRange, searchClip, sidesOf } from './clip-search.ts'
import { latticeOf, type Lattice } from './lattice.ts'

/** Parts of one quantization step between which the divergence tells; even, so that 0 is on an edge. */
const PARTS = 8
/** From here on (10 bits) the steps are finer than the histogram and nothing is gained by clipping. */
const MOST_BITS = 9
/** Probability given to a level that holds nothing but clipped values; keeps the divergence finite. */
const FLOOR = 1e-10

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
  const cumulative = cumulativeOf(binsOf(histogram, min, max).filter(({ from, to }) => from !== to || from !== 0))
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
  const edges = new Float64Array(2 * bins.length)
  const below = new Float64Array(2 * bins.length)
  let total = 0
  bins.forEach(({ from, to, count }, i) => {
    edges[2 * i] = from
    below[2 * i] = total
    total += count
    edges[2 * i + 1] = to
    below[2 * i + 1] = total
  })
  return { edges, below, total }
}

/** Kullback-Leibler divergence, in nats, of the quantized from the true distribution. */
function divergenceOf(cumulative: Cumulative, { scale, low, high }: Lattice): number {
  const levels = Math.round((high - low) / scale) + 1
  const mass = massesOf(cumulative, low - scale / 2, scale / PARTS, levels * PARTS)
  const { inside, below, above } = mass
  const kept = cumulative.total - below - above
  if (kept <= 0) return Infinity
  let divergence = 0
  for (let level = 0; level < levels; level++) {
    const first = level * PARTS
    let sum = 0
    let occupied = 0
    for (let i = first; i < first + PARTS; i++) {
      const clipped = clippedAt(i, levels * PARTS, below, above)
      sum += inside[i]!
      if (inside[i]! + clipped > 0) occupied++
    }
    if (occupied === 0) continue
    const q = Math.max(FLOOR, sum / occupied / kept)
    for (let i = first; i < first + PARTS; i++) {
      const p = (inside[i]! + clippedAt(i, levels * PARTS, below, above)) / cumulative.total
      if (p > 0) divergence += p * Math.log(p / q)
    }
  }
  return divergence
}

function clippedAt(i: number, count: number, below: number, above: number): number {
  return (i === 0 ? below : 0) + (i === count - 1 ? above : 0)
}

/** Values in each of `count` equal parts from `start` on, and beyond both ends. */
function massesOf(
  cumulative: Cumulative,
  start: number,
  width: number,
  count: number,
): { inside: Float64Array; below: number; above: number } {
  const inside = new Float64Array(count)
  const at = reader(cumulative)
  const below = at(start)
  let previous = below
  for (let i = 0; i < count; i++) {
    const next = at(start + (i + 1) * width)
    inside[i] = next - previous
    previous = next
  }
  return { inside, below, above: cumulative.total - previous }
}

/** Reads the cumulative count at growing positions. */
function reader({ edges, below, total }: Cumulative): (x: number) => number {
  let i = 0
  return (x) => {
    while (i < edges.length && edges[i]! < x) i++
    if (i === edges.length) return total
    if (i === 0) return 0
    const from = edges[i - 1]!
    const share = (x - from) / (edges[i]! - from)
    return below[i - 1]! + share * (below[i]! - below[i - 1]!)
  }
}
