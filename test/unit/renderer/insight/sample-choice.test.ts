import { describe, expect, it } from 'vitest'
import {
  changedChoice,
  choiceFor,
  preprocessProblem,
  rangeOf,
  rangeProblem,
  rangeText,
  readChoice,
  specText,
  writeChoice,
} from '../../../../src/renderer/insight/sample-choice.ts'
import { findingText, remedyOfProblem, windowText } from '../../../../src/renderer/insight/findings.ts'

const digits = { data: { kind: 'synthetic-digits' as const } }

describe('ranges', () => {
  it.each([
    { why: 'nothing said is left to the host', from: null, to: null, range: undefined },
    { why: 'an open end is the last sample', from: 100, to: null, range: { start: 100, end: null } },
    { why: 'a missing start is the first', from: null, to: 50, range: { start: 0, end: 50 } },
  ])('$why', ({ from, to, range }) => {
    expect(rangeOf(from, to)).toEqual(range)
  })

  it.each([
    { why: 'empty', range: { start: 5, end: 5 }, count: 10, problem: 'The end must be above the start.' },
    { why: 'beyond the data', range: { start: 0, end: 11 }, count: 10, problem: 'There are 10 samples only.' },
    {
      why: 'starting beyond the data',
      range: { start: 10, end: null },
      count: 10,
      problem: 'There are 10 samples only.',
    },
    { why: 'of data not known yet', range: { start: 0, end: 11 }, count: null, problem: null },
    { why: 'as long as the data', range: { start: 0, end: 10 }, count: 10, problem: null },
    { why: 'not said', range: undefined, count: 10, problem: null },
  ])('$why: $problem', ({ range, count, problem }) => {
    expect(rangeProblem(range, count)).toBe(problem)
  })

  it('are told with their count', () => {
    expect(rangeText({ start: 0, end: 512 })).toBe('0 … 512 (512 samples)')
    expect(rangeText({ start: 3, end: 4 })).toBe('3 … 4 (1 sample)')
  })
})

describe('the choice', () => {
  it('goes back to a default where a change is undefined', () => {
    const chosen = { ...digits, range: { start: 0, end: 10 }, preprocess: 'unit' }
    expect(changedChoice(chosen, { range: undefined })).toEqual({ ...digits, preprocess: 'unit' })
  })

  it('keeps only the seed for other data', () => {
    const chosen = { ...digits, seed: 7, range: { start: 0, end: 10 } }
    expect(choiceFor({ kind: 'npz', path: '/a.npz' }, chosen)).toEqual({
      data: { kind: 'npz', path: '/a.npz' },
      seed: 7,
    })
    expect(choiceFor(digits.data, null)).toEqual(digits)
  })

  it('is kept for each model, and forgotten where it cannot be read', () => {
    const values = new Map<string, string>()
    const shelf = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
      removeItem: (key: string) => void values.delete(key),
    }
    writeChoice(shelf, 'sha256:a', digits)
    expect(readChoice(shelf, 'sha256:a')).toEqual({ ...digits, seed: 0 })
    expect(readChoice(shelf, 'sha256:b')).toBeNull()
    writeChoice(shelf, 'sha256:a', null)
    expect(readChoice(shelf, 'sha256:a')).toBeNull()
    values.set('quantbench.samples.sha256:a', '{"data":{"kind":"tape"}}')
    expect(readChoice(shelf, 'sha256:a')).toBeNull()
  })

  it('names data by kind and folder', () => {
    expect(specText(digits.data)).toBe('Built-in digits')
    expect(specText({ kind: 'images', path: '/data/imagenet-200/' })).toBe('Folder of images · imagenet-200')
  })
})

it.each([
  { why: 'a name is left to the host', text: 'imagenet', found: null },
  { why: 'an object is taken', text: '{"preset":"unit","mean":[0.5]}', found: null },
  { why: 'nothing is nothing', text: ' ', found: 'Say a preset or a JSON object.' },
])('preprocessing: $why', ({ text, found }) => {
  expect(preprocessProblem(text)).toBe(found)
})

it('says where JSON breaks off', () => {
  expect(preprocessProblem('{"mean": [0.5')).toMatch(/^This is not JSON: /)
})

describe('what the host says', () => {
  it('is told without options of the command line', () => {
    const message = 'The float model gets 3 % right, and 60 % with "imagenet": use --preprocess imagenet.'
    expect(findingText({ message })).toBe('The float model gets 3 % right, and 60 % with "imagenet".')
    expect(windowText('Choose other ranges, or give --allow-overlap.')).toBe(
      'Choose other ranges, or allow samples in both.',
    )
  })

  it('has a way out where the choice itself can be set right', () => {
    expect(remedyOfProblem({ code: 'usage.overlap' })?.change).toHaveProperty('calibrationRange', undefined)
    expect(remedyOfProblem({ code: 'usage.preprocess' })?.change).toEqual({ preprocess: undefined })
    expect(remedyOfProblem({ code: 'file.notFound' })).toBeNull()
  })
})
