import { allocate, byteBounds, type Budgets } from '../allocate.ts'
import { assignmentKey, baseAssignment } from '../assignment.ts'
import type { Assignment, SearchProblem, Strategy, Trial } from '../port.ts'
import { missesOf } from '../targets.ts'

/**
 * Bit allocation: a choice for each layer, of least summed damage within the size, time or number of float layers asked for. Without
 * such a budget the smallest file whose measured drop is within the limit is sought by bisection over the size. Then, since isolated
 * damages do not add up, the layers at the cheapest choices are made to look worse one after the other and the problem is solved again.
 */
export const knapsackStrategy: Strategy = {
  name: 'knapsack',
  about: 'a choice of bits for each layer within a size or time',
  async *search(problem) {
    const { maxBytes, minSpeedup, maxFloatLayers, maxDrop } = problem.targets
    yield await problem.measure(baseAssignment(problem.layers))
    const maxMs = minSpeedup === null ? null : problem.costs.floatMs / minSpeedup
    const budgets = { maxBytes, maxMs, maxFloatLayers }
    if (maxBytes === null && maxMs === null) yield* smallest(problem, budgets, maxDrop ?? 0)
    else yield* within(problem, budgets)
  },
}

/** Halvings of the interval of sizes: a hundredth of it is left. */
const HALVINGS = 7

async function* smallest(problem: SearchProblem, budgets: Budgets, maxDrop: number): AsyncGenerator<Trial, void> {
  let { low, high } = byteBounds(problem)
  const seen = new Map<string, Trial>()
  let best: { assignment: Assignment; maxBytes: number } | null = null
  for (let i = 0; i < HALVINGS && seen.size < problem.maxTrials; i++) {
    const budget = i === 0 ? low : (low + high) / 2
    const assignment = allocate(problem, { ...budgets, maxBytes: budget * (1 + 1e-12) })
    if (assignment === null) {
      low = budget
      continue
    }
    const known = seen.get(assignmentKey(assignment))
    const trial = known ?? (await problem.measure(assignment))
    if (!known) yield trial
    seen.set(assignmentKey(assignment), trial)
    if (trial.measured.drop <= maxDrop) {
      best = { assignment, maxBytes: budget }
      high = Math.min(budget, problem.costs.bytesOf(assignment))
      if (i === 0) return
    } else low = budget
  }
  // one size below what was reached, other layers may still do
  const maxBytes = best ? Math.max(low, best.maxBytes - 0.05 * (best.maxBytes - byteBounds(problem).low)) : high
  const from = allocate(problem, { ...budgets, maxBytes })
  if (from !== null) yield* reconsider(problem, { ...budgets, maxBytes }, from, seen)
}

async function* within(problem: SearchProblem, budgets: Budgets): AsyncGenerator<Trial, void> {
  const seen = new Map<string, Trial>()
  let given = budgets
  // estimates of size and time are a little off: what a measured plan is above a target is taken off the budget
  for (let i = 0; i < 3; i++) {
    const assignment = allocate(problem, given)
    if (assignment === null || seen.has(assignmentKey(assignment))) break
    const trial = await problem.measure(assignment)
    yield trial
    seen.set(assignmentKey(assignment), trial)
    const budgetMisses = missesOf(trial, problem.targets).filter(({ target }) => target !== 'maxDrop')
    if (budgetMisses.length === 0) return yield* reconsider(problem, given, assignment, seen)
    given = tightened(given, budgetMisses)
  }
  const fallback = seen.size === 0 ? cheapest(problem, budgets) : null
  if (fallback) yield await problem.measure(fallback)
}

function tightened(budgets: Budgets, misses: ReturnType<typeof missesOf>): Budgets {
  const by = (target: string): number => 1 + 1.1 * (misses.find((miss) => miss.target === target)?.by ?? 0)
  return {
    ...budgets,
    maxBytes: budgets.maxBytes === null ? null : budgets.maxBytes / by('maxBytes'),
    maxMs: budgets.maxMs === null ? null : budgets.maxMs / by('minSpeedup'),
  }
}

/** No assignment keeps the budgets: the one that comes nearest, each layer by itself. */
function cheapest({ layers, costs }: SearchProblem, { maxBytes }: Budgets): Assignment {
  const cost = maxBytes === null ? costs.layerMs : costs.layerBytes
  return new Map(
    layers.map(({ id, choices }) => [id, [...choices].sort((a, b) => cost(id, a) - cost(id, b))[0]!] as const),
  )
}

/** Layers that are made to look worse, one at a time. */
const DOUBTS = 4

async function* reconsider(
  problem: SearchProblem,
  budgets: Budgets,
  from: Assignment,
  seen: Map<string, Trial>,
): AsyncGenerator<Trial, void> {
  const { damageOf, targets, layers, maxTrials } = problem
  const suspects = layers
    .map(({ id }) => id)
    .filter((id) => damageOf(id, from.get(id)!) > 0)
    .sort((a, b) => damageOf(b, from.get(b)!) - damageOf(a, from.get(a)!))
  for (const suspect of suspects.slice(0, DOUBTS)) {
    if (seen.size >= maxTrials) return
    const choice = from.get(suspect)!
    const weigh = (id: string, name: string): number => damageOf(id, name) * (id === suspect && name === choice ? 4 : 1)
    const assignment = allocate(problem, budgets, weigh)
    if (assignment === null || seen.has(assignmentKey(assignment))) continue
    const trial = await problem.measure(assignment)
    yield trial
    seen.set(assignmentKey(assignment), trial)
    if (targets.maxDrop !== null && missesOf(trial, targets).length === 0) return
  }
}
