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

/** Samples in a chunk, so that what is cached of it stays near `bytes`: a power of two from 8 to 64. */
export function chunkSize(bytesPerSample: number | null, bytes: number): number {
  if (bytesPerSample === null) return 16
  return Math.max(FIRST, Math.min(64, 2 ** Math.floor(Math.log2(bytes / Math.max(1, bytesPerSample)))))
}

/** True where a round ends: after 8, 16, 32 … samples. Decisions are made only there. */
export function endsRound(samples: number): boolean {
  return samples >= FIRST && Number.isInteger(Math.log2(samples / FIRST))
}

/** Of the other layers, how many may still be confused with one whose rank counts as settled. */
const TOLERANCE = 0.1

/** Candidates of one race: a value a sample each, from the first sample on; those that stopped have fewer. */
export type Race = readonly Float64Array[]

/**
 * Whether the place of `candidate` is settled: of the other candidates at most a tenth (at least one) are not told apart from it by a
 * 95 % interval of the paired difference over the samples both have. A place is then uncertain by a few ranks at most, which costs the
 * rank correlation about 0.01.
 * Source: racing as in Maron, Moore 1994, "Hoeffding Races", with Student's t on paired differences.
 */
export function isSettled(race: Race, candidate: number): boolean {
  const allowed = Math.max(1, Math.floor(TOLERANCE * (race.length - 1)))
  let confused = 0
  for (let other = 0; other < race.length; other++) {
    if (other === candidate || areApart(race[candidate]!, race[other]!)) continue
    if (++confused > allowed) return false
  }
  return true
}

/** Whether a 95 % interval of the mean paired difference leaves out 0. Equal values throughout count as apart: nothing is left to learn. */
function areApart(a: Float64Array, b: Float64Array): boolean {
  const count = Math.min(a.length, b.length)
  if (count < 2) return false
  let sum = 0
  for (let i = 0; i < count; i++) sum += a[i]! - b[i]!
  const mean = sum / count
  let squares = 0
  for (let i = 0; i < count; i++) squares += (a[i]! - b[i]! - mean) ** 2
  if (squares === 0) return true
  return Math.abs(mean) > studentQuantile(count - 1) * Math.sqrt(squares / (count - 1) / count)
}

/** Mean with its 95 % interval; samples in their order. */
export function scoreOf(values: Float64Array): { value: number; interval: { low: number; high: number } } {
  const { value, low, high } = meanInterval(values)
  return { value, interval: { low, high } }
}
