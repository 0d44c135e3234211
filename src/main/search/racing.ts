import type { SampleRange } from '../../shared/contract/data.ts'
import { meanInterval, studentQuantile } from '../quant/intervals.ts'

/** Samples of the first chunk and of the first round. */
const FIRST = 8

/**
 * Cuts a range into chunks: 8, 8, 16, 32 … samples, then `most` each. The boundaries depend on nothing but the range's start and
 * `most`, so that what was measured is found again whatever the number of workers and however many samples are asked for next time.
 * @param most samples of a chunk, a power of two of at least 8
 */
export function chunksOf(range: SampleRange, most: number): SampleRange[] {
  const chunks: SampleRange[] = []
  for (let start = range.start, seen = 0; start < range.end;) {
    const size = Math.min(most, Math.max(FIRST, seen))
    const end = Math.min(range.end, start + size)
    chunks.push({ start, end })
    seen += size
    start = end
  }
  return chunks
}

/** Sizes of a chunk: powers of two. */
export interface ChunkSizes {
  readonly least: number
  readonly most: number
}

/** Of chunks that all workers share: decisions are made between them. */
export const SHARED_SIZES: ChunkSizes = { least: FIRST, most: 256 }
/** Of chunks that a worker has for itself: the others wait for the last one. */
export const OWN_SIZES: ChunkSizes = { least: 1, most: 128 }

/** Samples in a chunk, so that what is cached of it stays near `bytes`: a power of two; 16 at most where their size is not known. */
export function chunkSize(bytesPerSample: number | null, bytes: number, { least, most }: ChunkSizes): number {
  if (bytesPerSample === null) return 16
  return Math.max(least, Math.min(most, 2 ** Math.floor(Math.log2(bytes / Math.max(1, bytesPerSample)))))
}

/**
 * Cuts a range into chunks for a sweep that takes all of them in any order: a 32nd of `most` samples each first, twice as many
 * whenever four times as many have gone: small ones are there to even out the end. As with `chunksOf`, the boundaries
 * depend on nothing but the range's start and `most`.
 * @param most samples of a chunk, a power of two
 */
export function evenChunksOf(range: SampleRange, most: number): SampleRange[] {
  const chunks: SampleRange[] = []
  const least = Math.max(1, most / 32)
  for (let start = range.start, size = least; start < range.end; start += size) {
    if (size < most && start - range.start >= 4 * size) size *= 2
    chunks.push({ start, end: Math.min(range.end, start + size) })
  }
  return chunks
}

/** True where a round ends: after 8, 16, 32 … samples. Decisions are made only there. */
export function endsRound(samples: number): boolean {
  return samples >= FIRST && Number.isInteger(Math.log2(samples / FIRST))
}

/** Share of the samples that a screened sweep takes at most, and how many at least. */
const MOST_SHARE = 1 / 8
const LEAST_SAMPLES = 16

/**
 * The samples a screened sweep looks at: those first whose float decision is most open, an eighth of them all at most. What a layer does
 * to the loss or the KL of a sample goes with the sample's spread (correlation of the logarithms 0.997 on ResNet-20, 0.89 on
 * SqueezeNet), and few samples hold most of it: on ResNet-20 a tenth holds 89 % of the KL.
 * @param spread of every sample in its order (`spreadOf`)
 * @returns indices into `spread`; equal spreads keep their order
 */
export function screened(spread: Float64Array): number[] {
  const order = Array.from(spread, (_, i) => i).sort((a, b) => spread[b]! - spread[a]! || a - b)
  return order.slice(0, Math.max(LEAST_SAMPLES, Math.ceil(spread.length * MOST_SHARE)))
}

/** What the samples of a race stand for. */
export interface Population {
  /** size of each sample in the order they are taken: its spread, or 1 throughout */
  readonly sizes: Float64Array
  /** Σ of the sizes of all samples, also of those that are never taken */
  readonly total: number
  /** samples in all */
  readonly count: number
}

/** Every sample stands for itself. */
export function wholePopulation(count: number): Population {
  return { sizes: new Float64Array(count).fill(1), total: count, count }
}

