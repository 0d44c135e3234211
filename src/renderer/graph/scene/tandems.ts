/** A stretch that is `copies` times the same, one after the other. */
export interface Tandem {
  readonly first: number
  readonly period: number
  readonly copies: number
}

interface Run {
  readonly first: number
  readonly length: number
  readonly period: number
}

/** Longest block found by repetition alone. */
const MAX_PERIOD = 64
/** A repetition covers at least this many cards. */
const MIN_LENGTH = 6

/**
 * Repetitions one after the other, the longest first, none overlapping. A run of one and the same symbol is none.
 * @param symbols [cards]
 * @param taken [cards] 1 where no repetition may be; what is found is marked in it
 * @param open [cards + 1] edges across each border; of the ways to cut a run that with the fewest is taken
 */
export function findTandems(symbols: readonly string[], taken: Uint8Array, open: Int32Array): Tandem[] {
  const codes = numbered(symbols)
  const runs: Run[] = []
  for (let period = 1; period <= Math.min(MAX_PERIOD, codes.length >> 1); period++) addRuns(runs, codes, taken, period)
  runs.sort((a, b) => b.length - a.length || a.period - b.period || a.first - b.first)
  const found: Tandem[] = []
  for (const run of runs) {
    if (!isFree(taken, run.first, run.length)) continue
    const tandem = cut(run, open)
    // repetitions of a pair are taken for blocks only when there are many
    if (run.period > 1 && (tandem.copies < 2 || tandem.copies * run.period < MIN_LENGTH)) continue
    taken.fill(1, run.first, run.first + run.length)
    if (run.period > 1) found.push(tandem)
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

/** Runs in which every symbol equals the one a period before, at least two periods long. */
function addRuns(runs: Run[], codes: Int32Array, taken: Uint8Array, period: number): void {
  let length = 0
  for (let i = 0; i + period <= codes.length; i++) {
    const goes =
      i + period < codes.length && codes[i] === codes[i + period] && taken[i] === 0 && taken[i + period] === 0
    if (goes) {
      length++
      continue
    }
    if (length >= Math.max(period, MIN_LENGTH - period))
      runs.push({ first: i - length, length: length + period, period })
    length = 0
  }
}

function isFree(taken: Uint8Array, first: number, length: number): boolean {
  for (let i = first; i < first + length; i++) if (taken[i] === 1) return false
  return true
}

/** Cuts a run where the fewest edges cross the borders on average. */
function cut({ first, length, period }: Run, open: Int32Array): Tandem {
  let best: Tandem = { first, period, copies: Math.floor(length / period) }
  let fewest = Infinity
  for (let shift = 0; shift < period; shift++) {
    const copies = Math.floor((length - shift) / period)
    if (copies < 2 && best.copies >= 2) break
    let crossing = 0
    for (let copy = 0; copy <= copies; copy++) crossing += open[first + shift + copy * period]!
    if (crossing / (copies + 1) >= fewest) continue
    fewest = crossing / (copies + 1)
    best = { first: first + shift, period, copies }
  }
  return best
}
