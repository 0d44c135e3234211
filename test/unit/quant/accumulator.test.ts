import { describe, expect, it } from 'vitest'
import type { EvaluationSpec } from '../../../src/main/quant/accumulator.ts'
import { EvaluationAccumulator } from '../../../src/main/quant/accumulator.ts'
import { normals, seeded } from '../../builders/model-builder.ts'

const spec: EvaluationSpec = { outputs: ['scores', 'features'], classOutput: 'scores', classes: 10 }

interface Pair {
  readonly label: number
  readonly model: Record<string, Float32Array>
  readonly reference: Record<string, Float32Array>
}

/** Random logits whose largest is the label three times out of four, and the same with noise. */
function pairs(count: number): Pair[] {
  const random = seeded(7)
  return Array.from({ length: count }, () => {
    const scores = normals(random, 10)
    const features = normals(random, 32)
    const label = random() < 0.75 ? scores.indexOf(Math.max(...scores)) : Math.floor(random() * 10)
    const noise = normals(random, 10, 0.2)
    return {
      label,
      reference: { scores, features },
      model: { scores: scores.map((x, i) => x + noise[i]!), features: features.map((x) => x * 1.01) },
    }
  })
}

function gather(
  samples: readonly Pair[],
  order: readonly number[],
  to = new EvaluationAccumulator(spec),
): EvaluationAccumulator {
  for (const i of order) to.add(i, samples[i]!.label, samples[i]!.model, samples[i]!.reference)
  return to
}

it("tells the KL of each sample in the order of the indices, whose mean is the result's", () => {
  const samples = pairs(20)
  const kls = gather(samples, sequence(20)).klOfSamples()!
  expect(gather(samples, sequence(20).reverse()).klOfSamples()).toEqual(kls)
  expect(kls.reduce((sum, kl) => sum + kl, 0) / 20).toBe(gather(samples, sequence(20)).result().kl)
  expect(kls[3]).toBe(gather(samples, [3]).result().kl)
  const alone = new EvaluationAccumulator(spec)
  alone.add(0, 1, samples[0]!.model, null)
  expect(alone.klOfSamples()).toBeNull()
})

