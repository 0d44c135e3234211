import { describe, expect, it } from 'vitest'
import {
  chooseRanges,
  defaultCalibrationSplit,
  defaultSplit,
  parseRange,
  shuffledOrder,
  type RangeRequest,
} from '../../../src/main/data/order.ts'

describe('shuffledOrder', () => {
  it('is a permutation that only the seed decides', () => {
    const order = shuffledOrder(1000, 5)
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(shuffledOrder(1000, 5)).toEqual(order)
    expect(shuffledOrder(1000, 6)).not.toEqual(order)
  })

  it('mixes: a range of a set sorted by class holds all classes', () => {
    const first = shuffledOrder(10_000, 0).subarray(0, 200)
    expect(new Set([...first].map((index) => Math.floor(index / 1000))).size).toBe(10)
  })

  it('has nothing to do for nothing', () => {
    expect(shuffledOrder(0, 1)).toHaveLength(0)
  })
})

describe('parseRange', () => {
  it.each([
    { text: '10:20', range: { start: 10, end: 20 } },
    { text: '10:', range: { start: 10, end: null } },
    { text: ':20', range: { start: 0, end: 20 } },
  ])('reads $text', ({ text, range }) => {
    expect(parseRange(text)).toEqual(range)
  })

  it.each(['', ':', '5', 'a:b', '-1:5', '5:5', '9:3', '1.5:3', '0:99999999999999999999'])('refuses "%s"', (text) => {
    expect(() => parseRange(text)).toThrow(expect.objectContaining({ code: 'usage.range' }))
  })
})

const test200 = { split: 'test', count: 200, hash: 'sha256:a' } as const
const train = { split: 'train', count: 50_000, hash: 'sha256:b' } as const
const whole: RangeRequest = { evaluation: test200, calibration: test200 }

