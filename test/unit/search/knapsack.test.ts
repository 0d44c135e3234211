import { describe, expect, it } from 'vitest'
import { MOST_STATES, solveKnapsack, type Option } from '../../../src/main/search/knapsack.ts'
import { seeded } from '../../builders/model-builder.ts'

/** The least harm within a budget, by trying everything. */
function bruteForce(groups: readonly (readonly Option[])[], budget: number): number | null {
  const [group, ...rest] = groups
  if (!group) return budget >= 0 ? 0 : null
  let best: number | null = null
  for (const { cost, harm } of group) {
    const tail = bruteForce(rest, budget - cost)
    if (tail !== null && (best === null || harm + tail < best)) best = harm + tail
  }
  return best
}

function randomGroups(seed: number, groups: number, options: number): Option[][] {
  const random = seeded(seed)
  return Array.from({ length: groups }, () =>
    Array.from({ length: options }, (_, i) => ({
      name: String(i),
      cost: Math.floor(random() * 100) - 20,
      harm: Math.floor(random() * 1000) / 8,
    })),
  )
}

describe('solveKnapsack', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('finds what trying everything finds (seed %i)', (seed) => {
    const groups = randomGroups(seed, 6, 4)
    for (const budget of [-100, 0, 60, 130, 220, 400]) {
      expect(solveKnapsack(groups, budget)?.harm ?? null).toBe(bruteForce(groups, budget))
    }
  })

  it('names one option of each group, whose costs and harms are those it gives', () => {
    const groups = randomGroups(11, 5, 3)
    const found = solveKnapsack(groups, 150)!
    const chosen = groups.map((group, i) => group.find(({ name }) => name === found.names[i])!)
    expect(chosen.reduce((sum, { cost }) => sum + cost, 0)).toBe(found.cost)
    expect(chosen.reduce((sum, { harm }) => sum + harm, 0)).toBeCloseTo(found.harm, 9)
    expect(found.cost).toBeLessThanOrEqual(150)
  })

  it('gives null where even the cheapest choice is too much', () => {
    expect(solveKnapsack([[{ name: 'a', cost: 5, harm: 0 }]], 4)).toBeNull()
  })

  it('keeps the budget where there are more states than it holds, and loses less than a hundredth', () => {
    const random = seeded(3)
    const groups = Array.from({ length: 60 }, () => [
      { name: 'wide', cost: 1000 + random() * 9000, harm: 0 },
      { name: 'middle', cost: 500 + random() * 400, harm: random() },
      { name: 'narrow', cost: random() * 400, harm: 1 + random() * 4 },
    ])
    expect(2 ** groups.length).toBeGreaterThan(MOST_STATES)
    const budget = 60_000
    const found = solveKnapsack(groups, budget)!
    expect(found.cost).toBeLessThanOrEqual(budget * (1 + 1e-9))
    // a lower bound: the best multiplier of the budget's price
    const bound = Math.max(
      ...Array.from({ length: 400 }, (_, i) => {
        const price = i / 100_000
        return groups.reduce(
          (sum, group) => sum + Math.min(...group.map(({ cost, harm }) => harm + price * cost)),
          -price * budget,
        )
      }),
    )
    expect(found.harm).toBeLessThanOrEqual(bound * 1.01 + 0.05)
  })
})