const sequence = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('EvaluationAccumulator', () => {
  const samples = pairs(200)
  const whole = gather(samples, sequence(200)).result()

  it('counts what a plain loop counts', () => {
    const hits = samples.filter(
      ({ label, reference }) => reference.scores!.indexOf(Math.max(...reference.scores!)) === label,
    )
    expect(whole.reference!.top1).toBe(hits.length / 200)
    expect(whole.samples).toBe(200)
    expect(whole.scoreKind).toBe('logits')
    expect(whole.drop!.value).toBeCloseTo(whole.reference!.top1 - whole.model!.top1, 12)
    expect(whole.drop!.low).toBeLessThanOrEqual(whole.drop!.value)
    expect(whole.model!.confusion.reduce((sum, [, , count]) => sum + count, 0)).toBe(200)
    expect(whole.outputs![1]!.sqnrDb).toBeCloseTo(40, 3)
    expect(whole.agreement).toBeGreaterThan(0.7)
    expect(whole.kl).toBeGreaterThan(0)
  })

  it.each([
    { why: 'two workers taking turns', split: (i: number) => i % 2, workers: 2 },
    { why: 'seven workers with blocks', split: (i: number) => Math.floor(i / 30), workers: 7 },
  ])('gives the same bits with $why, merged in any order', ({ split, workers }) => {
    const parts = sequence(workers).map((w) =>
      gather(
        samples,
        sequence(200)
          .filter((i) => split(i) === w)
          .reverse(),
      ).state(),
    )
    for (const order of [parts, [...parts].reverse()]) {
      const merged = new EvaluationAccumulator(spec)
      for (const part of order) merged.merge(structuredClone(part))
      expect(merged.result()).toEqual(whole)
    }
  })

  it('counts a sample once, though a task was repeated', () => {
    const twice = gather(samples, sequence(200))
    twice.merge(gather(samples, sequence(50)).state())
    gather(samples, [3, 4], twice)
    expect(twice.size).toBe(200)
    expect(twice.result()).toEqual(whole)
  })

  it('without labels tells agreement and distances, and nothing about accuracy', () => {
    const unlabelled = new EvaluationAccumulator(spec)
    samples.forEach(({ model, reference }, i) => unlabelled.add(i, null, model, reference))
    const result = unlabelled.result()
    expect(result.model).toBeNull()
    expect(result.drop).toBeNull()
    expect(result.agreement).toBe(whole.agreement)
    expect(result.outputs).toEqual(whole.outputs)
  })

  it('without a reference tells accuracy only', () => {
    const alone = new EvaluationAccumulator(spec)
    samples.forEach(({ model, label }, i) => alone.add(i, label, model, null))
    const result = alone.result()
    expect(result.model).toEqual(whole.model)
    expect([result.reference, result.agreement, result.drop, result.outputs]).toEqual([null, null, null, null])
  })

  it('reads probabilities as such only when every sample is a distribution', () => {
    const small: EvaluationSpec = { outputs: ['p'], classOutput: 'p', classes: 2 }
    const softmax = new EvaluationAccumulator(small)
    softmax.add(0, 0, { p: Float32Array.of(0.5, 0.5) }, { p: Float32Array.of(0.75, 0.25) })
    softmax.add(1, 1, { p: Float32Array.of(0.2, 0.8) }, { p: Float32Array.of(0.25, 0.75) })
    expect(softmax.result().scoreKind).toBe('probabilities')
    expect(softmax.result().reference!.loss).toBeCloseTo(-Math.log(0.75), 6)
    const logits = new EvaluationAccumulator(small)
    logits.add(0, 0, { p: Float32Array.of(0.5, 0.5) }, null)
    logits.add(1, 1, { p: Float32Array.of(-3, 5) }, null)
    expect(logits.result().scoreKind).toBe('logits')
  })

  describe('reads a model and a reference of another kind each as it is', () => {
    const small: EvaluationSpec = { outputs: ['p'], classOutput: 'p', classes: 3 }
    const logits = [Float32Array.of(4, -2, 1), Float32Array.of(0.5, 3, -1)]
    const softmaxes = logits.map((scores) => {
      const sum = scores.reduce((total, score) => total + Math.exp(score), 0)
      return Float32Array.from(scores, (score) => Math.exp(score) / sum)
    })
    const evaluate = (model: readonly Float32Array[], reference: readonly Float32Array[]) => {
      const seen = new EvaluationAccumulator(small)
      model.forEach((p, i) => seen.add(i, i, { p }, { p: reference[i]! }))
      return seen.result()
    }
    const equal = evaluate(logits, logits)

    it.each([
      { why: 'probabilities beside logits', model: softmaxes, reference: logits, kind: 'probabilities' },
      { why: 'logits beside probabilities', model: logits, reference: softmaxes, kind: 'logits' },
      { why: 'probabilities beside probabilities', model: softmaxes, reference: softmaxes, kind: 'probabilities' },
    ])('$why', ({ model, reference, kind }) => {
      const result = evaluate(model, reference)
      expect(result.scoreKind).toBe(kind)
      expect(result.model!.loss).toBeCloseTo(equal.model!.loss, 6)
      expect(result.reference!.loss).toBeCloseTo(equal.reference!.loss, 6)
      expect(result.lossIncrease!.value).toBeCloseTo(0, 6)
      expect(result.kl).toBeCloseTo(0, 6)
    })

    it('and a coarse copy, whose sums are off 1, as its reference', () => {
      const coarse = softmaxes.map((p) => p.map((share) => Math.round(share * 8) / 8 + 0.06))
      expect(evaluate(coarse, softmaxes).scoreKind).toBe('probabilities')
    })
  })

  it('works for a model without classes', () => {
    const boxes = new EvaluationAccumulator({ outputs: ['boxes'], classOutput: null, classes: 0 })
    boxes.add(0, null, { boxes: Float32Array.of(1, 2) }, { boxes: Float32Array.of(1, 2) })
    const result = boxes.result()
    expect(result.outputs).toEqual([
      { output: 'boxes', sqnrDb: Infinity, cosine: 1, maxAbsError: 0, maxRelativeError: 0 },
    ])
    expect([result.model, result.agreement, result.scoreKind]).toEqual([null, null, null])
  })

  it('of nothing has no metrics', () => {
    const result = new EvaluationAccumulator(spec).result()
    expect(result).toMatchObject({ samples: 0, model: null, agreement: null, drop: null, outputs: null })
  })
})
