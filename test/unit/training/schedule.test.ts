import { describe, expect, it } from 'vitest'
import { learningRateAt } from '../../../src/main/training/schedule.ts'

const base = { learningRate: 0.1, warmup: 0, epochs: 10 }

describe('learning rates', () => {
  it.each([
    { why: 'constant stays', schedule: 'constant', progress: 0.9, rate: 0.1 },
    { why: 'linear falls evenly', schedule: 'linear', progress: 0.25, rate: 0.075 },
    { why: 'cosine begins in full', schedule: 'cosine', progress: 0, rate: 0.1 },
    { why: 'cosine is half way down in the middle', schedule: 'cosine', progress: 0.5, rate: 0.05 },
    { why: 'the first step is a tenth', schedule: 'step', progress: 0.5, rate: 0.01 },
    { why: 'the second a hundredth', schedule: 'step', progress: 0.75, rate: 0.001 },
  ] as const)('$why', ({ schedule, progress, rate }) => {
    expect(learningRateAt(progress, { ...base, schedule })).toBeCloseTo(rate, 12)
  })

  it('rises during the warm-up, never from 0 itself', () => {
    const options = { ...base, schedule: 'constant', warmup: 2 } as const
    expect(learningRateAt(0, options)).toBeGreaterThan(0)
    expect(learningRateAt(0.1, options)).toBeCloseTo(0.05, 12)
    expect(learningRateAt(0.2, options)).toBeCloseTo(0.1, 12)
  })
})
