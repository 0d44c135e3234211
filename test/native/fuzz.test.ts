import { afterAll, expect, it } from 'vitest'
import { EngineJudge, limitMs } from '../fuzz/judge.ts'
import { builtBases, mutant } from '../fuzz/mutants.ts'

const judge = new EngineJudge()
afterAll(() => judge.close())

it('120 mutants, prepared and run by the engine in a worker, give a model or a fault in time', async () => {
  const bases = builtBases()
  // the first judgement would count the start of the worker
  await judge.judge({ bytes: bases[0]!.bytes })
  const bugs: string[] = []
  for (let index = 0; index < 120; index++) {
    const { name, bytes } = mutant(bases, index, 8)
    const { outcome, ms } = await judge.judge({ bytes })
    if (outcome.kind === 'bug') bugs.push(`${name}: ${outcome.stack}`)
    else if (ms > limitMs) bugs.push(`${name} took ${Math.round(ms)} ms`)
  }
  expect(bugs).toEqual([])
})
