import { expect, it } from 'vitest'
import { fuzzyMatch, fuzzySort } from '../../../src/renderer/fuzzy.ts'

it.each([
  { why: 'in order, with gaps', query: 'f2s', text: 'fire2/squeeze', found: true },
  { why: 'case aside', query: 'CONV', text: 'layer1.conv', found: true },
  { why: 'spaces of the query do not count', query: 'open mod', text: 'Open a model…', found: true },
  { why: 'not out of order', query: 'vnoc', text: 'conv', found: false },
  { why: 'an empty query is everywhere', query: ' ', text: 'anything', found: true },
])('finds $why', ({ query, text, found }) => {
  expect(fuzzyMatch(query, text) !== null).toBe(found)
})

it('marks the found characters, at the better of several places', () => {
  expect(fuzzyMatch('sq', 'fires/squeeze')?.places).toEqual([6, 7])
  expect(fuzzyMatch('conv', 'a_c_o_n_v/conv')?.places).toEqual([10, 11, 12, 13])
})

it('puts starts of words and joined characters first', () => {
  const names = ['because_of_nv', 'layer/conv2', 'conv1', 'deconvolve']
  const sorted = fuzzySort('conv', names, (name) => name, 10).map(({ item }) => item)
  expect(sorted.slice(0, 2)).toEqual(['conv1', 'layer/conv2'])
  expect(sorted).toContain('deconvolve')
})

it('gives no more than asked for, and keeps the order of equals', () => {
  expect(fuzzySort('', ['b', 'a', 'c'], (name) => name, 2).map(({ item }) => item)).toEqual(['b', 'a'])
})

it('searches ten thousand long names', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `model/stage${i % 7}/block${i}/depthwise_conv/BatchNorm`)
  const found = fuzzySort('block99conv', names, (name) => name, 40)
  expect(found).toHaveLength(40)
})
