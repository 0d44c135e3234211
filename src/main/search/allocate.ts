import { baseAssignment } from './assignment.ts'
import { solveKnapsack, type Option } from './knapsack.ts'
import { FLOAT, type Assignment, type SearchProblem } from './port.ts'

/** What an allocation has to keep; null: no limit. */
export interface Budgets {
  readonly maxBytes: number | null
  readonly maxMs: number | null
  readonly maxFloatLayers: number | null
}

/** Solves for the multiplier of time, and for borders, which no layer has alone. */
const ROUNDS = 24

/**
 * The assignment of least summed isolated damage within budgets, by estimate. Bytes are solved exactly; time and number of float layers
 * as the one budget where they are the only one, else by a Lagrange multiplier on top of it (a bound, not always the optimum). Time at
 * borders belongs to no layer alone: the budget is made tighter by what it comes to and the problem solved again.
 * @param weigh harm of a choice, the isolated damage unless told
 * @returns null where no assignment keeps the budgets by estimate
 */
export function allocate(
  { layers, damageOf, costs }: Pick<SearchProblem, 'layers' | 'damageOf' | 'costs'>,
  budgets: Budgets,
  weigh: (layerId: string, choice: string) => number = damageOf,
): Assignment | null {
  const { maxBytes, maxMs, maxFloatLayers } = budgets
  const limits: Limit[] = [
    {
      most: maxBytes === null ? null : maxBytes - costs.floatBytes,
      of: costs.layerBytes,
      real: (a) => costs.bytesOf(a) - costs.floatBytes,
    },
    { most: maxMs, of: costs.layerMs, real: costs.msOf },
    {
      most: maxFloatLayers,
      of: (_, choice) => (choice === FLOAT ? 1 : 0),
      real: (a) => [...a.values()].filter((choice) => choice === FLOAT).length,
    },
  ]
  const active = limits.filter(({ most }) => most !== null)
  if (active.length === 0) return null
  const solve = (limit: Limit, budget: number, price: (id: string, choice: string) => number): Assignment | null => {
    const groups = layers.map(({ id, choices }) =>
      choices
        .map((name): Option => ({ name, cost: limit.of(id, name), harm: weigh(id, name) + price(id, name) }))
        .filter(({ harm }) => Number.isFinite(harm)),
    )
    const found = solveKnapsack(groups, budget)
    return found && new Map(layers.map(({ id }, i) => [id, found.names[i]!]))
  }
  return priced(active, solve)
}

interface Limit {
  readonly most: number | null
  readonly of: (layerId: string, choice: string) => number
  readonly real: (assignment: Assignment) => number
}

type Solve = (limit: Limit, budget: number, price: (id: string, choice: string) => number) => Assignment | null

/** Keeps the first limit by the knapsack and the others by prices that are raised until they hold. */
function priced([first, ...others]: readonly Limit[], solve: Solve): Assignment | null {
  const excess = (limit: Limit, a: Assignment): number => limit.real(a) - limit.most!
  const holds = (a: Assignment): boolean =>
    [first!, ...others].every((limit) => excess(limit, a) <= 1e-9 * Math.max(1, Math.abs(limit.most!)))
  const at = (prices: readonly number[]): Assignment | null => {
    let budget = first!.most!
    for (let round = 0; round < ROUNDS; round++) {
      const found = solve(first!, budget, (id, choice) =>
        others.reduce((sum, limit, i) => sum + prices[i]! * limit.of(id, choice), 0),
      )
      if (found === null || excess(first!, found) <= 1e-9 * Math.max(1, Math.abs(first!.most!))) return found
      budget -= excess(first!, found)
    }
    return null
  }
  const prices = others.map(() => 0)
  let found = at(prices)
  if (found === null || holds(found)) return found
  for (const [i, limit] of others.entries()) {
    let low = 0
    let high = 1e-6
    while (high < 1e12 && !keeps(at(replaced(prices, i, high)), limit, excess)) high *= 8
    for (let round = 0; round < ROUNDS; round++) {
      const middle = (low + high) / 2
      if (keeps(at(replaced(prices, i, middle)), limit, excess)) high = middle
      else low = middle
    }
    prices[i] = high
  }
  found = at(prices)
  return found !== null && holds(found) ? found : null
}

function keeps(found: Assignment | null, limit: Limit, excess: (limit: Limit, a: Assignment) => number): boolean {
  return found !== null && excess(limit, found) <= 1e-9 * Math.max(1, Math.abs(limit.most!))
}

function replaced(values: readonly number[], index: number, value: number): number[] {
  return values.map((old, i) => (i === index ? value : old))
}

/** The smallest and the largest file that the choices allow, by estimate; float left aside in the largest. */
export function byteBounds({ layers, costs }: Pick<SearchProblem, 'layers' | 'costs'>): { low: number; high: number } {
  const least = layers.reduce(
    (sum, { id, choices }) => sum + Math.min(...choices.map((choice) => costs.layerBytes(id, choice))),
    costs.floatBytes,
  )
  return { low: least, high: Math.max(least, costs.bytesOf(baseAssignment(layers))) }
}
