import { describe, expect, it } from 'vitest'
import type { CalibratorMethod } from '../../../../src/shared/contract/plan.ts'
import { calibrators } from '../../../../src/main/calibration/calibrators/registry.ts'
import { mergeCollections, type TensorStatistics } from '../../../../src/main/calibration/collection.ts'
import type { Range } from '../../../../src/main/quant/params.ts'
import { normals, seeded } from '../../../builders/model-builder.ts'
import { schemeOf, statisticsFor, trueSquaredError } from '../../../builders/statistics.ts'

const methods = Object.keys(calibrators) as CalibratorMethod[]
const histogramMethods = ['percentile', 'entropy', 'mse'] as const
const rangeOf = (statistics: TensorStatistics, method: CalibratorMethod, bits = 8, symmetric = false): Range =>
  calibrators[method](statistics, schemeOf({ method }, bits, symmetric))

const laplace = (count: number, seed: number): Float32Array => {
  const random = seeded(seed)
  return Float32Array.from({ length: count }, () => (random() < 0.5 ? 1 : -1) * -Math.log(1 - random()))
}
const relu = (values: Float32Array): Float32Array => values.map((value) => Math.max(0, value))

describe.each(methods)('%s', (method) => {
  it.each([
    { why: 'all zero', values: new Float32Array(100) },
    { why: 'a positive constant', values: new Float32Array(100).fill(3) },
    { why: 'a negative constant', values: new Float32Array(100).fill(-3) },
    { why: 'a single value', values: Float32Array.of(0.3) },
    { why: 'two far apart', values: Float32Array.of(1e-30, 1e30) },
    { why: 'denormals', values: Float32Array.of(1e-42, -3e-42, 0) },
    { why: 'the largest floats', values: Float32Array.of(3.4028234663852886e38, -3.4028234663852886e38) },
    { why: 'tiny negatives beside large positives', values: Float32Array.of(-1e-3, 5, 6, 7) },
  ])('$why: gives a finite range around 0 within the bounds', ({ values }) => {
    for (const symmetric of [false, true]) {
      for (const bits of symmetric ? [2, 4, 8, 16] : [1, 2, 4, 8, 16]) {
        const { rmin, rmax } = rangeOf(statisticsFor(values), method, bits, symmetric)
        const largest = Math.max(...values.map(Math.abs))
        expect(rmin).toBeLessThanOrEqual(0)
        expect(rmax).toBeGreaterThanOrEqual(0)
        expect(Number.isFinite(rmin) && Number.isFinite(rmax)).toBe(true)
        expect(Math.max(-rmin, rmax)).toBeLessThanOrEqual(largest * (1 + 1e-6))
      }
    }
  })

  it('keeps a constant representable', () => {
    for (const value of [3, -3]) {
      const { rmin, rmax } = rangeOf(statisticsFor(new Float32Array(100).fill(value)), method)
      expect(value > 0 ? rmax / value : rmin / value).toBeGreaterThan(0.98)
    }
  })

  it('is mirrored when the values are', () => {
    const values = laplace(20_000, 5).map((value) => value + 0.5)
    const range = rangeOf(statisticsFor(values), method)
    const mirrored = rangeOf(statisticsFor(values.map((value) => -value)), method)
    // zero points round half to even, so a mirrored lattice may lie half a step off
    expect(mirrored.rmax / -range.rmin).toBeCloseTo(1, method === 'entropy' ? 0 : 1)
    expect(mirrored.rmin / -range.rmax).toBeCloseTo(1, method === 'entropy' ? 0 : 1)
  })

  it('scales with the values (powers of two: bit for bit)', () => {
    const values = relu(laplace(20_000, 6))
    const range = rangeOf(statisticsFor(values), method, 4)
    const scaled = rangeOf(statisticsFor(values.map((value) => value * 1024)), method, 4)
    expect(scaled.rmax / range.rmax).toBeCloseTo(1024, 3)
    expect(scaled.rmin).toBe(range.rmin === 0 ? 0 : range.rmin * 1024)
  })
})

describe('minMax', () => {
  it('gives the exact bounds, with 0', () => {
    expect(rangeOf(statisticsFor(Float32Array.of(-2.5, 7.25, 1)), 'minMax')).toEqual({ rmin: -2.5, rmax: 7.25 })
    expect(rangeOf(statisticsFor(Float32Array.of(3, 4)), 'minMax')).toEqual({ rmin: 0, rmax: 4 })
  })
})

