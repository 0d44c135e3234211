import { expect, it } from 'vitest'
import { agoText, bytesText, countText, durationText } from '../../../src/renderer/format.ts'

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [4_950_000, '4.95 MB'],
  [999_600, '1.00 MB'],
  [123_400_000, '123 MB'],
  [-2_500, '−2.50 kB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})

it('shortens counts', () => {
  expect([7, 31_200, 1_240_000].map(countText)).toEqual(['7', '31.2 k', '1.24 M'])
})

it.each([
  [12.4, '12 ms'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [200_000, '3 min 20 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

it('says how long ago something was', () => {
  const at = '2026-01-31T12:00:00.000Z'
  const after = (minutes: number): string => agoText(at, Date.parse(at) + minutes * 60_000)
  expect([0, 5, 180, 1440, 2880].map(after)).toEqual(['just now', '5 min ago', '3 h ago', '1 day ago', '2 days ago'])
  expect(after(60 * 24 * 40)).toBe('2026-01-31')
})
