import { describe, expect, it } from 'vitest'
import { fewestBits, qatOptions } from '../../../../src/main/training/qat/defaults.ts'
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
    const rates = [8, 6, 4, 3, 2].map((bits) => qatOptions(atBits(bits), {}).options.learningRate)
    expect([...rates].sort((a, b) => b - a)).toEqual(rates)
    expect(new Set(rates).size).toBe(rates.length)
  })

  it('take SGD with momentum unless told, and a lower rate for Adam', () => {
    const sgd = qatOptions(atBits(4), {})
    expect(sgd.options.optimizer).toBe('sgd')
    expect(sgd.why).toMatch(/for 4 bits with sgd/)
    expect(qatOptions(atBits(4), { optimizer: 'adam' }).options.learningRate).toBeLessThan(sgd.options.learningRate)
  })

  it('leave what was asked for', () => {
    const { options, why } = qatOptions(atBits(2), { learningRate: 0.3, epochs: 7 })
    expect(options).toMatchObject({ learningRate: 0.3, epochs: 7 })
    expect(why).toBe('0.3 as asked for')
  })

  it('go by the fewest bits of a hybrid plan', () => {
    const plan = planWith({ a: 'float', b: { weights: { bits: 3 } } })
    expect(fewestBits(plan)).toBe(3)
  })
})