describe('movingAverage', () => {
  // three times sixteen samples with bounds [-1, 1], [-2, 10], [-1, 1]; the middle ones only in one sample
  const values = new Float32Array(96).map((_, i) => (i === 40 ? -2 : i === 41 ? 10 : i % 2 === 0 ? -1 : 1))
  const average = (momentum?: number): Range =>
    calibrators.movingAverage(
      statisticsFor(values, 48),
      schemeOf({ method: 'movingAverage', ...(momentum === undefined ? {} : { momentum }) }),
    )

  it('follows sixteen samples at a time, in order, with momentum 0.9 by default', () => {
    expect(average().rmax).toBeCloseTo(0.9 * (0.9 * 1 + 0.1 * 10) + 0.1 * 1, 12)
    expect(average().rmin).toBeCloseTo(0.9 * (0.9 * -1 + 0.1 * -2) + 0.1 * -1, 12)
  })

  it('is derived for any momentum from the same statistics', () => {
    expect(average(0.5).rmax).toBeCloseTo(0.5 * (0.5 * 1 + 0.5 * 10) + 0.5 * 1, 12)
  })

  it('keeps no more than 512 bounds, whatever the number of samples', () => {
    const statistics = statisticsFor(normals(seeded(4), 2000).map(Math.abs), 2000)
    expect(statistics.recent.max).toHaveLength(512)
    expect(statistics.observations).toBe(2000)
    expect(rangeOf(statistics, 'movingAverage').rmax).toBeLessThan(statistics.max)
  })
})

describe('percentile', () => {
  const sorted = (values: Float32Array): Float32Array => values.slice().sort()

  it('cuts 0.01 % off the top of values without negatives', () => {
    const values = relu(laplace(200_000, 1))
    const exact = sorted(values)[Math.round(200_000 * 0.9999) - 1]!
    expect(rangeOf(statisticsFor(values), 'percentile').rmax / exact).toBeCloseTo(1, 2)
  })

  it('affine: cuts half of it at each end', () => {
    const values = laplace(200_000, 2).map((value) => value + 1)
    const { rmin, rmax } = calibrators.percentile(
      statisticsFor(values),
      schemeOf({ method: 'percentile', percentile: 99 }),
    )
    expect(rmin / sorted(values)[1000]!).toBeCloseTo(1, 2)
    expect(rmax / sorted(values)[199_000]!).toBeCloseTo(1, 2)
  })

  it('symmetric: takes the percentile of the magnitudes', () => {
    const values = laplace(200_000, 3).map((value) => value * (value < 0 ? 0.3 : 1))
    const { rmin, rmax } = calibrators.percentile(
      statisticsFor(values),
      schemeOf({ method: 'percentile', percentile: 99 }, 8, true),
    )
    expect(rmin).toBe(-rmax)
    expect(rmax / sorted(values.map(Math.abs))[198_000]!).toBeCloseTo(1, 2)
  })

  it('100 % is the exact range', () => {
    const values = normals(seeded(9), 1000)
    const range = calibrators.percentile(statisticsFor(values), schemeOf({ method: 'percentile', percentile: 100 }))
    expect(range).toEqual(rangeOf(statisticsFor(values), 'minMax'))
  })

  it('is not led astray by one value a million times the others, where equal-width bins would hold all else in one', () => {
    const values = relu(laplace(100_000, 7))
    const exact = sorted(values)[Math.round(100_000 * 0.9999) - 1]!
    values[0] = 1e6
    expect(rangeOf(statisticsFor(values), 'percentile').rmax / exact).toBeCloseTo(1, 1)
  })
})

