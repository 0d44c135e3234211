import { describe, expect, it } from 'vitest'
import {
  fillRow,
  metricOf,
  referenceSample,
  ROW_LENGTH,
  scoreKindOf,
  spreadOf,
} from '../../../src/main/search/sample-rows.ts'
import { crossEntropy, klDivergence } from '../../../src/main/quant/metrics.ts'

const float = Float32Array.of(2, 0, -1)
const changed = Float32Array.of(0, 1, -1)

function rowsOf(classOutput: string | null, label: number | null): Float64Array {
  const rows = new Float64Array(2 * ROW_LENGTH)
  fillRow(rows, 1, referenceSample({ y: float }, classOutput, label), { y: changed })
  return rows.subarray(ROW_LENGTH)
}

describe('the row of a sample', () => {
  it('holds every metric, larger for worse', () => {
    const rows = rowsOf('y', 0)
    const read = (metric: Parameters<typeof metricOf>[1]): number => metricOf(rows, metric, 'logits')[0]!
    expect(read('loss')).toBeCloseTo(crossEntropy(changed, 0, 'logits') - crossEntropy(float, 0, 'logits'), 12)
    expect(read('kl')).toBe(klDivergence(float, changed, 'logits'))
    expect(read('top1')).toBe(1)
    expect(read('nsr')).toBeCloseTo((4 + 1) / (4 + 1), 12)
  })

  it('without a label knows neither loss nor top-1', () => {
    const rows = rowsOf('y', null)
    expect(metricOf(rows, 'loss', 'logits')[0]).toBeNaN()
    expect(metricOf(rows, 'top1', 'logits')[0]).toBeNaN()
    expect(metricOf(rows, 'kl', 'logits')[0]).toBeGreaterThan(0)
  })

  it('of a model that does not classify has the noise alone', () => {
    expect(metricOf(rowsOf(null, 0), 'kl', 'logits')[0]).toBeNaN()
    expect(metricOf(rowsOf(null, 0), 'nsr', 'logits')[0]).toBe(1)
  })

  it.each([
    { why: 'a score that is no number', scores: [NaN, 1, 0] },
    { why: 'a score without bounds', scores: [Infinity, 1, 0] },
  ])('with $why is worse than any other, and finite', ({ scores }) => {
    const rows = new Float64Array(ROW_LENGTH)
    fillRow(rows, 0, referenceSample({ y: float }, 'y', 0), { y: Float32Array.from(scores) })
    for (const metric of ['kl', 'loss', 'nsr'] as const) expect(metricOf(rows, metric, 'logits')[0]).toBe(1e9)
  })

  it('of probabilities that were all rounded to zero has the damage of a certain mistake', () => {
    const rows = new Float64Array(ROW_LENGTH)
    fillRow(rows, 0, referenceSample({ y: Float32Array.of(1, 0) }, 'y', 0), { y: Float32Array.of(0, 0) })
    expect(metricOf(rows, 'kl', 'probabilities')[0]).toBeCloseTo(27.63, 2)
    expect(metricOf(rows, 'loss', 'probabilities')[0]).toBeCloseTo(27.63, 2)
  })

  it('reads scores as probabilities only where all samples are', () => {
    const rows = new Float64Array(2 * ROW_LENGTH)
    const p = Float32Array.of(0.5, 0.25, 0.25)
    fillRow(rows, 0, referenceSample({ y: p }, 'y', 0), { y: p })
    expect(scoreKindOf([rows.subarray(0, ROW_LENGTH)])).toBe('probabilities')
    fillRow(rows, 1, referenceSample({ y: float }, 'y', 0), { y: changed })
    expect(scoreKindOf([rows])).toBe('logits')
  })

  it('knows scores as probabilities only where they are', () => {
    expect(metricOf(rowsOf('y', 0), 'kl', 'probabilities')[0]).toBeNaN()
    expect(metricOf(rowsOf('y', 0), 'loss', 'probabilities')[0]).toBeNaN()
  })
})

describe('the spread of a decision', () => {
  it.each([
    { why: 'none when it is certain', scores: [100, 0, 0], spread: 0 },
    { why: 'most when all are equal', scores: [1, 1, 1, 1], spread: 0.75 },
    { why: 'probabilities as they are', scores: [0.5, 0.5], spread: 0.5 },
  ])('$why', ({ scores, spread }) => expect(spreadOf(Float32Array.from(scores))).toBeCloseTo(spread, 6))
})
