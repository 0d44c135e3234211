import { describe, expect, it } from 'vitest'
import { quantize, dequantize } from '../../../../src/main/quant/affine.ts'
import { sqnrDb } from '../../../../src/main/quant/metrics.ts'
import { activationBounds, paramsOfRange } from '../../../../src/main/quant/scheme.ts'
import { boundsOf, noiseOf, shapeOf } from '../../../../src/main/search/explain/tensor-noise.ts'
import { normals, seeded } from '../../../builders/model-builder.ts'
import { statisticsFor } from '../../../builders/statistics.ts'

const normal = normals(seeded(1), 50_000)

describe('noiseOf', () => {
  it.each([
    { why: 'the whole range in 8 bits', bits: 8, range: 5 },
    { why: 'coarse steps', bits: 3, range: 5 },
    { why: 'two levels', bits: 1, range: 3 },
    { why: 'clipped tails', bits: 8, range: 2 },
    { why: 'clipped and coarse', bits: 4, range: 1.5 },
  ])('tells the error of $why from the histogram alone', ({ bits, range }) => {
    const params = paramsOfRange(
      { rmin: -range, rmax: range },
      activationBounds({ bits, symmetric: false }, 'uint8', false),
    )
    const noise = noiseOf(statisticsFor(normal), params)
    const truth = sqnrDb(normal, dequantize(quantize(normal, params), params))
    expect(Math.abs(noise.sqnrDb - truth)).toBeLessThan(0.2) // bins are up to 1.6 % wide
    const { rmin, rmax } = boundsOf(params)
    const half = params.scale[0]! / 2
    const beyond = normal.filter((value) => value > rmax + half || value < rmin - half).length / normal.length
    expect(noise.clippedShare).toBeCloseTo(beyond, 2)
  })

  it('loses nothing of a tensor that is zero throughout', () => {
    const params = paramsOfRange({ rmin: 0, rmax: 0 }, activationBounds({ bits: 8, symmetric: false }, 'uint8', true))
    expect(noiseOf(statisticsFor(new Float32Array(100)), params).sqnrDb).toBe(200)
  })
})

describe('shapeOf', () => {
  it('gives kurtosis, root mean square and the width of the bulk', () => {
    const { rms, kurtosis, bulk } = shapeOf(statisticsFor(normal))
    expect(rms).toBeCloseTo(1, 1)
    expect(kurtosis).toBeCloseTo(3, 0)
    expect(bulk).toBeCloseTo(2 * 3.29, 0) // 99.9 % of a normal distribution
    const tailed = normal.map((value, i) => (i % 100 === 0 ? 20 * value : value))
    expect(shapeOf(statisticsFor(tailed)).kurtosis).toBeGreaterThan(50)
  })

  it('counts zero into the bulk of values that are far from it', () => {
    expect(shapeOf(statisticsFor(normal.map((value) => 10 + value))).bulk).toBeGreaterThan(13)
  })
})
