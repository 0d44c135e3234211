import { expect, it } from 'vitest'
import { findingsOf } from '../../../src/main/jobs/data-doctor.ts'
import type { PreprocessTrial } from '../../../src/main/jobs/tasks/try-preprocess.ts'

const labels = Array.from({ length: 32 }, (_, i) => i % 10)
const wrong = labels.map((label) => (label + 5) % 10)
const trial = (name: string, predictions: readonly number[]): PreprocessTrial => ({
  name,
  min: -1,
  max: 1,
  mean: 0,
  predictions,
})

it.each([
  { why: 'all is well', trials: [trial('unit', labels), trial('raw', wrong)], codes: [] },
  {
    why: 'another preset is clearly better',
    trials: [trial('unit', wrong), trial('imagenet', labels)],
    codes: ['otherPreprocess'],
  },
  {
    why: 'another preset is hardly better',
    trials: [trial('unit', [...labels.slice(0, 30), 9, 9]), trial('raw', labels)],
    codes: [],
  },
  {
    why: 'labels are off by one',
    trials: [
      trial(
        'unit',
        labels.map((label) => label + 1),
      ),
    ],
    codes: ['labelsShifted'],
  },
  {
    why: 'one class for everything',
    trials: [
      trial(
        'unit',
        labels.map(() => 11),
      ),
    ],
    codes: ['oneClass'],
  },
  { why: 'nothing is right', trials: [trial('unit', wrong)], codes: ['nearChance'] },
  { why: 'the input is constant', trials: [{ ...trial('unit', labels), min: 0, max: 0 }], codes: ['constantInput'] },
])('$why: $codes', ({ trials, codes }) => {
  expect(findingsOf({ trials, labels, classes: 12 }).map(({ code }) => code)).toEqual(codes)
})

it('names the better preset and both rates', () => {
  const [finding] = findingsOf({
    trials: [trial('unit', wrong), trial('raw', wrong), trial('imagenet', labels)],
    labels,
    classes: 10,
  })
  expect(finding!.message).toContain(
    '0 % of 32 samples right with the preprocessing in use (unit) and 100 % with "imagenet"',
  )
})

it('finds a label the model has no class for', () => {
  expect(findingsOf({ trials: [trial('unit', labels)], labels, classes: 9 }).map(({ code }) => code)).toEqual([
    'labelsOutside',
  ])
})

it('says nothing of models that do not classify, or without labels', () => {
  expect(findingsOf({ trials: [trial('unit', [])], labels, classes: 0 })).toEqual([])
  expect(findingsOf({ trials: [trial('unit', wrong)], labels: labels.map(() => null), classes: 10 })).toEqual([])
})