describe.each(['mse', 'entropy'] as const)('%s', (method) => {
  it.each([{ bits: 2 }, { bits: 3 }, { bits: 4 }, { bits: 6 }, { bits: 8 }])(
    'more than $bits bits never want a narrower range',
    ({ bits }) => {
      for (const values of [laplace(50_000, 1), relu(laplace(50_000, 2)), normals(seeded(3), 50_000)]) {
        for (const symmetric of [false, true]) {
          const narrow = rangeOf(statisticsFor(values), method, bits, symmetric)
          const wide = rangeOf(statisticsFor(values), method, bits + 1, symmetric)
          // two sides can trade against each other at the same cost; the divergence is flat where the tail is sparse
          expect(wide.rmax - wide.rmin).toBeGreaterThan((method === 'mse' ? 0.95 : 0.9) * (narrow.rmax - narrow.rmin))
        }
      }
    },
  )

  it('clips a far outlier that min-max keeps', () => {
    const values = relu(normals(seeded(8), 100_000))
    values[17] = 200
    expect(rangeOf(statisticsFor(values), 'minMax').rmax).toBe(200)
    expect(rangeOf(statisticsFor(values), method, 4).rmax).toBeLessThan(20)
  })

  it('keeps nearly all of a uniform distribution', () => {
    const random = seeded(12)
    const values = Float32Array.from({ length: 50_000 }, () => random() * 3)
    expect(rangeOf(statisticsFor(values), method).rmax).toBeGreaterThan(2.85)
  })

  it('ends at once on a million octaves of nothing: few values, wide apart', () => {
    const values = Float32Array.of(1e-38, 1e-20, 1, 1e20, 1e38, -1e38, -1e-38)
    const start = performance.now()
    rangeOf(statisticsFor(values), method)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('mse', () => {
  it.each([
    { bits: 8, symmetric: false },
    { bits: 4, symmetric: false },
    { bits: 2, symmetric: false },
    { bits: 1, symmetric: false },
    { bits: 8, symmetric: true },
    { bits: 4, symmetric: true },
    { bits: 2, symmetric: true },
  ])(
    '$bits bits, symmetric $symmetric: within 3 % of the best error that brute force over the raw values finds',
    ({ bits, symmetric }) => {
      for (const values of [
        laplace(15_000, 1),
        relu(laplace(15_000, 2)),
        laplace(15_000, 3).map((value) => value * 0.3 + 1),
      ]) {
        const scheme = schemeOf({ method: 'mse' }, bits, symmetric)
        const statistics = statisticsFor(values)
        const found = trueSquaredError(values, calibrators.mse(statistics, scheme), scheme)
        let best = Infinity
        for (let upper = 0.02; upper <= 1; upper += 0.02) {
          for (let lower = 0.02; lower <= 1; lower += statistics.min < 0 && !symmetric ? 0.06 : 1) {
            const rmax = upper * Math.max(0, statistics.max)
            const range = { rmin: symmetric ? -rmax : lower * Math.min(0, statistics.min), rmax }
            best = Math.min(best, trueSquaredError(values, range, scheme))
          }
        }
        expect(found).toBeLessThan(best * 1.03) // where values lie inside the sparse outer bins is not known
      }
    },
  )

  it('finds the known optimum of a Laplace distribution: 2.83, 3.89, 5.03 b for 2, 3, 4 bits', () => {
    // Source: Banner et al. 2019, section 3, for 2^M levels over [−α, α]; ours has α one step or half a step inside
    const statistics = statisticsFor(laplace(400_000, 11))
    for (const [bits, alpha] of [
      [2, 2.83],
      [3, 3.89],
      [4, 5.03],
    ] as const) {
      const { rmin, rmax } = rangeOf(statistics, 'mse', bits)
      expect((rmax - rmin) / 2 / alpha).toBeGreaterThan(0.6)
      expect((rmax - rmin) / 2 / alpha).toBeLessThan(1.1)
    }
  })
})

describe('histogram methods', () => {
  it.each(histogramMethods)('%s gives the same range whether samples were collected together or apart', (method) => {
    const values = laplace(30_000, 21)
    const whole = { samples: 1, elementsPerSample: 1, tensors: new Map([['x', statisticsFor(values, 30)]]) }
    const parts = [values.slice(0, 7000), values.slice(7000, 20_000), values.slice(20_000)].map((part) => ({
      samples: 1,
      elementsPerSample: 1,
      tensors: new Map([['x', statisticsFor(part, part.length / 1000)]]),
    }))
    const merged = mergeCollections(parts).tensors.get('x')!
    expect(merged).toEqual(whole.tensors.get('x'))
    expect(rangeOf(merged, method)).toEqual(rangeOf(whole.tensors.get('x')!, method))
  })
})
