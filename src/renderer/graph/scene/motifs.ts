/** A sequence of cards that occurs several times. */
export interface Motif {
  readonly length: number
  /** where it occurs, in order, none overlapping */
  readonly starts: readonly number[]
}

interface Candidate extends Motif {
  readonly score: number
}

/** Longest motif, and shortest list of lengths tried on large graphs. */
const MAX_LENGTH = 64
const MIN_LENGTHS = 12
/** Windows looked at, at most: some 100 ms. */
const MAX_WINDOWS = 400_000
/** A motif covers at least this many cards. */
const MIN_COVER = 6
/** Most candidates tried, best first. */
const MAX_TRIED = 2000
/** What an edge across a border takes from a motif's worth, as a share; small, so that it decides between ways to cut the same run. */
const BORDER_COST = 0.03

/**
 * Sequences that occur again and again, those first that cover most; cut where few edges cross. A run of one and the same symbol is none.
 * @param symbols [cards]
 * @param taken [cards] 1 where no motif may be; what is found is marked in it
 * @param crossing [cards + 1] edges across each border
 */
export function findMotifs(symbols: readonly string[], taken: Uint8Array, crossing: Int32Array): Motif[] {
  const codes = numbered(symbols)
  const longest = Math.min(MAX_LENGTH, codes.length >> 1, Math.max(MIN_LENGTHS, Math.floor(MAX_WINDOWS / codes.length)))
  const candidates: Candidate[] = []
  for (let length = 2; length <= longest; length++) addCandidates(candidates, codes, taken, crossing, length)
  candidates.sort((a, b) => b.score - a.score || a.length - b.length || a.starts[0]! - b.starts[0]!)
  const found: Motif[] = []
  for (const { length, starts } of candidates.slice(0, MAX_TRIED)) {
    const free = starts.filter((start) => isFree(taken, start, length))
    if (!isWorthwhile(free.length, length)) continue
    for (const start of free) taken.fill(1, start, start + length)
    found.push({ length, starts: free })
  }
  return found
}

function numbered(symbols: readonly string[]): Int32Array {
  const numbers = new Map<string, number>()
  return Int32Array.from(symbols, (symbol) => {
    const number = numbers.get(symbol) ?? numbers.size
    numbers.set(symbol, number)
    return number
  })
}

function isWorthwhile(count: number, length: number): boolean {
  return count >= 2 && count * length >= MIN_COVER
}

/** Sequences of one length, by a rolling hash; equal hashes are compared. */
function addCandidates(
  candidates: Candidate[],
  codes: Int32Array,
  taken: Uint8Array,
  crossing: Int32Array,
  length: number,
): void {
  const groups = new Map<number, number[]>()
  const base = 1_000_003
  let power = 1
  for (let i = 1; i < length; i++) power = Math.imul(power, base)
  let hash = 0
  let free = 0
  for (let i = 0; i < codes.length; i++) {
    if (i >= length) hash = (hash - Math.imul(codes[i - length]! + 1, power)) | 0
    hash = (Math.imul(hash, base) + codes[i]! + 1) | 0
    free = taken[i] === 0 ? free + 1 : 0
    const start = i - length + 1
    if (free < length) continue
    const starts = groups.get(hash)
    if (!starts) groups.set(hash, [start])
    else if (start - starts.at(-1)! >= length && isSame(codes, starts[0]!, start, length)) starts.push(start)
  }
  for (const starts of groups.values()) {
    if (!isWorthwhile(starts.length, length) || isPeriodic(codes, starts[0]!, length)) continue
    candidates.push({ length, starts, score: worthOf(length, starts, crossing) })
  }
}

/** The cards covered, less for what crosses the borders; of two that cover the same the one that occurs more often. */
function worthOf(length: number, starts: readonly number[], crossing: Int32Array): number {
  const count = starts.length
  const borders = starts.reduce((sum, start) => sum + crossing[start]! + crossing[start + length]!, 0)
  return ((count * length * count) / (count + 1)) * (1 - (BORDER_COST * borders) / (2 * count))
}

function isSame(codes: Int32Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (codes[a + i] !== codes[b + i]) return false
  return true
}

/** True for a sequence that is itself a shorter one over and over. */
function isPeriodic(codes: Int32Array, start: number, length: number): boolean {
  for (let period = 1; period <= length >> 1; period++) {
    if (length % period === 0 && isSame(codes, start, start + period, length - period)) return true
  }
  return false
}

function isFree(taken: Uint8Array, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) if (taken[i] === 1) return false
  return true
}
