/**
 * Histogram bins per octave: the nine leading mantissa bits of a float32. The relative width of a bin is at most 1/512
 * everywhere, so a threshold read from it is within 0.2 % whatever the tensor's range.
 */
export const BINS_PER_OCTAVE = 512
/**
 * Octaves kept below the largest magnitude; what is smaller counts as zero. 2^-20 of the largest value is a sixteenth of half a
 * step of a 16-bit quantizer over it, so no scheme of ours can tell it from zero.
 */
export const OCTAVES = 20
/** Bins of one sign that a histogram can have. */
export const MOST_BINS = OCTAVES * BINS_PER_OCTAVE
/** Counters of one sign: values too small for the lowest bin, then the bins. */
const SIDE = MOST_BINS + 1
const SHIFT = 14
const MAGNITUDE = 0x7fffffff
const INFINITE = 0x7f800000
/** Key of the bin of the largest finite floats. */
export const HIGHEST_KEY = (INFINITE >>> SHIFT) - 1
/** a 32-bit counter cannot overflow while fewer values than this were added */
const MOST_PENDING = 0xffffffff

/**
 * Counts of values by sign and magnitude. A bin holds all floats that share sign, exponent and the nine leading mantissa bits, so
 * bins are fixed once and for all: no range has to be known in advance, and adding or merging in any order or split gives
 * the same counts bit for bit. Zero is a bin of its own (with all values below `smallest`), hence on an edge of both sides.
 */
export interface Histogram {
  /** key of bin 0 on both sides */
  readonly lowKey: number
  /** values equal to zero, or too small to matter */
  readonly zeros: number
  /** `positive[i]` counts values in [edgeOf(lowKey + i), edgeOf(lowKey + i + 1)) */
  readonly positive: Float64Array
  /** the same for magnitudes of negative values */
  readonly negative: Float64Array
}

const scratchFloat = new Float32Array(1)
const scratchBits = new Uint32Array(scratchFloat.buffer)

/** Bin key of a magnitude: the leading bits of its float32 representation, growing with the magnitude. */
export function keyOf(magnitude: number): number {
  scratchFloat[0] = Math.abs(magnitude)
  return scratchBits[0]! >>> SHIFT
}

/** Lower edge of the bin with key `key`; `edgeOf(key + 1)` is its upper edge. */
export function edgeOf(key: number): number {
  if (key << SHIFT >= INFINITE) return 2 ** 128
  scratchBits[0] = key << SHIFT
  return scratchFloat[0]!
}

/** Lowest key kept when `key` is the largest. */
function lowKeyFor(key: number): number {
  const octave = Math.floor(key / BINS_PER_OCTAVE)
  return Math.max(1, (octave - OCTAVES + 1) * BINS_PER_OCTAVE)
}

/** A histogram being filled. */
export class HistogramBuilder {
  #lowKey = 1
  #zeros = 0
  /** what is being counted, laid out as SIDE tells; 32-bit counters keep `add` at 3 ns a value */
  #counts: Uint32Array | null = null
  /** values in #counts: none of its counters can have passed it */
  #pending = 0
  /** what #counts held before, without the values that are too small; both sides, MOST_BINS each */
  #settled: Float64Array | null = null

