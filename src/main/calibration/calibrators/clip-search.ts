import type { Range } from '../../quant/params.ts'

/** Steps of a factor 2^(1/4) down to 2^-12 of the full range: lower than any sensible clipping at one bit. */
const LADDER = Array.from({ length: 49 }, (_, k) => 2 ** (-k / 4))
/** 2 % steps to both sides of the best rung, up to its neighbours. */
const REFINEMENT = Array.from({ length: 17 }, (_, k) => 2 ** ((k - 8) / 32)).filter((factor) => factor !== 1)
const ROUNDS = 3

/** Which bounds a search may move. */
export type ClipSides = 'together' | 'upper' | 'lower' | 'each'

type Cost = (range: Range) => number

/**
 * Searches the clipping range of least cost inside `full`: a ladder of factors, then finer steps around the best one. Ties keep the
 * wider range. With sides `each` both bounds shrink together first; then each walks the ladder with the other held, and both take
 * fine steps in turn until neither moves (at most three times).
 */
export function searchClip(full: Range, sides: ClipSides, cost: Cost): Range {
  switch (sides) {
    case 'together':
      return climb(full, 1, 1, cost)
    case 'upper':
      return climb(full, 0, 1, cost)
    case 'lower':
      return climb(full, 1, 0, cost)
    case 'each':
      return searchBoth(full, cost)
  }
}

function searchBoth(full: Range, cost: Cost): Range {
  let best = climb(full, 1, 1, cost)
  const { rmax } = climb({ rmin: best.rmin, rmax: full.rmax }, 0, 1, cost)
  const { rmin } = climb({ rmin: full.rmin, rmax }, 1, 0, cost)
  best = leastOf([best, { rmin: best.rmin, rmax }, { rmin, rmax }], cost)
  for (let round = 0; round < ROUNDS; round++) {
    const upper = refine(best, full, 0, 1, cost)
    const next = refine(upper, full, 1, 0, cost)
    if (next.rmin === best.rmin && next.rmax === best.rmax) return best
    best = next
  }
  return best
}

/** The best rung of the ladder from `full` downwards, then fine steps around it. A weight of 0 holds a bound, 1 moves it. */
function climb(full: Range, lower: 0 | 1, upper: 0 | 1, cost: Cost): Range {
  return refine(
    leastOf(
      LADDER.map((factor) => scaled(full, factor ** lower, factor ** upper)),
      cost,
    ),
    full,
    lower,
    upper,
    cost,
  )
}

function refine(from: Range, full: Range, lower: 0 | 1, upper: 0 | 1, cost: Cost): Range {
  const steps = REFINEMENT.map((factor) => scaled(from, factor ** lower, factor ** upper))
  return leastOf([from, ...steps.filter(({ rmin, rmax }) => rmin >= full.rmin && rmax <= full.rmax)], cost)
}

function scaled({ rmin, rmax }: Range, lower: number, upper: number): Range {
  return { rmin: rmin * lower, rmax: rmax * upper }
}

function leastOf(candidates: readonly Range[], cost: Cost): Range {
  let best = candidates[0]!
  let least = cost(best)
  for (const candidate of candidates.slice(1)) {
    const value = cost(candidate)
    if (value < least) {
      best = candidate
      least = value
    }
  }
  return best
}

/** The sides that hold anything to clip. */
export function sidesOf(full: Range, symmetric: boolean): ClipSides {
  if (full.rmin >= 0) return 'upper'
  if (symmetric) return 'together'
  return full.rmax <= 0 ? 'lower' : 'each'
}

/** The whole range of a tensor widened to contain 0; for a symmetric scheme with two signs, mirrored. */
export function fullRange(min: number, max: number, symmetric: boolean): Range {
  const rmin = Math.min(0, min)
  const rmax = Math.max(0, max)
  if (!symmetric || rmin === 0) return { rmin, rmax }
  const bound = Math.max(rmax, -rmin)
  return { rmin: -bound, rmax: bound }
}
