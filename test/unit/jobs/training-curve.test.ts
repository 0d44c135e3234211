import { describe, expect, it } from 'vitest'
import { KeptPartials } from '../../../src/main/jobs/desk/kept-partials.ts'
import { createTrainingReport } from '../../../src/main/jobs/tasks/training/report.ts'
import { KeptCurve } from '../../../src/main/jobs/training-curve.ts'
import type { PartialResult } from '../../../src/shared/contract/api/jobs.ts'
import type { EpochView, StepView } from '../../../src/shared/contract/api/training.ts'

const epoch = (number: number, loss = 1): EpochView => ({
  epoch: number,
  learningRate: 0.1,
  loss,
  accuracy: 0.5,
  validationLoss: null,
  validationAccuracy: null,
  samplesPerSecond: 1,
})
const step = (at: number, loss = 1): StepView => ({ at, loss })

describe('a curve that is kept', () => {
  it('holds every epoch once, in order, and a bounded number of steps with the same mean', () => {
    const curve = new KeptCurve()
    curve.add({ epochs: [epoch(2)], steps: [] })
    curve.add({ epochs: [epoch(1), epoch(2, 0.5)], steps: [] })
    for (let i = 1; i <= 9000; i++) curve.add({ epochs: [], steps: [step(i / 1000, 3)] })
    expect(curve.epochs.map(({ loss }) => loss)).toEqual([1, 0.5])
    expect(curve.steps.length).toBeLessThanOrEqual(2000)
    expect(curve.steps.every(({ loss }) => loss === 3)).toBe(true)
    expect(curve.steps.at(-1)!.at).toBe(9)
  })

  it('begins anew where a further training of the stage begins', () => {
    const curve = new KeptCurve()
    curve.add({ epochs: [], steps: [step(0.5), step(1)] })
    curve.add({ epochs: [], steps: [step(0.25), step(0.75)] })
    expect(curve.steps.map(({ at }) => at)).toEqual([0.25, 0.75])
  })
})

it('a late follower is told the curve of each stage at once', () => {
  const kept = new KeptPartials()
  for (const stage of ['float', 'qat'] as const)
    for (const number of [1, 2]) kept.add({ kind: 'training', stage, epochs: [epoch(number)], steps: [step(number)] })
  expect(kept.all).toMatchObject([
    { kind: 'training', stage: 'float', epochs: [{ epoch: 1 }, { epoch: 2 }], steps: [{ at: 1 }, { at: 2 }] },
    { kind: 'training', stage: 'qat' },
  ])
})

describe('the report of a training', () => {
  it('sends steps four times a second at most, thinned, and an epoch at once with the steps before it', () => {
    const sent: PartialResult[] = []
    let now = 0
    const report = createTrainingReport(
      (partial) => sent.push(partial),
      'float',
      100,
      () => now,
    )
    for (let done = 1; done <= 100; done++) {
      now += 5
      report.step({ epoch: 1, done, loss: 2 })
    }
    expect(sent).toHaveLength(2)
    report.epoch(epoch(1))
    const parts = sent.flatMap((partial) => (partial.kind === 'training' ? [partial] : []))
    expect(parts.map(({ steps }) => steps.length <= 8)).toEqual([true, true, true])
    expect(parts.at(-1)!.epochs).toEqual([epoch(1)])
    expect(parts[1]!.steps.at(-1)).toEqual({ at: 1, loss: 2 })
  })

  it('costs nothing where nobody listens', () => {
    const report = createTrainingReport(undefined, 'qat', 10, () => 0)
    report.step({ epoch: 1, done: 5, loss: 1 })
    expect(() => report.epoch(epoch(1))).not.toThrow()
  })
})
