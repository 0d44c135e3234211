/** One way to fill a group: what it costs and what harm it does. */
export interface Option {
  readonly name: string
  readonly cost: number
  readonly harm: number
}

/** What was chosen: one option a group. */
export interface Choice {
  readonly names: readonly string[]
  readonly cost: number
  readonly harm: number
}

interface State {
  readonly cost: number
  readonly harm: number
  readonly option: number
  readonly before: State | null
}

/** States kept after a group; beyond it neighbours in cost are merged, the least harm staying. */
export const MOST_STATES = 2048

/**
 * The multiple-choice knapsack: one option of each group, the least total harm within a budget of cost. Dynamic programming over the
 * states that no other beats in both; exact as long as they are at most `MOST_STATES`, and within the budget always.
 * @param groups none empty; costs may be negative
 * @returns null where even the cheapest choice is above the budget
 * Source: Kellerer, Pferschy, Pisinger, Knapsack Problems, 2004, sections 3.4 (lists of dominance) and 11.5.
 */
export function solveKnapsack(groups: readonly (readonly Option[])[], budget: number): Choice | null {
  const cheapestRest = new Float64Array(groups.length + 1)
  for (let g = groups.length - 1; g >= 0; g--)
    cheapestRest[g] = cheapestRest[g + 1]! + Math.min(...groups[g]!.map(({ cost }) => cost))
  let states: State[] = [{ cost: 0, harm: 0, option: -1, before: null }]
  for (const [g, group] of groups.entries()) {
    const next: State[] = []
    for (const before of states) {
      group.forEach(({ cost, harm }, option) => {
        const total = before.cost + cost
        if (total + cheapestRest[g + 1]! <= budget + tolerance(budget))
          next.push({ cost: total, harm: before.harm + harm, option, before })
      })
    }
    states = undominated(next)
    if (states.length === 0) return null
  }
  const best = states.at(-1)! // costs rise and harms fall along the list
  const names: string[] = []
  for (let state: State = best, g = groups.length - 1; g >= 0; state = state.before!, g--)
    names.unshift(groups[g]![state.option]!.name)
  return { names, cost: best.cost, harm: best.harm }
}

/** Sums of costs differ from the budget made of the same terms by rounding. */
function tolerance(budget: number): number {
  return 1e-9 * Math.max(1, Math.abs(budget))
}

function undominated(states: State[]): State[] {
  states.sort((a, b) => a.cost - b.cost || a.harm - b.harm)
  const kept: State[] = []
  for (const state of states) if (kept.length === 0 || state.harm < kept.at(-1)!.harm) kept.push(state)
  return kept.length <= MOST_STATES ? kept : thinned(kept)
}

/** One state in each of equally wide intervals of cost, the one of least harm; the cheapest of all stays. */
function thinned(states: readonly State[]): State[] {
  const first = states[0]!
  const width = (states.at(-1)!.cost - first.cost) / (MOST_STATES - 1)
  const kept: State[] = [first]
  let bucket = 0
  for (const state of states.slice(1)) {
    const own = 1 + Math.floor((state.cost - first.cost) / width)
    if (own === bucket) kept[kept.length - 1] = state
    else kept.push(state)
    bucket = own
  }
  return kept
}
