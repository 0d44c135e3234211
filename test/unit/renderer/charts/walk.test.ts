import { expect, it } from 'vitest'
import { scrollFor, spotAfter, spotAgain } from '../../../../src/renderer/components/charts/walk.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `mark ${i}`)
const grid = { lines: names(12), columns: names(3) }
const row = { lines: names(1), columns: names(5) }

it.each([
  { why: 'down a line', key: 'ArrowDown', from: [0, 1], within: grid, to: [1, 1] },
  { why: 'not over the edge', key: 'ArrowUp', from: [0, 1], within: grid, to: [0, 1] },
  { why: 'to the next column', key: 'ArrowRight', from: [4, 1], within: grid, to: [4, 2] },
  { why: 'ten lines at once', key: 'PageDown', from: [4, 1], within: grid, to: [11, 1] },
  { why: 'to the first line, in the same column', key: 'Home', from: [4, 2], within: grid, to: [0, 2] },
  { why: 'along one line with every arrow', key: 'ArrowDown', from: [0, 1], within: row, to: [0, 2] },
  { why: 'to the end of one line', key: 'End', from: [0, 1], within: row, to: [0, 4] },
])('goes $why with $key', ({ key, from, within, to }) => {
  const [line, column] = from as [number, number]
  expect(spotAfter(key, { line, column }, within)).toEqual({ line: to[0], column: to[1] })
})

it('leaves other keys alone, and every key where there is nothing', () => {
  expect(spotAfter('m', { line: 0, column: 0 }, grid)).toBeNull()
  expect(spotAfter('ArrowDown', { line: 0, column: 0 }, { lines: [], columns: [] })).toBeNull()
})

it('scrolls only as far as the line needs, and shows the axis with the first', () => {
  const walk = { lines: names(10), margin: { top: 20, bottom: 0 } }
  const view = { top: 50, height: 60, whole: 220 }
  expect(scrollFor({ line: 0, column: 0 }, walk, view)).toBe(0)
  expect(scrollFor({ line: 2, column: 0 }, walk, view)).toBe(50)
  expect(scrollFor({ line: 1, column: 0 }, walk, view)).toBe(40)
  expect(scrollFor({ line: 9, column: 0 }, walk, view)).toBe(160)
})

it('stays with its mark when the order changes, and leaves when it is gone', () => {
  const before = { lines: ['a', 'b', 'c'], columns: ['8'] }
  expect(spotAgain({ line: 1, column: 0 }, before, { lines: ['c', 'a', 'b'], columns: ['4', '8'] })).toEqual({
    line: 2,
    column: 1,
  })
  expect(spotAgain({ line: 1, column: 0 }, before, { lines: ['a'], columns: ['8'] })).toBeNull()
})
