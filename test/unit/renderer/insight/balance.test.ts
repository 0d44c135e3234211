import { expect, it } from 'vitest'
import { balanceOf } from '../../../../src/renderer/insight/balance.ts'
import type { DataInfo } from '../../../../src/shared/contract/data.ts'

const info: DataInfo = {
  spec: { kind: 'synthetic-digits' },
  split: 'test',
  hash: 'sha256:0',
  count: 30,
  labelled: true,
  classes: null,
  pictureShape: null,
}

it.each([
  {
    why: 'even classes need one number',
    counts: [10, 10, 10],
    looked: 30,
    unlabelled: 0,
    words: '3 classes of 10 each',
  },
  { why: 'uneven ones two', counts: [9, 11, 10], looked: 30, unlabelled: 0, words: '3 classes of 9 to 11 each' },
  {
    why: 'what stands out is said',
    counts: [1, 12, 12],
    looked: 25,
    unlabelled: 2,
    words: '3 classes of 1 to 12 each, among the first 25, 1 rare, 2 without a label',
  },
  {
    why: 'empty ones are counted apart',
    counts: [0, 10, 0, 10],
    looked: 30,
    unlabelled: 0,
    words: '2 classes of 10 each, 2 without a sample',
  },
])('$why: $words', ({ counts, looked, unlabelled, words }) => {
  expect(balanceOf({ info, balance: { counts, looked, unlabelled } }).words).toBe(words)
})

it('says that there are no labels', () => {
  expect(balanceOf({ info: { ...info, labelled: false }, balance: null })).toEqual({
    counts: [],
    most: 0,
    words: 'without labels',
  })
})
