import { describe, expect, it } from 'vitest'
import { answersOf, figuresOfRun, isGuess, type MeasuredFigures } from '../../../../src/renderer/plan/figures.ts'
import type { Estimate, PlanEstimate } from '../../../../src/shared/contract/api/plans.ts'

const guess = (value: number): Estimate => ({ value, measured: false, interval: null, basis: 'guessed' })
const estimate: PlanEstimate = {
  drop: { value: null, reason: 'no scan yet' },
  dropKind: null,
  floatTop1: null,
  damage: { value: null, reason: 'no scan yet' },
  metric: null,
  bytes: guess(900),
  floatBytes: 4000,
  ms: guess(2),
  floatMs: 6,
  speedup: guess(3),
  layers: [],
}
const figures: MeasuredFigures = {
  run: 'r1',
  bytes: 1000,
  referenceBytes: 4000,
  drop: 0.01,
  dropKind: 'top1',
  dropInterval: [0, 0.02],
  top1: 0.64,
  referenceTop1: 0.65,
  samples: 500,
  speed: null,
}
type Source = Parameters<typeof answersOf>[0]
const named = (source: Omit<Source, 'guess'> & Partial<Source>) =>
  Object.fromEntries(answersOf({ guess: null, ...source }).map((answer) => [answer.name, answer]))

describe('answersOf', () => {
  it('shows estimates, and the reason where there is none', () => {
    const { size, accuracy } = named({ estimate, measured: null, former: null })
    expect(size).toMatchObject({ float: 4000, measured: null, estimated: { value: 900 }, reason: null })
    expect(accuracy).toMatchObject({ measured: null, estimated: null, reason: 'no scan yet' })
  })

  it('shows measured numbers of this plan beside what was estimated, and needs no reason then', () => {
    const { size, accuracy, speed } = named({ estimate, measured: figures, former: null })
    expect(size).toMatchObject({ measured: { value: 1000 }, isMeasuredNow: true, estimated: { value: 900 }, run: 'r1' })
    expect(accuracy).toMatchObject({ measured: { value: 0.01, interval: [0, 0.02] }, float: 0.65, reason: null })
    expect(speed).toMatchObject({ measured: null, estimated: { value: 3 } })
  })

  it('shows the measured numbers of the former plan after an edit, marked as such', () => {
    const { size, accuracy } = named({ estimate, measured: null, former: figures })
    expect(size).toMatchObject({ measured: { value: 1000 }, isMeasuredNow: false, estimated: { value: 900 } })
    expect(accuracy).toMatchObject({ measured: { value: 0.01 }, isMeasuredNow: false, reason: 'no scan yet' })
  })

  it('keeps the estimate of before beside the measurement', () => {
    const known: Estimate = { value: 1000, measured: true, interval: null, basis: 'kept' }
    const after = { ...estimate, bytes: known }
    const { size } = named({ estimate: after, guess: estimate, measured: figures, former: null })
    expect(size).toMatchObject({ isMeasuredNow: true, measured: { value: 1000 }, estimated: { value: 900 } })
    expect([isGuess(estimate), isGuess({ ...after, speedup: known })]).toEqual([true, false])
  })

  it('takes a kept measurement that the estimate brings', () => {
    const kept: PlanEstimate = { ...estimate, bytes: { value: 950, measured: true, interval: null, basis: 'kept' } }
    expect(named({ estimate: kept, measured: null, former: null })['size']).toMatchObject({
      measured: { value: 950 },
      isMeasuredNow: true,
      estimated: null,
    })
  })
})

describe('figuresOfRun', () => {
  const result = {
    samples: 200,
    model: { top1: 0.9 },
    reference: { top1: 0.91 },
    agreement: 0.98,
    drop: { value: 0.01, low: -0.01, high: 0.03 },
  }

  it('reads what a measurement kept', () => {
    const figures = figuresOfRun({
      id: 'r',
      metrics: { bytes: 10, drop: 0.01, speedup: 2, medianMs: 1, referenceMedianMs: 2 },
      results: { evaluation: { result }, speed: { interval: [1.8, 2.3] } },
    })
    expect(figures).toMatchObject({
      dropKind: 'top1',
      dropInterval: [-0.01, 0.03],
      samples: 200,
      speed: { speedup: 2, interval: [1.8, 2.3] },
    })
  })

  it('counts disagreement without labels, and is null for what it does not know', () => {
    const results = { evaluation: { result: { ...result, model: null, reference: null, drop: null } } }
    expect(figuresOfRun({ id: 'r', metrics: { bytes: 1, drop: 0.02 }, results })).toMatchObject({
      dropKind: 'disagreement',
      speed: null,
    })
    expect(figuresOfRun({ id: 'r', metrics: { bytes: 1, drop: 0.02 }, results: null })).toBeNull()
  })
})