describe('chooseRanges', () => {
  it.each<{ why: string; request: RangeRequest; evaluation: number[]; calibration: number[] | null; overlap?: number }>(
    [
      {
        why: 'evaluation alone takes all',
        request: { evaluation: test200, calibration: null },
        evaluation: [0, 200],
        calibration: null,
      },
      {
        why: 'a train split is calibrated on by 512',
        request: { evaluation: test200, calibration: train },
        evaluation: [0, 200],
        calibration: [0, 512],
      },
      { why: 'one undivided set is cut 30 to 70', request: whole, evaluation: [60, 200], calibration: [0, 60] },
      {
        why: 'the part is at most 512',
        request: { evaluation: { ...train }, calibration: train },
        evaluation: [512, 50_000],
        calibration: [0, 512],
      },
      {
        why: 'calibration given: evaluation is the rest',
        request: { ...whole, calibrationRange: { start: 0, end: 50 } },
        evaluation: [50, 200],
        calibration: [0, 50],
      },
      {
        why: 'calibration at the end: evaluation stands before',
        request: { ...whole, calibrationRange: { start: 150, end: null } },
        evaluation: [0, 150],
        calibration: [150, 200],
      },
      {
        why: 'evaluation given: calibration is the rest',
        request: { ...whole, range: { start: 0, end: 140 } },
        evaluation: [0, 140],
        calibration: [140, 200],
      },
      {
        why: 'both given',
        request: { ...whole, range: { start: 0, end: 10 }, calibrationRange: { start: 10, end: 20 } },
        evaluation: [0, 10],
        calibration: [10, 20],
      },
      {
        why: '--samples cuts the evaluation',
        request: { ...whole, samples: 30 },
        evaluation: [60, 90],
        calibration: [0, 60],
      },
      {
        why: 'what --samples leaves free serves calibration',
        request: { ...whole, range: { start: 0, end: 200 }, samples: 100 },
        evaluation: [0, 100],
        calibration: [100, 200],
      },
      {
        why: 'equal numbers of different data do not overlap',
        request: {
          evaluation: test200,
          calibration: train,
          range: { start: 0, end: 50 },
          calibrationRange: { start: 0, end: 50 },
        },
        evaluation: [0, 50],
        calibration: [0, 50],
      },
      {
        why: 'overlap allowed and asked for',
        request: {
          ...whole,
          range: { start: 0, end: 100 },
          calibrationRange: { start: 50, end: 150 },
          allowOverlap: true,
        },
        evaluation: [0, 100],
        calibration: [50, 150],
        overlap: 50,
      },
      {
        why: 'overlap allowed but not needed',
        request: { ...whole, allowOverlap: true },
        evaluation: [60, 200],
        calibration: [0, 60],
        overlap: 0,
      },
      {
        why: 'overlap allowed and forced',
        request: { ...whole, range: { start: 0, end: 200 }, allowOverlap: true },
        evaluation: [0, 200],
        calibration: [0, 200],
        overlap: 200,
      },
      {
        why: 'overlap allowed on a single sample',
        request: { evaluation: { ...test200, count: 1 }, calibration: { ...test200, count: 1 }, allowOverlap: true },
        evaluation: [0, 1],
        calibration: [0, 1],
        overlap: 1,
      },
      {
        why: 'more calibration samples than there are',
        request: { evaluation: test200, calibration: { ...train, count: 20 } },
        evaluation: [0, 200],
        calibration: [0, 20],
      },
      {
        why: 'so many calibration samples as asked',
        request: { ...whole, calibrationSamples: 100 },
        evaluation: [100, 200],
        calibration: [0, 100],
      },
    ],
  )('$why', ({ request, evaluation, calibration, overlap = 0 }) => {
    const chosen = chooseRanges(request)
    expect([chosen.evaluation.start, chosen.evaluation.end]).toEqual(evaluation)
    expect(chosen.calibration && [chosen.calibration.start, chosen.calibration.end]).toEqual(calibration)
    expect(chosen.overlap).toBe(overlap)
    expect(chosen.why.length).toBeGreaterThan(0)
  })

  it.each<{ why: string; request: RangeRequest; code: string }>([
    {
      why: 'ranges that share samples',
      request: { ...whole, range: { start: 0, end: 100 }, calibrationRange: { start: 99, end: 150 } },
      code: 'usage.overlap',
    },
    {
      why: 'the same samples under two names',
      request: {
        evaluation: test200,
        calibration: { ...test200, split: 'train' },
        range: { start: 0, end: 9 },
        calibrationRange: { start: 0, end: 9 },
      },
      code: 'usage.overlap',
    },
    {
      why: 'an evaluation that leaves nothing to calibrate on',
      request: { ...whole, range: { start: 0, end: 200 } },
      code: 'usage.overlap',
    },
    {
      why: 'a calibration that leaves nothing to evaluate',
      request: { ...whole, calibrationRange: { start: 0, end: 200 } },
      code: 'usage.overlap',
    },
    {
      why: 'a single sample for both',
      request: { evaluation: { ...test200, count: 1 }, calibration: { ...test200, count: 1 } },
      code: 'usage.overlap',
    },
    { why: 'a range beyond the data', request: { ...whole, range: { start: 0, end: 201 } }, code: 'usage.range' },
    {
      why: 'a range that starts beyond the data',
      request: { ...whole, calibrationRange: { start: 200, end: null } },
      code: 'usage.range',
    },
    { why: 'no samples', request: { ...whole, samples: 0 }, code: 'usage.samples' },
    { why: 'half a sample', request: { ...whole, samples: 1.5 }, code: 'usage.samples' },
  ])('refuses $why', ({ request, code }) => {
    expect(() => chooseRanges(request)).toThrow(expect.objectContaining({ code }))
  })

  it('never lets ranges meet without leave, whatever is asked', () => {
    for (let count = 2; count < 12; count++) {
      for (let start = 0; start < count; start++) {
        for (let end = start + 1; end <= count; end++) {
          if (end - start === count) continue
          const size = { ...test200, count }
          const { evaluation, calibration } = chooseRanges({
            evaluation: size,
            calibration: size,
            range: { start, end },
          })
          expect(Math.min(evaluation.end, calibration!.end) <= Math.max(evaluation.start, calibration!.start)).toBe(
            true,
          )
          expect(calibration!.end).toBeGreaterThan(calibration!.start)
        }
      }
    }
  })
})

it('default splits: test is evaluated, train is calibrated on where it exists', () => {
  expect([defaultSplit(['train', 'test']), defaultCalibrationSplit(['train', 'test'])]).toEqual(['test', 'train'])
  expect([defaultSplit(['test']), defaultCalibrationSplit(['test'])]).toEqual(['test', 'test'])
  expect([defaultSplit(['train']), defaultCalibrationSplit(['train'])]).toEqual(['train', 'train'])
})
