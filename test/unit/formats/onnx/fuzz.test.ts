import { expect, it } from 'vitest'
import { examine } from '../../../fuzz/examine.ts'
import { limitMs } from '../../../fuzz/judge.ts'
import { builtBases, mutant } from '../../../fuzz/mutants.ts'

const bases = builtBases()
const count = 400

it(`${count} mutants of ${bases.length} graphs are opened or refused, each in time (npm run fuzz: thousands, of real models too)`, () => {
  const kinds = new Map<string, number>()
  for (let index = 0; index < count; index++) {
    const { name, bytes } = mutant(bases, index, 7)
    const start = performance.now()
    const outcome = examine(bytes)
    expect(performance.now() - start, name).toBeLessThan(limitMs)
    if (outcome.kind === 'bug') throw new Error(`${name}: ${outcome.stack}`)
    kinds.set(outcome.kind, (kinds.get(outcome.kind) ?? 0) + 1)
  }
  // were all of them refused at the door, nothing behind it would have been tried
  expect(kinds.get('model')).toBeGreaterThan(count / 4)
  expect(kinds.get('fault')).toBeGreaterThan(count / 4)
})

it('the same index and seed give the same mutant', () => {
  for (const index of [0, 1, 2, 3, 17]) expect(mutant(bases, index, 5)).toEqual(mutant(bases, index, 5))
  expect(mutant(bases, 1, 5).bytes).not.toEqual(mutant(bases, 1, 6).bytes)
})
