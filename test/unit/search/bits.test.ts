import { describe, expect, it } from 'vitest'
import { defaultPlan, quantPlan } from '../../../src/shared/contract/plan.ts'
import { parseBits, parseCurves, planOfBits } from '../../../src/main/search/bits.ts'

describe('parseBits', () => {
  it.each([
    { text: '1-8', bits: [1, 2, 3, 4, 5, 6, 7, 8] },
    { text: '2,4,8', bits: [2, 4, 8] },
    { text: '8, 2 - 4,3', bits: [2, 3, 4, 8] },
    { text: '5', bits: [5] },
    { text: '3-3', bits: [3] },
  ])('$text', ({ text, bits }) => {
    expect(parseBits(text)).toEqual(bits)
  })

  it.each([
    { why: 'nothing', text: '' },
    { why: 'no bits at all', text: '0-4' },
    { why: 'more than 8', text: '4,16' },
    { why: 'backwards', text: '8-1' },
    { why: 'a word', text: 'all' },
    { why: 'a gap', text: '2,,4' },
    { why: 'a fraction', text: '2.5' },
    { why: 'a sign', text: '-4' },
  ])('refuses $why: "$text"', ({ text }) => {
    expect(() => parseBits(text)).toThrow(expect.objectContaining({ code: 'usage.bits' }))
  })
})

describe('parseCurves', () => {
  it('takes all, or those named in the order they are drawn', () => {
    expect(parseCurves(null)).toEqual(['weights', 'activations', 'both'])
    expect(parseCurves(['both', 'weights'])).toEqual(['weights', 'both'])
    expect(() => parseCurves(['bias'])).toThrow(expect.objectContaining({ code: 'usage.curve' }))
  })
})

describe('planOfBits', () => {
  it('changes one side, the other keeps the bits of the template', () => {
    expect(planOfBits('weights', 3, defaultPlan).defaults).toMatchObject({
      weights: { bits: 3, storage: 'int8', symmetric: true },
      activations: { bits: 8 },
    })
    expect(planOfBits('activations', 3, defaultPlan).defaults).toMatchObject({
      weights: { bits: 8 },
      activations: { bits: 3 },
    })
    expect(planOfBits('both', 3, defaultPlan).defaults).toMatchObject({
      weights: { bits: 3 },
      activations: { bits: 3 },
    })
  })

  it('makes one bit affine, whatever the template says', () => {
    const symmetric = {
      ...defaultPlan,
      defaults: { ...defaultPlan.defaults, activations: { ...defaultPlan.defaults.activations, symmetric: true } },
    }
    const { defaults } = planOfBits('both', 1, symmetric)
    expect(defaults.weights).toMatchObject({ bits: 1, storage: 'uint8', symmetric: false })
    expect(defaults.activations).toMatchObject({ bits: 1, symmetric: false })
    expect(quantPlan.safeParse(planOfBits('both', 1, symmetric)).success).toBe(true)
  })

  it('gives equal plans at the bits of the template, and keeps repairs and layers', () => {
    const template = { ...defaultPlan, layers: { a: 'float' as const }, repairs: ['bias' as const] }
    expect(planOfBits('weights', 8, template)).toEqual(planOfBits('activations', 8, template))
    expect(planOfBits('weights', 2, template)).toMatchObject({ layers: { a: 'float' }, repairs: ['bias'] })
  })
})
