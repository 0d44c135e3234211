import { describe, expect, it } from 'vitest'
import { changed, baseAssignment, floatLayersOf } from '../../../../src/main/search/assignment.ts'
import { FLOAT } from '../../../../src/main/search/port.ts'
import { prefixStrategy } from '../../../../src/main/search/strategies/prefix.ts'
import { collect, MadeUpNetwork, type LayerTable } from '../../../builders/searching.ts'

/** Layers l0, l1 … whose damage falls: 32, 16, 8 … */
function falling(count: number): Record<string, LayerTable> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`l${i}`, { 8: { damage: 2 ** (5 - i), bytes: 1000, ms: 1 } }] as const),
  )
}

describe('prefix', () => {
  it.each([63, 40, 20, 10, 5, 2, 1, 0.5, 0.1])(
    'finds the least number of float layers for a drop of %d',
    async (maxDrop) => {
      const network = new MadeUpNetwork(falling(12), { maxDrop })
      const trials = await collect(prefixStrategy.search(network.problem))
      const kept = trials.filter(({ measured }) => measured.drop <= maxDrop)
      const all = [...Array(13).keys()].map((k) => 64 - 2 ** -6 - (64 - 2 ** (6 - k)))
      expect(Math.min(...kept.map(({ floatLayers }) => floatLayers))).toBe(all.findIndex((drop) => drop <= maxDrop))
    },
  )

  it('takes back into integers what an interplay made harmless', async () => {
    // l1 hurts only while l0 is in integers too
    const table = {
      l0: { 8: { damage: 8, bytes: 1, ms: 1 } },
      l1: { 8: { damage: 6, bytes: 1, ms: 1 } },
      l2: { 8: { damage: 5, bytes: 1, ms: 1 } },
    }
    const network = new MadeUpNetwork(table, { maxDrop: 1 })
    const additive = network.problem.measure
    const problem = {
      ...network.problem,
      measure: async (assignment: Parameters<typeof additive>[0]) => {
        const trial = await additive(assignment)
        const harmless = assignment.get('l0') === FLOAT && assignment.get('l1') !== FLOAT
        return { ...trial, measured: { ...trial.measured, drop: trial.measured.drop - (harmless ? 6 : 0) } }
      },
    }
    const trials = await collect(prefixStrategy.search(problem))
    const kept = trials.filter(({ measured }) => measured.drop <= 1)
    expect(kept.map(({ assignment }) => floatLayersOf(assignment))).toContainEqual(['l0', 'l2'])
  })

  it('with a number of float layers alone grows a set by what helps most jointly', async () => {
    const network = new MadeUpNetwork(falling(8), { maxFloatLayers: 3 })
    const trials = await collect(prefixStrategy.search(network.problem))
    const least = trials.reduce((a, b) => (b.measured.damage < a.measured.damage ? b : a))
    expect(floatLayersOf(least.assignment)).toEqual(['l0', 'l1', 'l2'])
    expect(trials.every(({ floatLayers }) => floatLayers <= 3)).toBe(true)
    const known = network.measured.map(({ assignment }) => assignment)
    const fewer = new MadeUpNetwork(falling(8), { maxFloatLayers: 2 }, { known })
    await collect(prefixStrategy.search(fewer.problem))
    expect(fewer.measured).toEqual([])
  })

  it('measures nothing again that is known, and starts from it', async () => {
    const all = new MadeUpNetwork(falling(12), { maxDrop: 3 })
    await collect(prefixStrategy.search(all.problem))
    const known = all.measured.map(({ assignment }) => assignment)
    const again = new MadeUpNetwork(falling(12), { maxDrop: 3 }, { known })
    await collect(prefixStrategy.search(again.problem))
    expect(again.measured).toEqual([])
    const other = new MadeUpNetwork(falling(12), { maxDrop: 12 }, { known })
    await collect(prefixStrategy.search(other.problem))
    expect(other.measured.length).toBeLessThanOrEqual(2)
  })

  it('stops at the number of plans', async () => {
    const network = new MadeUpNetwork(falling(12), { maxDrop: 0.01 }, { maxTrials: 4 })
    await collect(prefixStrategy.search(network.problem))
    expect(network.measured.length).toBeLessThanOrEqual(4)
  })

  it('leaves a base that is good enough alone', async () => {
    const network = new MadeUpNetwork(falling(4), { maxDrop: 100 })
    const trials = await collect(prefixStrategy.search(network.problem))
    expect(trials.map(({ assignment }) => assignment)).toEqual([baseAssignment(network.problem.layers)])
    expect(changed(trials[0]!.assignment, [])).toEqual(trials[0]!.assignment)
  })
})