  /**
   * Counts every `stride`-th of `values` from `start` on. The loops stand here and not in functions of their own, because V8's middle
   * compiler inlines those and then never hands the loops on to the optimising one: three times slower (Node 24). There is no branch
   * on a value in the second one: signs and zeros are random to the branch predictor.
   * @returns how many were counted, or −1 when one of them is NaN or infinite (then nothing is counted)
   */
  add(values: Float32Array, start = 0, stride = 1): number {
    if (start >= values.length) return 0
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length)
    let largest = 0
    for (let i = start; i < bits.length; i += stride) {
      const magnitude = bits[i]! & MAGNITUDE
      if (magnitude > largest) largest = magnitude
    }
    if (largest >= INFINITE) return -1
    this.#reach(largest >>> SHIFT)
    const added = Math.floor((bits.length - 1 - start) / stride) + 1
    if (this.#pending + added > MOST_PENDING) this.#settle()
    this.#pending += added
    const counts = (this.#counts ??= new Uint32Array(2 * SIDE))
    const base = this.#lowKey - 1
    for (let i = start; i < bits.length; i += stride) {
      const word = bits[i]!
      const bin = ((word & MAGNITUDE) >> SHIFT) - base
      // the side, then max(0, bin)
      const slot = ((word >> 31) & SIDE) + (bin & ~(bin >> 31))
      counts[slot] = counts[slot]! + 1
    }
    return added
  }

  /** Adds all counts of another histogram. */
  merge(other: Histogram): void {
    const top = Math.max(lastUsed(other.positive), lastUsed(other.negative))
    this.#zeros += other.zeros
    if (top < 0) return
    this.#reach(other.lowKey + top)
    const settled = this.#settle()
    this.#fold(settled, 0, other.positive, other.lowKey)
    this.#fold(settled, MOST_BINS, other.negative, other.lowKey)
  }

  /** A copy of the counts, trimmed to the bins in use. */
  snapshot(): Histogram {
    if (this.#counts === null && this.#settled === null) return emptyHistogram(this.#zeros)
    const settled = this.#settle()
    const positive = settled.subarray(0, MOST_BINS)
    const negative = settled.subarray(MOST_BINS)
    return {
      lowKey: this.#lowKey,
      zeros: this.#zeros,
      positive: positive.slice(0, lastUsed(positive) + 1),
      negative: negative.slice(0, lastUsed(negative) + 1),
    }
  }

  /** Makes room for `key`, moving what falls off the low end to the zeros. */
  #reach(key: number): void {
    const lowKey = lowKeyFor(key)
    if (lowKey <= this.#lowKey) return
    if (this.#pending > 0) this.#settle()
    if (this.#settled) this.#zeros += dropLowest(this.#settled, Math.min(lowKey - this.#lowKey, MOST_BINS))
    this.#lowKey = lowKey
  }

  #settle(): Float64Array {
    const settled = (this.#settled ??= new Float64Array(2 * MOST_BINS))
    const counts = this.#counts
    if (counts !== null && this.#pending > 0) {
      this.#zeros += counts[0]! + counts[SIDE]!
      for (let i = 0; i < MOST_BINS; i++) {
        settled[i]! += counts[i + 1]!
        settled[i + MOST_BINS]! += counts[i + 1 + SIDE]!
      }
      counts.fill(0)
      this.#pending = 0
    }
    return settled
  }

  #fold(counts: Float64Array, side: number, added: Float64Array, lowKey: number): void {
    const offset = lowKey - this.#lowKey
    for (let i = 0; i < added.length; i++) {
      if (i + offset < 0) this.#zeros += added[i]!
      else counts[side + i + offset]! += added[i]!
    }
  }
}

/** Shifts both sides down by `shift` bins; gives the sum of what fell off. */
function dropLowest(counts: Float64Array, shift: number): number {
  let dropped = 0
  for (let side = 0; side < counts.length; side += MOST_BINS) {
    for (let i = side; i < side + shift; i++) dropped += counts[i]!
    counts.copyWithin(side, side + shift, side + MOST_BINS)
    counts.fill(0, side + MOST_BINS - shift, side + MOST_BINS)
  }
  return dropped
}

function emptyHistogram(zeros: number): Histogram {
  return { lowKey: 1, zeros, positive: new Float64Array(0), negative: new Float64Array(0) }
}

function lastUsed(counts: Float64Array): number {
  let last = counts.length - 1
  while (last >= 0 && counts[last] === 0) last--
  return last
}

/** Number of values counted. */
export function countOf(histogram: Histogram): number {
  let count = histogram.zeros
  for (const side of [histogram.positive, histogram.negative]) for (let i = 0; i < side.length; i++) count += side[i]!
  return count
}

/** A run of equal density: `count` values spread evenly over [from, to) of the real line. Zeros are a bin of width 0. */
export interface Bin {
  readonly from: number
  readonly to: number
  readonly count: number
}

/**
 * The used bins in ascending order of value, cut to [min, max], `grouping` neighbouring bins of an octave taken together.
 * @param grouping a power of two up to 512; 1 keeps the full resolution
 */
export function binsOf(histogram: Histogram, min: number, max: number, grouping = 1): Bin[] {
  const bins: Bin[] = []
  const { lowKey, negative, positive, zeros } = histogram
  for (const { first, last, count } of groups(negative, lowKey, grouping).reverse()) {
    bins.push({ from: Math.max(min, -edgeOf(last)), to: -edgeOf(first), count })
  }
  if (zeros > 0) bins.push({ from: 0, to: 0, count: zeros })
  for (const { first, last, count } of groups(positive, lowKey, grouping)) {
    bins.push({ from: edgeOf(first), to: Math.min(max, edgeOf(last)), count })
  }
  return bins
}

function groups(
  counts: Float64Array,
  lowKey: number,
  grouping: number,
): { first: number; last: number; count: number }[] {
  const result = []
  // keys that are multiples of `grouping` start a group, so that groups do not depend on lowKey
  for (let i = 0; i < counts.length;) {
    const next = Math.min(counts.length, i + grouping - ((lowKey + i) % grouping))
    let count = 0
    for (let j = i; j < next; j++) count += counts[j]!
    if (count > 0) result.push({ first: lowKey + i, last: lowKey + next, count })
    i = next
  }
  return result
}

/** Mean and mean square of what was counted, each value taken at the middle of its bin (within 0.1 %). NaN when empty. */
export function momentsOf(histogram: Histogram): { readonly mean: number; readonly meanSquare: number } {
  let sum = 0
  let squares = 0
  let count = 0
  for (const { from, to, count: n } of binsOf(histogram, -Infinity, Infinity)) {
    sum += (n * (from + to)) / 2
    squares += (n * (from * from + from * to + to * to)) / 3
    count += n
  }
  return { mean: sum / count, meanSquare: squares / count }
}
