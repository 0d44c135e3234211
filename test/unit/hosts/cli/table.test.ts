import { expect, it } from 'vitest'
import { formatBytes, formatShape, formatTable, shorten } from '../../../../src/main/hosts/cli/table.ts'
import { metricText } from '../../../../src/main/hosts/cli/metric-text.ts'

it('aligns columns and shortens long cells in the middle', () => {
  const text = formatTable(
    [
      { title: 'name', maxWidth: 7 },
      { title: 'ms', align: 'right' },
    ],
    [
      ['a-very-long-name', '1.5'],
      ['b', '10.25'],
    ],
  )
  expect(text.split('\n')).toEqual(['name        ms', '───────  ─────', 'a-v…ame    1.5', 'b        10.25'])
})

it.each([
  { text: 'abcdef', width: 6, short: 'abcdef' },
  { text: 'abcdefg', width: 6, short: 'abc…fg' },
])('keeps both ends of $text in $width', ({ text, width, short }) => {
  expect(shorten(text, width)).toBe(short)
})

it.each([
  [999, '999 B'],
  [1000, '1.00 kB'],
  [4_950_993, '4.95 MB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

it('says unknown shapes as such', () => {
  expect(formatShape(null)).toBe('?')
  expect(formatShape([])).toBe('scalar')
  expect(formatShape(['N', 3, null])).toBe('N×3×?')
})

it.each([
  ['top1', 0.65, '65.00 %'],
  ['bytes', 1_310_000, '1.31 MB'],
  ['medianMs', 1.5, '1.500 ms'],
  ['sqnrDb', 31.234, '31.2 dB'],
  ['speedup', 2.345, '2.35×'],
  ['samples', 200, '200'],
])('metric %s %d reads %s', (name, value, text) => {
  expect(metricText(name, value)).toBe(text)
})
