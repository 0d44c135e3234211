import { describe, expect, it } from 'vitest'
import { knapsackStrategy } from '../../../../src/main/search/strategies/knapsack.ts'
import { paretoStrategy } from '../../../../src/main/search/strategies/pareto.ts'
import { STRATEGIES, strategyFor } from '../../../../src/main/search/strategies/registry.ts'
import { frontOf } from '../../../../src/main/search/targets.ts'
import { collect, MadeUpNetwork, noTargets } from '../../../builders/searching.ts'

const table = {
  a: { 8: { damage: 0.5, bytes: 1000, ms: 1 }, int4: { damage: 40, bytes: 500, ms: 6 } },
  b: { 8: { damage: 0.1, bytes: 2000, ms: 1 }, int4: { damage: 3, bytes: 1000, ms: 6 } },
  c: { 8: { damage: 0.2, bytes: 1000, ms: 2 }, int4: { damage: 20, bytes: 500, ms: 7 } },
  d: { 8: { damage: 0.1, bytes: 3000, ms: 1 }, int4: { damage: 1, bytes: 1500, ms: 6 } },
}

describe('knapsack', () => {
  it.each([3500, 4500, 5500, 6500])('keeps %i bytes with the least damage there is', async (maxBytes) => {
    const network = new MadeUpNetwork(table, { maxBytes })
    const trials = await collect(knapsackStrategy.search(network.problem))
    const fitting = [...network.all()].filter((one) => network.problem.costs.bytesOf(one) <= maxBytes)
    const found = trials.filter(({ measured }) => measured.bytes <= maxBytes).map(({ measured }) => measured.damage)
    expect(Math.min(...found)).toBe(Math.min(...fitting.map((one) => network.damage(one))))
  })

  it.each([1, 2, 5, 30])('without a budget finds the smallest file for a drop of %d', async (maxDrop) => {
    const network = new MadeUpNetwork(table, { maxDrop, maxFloatLayers: 0 })
    const trials = await collect(knapsackStrategy.search(network.problem))
    const keeping = [...network.all()].filter((one) => network.damage(one) <= maxDrop)
    const smallest = Math.min(...keeping.map((one) => network.problem.costs.bytesOf(one)))
    const found = trials.filter(({ measured }) => measured.drop <= maxDrop).map(({ measured }) => measured.bytes)
    expect(Math.min(...found)).toBe(smallest)
  })

  it('measures the nearest there is where a budget cannot be kept', async () => {
    const network = new MadeUpNetwork(table, { maxBytes: 100 })
    const trials = await collect(knapsackStrategy.search(network.problem))
    expect(Math.min(...trials.map(({ measured }) => measured.bytes))).toBe(3500)
  })
})

describe('pareto', () => {
  it('gives a front no plan of which another beats, from the smallest file to the least drop', async () => {
    const network = new MadeUpNetwork(table)
    const trials = await collect(paretoStrategy.search(network.problem))
    const front = frontOf(trials).map(({ measured }) => measured)
    for (const one of front) {
      const better = trials.filter(
        ({ measured }) =>
          measured.drop <= one.drop &&
          measured.bytes <= one.bytes &&
          measured.speedup! >= one.speedup! &&
          (measured.drop < one.drop || measured.bytes < one.bytes || measured.speedup! > one.speedup!),
      )
      expect(better).toEqual([])
    }
    expect(front[0]!.bytes).toBe(3500)
    expect(front.length).toBeGreaterThan(3)
    expect(new Set(trials.map(({ assignment }) => JSON.stringify([...assignment]))).size).toBe(trials.length)
  })
})

describe('the table of strategies', () => {
  it('has one row a name, and picks by what is asked', () => {
    expect(STRATEGIES.map(({ name }) => name)).toEqual(['prefix', 'knapsack', 'pareto'])
    expect(strategyFor({ ...noTargets, maxDrop: 0.01 }, 1).name).toBe('prefix')
    expect(strategyFor({ ...noTargets, maxBytes: 1 }, 1).name).toBe('knapsack')
    expect(strategyFor({ ...noTargets, maxDrop: 0.01 }, 2).name).toBe('knapsack')
  })
})
