import { expect, it } from 'vitest'
import type { EngineTensor, Feeds, Session } from '../../../../src/main/engines/port.ts'
import { RunMemory } from '../../../../src/main/jobs/tasks/run-memory.ts'

function floats(dims: readonly number[]): EngineTensor {
  return { dataType: 'float', dims, data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)) }
}

/** Gives an output of the input's dims and one as long as it likes; tells what it was to write into. */
function session(): { readonly session: Session; readonly given: (Feeds | undefined)[] } {
  const given: (Feeds | undefined)[] = []
  const spec = (name: string, shape: readonly (number | string | null)[]) => ({
    name,
    dataType: 'float' as const,
    shape,
  })
  return {
    given,
    session: {
      inputs: [spec('x', ['N', 2])],
      outputs: [spec('y', ['N', 2]), spec('found', ['found_dim', 2]), spec('open', [null])],
      run: (feeds, _, into) => {
        given.push(into)
        const { dims } = feeds['x']!
        return Promise.resolve({ y: into?.['y'] ?? floats(dims), found: floats([3, 2]), open: floats([1]) })
      },
      release: () => Promise.resolve(),
      endProfiling: () => Promise.resolve(''),
    },
  }
}

it('runs in the memory of outputs that were given back, of the same dims', async () => {
  const { session: runs, given } = session()
  const memory = new RunMemory(runs)
  const [two, three] = [{ x: floats([2, 2]) }, { x: floats([3, 2]) }]
  const first = await memory.run(two)
  const second = await memory.run(three)
  memory.giveBack(first)
  memory.giveBack(second)
  const again = await memory.run(two)
  expect(again['y']!.data).toBe(first['y']!.data)
  expect((await memory.run(two))['y']!.data).not.toBe(first['y']!.data)
  expect((await memory.run(three))['y']!.data).toBe(second['y']!.data)
  expect(given.map((into) => into && Object.keys(into))).toEqual([undefined, undefined, ['y'], undefined, ['y']])
})

it('gives up outputs whose dims may change at once, and the rest with the session', async () => {
  const memory = new RunMemory(session().session)
  const outputs = await memory.run({ x: floats([2, 2]) })
  memory.giveBack(outputs)
  expect(Object.values(outputs).map(({ data }) => data.length)).toEqual([4, 0, 0])
  const kept = await memory.run({ x: floats([3, 2]) })
  await memory.release()
  expect(outputs['y']!.data).toHaveLength(0)
  expect(kept['y']!.data).toHaveLength(6)
  memory.giveBack(kept)
  expect(kept['y']!.data).toHaveLength(0)
})
