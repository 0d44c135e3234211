import { describe, expect, it } from 'vitest'
import {
  bitsAskedOfRun,
  bitsQuestionFrom,
  bitsText,
  floatLayersOf,
  templateText,
  usualBits,
} from '../../../../src/renderer/insight/bits-question.ts'
import { defaultPlan } from '../../../../src/shared/contract/plan.ts'

describe('the question of a sweep over bits', () => {
  it.each([
    { why: 'nothing was kept', text: null },
    { why: 'it is no JSON', text: '{' },
    { why: 'it asks for nothing', text: JSON.stringify({ ...usualBits, bits: [] }) },
    { why: 'it asks for what another version knows', text: JSON.stringify({ ...usualBits, calibration: 'oracle' }) },
  ])('is the usual one where $why', ({ text }) => {
    expect(bitsQuestionFrom(text)).toEqual(usualBits)
  })

  it('is kept as it was asked', () => {
    const own = { ...usualBits, bits: [2, 4], curves: ['both' as const], repairs: ['bias' as const] }
    expect(bitsQuestionFrom(JSON.stringify(own))).toEqual(own)
  })

  it('is read from a run of the command line or the window', () => {
    const parameters = {
      bits: [4, 8],
      curves: ['weights'],
      template: { ...defaultPlan, layers: { fc: 'float' } },
      samples: { data: { kind: 'synthetic-digits' }, seed: 0, samples: 200 },
      output: 'out/',
      force: false,
    }
    const asked = bitsAskedOfRun(parameters)
    expect(asked).toMatchObject({ bits: [4, 8], curves: ['weights'], samples: { samples: 200 } })
    expect(floatLayersOf(asked!.template)).toEqual(['fc'])
    expect(bitsAskedOfRun({ configs: '8' })).toBeNull()
  })
})

it.each([
  { bits: [1, 2, 3, 4, 5, 6, 7, 8], text: '1–8' },
  { bits: [8, 2, 4, 3], text: '2–4, 8' },
  { bits: [5], text: '5' },
])('$bits are said as $text', ({ bits, text }) => {
  expect(bitsText(bits)).toBe(text)
})

it('says what is the same at every point', () => {
  expect(templateText(defaultPlan)).toBe('min-max · per channel')
  const own = { ...defaultPlan, layers: { a: 'float' as const, b: 'float' as const }, repairs: ['bias' as const] }
  expect(templateText(own)).toBe('min-max · per channel · repairs: bias · 2 layers in float')
})
