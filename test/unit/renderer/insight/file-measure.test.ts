import { describe, expect, it } from 'vitest'
import {
  benchRequest,
  benchText,
  evaluateRequest,
  evaluationRows,
  plainQuestion,
  shapesOf,
  sqnrText,
} from '../../../../src/renderer/insight/file-measure.ts'
import type { BenchView, EvaluationView } from '../../../../src/shared/contract/api/job-results.ts'
import { jobRequest } from '../../../../src/shared/contract/api/jobs.ts'

const SAMPLES = { data: { kind: 'synthetic-digits' } } as const

describe('what the host is asked for', () => {
  it('is the file alone when nothing is said', () => {
    expect(jobRequest.parse(evaluateRequest('/a.onnx', plainQuestion, SAMPLES))).toMatchObject({
      kind: 'evaluate',
      model: '/a.onnx',
      reference: null,
      engine: 'onnxruntime',
    })
    expect(jobRequest.parse(benchRequest('/a.onnx', plainQuestion))).not.toHaveProperty('shapes')
  })

  it('is all that was said', () => {
    const question = {
      reference: '/b.onnx',
      engine: 'tfjs',
      batch: 8,
      threads: 2,
      shapes: ' data=1x3x8x8 \n\nmask = 1x8\n',
    } as const
    expect(jobRequest.parse(evaluateRequest('/m', question, SAMPLES))).toMatchObject({
      reference: '/b.onnx',
      engine: 'tfjs',
      batch: 8,
      threads: 2,
    })
    expect(jobRequest.parse(benchRequest('/m', question))).toMatchObject({
      reference: '/b.onnx',
      batch: 8,
      threads: 2,
      shapes: { data: [1, 3, 8, 8], mask: [1, 8] },
    })
  })

  it.each(['data', 'data=', 'data=1x', 'data=0x3', '=1x3', 'a=1x3\nb'])('holds no shape in %j', (text) => {
    expect(shapesOf(text)).toBeNull()
  })
})

const scores = (top1: number, loss: number) => ({ top1, top5: 1, loss, confusion: [], classes: 10 })
const nothing: EvaluationView = {
  samples: 10,
  labelled: 0,
  model: null,
  reference: null,
  agreement: null,
  kl: null,
  drop: null,
  lossIncrease: null,
  outputs: null,
}

describe('what an evaluation says', () => {
  it('is empty with neither labels nor reference', () => {
    expect(evaluationRows(nothing)).toEqual([])
  })

  it('is accuracy beside the reference, with the interval of the difference as a change', () => {
    const rows = evaluationRows({
      ...nothing,
      model: scores(0.98, 0.1),
      reference: scores(0.99, 0.05),
      drop: { value: 0.01, low: 0, high: 0.02 },
      lossIncrease: { value: 0.05, low: -0.01, high: 0.11 },
      agreement: 0.975,
      kl: 0.0123456,
    })
    expect(rows.map(({ metric, model, reference, interval }) => [metric, model, reference, interval])).toEqual([
      ['top-1', '98.00 %', '99.00 %', '−2.00 … 0.00 points'],
      ['top-5', '100.00 %', '100.00 %', ''],
      ['loss (nats)', '0.1000', '0.0500', '−0.0100 … 0.1100'],
      ['agreement', '97.50 %', '', ''],
      ['KL to the reference (nats)', '0.01235', '', ''],
    ])
  })

  it('calls equal outputs equal', () => {
    expect(sqnrText(400)).toBe('equal')
    expect(sqnrText(32.168)).toBe('32.17 dB')
  })
})

describe('how fast a file is', () => {
  const bench: BenchView = {
    medianMs: 2,
    referenceMedianMs: null,
    speedup: null,
    interval: null,
    batch: 1,
    threads: 1,
    runs: 100,
    layers: [],
    other: [],
    warnings: [],
  }

  it.each([
    { why: 'alone', view: bench, text: '2.000 ms (median of 100 runs, batch 1, 1 thread).' },
    {
      why: 'beside a reference',
      view: { ...bench, referenceMedianMs: 5, speedup: 2.5, interval: { low: 2.4, high: 2.6 }, threads: 4 },
      text: '2.000 ms, the reference 5.000 ms: 2.50× as fast (95 %: 2.40 … 2.60); median of 100 runs, batch 1, 4 threads.',
    },
  ])('is said $why', ({ view, text }) => {
    expect(benchText(view)).toBe(text)
  })
})
