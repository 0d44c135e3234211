import { expect, it } from 'vitest'
import { joinPath, typeAhead } from '../../../../src/renderer/components/shell/file-paths.ts'

it.each([
  ['/a', '/a/x'],
  ['/', '/x'],
  ['C:\\a', 'C:\\a\\x'],
  ['C:\\', 'C:\\x'],
])('joins %s', (folder, path) => {
  expect(joinPath(folder, 'x')).toBe(path)
})

const NAMES = ['alpha', 'beta', 'Bravo', 'gamma']
it.each([
  { why: 'one letter goes on to the next', place: 1, text: 'b', at: 2 },
  { why: 'around the end', place: 2, text: 'b', at: 1 },
  { why: 'several letters may stay', place: 2, text: 'br', at: 2 },
  { why: 'the only one stays', place: 3, text: 'g', at: 3 },
  { why: 'none', place: 0, text: 'z', at: -1 },
])('finds by first letters: $why', ({ place, text, at }) => {
  expect(typeAhead(NAMES, place, text)).toBe(at)
})
