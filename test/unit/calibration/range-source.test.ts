import { describe, expect, it } from 'vitest'
import { rangeSource } from '../../../src/main/calibration/range-source.ts'
import { normals, seeded } from '../../builders/model-builder.ts'
import { schemeOf, statisticsFor } from '../../builders/statistics.ts'

const collection = {
  samples: 10,
  elementsPerSample: 100,
  tensors: new Map([['x', statisticsFor(normals(seeded(1), 10_000), 10)]]),
}
const scheme = schemeOf({ method: 'minMax' })

describe('rangeSource', () => {
  it('derives a range with the calibrator, bits and symmetry of the scheme', () => {
    const source = rangeSource(collection)
    const { min, max } = collection.tensors.get('x')!
    expect(source.rangeOf('x', scheme)).toEqual({ rmin: min, rmax: max })
    const narrow = source.rangeOf('x', schemeOf({ method: 'mse' }, 3))
    const wide = source.rangeOf('x', schemeOf({ method: 'mse' }, 8))
    expect(narrow.rmax).toBeLessThan(wide.rmax)
    const symmetric = source.rangeOf('x', schemeOf({ method: 'percentile' }, 8, true))
    expect(symmetric.rmin).toBe(-symmetric.rmax)
  })

  it('computes each range once', () => {
    const source = rangeSource(collection)
    expect(source.rangeOf('x', schemeOf({ method: 'entropy' }))).toBe(
      source.rangeOf('x', schemeOf({ method: 'entropy' })),
    )
  })

  it('takes the calibrator of the tensor before that of the scheme', () => {
    const source = rangeSource(collection, { x: { calibrator: { method: 'percentile', percentile: 90 } } })
    expect(source.rangeOf('x', scheme)).toEqual(
      rangeSource(collection).rangeOf('x', schemeOf({ method: 'percentile', percentile: 90 })),
    )
  })

  it('takes a range outright, widened to contain 0, without any statistics', () => {
    const source = rangeSource(collection, { y: { range: [1, 4] }, z: { range: [-2, -1] } })
    expect(source.rangeOf('y', scheme)).toEqual({ rmin: 0, rmax: 4 })
    expect(source.rangeOf('z', scheme)).toEqual({ rmin: -2, rmax: 0 })
  })

  it.each(['y', 'constructor', '__proto__'])('names %s, which was not observed', (tensor) => {
    expect(() => rangeSource(collection).rangeOf(tensor, scheme)).toThrow(
      expect.objectContaining({ code: 'plan.noStatistics', data: { tensor } }),
    )
  })
})
