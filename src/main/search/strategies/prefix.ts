import { baseAssignment, changed } from '../assignment.ts'
import { FLOAT, type Assignment, type SearchProblem, type Strategy, type Trial } from '../port.ts'
import { missesOf } from '../targets.ts'

/**
 * Ordered prefix: layers by what float gains them, the first k in float. With a limit for the drop, bisection finds the least k that
 * keeps it (exactly where the drop falls with k; else a k that keeps it), then each of the k is tried in integers again, the least
 * useful first. With a number of float layers alone, the set grows by the best of the next candidates at each step.
 */
export const prefixStrategy: Strategy = {
  name: 'prefix',
  about: 'the most sensitive layers in float, as few as the drop allows',
  async *search(problem) {
    const tries = new Tries(problem)
    const { maxDrop } = problem.targets
    const base = await tries.at(new Set())
    yield base
    if (maxDrop !== null && base.measured.drop <= maxDrop) return
    if (maxDrop === null) return yield* best(problem, tries)
    yield* leastFloat(problem, tries, base, maxDrop)
    yield* ladder(tries)
  },
}

class Tries {
  /** ids, those that gain most first */
  readonly order: readonly string[]
  readonly #problem: SearchProblem
  readonly #base: Assignment
  #count = 0

  constructor(problem: SearchProblem) {
    this.#problem = problem
    this.#base = baseAssignment(problem.layers)
    const floatable = problem.layers.filter(({ choices }) => choices.includes(FLOAT)).map(({ id }) => id)
    this.order = floatable.sort((a, b) => problem.gainOf(b) - problem.gainOf(a))
  }

  get isOver(): boolean {
    return this.#count >= this.#problem.maxTrials
  }

  /** Most layers that may be float. */
  get limit(): number {
    return Math.min(this.order.length, this.#problem.targets.maxFloatLayers ?? Infinity)
  }

  prefix(length: number): Set<string> {
    return new Set(this.order.slice(0, length))
  }

  isKnown(length: number): boolean {
    return this.#problem.isKnown(this.#of(this.prefix(length)))
  }

  #of(float: ReadonlySet<string>): Assignment {
    return changed(
      this.#base,
      [...float].map((id) => [id, FLOAT] as const),
    )
  }

  async at(float: ReadonlySet<string>): Promise<Trial> {
    const assignment = this.#of(float)
    if (!this.#problem.isKnown(assignment)) this.#count++
    return this.#problem.measure(assignment)
  }
}

async function* leastFloat(
  problem: SearchProblem,
  tries: Tries,
  first: Trial,
  maxDrop: number,
): AsyncGenerator<Trial, void> {
  let low = 0 // measured above the limit
  let high: number | null = null // measured within it
  let guess = firstGuess(problem, tries, first, maxDrop)
  // what former searches measured narrows the interval for nothing
  for (let length = 1; length <= tries.limit && high === null; length++) {
    if (!tries.isKnown(length)) continue
    const trial = await tries.at(tries.prefix(length))
    yield trial
    if (trial.measured.drop <= maxDrop) high = length
    else low = length
  }
  if (high !== null && !(guess > low && guess < high)) guess = Math.floor((low + high) / 2)
  else if (high === null && guess <= low) guess = Math.min(tries.limit, low + 1)
  while (!tries.isOver && low < tries.limit && high !== low + 1) {
    const trial = await tries.at(tries.prefix(guess))
    yield trial
    if (trial.measured.drop <= maxDrop) high = guess
    else low = guess
    // until one k is known to do, doubling finds it with few steps where few layers matter
    guess = high === null ? Math.min(tries.limit, Math.max(low + 1, 2 * low)) : Math.floor((low + high) / 2)
  }
  if (high !== null) yield* requantize(problem, tries, high)
}

/** The prefix whose left-over damage would bring the drop within the limit, were damages to add up. */
function firstGuess({ gainOf }: SearchProblem, { order, limit }: Tries, first: Trial, maxDrop: number): number {
  const gains = order.map((id) => Math.max(0, gainOf(id)))
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  let left = total
  let length = 0
  while (length < limit && total > 0 && (first.measured.drop * left) / total > maxDrop) left -= gains[length++]!
  return Math.max(1, length)
}

/** Takes back what turns out to be harmless. */
async function* requantize({ targets }: SearchProblem, tries: Tries, length: number): AsyncGenerator<Trial, void> {
  let float = tries.prefix(length)
  for (const id of [...float].reverse().slice(0, TAKEN_BACK)) {
    if (tries.isOver || float.size <= 1) return
    const fewer = new Set([...float].filter((other) => other !== id))
    if (id === tries.order[length - 1]) continue // the prefix without its last is known to miss
    const trial = await tries.at(fewer)
    yield trial
    if (missesOf(trial, targets).length === 0) float = fewer
  }
}

/** Sizes of prefixes that every search measures in the end: they make a front, and the next search, whatever it asks, starts from them. */
const LADDER = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]

async function* ladder(tries: Tries): AsyncGenerator<Trial, void> {
  for (const length of LADDER) {
    if (tries.isOver || length > tries.limit || length >= tries.order.length) return
    yield await tries.at(tries.prefix(length))
  }
}

/** Members of the prefix that are tried in integers again: what helps little alone is at its end. */
const TAKEN_BACK = 4

/**
 * Grows a set one layer at a time, each time by that of the next candidates which leaves the least damage jointly. A set of n layers is
 * on the way to one of n + 1: a search for fewer layers finds all it needs in the store.
 */
async function* best(problem: SearchProblem, tries: Tries): AsyncGenerator<Trial, void> {
  const most = problem.targets.maxFloatLayers === null ? Math.min(tries.limit, MOST_UNASKED) : tries.limit
  let float: ReadonlySet<string> = new Set()
  while (float.size < most) {
    let step: { float: ReadonlySet<string>; trial: Trial } | null = null
    const candidates = tries.order.filter((id) => !float.has(id)).slice(0, CANDIDATES)
    for (const id of candidates) {
      if (tries.isOver) return
      const larger: ReadonlySet<string> = new Set([...float, id])
      const trial = await tries.at(larger)
      yield trial
      if (step === null || compare(trial, step.trial) < 0) step = { float: larger, trial }
    }
    if (step === null) return
    float = step.float
  }
}

/** Layers that are tried at each step: scores of neighbours in the order overlap, and isolated damages do not add up. */
const CANDIDATES = 3
/** Float layers at most where nothing was asked for. */
const MOST_UNASKED = 4

function compare(a: Trial, b: Trial): number {
  return a.measured.damage - b.measured.damage || a.measured.drop - b.measured.drop
}
