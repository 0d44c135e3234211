import { describe, expect, it } from 'vitest'
import { answerName, answerText, editText, floatText } from '../../../../src/renderer/plan/answer-text.ts'
import type { Answer, Figure } from '../../../../src/renderer/plan/figures.ts'

const figure = (value: number, interval: Figure['interval'] = null): Figure => ({ value, interval, basis: '' })

describe('answerText', () => {
  it.each([
    { name: 'size', float: 4_950_000, at: figure(1_310_000), kind: null, value: '1.31 MB', delta: '26 %', spread: '' },
    { name: 'accuracy', float: 0.65, at: figure(0.004, [0.001, 0.007]), kind: 'top1', value: '64.6 %', delta: '−0.4 points', spread: '±0.3' },
    { name: 'accuracy', float: null, at: figure(0.004), kind: 'top1', value: '−0.4 points', delta: '', spread: '' },
    { name: 'accuracy', float: null, at: figure(0.02), kind: 'disagreement', value: '98.0 %', delta: '', spread: '' },
    { name: 'accuracy', float: null, at: figure(0.00123), kind: 'nsr', value: '0.00123', delta: '', spread: '' },
    { name: 'accuracy', float: 0.9, at: figure(-0.0001), kind: 'top1', value: '90.0 %', delta: '0.0 points', spread: '' },
    { name: 'speed', float: 1, at: figure(2.9, [2.8, 3.1]), kind: null, value: '2.90×', delta: '', spread: '±0.20' },
  ] as const)('$name $value', ({ name, float, at, kind, value, delta, spread }) => {
    expect(answerText({ name, float }, at, kind)).toEqual({ value, delta, spread })
  }) // prettier-ignore
})

describe('floatText and answerName', () => {
  it('say what the numbers are', () => {
    expect(floatText({ name: 'accuracy', float: 0.65 }, 'top1')).toBe('65.0 %')
    expect(floatText({ name: 'accuracy', float: 0.65 }, 'nsr')).toBeNull()
    expect(floatText({ name: 'speed', float: 1 }, null)).toBeNull()
    expect(answerName('accuracy', 'disagreement')).toBe('agreement')
    expect(answerName('size', null)).toBe('size')
  })
})

describe('editText', () => {
  const answer: Answer = {
    name: 'size',
    float: 4000,
    measured: figure(2000),
    isMeasuredNow: false,
    estimated: figure(2500),
    reason: null,
    run: null,
  }

  it('says what edits would change', () => {
    expect(editText(answer, null)).toBe('+500 B')
    expect(editText({ ...answer, estimated: figure(2000) }, null)).toBe('no change')
    expect(editText({ ...answer, name: 'accuracy', measured: figure(0.01), estimated: figure(0.02) }, 'top1')).toBe('−1.0 points') // prettier-ignore
    expect(editText({ ...answer, name: 'speed', measured: figure(2), estimated: figure(2.5) }, null)).toBe('+0.50×')
  })

  it('is silent where the plan itself was measured, or one number is missing', () => {
    expect(editText({ ...answer, isMeasuredNow: true }, null)).toBeNull()
    expect(editText({ ...answer, estimated: null }, null)).toBeNull()
  })
})