/** Ranks, as a share of the candidates, that one may be expected to stand off its final place and still count as settled. */
const TOLERANCE = 0.03

/** Fewer samples than this settle nothing. */
const LEAST_ROUND = 16

/** Candidates of one race: a value a sample each, from the first sample on; those that stopped have fewer. */
export type Race = readonly Float64Array[]

/**
 * Whether the place of `candidate` is settled: the number of candidates that it is expected to change places with, from the paired
 * differences over the samples both have, is at most 3 % of them all. Places are then off by so little that the rank correlation with a
 * sweep over all samples loses about 0.01.
 * @param areCounts values are −1, 0 or 1 (top-1), mostly 0: two candidates alike so far may well differ on the samples to come
 * Source: racing as in Maron, Moore 1994, "Hoeffding Races", with normal errors of paired ratio estimates.
 */
export function isSettled(race: Race, candidate: number, population: Population, areCounts = false): boolean {
  if (race[candidate]!.length < LEAST_ROUND) return false
  const allowed = TOLERANCE * race.length
  let expected = 0
  for (let other = 0; other < race.length; other++) {
    if (other === candidate) continue
    expected += chanceOfSwap(race[candidate]!, race[other]!, population, areCounts)
    if (expected > allowed) return false
  }
  return true
}

/**
 * That the order of two candidates over all samples is not the one seen so far. Equal measures throughout: nothing is left to learn, but
 * where none of them shows any damage: a model that is sure of the samples so far (a saturated softmax) may not be of those to come.
 */
function chanceOfSwap(a: Float64Array, b: Float64Array, { sizes, total }: Population, areCounts: boolean): number {
  const count = Math.min(a.length, b.length)
  let sum = 0
  let size = 0
  let isSilent = true
  for (let i = 0; i < count; i++) {
    isSilent &&= a[i] === 0 && b[i] === 0
    sum += a[i]! - b[i]!
    size += sizes[i]!
  }
  const ratio = size === 0 ? 0 : sum / size
  let squares = 0
  for (let i = 0; i < count; i++) squares += (a[i]! - b[i]! - ratio * sizes[i]!) ** 2
  if (size >= total) return 0
  if (squares === 0) return areCounts || isSilent ? 1 / 2 : 0
  // only what was not seen is uncertain
  const unseen = 1 - size / total
  const error = (unseen * Math.sqrt(squares / (count - 1) / count)) / (size / count)
  return normalTail(Math.abs(ratio) / error)
}

/** 1 − Φ(x) for x ≥ 0. Source: Abramowitz, Stegun 26.2.17 (error < 7.5e-8). */
function normalTail(x: number): number {
  const t = 1 / (1 + 0.2316419 * x)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series
}

/**
 * Mean over all samples with its 95 % interval: the plain mean and Student's t where every sample has the same size or was seen,
 * else the ratio estimate Σ values / Σ sizes · mean size, with the interval of its residuals.
 * Source: Cochran 1977, Sampling Techniques, section 6.3 (ratio estimate).
 */
export function scoreOf(
  values: Float64Array,
  { sizes, total, count: all }: Population,
): { value: number; interval: { low: number; high: number } } {
  const count = values.length
  let sum = 0
  let size = 0
  for (let i = 0; i < count; i++) {
    sum += values[i]!
    size += sizes[i]!
  }
  if (count === all || size === 0 || total === all) {
    const { value, low, high } = meanInterval(values)
    return { value, interval: { low, high } }
  }
  const ratio = sum / size
  const mean = total / all
  const value = ratio * mean
  if (count < 2) return { value, interval: { low: -Infinity, high: Infinity } }
  let squares = 0
  for (let i = 0; i < count; i++) squares += (values[i]! - ratio * sizes[i]!) ** 2
  const error = (mean * Math.sqrt(squares / (count - 1) / count)) / (size / count)
  const half = studentQuantile(count - 1) * error
  return { value, interval: { low: value - half, high: value + half } }
}
