import { describe, expect, it } from 'vitest'
import {
  accuracySeries,
  bestEpoch,
  curveMarks,
  curveText,
  lossSeries,
  mergeCurve,
  noCurve,
  noCurves,
  type Curve,
} from '../../../../src/renderer/training/curves.ts'
import { comparisonOfRun } from '../../../../src/renderer/training/comparison.ts'
import { curvesOfRun, outcomeOfRun } from '../../../../src/renderer/training/outcome.ts'
import type { EpochView } from '../../../../src/shared/contract/api/training.ts'
import { run } from '../stores/insight-window.ts'

const epoch = (number: number, validationLoss: number | null = 1 / number): EpochView => ({
  epoch: number,
  learningRate: 0.1,
  loss: 2 / number,
  accuracy: 0.5,
  validationLoss,
  validationAccuracy: validationLoss === null ? null : 0.6,
  samplesPerSecond: 100,
})
const steps = (from: number, count: number): Curve['steps'] =>
  Array.from({ length: count }, (_, i) => ({ at: from + (i + 1) / count, loss: 1 }))

describe('a curve as it comes', () => {
  it('takes epochs in the place of those of the same number, in order', () => {
    const first = mergeCurve(noCurve, { epochs: [epoch(2), epoch(1)], steps: [] })
    const again = mergeCurve(first, { epochs: [epoch(2, 0.1)], steps: [] })
    expect(again.epochs.map((one) => [one.epoch, one.validationLoss])).toEqual([
      [1, 1],
      [2, 0.1],
    ])
  })

  it('is not doubled by what is told again after a reconnect', () => {
    const whole = { epochs: [], steps: steps(0, 10) }
    expect(mergeCurve(mergeCurve(noCurve, whole), whole).steps).toEqual(whole.steps)
  })

  it('stays within what a chart can show, from its first step to its last', () => {
    const long = mergeCurve(noCurve, { epochs: [], steps: steps(0, 5000) })
    expect(long.steps.length).toBeLessThanOrEqual(1200)
    expect(long.steps.at(-1)!.at).toBe(1)
    expect(long.steps.every(({ loss }) => loss === 1)).toBe(true)
  })
})

it('the kept epoch has the lowest held-out loss; without any held out it is the last', () => {
  expect(bestEpoch([epoch(1, 0.5), epoch(2, 0.2), epoch(3, 0.4)])?.epoch).toBe(2)
  expect(bestEpoch([epoch(1, null), epoch(2, null)])?.epoch).toBe(2)
  expect(bestEpoch([])).toBeNull()
})

describe('what is drawn', () => {
  const float: Curve = { epochs: [epoch(1), epoch(2)], steps: steps(0, 4) }
  const qat: Curve = { epochs: [epoch(1, 0.3)], steps: steps(0, 2) }

  it('is loss by step and epoch, with means in the middle of their epoch', () => {
    const series = lossSeries({ ...noCurves, float })
    expect(series.map(({ label }) => label)).toEqual(['steps', 'training', 'validation'])
    expect(series[1]!.points.map(({ x }) => x)).toEqual([0.5, 1.5])
    expect(series[2]!.points.map(({ x }) => x)).toEqual([1, 2])
  })

  it('keeps room for the epochs to come', () => {
    const [first] = lossSeries({ ...noCurves, float }, { float: 10, qat: 0 })
    expect(first!.points.at(-1)).toEqual({ x: 10, y: null })
  })

  it('puts training for integers behind the float training it began from', () => {
    const series = accuracySeries({ float, qat })
    expect(series.map(({ label }) => label)).toEqual([
      'float training',
      'float validation',
      'QAT training',
      'QAT validation',
    ])
    expect(series[3]!.points.map(({ x }) => x)).toEqual([3])
    expect(curveMarks({ float, qat })).toEqual([
      { x: 2, label: 'kept, QAT begins' },
      { x: 3, label: 'kept' },
    ])
  })

  it('has its places before anything is known, where it is known how long it will be', () => {
    const series = lossSeries(noCurves, { float: 2, qat: 5 })
    expect(series.map(({ label }) => label)).toContain('QAT validation')
    expect(Math.max(...series.flatMap(({ points }) => points.map(({ x }) => x)))).toBe(7)
  })

  it('leaves out what was held out where nothing was', () => {
    const unheld = { epochs: [epoch(1, null)], steps: [] }
    expect(lossSeries({ ...noCurves, float: unheld }).map(({ id }) => id)).toEqual(['float:steps', 'float:training'])
  })

  it('is told in a sentence', () => {
    expect(curveText(noCurves)).toBe('No epoch is done yet.')
    expect(curveText({ ...noCurves, float })).toBe(
      'Epoch 2: loss 1.0000, accuracy 50.00 %; validation loss 0.5000, accuracy 60.00 %.',
    )
  })
})

describe('a former run', () => {
  const results = {
    history: [epoch(1), epoch(2)].map((one) => ({ ...one })),
    options: { epochs: 5 },
    test: { split: 'test', evaluation: { result: { samples: 2000 } } },
  }
  it('shows its curves and what came of it, also one of before steps were kept', () => {
    const detail = run('t1', {
      kind: 'train',
      results,
      metrics: { top1: 0.97, loss: 0.1, bytes: 1000, bestEpoch: 2 },
      artifacts: [{ role: 'model', sha256: '', bytes: 1000, path: '/out.onnx' }],
    })
    expect(curvesOfRun(detail).float.epochs).toHaveLength(2)
    expect(outcomeOfRun(detail)).toEqual({
      run: 't1',
      output: '/out.onnx',
      bytes: 1000,
      top1: 0.97,
      loss: 0.1,
      split: 'test',
      samples: 2000,
      epochs: 2,
      bestEpoch: 2,
      stoppedEarly: true,
      qat: null,
    })
  })

  it('for integers stands beside float', () => {
    const detail = run('q1', {
      kind: 'qat',
      results: { ...results, learningRateWhy: '0.01 for 8 bits' },
      metrics: { top1: 0.97, referenceTop1: 0.98, ownTop1: 0.97, referenceBytes: 4000, bytes: 1000 },
      warnings: ['slow'],
    })
    expect(curvesOfRun(detail)).toMatchObject({ float: noCurve, qat: { epochs: [{ epoch: 1 }, { epoch: 2 }] } })
    expect(outcomeOfRun(detail)?.qat).toEqual({
      floatTop1: 0.98,
      floatBytes: 4000,
      drop: null,
      ownTop1: 0.97,
      learningRateWhy: '0.01 for 8 bits',
      warnings: ['slow'],
    })
  })

  it('that is no training shows nothing', () => {
    const detail = run('s1', { kind: 'search', results: { front: [] } })
    expect(curvesOfRun(detail)).toEqual(noCurves)
    expect(outcomeOfRun(detail)).toBeNull()
    expect(comparisonOfRun(detail)).toBeNull()
  })

  it('of a comparison shows its rows', () => {
    const row = { name: 'float', run: null, plan: null, top1: 0.9, loss: 1, drop: null, bytes: 10, wallMs: null }
    const detail = run('c1', { kind: 'compareQat', results: { rows: [{ ...row, output: null }] } })
    expect(comparisonOfRun(detail)?.rows).toMatchObject([{ name: 'float', top1: 0.9 }])
  })
})
