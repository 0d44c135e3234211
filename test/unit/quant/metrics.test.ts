import { describe, expect, it } from 'vitest'
import {
  addPairSums,
  argmax,
  cosine,
  crossEntropy,
  isDistribution,
  klDivergence,
  logSumExp,
  maxRelativeErrorOf,
  measurePair,
  rankOf,
  sqnrDb,
  sqnrDbOf,
} from '../../../src/main/quant/metrics.ts'
import { normals, seeded } from '../../builders/model-builder.ts'

const of = (...values: number[]): Float32Array => Float32Array.from(values)

describe('sqnrDb', () => {
  it.each([
    { why: 'an error of a tenth is 20 dB', reference: of(1, 1), test: Float64Array.of(0.9, 1.1), dB: 20 },
    { why: 'equal tensors have no noise', reference: of(1, 2), test: of(1, 2), dB: Infinity },
    { why: 'two all-zero tensors are equal', reference: of(0, 0), test: of(0, 0), dB: Infinity },
    { why: 'noise without signal is the worst', reference: of(0, 0), test: of(1, 0), dB: -Infinity },
    {
      why: 'the same infinity on both sides is left out',
      reference: of(1, Infinity),
      test: of(1, Infinity),
      dB: Infinity,
    },
    { why: 'NaN against a number is an infinite error', reference: of(1, 1), test: of(1, NaN), dB: -Infinity },
  ])('$why: $dB dB', ({ reference, test, dB }) => {
    if (Number.isFinite(dB)) expect(sqnrDb(reference, test)).toBeCloseTo(dB, 6)
    else expect(sqnrDb(reference, test)).toBe(dB)
  })

  it('refuses tensors of different length', () => {
    expect(() => sqnrDb(of(1), of(1, 2))).toThrow('lengths differ')
  })

  it('of parts added is that of the whole', () => {
    const reference = normals(seeded(1), 1000)
    const test = reference.map((x, i) => x + 0.01 * Math.sin(i))
    const parts = addPairSums(
      measurePair(reference.subarray(0, 300), test.subarray(0, 300)),
      measurePair(reference.subarray(300), test.subarray(300)),
    )
    expect(sqnrDbOf(parts)).toBeCloseTo(sqnrDb(reference, test), 10)
    expect(parts.count).toBe(1000)
  })
})

describe('cosine and relative error', () => {
  it.each([
    { why: 'scaling does not turn', a: of(1, 2), b: of(2, 4), value: 1 },
    { why: 'opposite', a: of(1, 2), b: of(-1, -2), value: -1 },
    { why: 'orthogonal', a: of(1, 0), b: of(0, 1), value: 0 },
    { why: 'both zero count as equal', a: of(0), b: of(0), value: 1 },
    { why: 'one zero has no direction', a: of(0), b: of(3), value: 0 },
  ])('$why: $value', ({ a, b, value }) => expect(cosine(a, b)).toBeCloseTo(value, 12))

  it('max relative error is against the largest reference value', () => {
    expect(maxRelativeErrorOf(measurePair(of(0, 10), of(1, 10)))).toBeCloseTo(0.1, 12)
    expect(maxRelativeErrorOf(measurePair(of(0, 0), of(0, 0)))).toBe(0)
  })
})

describe('softmax based metrics', () => {
  it('log-sum-exp survives large scores', () => {
    expect(logSumExp(of(1000, 1000))).toBeCloseTo(1000 + Math.LN2, 10)
    expect(logSumExp(of(-Infinity, -Infinity))).toBe(-Infinity)
  })

  it('cross-entropy of logits equals that of their softmax', () => {
    const logits = of(1, 2, 3)
    const norm = logSumExp(logits)
    const probabilities = Float64Array.from(logits, (x) => Math.exp(x - norm))
    expect(isDistribution(probabilities)).toBe(true)
    expect(isDistribution(logits)).toBe(false)
    expect(crossEntropy(logits, 1, 'logits')).toBeCloseTo(norm - 2, 12)
    expect(crossEntropy(probabilities, 1, 'probabilities')).toBeCloseTo(norm - 2, 12)
  })

  it('a probability of zero keeps the loss finite', () => {
    expect(crossEntropy(of(1, 0), 1, 'probabilities')).toBeCloseTo(27.63, 2)
    expect(crossEntropy(of(0, 0), 1, 'probabilities')).toBeCloseTo(27.63, 2)
  })

  it('KL is zero for equal distributions, positive else, the same by logits and by probabilities', () => {
    const p = of(0.7, 0.2, 0.1)
    const q = of(0.5, 0.3, 0.2)
    const expected = 0.7 * Math.log(0.7 / 0.5) + 0.2 * Math.log(0.2 / 0.3) + 0.1 * Math.log(0.1 / 0.2)
    expect(klDivergence(p, q, 'probabilities')).toBeCloseTo(expected, 6)
    expect(klDivergence(p.map(Math.log), q.map(Math.log), 'logits')).toBeCloseTo(expected, 6)
    expect(klDivergence(p, p, 'probabilities')).toBe(0)
    // a shift of all logits is the same distribution
    expect(klDivergence(of(1, 2), of(11, 12), 'logits')).toBeCloseTo(0, 12)
  })

  // two equal scores moved apart by 2ε: KL = ½·log(cosh² ε) = log1p(2·sinh²(ε/2))
  it.each([1e-9, 1e-5, 1e-3, 0.1, 0.2, 3, 14, 16, 300])('keeps its digits where scores moved by %f', (epsilon) => {
    const expected = epsilon > 100 ? epsilon - Math.LN2 : Math.log1p(2 * Math.sinh(epsilon / 2) ** 2)
    const found = klDivergence(of(1000, 1000), Float64Array.of(1000 + epsilon, 1000 - epsilon), 'logits')
    const exact = Float64Array.of(epsilon, -epsilon)
    expect(Math.abs(klDivergence(of(0, 0), exact, 'logits') / expected - 1)).toBeLessThan(1e-12 + 1e-15 / epsilon)
    expect(Math.abs(found - expected)).toBeLessThan(1e-12 + 1e-9 * expected)
  })

  it('a class that is left out by both counts nothing, one that only the test leaves out is infinitely far', () => {
    const both = klDivergence(of(1, 2, -Infinity), of(1, 2.5, -Infinity), 'logits')
    expect(both).toBeCloseTo(klDivergence(of(1, 2), of(1, 2.5), 'logits'), 12)
    expect(klDivergence(of(1, 2, 3), of(1, 2, -Infinity), 'logits')).toBe(Infinity)
    expect(klDivergence(of(1, 2), of(1, NaN), 'logits')).toBeNaN()
  })
})

describe('argmax and rank', () => {
  it.each([
    { why: 'a tie goes to the lowest index', scores: of(1, 3, 3), best: 1 },
    { why: 'NaN never wins', scores: of(NaN, -5, -7), best: 1 },
    { why: 'nothing to choose from', scores: of(NaN, NaN), best: -1 },
    { why: 'minus infinity beats NaN', scores: of(NaN, -Infinity), best: 1 },
  ])('$why', ({ scores, best }) => expect(argmax(scores)).toBe(best))

  it('ranks are a permutation, ties in index order, and rank 0 is the argmax', () => {
    const scores = of(2, 5, 5, -1, 2)
    expect([0, 1, 2, 3, 4].map((label) => rankOf(scores, label))).toEqual([2, 0, 1, 4, 3])
    expect(rankOf(scores, argmax(scores))).toBe(0)
    expect(rankOf(of(NaN, 1, 2), 0)).toBe(2)
  })
})
