import { expect, it } from 'vitest'
import { TensorArena, type Place } from '../../../../src/main/jobs/tasks/tensor-arena.ts'

const SIZE = 64

/** Asks for keys; each is filled with its own number. Gives what lies there, and which had to be filled. */
function ask(arena: TensorArena, keys: readonly number[], size = SIZE): { found: number[]; filled: number[] } {
  const filled: number[] = []
  const places = keys.map((key) =>
    arena.get(String(key), size, (into) => {
      filled.push(key)
      into.fill(key)
    }),
  )
  return { found: places.map(valueAt), filled }
}

const valueAt = ({ buffer, offset }: Place): number => new Uint8Array(buffer, offset, 1)[0]!

it('fills a key once while its budget lasts', () => {
  const arena = new TensorArena(16 * SIZE)
  for (const round of [0, 1]) {
    arena.beginBatch()
    expect(ask(arena, [1, 2, 3, 4, 5])).toEqual({ found: [1, 2, 3, 4, 5], filled: round === 0 ? [1, 2, 3, 4, 5] : [] })
  }
  expect(arena.bytes).toBe(8 * SIZE)
})

it('gives up the oldest first, and never takes more than its budget', () => {
  const arena = new TensorArena(8 * SIZE) // four slabs of two keys
  for (const key of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    arena.beginBatch()
    expect(ask(arena, [key]).found).toEqual([key])
    expect(arena.bytes).toBeLessThanOrEqual(8 * SIZE)
  }
  arena.beginBatch()
  expect(ask(arena, [3, 4, 5, 6, 7, 8, 9]).filled).toEqual([])
  arena.beginBatch()
  expect(ask(arena, [1]).filled).toEqual([1])
})

it('leaves alone what a batch was handed, however much that is', () => {
  const arena = new TensorArena(4 * SIZE)
  for (let batch = 0; batch < 3; batch++) {
    arena.beginBatch()
    const keys = Array.from({ length: 9 }, (_, i) => 10 * batch + i)
    expect(ask(arena, keys).found).toEqual(keys)
  }
})

it('hands out, and does not keep, what is larger than a piece', () => {
  const arena = new TensorArena(4 * SIZE)
  for (let batch = 0; batch < 3; batch++) {
    arena.beginBatch()
    expect(ask(arena, [1, 2], SIZE + 1)).toEqual({ found: [1, 2], filled: [1, 2] })
  }
  expect(arena.bytes).toBe(0)
})

it('keeps nothing without a budget', () => {
  const arena = new TensorArena(0)
  expect(ask(arena, [1, 1]).filled).toEqual([1, 1])
})

it('begins every tensor where a cache line does', () => {
  const arena = new TensorArena(64 * SIZE)
  const offsets = [1, 65, 3].map((size, i) => arena.get(String(i), size, () => undefined).offset)
  expect(offsets).toEqual([0, 64, 192])
})
