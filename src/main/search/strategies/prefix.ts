import { baseAssignment, changed } from '../assignment.ts'
import { FLOAT, type Assignment, type SearchProblem, type Strategy, type Trial } from '../port.ts'
import { missesOf } from '../targets.ts'

/**
 * Ordered prefix: layers by what float gains them, the first k in float. With a limit for the drop, bisection finds the least k that
 * keeps it (exactly where the drop falls with k; else a k that keeps it), then each of the k is tried in integers again, the least
 * useful first. With a number of float layers alone, every k up to it is measured, then members of the best set are exchanged for the
 * layers that come next.
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
    if (maxDrop === null) yield* best(problem, tries)
    else yield* leastFloat(problem, tries, base, maxDrop)
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

async function* best(problem: SearchProblem, tries: Tries): AsyncGenerator<Trial, void> {
  let chosen: { float: ReadonlySet<string>; trial: Trial } | null = null
  const consider = (float: ReadonlySet<string>, trial: Trial): boolean => {
    if (chosen !== null && compare(trial, chosen.trial) >= 0) return false
    chosen = { float, trial }
    return true
  }
  for (let length = 1; length <= tries.limit && !tries.isOver; length++) {
    const float = tries.prefix(length)
    const trial = await tries.at(float)
    yield trial
    consider(float, trial)
    if (problem.targets.maxFloatLayers === null && length >= 8) break
  }
  for (const next of tries.order.slice(tries.limit, tries.limit + EXCHANGES)) {
    const from: ReadonlySet<string> | undefined = (chosen as { float: ReadonlySet<string> } | null)?.float
    if (from === undefined) return
    for (const out of [...from].reverse()) {
      if (tries.isOver) return
      const float = new Set([...from].map((id) => (id === out ? next : id)))
      const trial = await tries.at(float)
      yield trial
      if (consider(float, trial)) break
    }
  }
}

/** Layers behind the prefix that are tried in place of a member: scores of neighbours in the order often overlap. */
const EXCHANGES = 3

function compare(a: Trial, b: Trial): number {
  return a.measured.damage - b.measured.damage || a.measured.drop - b.measured.drop
}
