import { describe, expect, it } from 'vitest'
import { fewestBits, learnsStepsOf, qatOptions } from '../../../../src/main/training/qat/defaults.ts'
import { planWith } from '../../../builders/quantizing.ts'

const atBits = (bits: number): ReturnType<typeof planWith> =>
  planWith(
    {},
    {
      weights: { bits, storage: 'int8', symmetric: true, granularity: 'perChannel' },
      activations: { bits, symmetric: false, calibrator: { method: 'minMax' } },
    },
  )

describe('options of a training for integers', () => {
  it('lower the learning rate with the bits', () => {
    const rates = [8, 6, 4, 3, 2].map((bits) => qatOptions(atBits(bits), {}, false).options.learningRate)
    expect([...rates].sort((a, b) => b - a)).toEqual(rates)
    expect(new Set(rates).size).toBe(rates.length)
  })

  it('take SGD with momentum unless told, and a lower rate for Adam', () => {
    const sgd = qatOptions(atBits(4), {}, false)
    expect(sgd.options.optimizer).toBe('sgd')
    expect(sgd.why).toMatch(/for 4 bits with sgd/)
    expect(qatOptions(atBits(4), { optimizer: 'adam' }, false).options.learningRate).toBeLessThan(
      sgd.options.learningRate,
    )
  })

  it('leave what was asked for', () => {
    const { options, why } = qatOptions(atBits(2), { learningRate: 0.3, epochs: 7 }, false)
    expect(options).toMatchObject({ learningRate: 0.3, epochs: 7 })
    expect(why).toBe('0.3 as asked for')
  })

  it('learn steps at few bits, at a rate that does not fall with them', () => {
    expect([8, 4, 3, 2].map((bits) => learnsStepsOf(atBits(bits), null))).toEqual([false, false, true, true])
    expect(learnsStepsOf(atBits(8), true)).toBe(true)
    expect(learnsStepsOf(atBits(2), false)).toBe(false)
    const affine = planWith({ a: { weights: { symmetric: false } } }, atBits(2).defaults)
    expect(learnsStepsOf(affine, null)).toBe(false)
    const rates = [8, 2].map((bits) => qatOptions(atBits(bits), {}, true).options.learningRate)
    expect(rates).toEqual([0.005, 0.005])
  })

  it('go by the fewest bits of a hybrid plan', () => {
    const plan = planWith({ a: 'float', b: { weights: { bits: 3 } } })
    expect(fewestBits(plan)).toBe(3)
  })
})
