import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Feeds } from '../../../../src/main/engines/port.ts'
import { BlockReader } from '../../../../src/main/jobs/tasks/frontier-block.ts'
import { BlockKeeper, BlockShelf } from '../../../../src/main/jobs/tasks/kept-block.ts'
import { temporaryFolder } from '../../../builders/temporary.ts'

const SAMPLE = { index: 7, name: 'seven', label: 3 }
/** Bytes of a batch: 16 of `a`, 8 of the input, 16 of the reference. */
const BATCH = 40

function outputs(batch: number): Feeds {
  return {
    a: { dataType: 'float', dims: [1, 4], data: new Float32Array(4).fill(batch) },
    scores: { dataType: 'float', dims: [1, 4], data: new Float32Array(4).fill(10 + batch) },
  }
}

/** Two batches, whose input is not the session's own. @returns for each how often its memory was given back */
function keep(keeper: BlockKeeper): number[] {
  const given = [0, 0]
  for (const batch of [0, 1]) {
    const own = outputs(batch)
    const giveBack = (): void => void given[batch]!++
    const input = { dataType: 'float' as const, dims: [1, 2], data: Float32Array.of(5, 6) }
    const tensors = { a: own['a']!, input }
    keeper.add({ rows: 1, samples: [SAMPLE], tensors, reference: { scores: own['scores']! }, giveBack })
  }
  return given
}

it.each([
  { why: 'in memory', budget: 2 * BATCH, isHeld: true },
  { why: 'in its folder from the second batch on', budget: 2 * BATCH - 1, isHeld: false },
  { why: 'in its folder at once', budget: 0, isHeld: false },
])('a block lies $why, and reads the same', ({ budget, isHeld }) => {
  const block = { folder: path.join(temporaryFolder(), 'block'), filling: 'one' }
  const shelf = new BlockShelf()
  const keeper = new BlockKeeper(block, budget, shelf)
  keep(keeper)
  keeper.finish('scores')
  keeper.close()
  expect(shelf.find(block) !== null).toBe(isHeld)
  expect(fs.existsSync(block.folder)).toBe(!isHeld)
  const { index, read } = shelf.find(block) ?? new BlockReader(1000).open(block)
  expect(index.classOutput).toBe('scores')
  expect(index.batches).toHaveLength(2)
  for (const [i, { rows, samples, tensors, reference }] of index.batches.entries()) {
    expect([rows, samples]).toEqual([1, [SAMPLE]])
    expect(read(tensors['a']!)).toEqual(outputs(i)['a'])
    expect(read(tensors['input']!).data).toEqual(Float32Array.of(5, 6))
    expect(read(reference['scores']!)).toEqual(outputs(i)['scores'])
  }
})

it('the next block takes the place of the one before, whose memory is given back', () => {
  const folder = temporaryFolder()
  const shelf = new BlockShelf()
  const first = { folder: path.join(folder, 'a'), filling: 'one' }
  const keeper = new BlockKeeper(first, 1000, shelf)
  const given = keep(keeper)
  keeper.finish(null)
  keeper.close()
  expect(given).toEqual([0, 0])
  new BlockKeeper({ folder: path.join(folder, 'b'), filling: 'two' }, 1000, shelf)
  expect(shelf.find(first)).toBeNull()
  expect(given).toEqual([1, 1])
})

it('a block that was not finished leaves nothing in memory', () => {
  const block = { folder: path.join(temporaryFolder(), 'block'), filling: 'one' }
  const shelf = new BlockShelf()
  const keeper = new BlockKeeper(block, 1000, shelf)
  const given = keep(keeper)
  keeper.close()
  expect(shelf.find(block)).toBeNull()
  expect(given).toEqual([1, 1])
})
