import { describe, expect, it } from 'vitest'
import {
  binsOf,
  countOf,
  edgeOf,
  HIGHEST_KEY,
  HistogramBuilder,
  keyOf,
  momentsOf,
  OCTAVES,
  type Histogram,
} from '../../../src/main/calibration/histogram.ts'
import { normals, seeded } from '../../builders/model-builder.ts'

function histogramOf(...parts: readonly Float32Array[]): Histogram {
  const builder = new HistogramBuilder()
  for (const part of parts) builder.add(part)
  return builder.snapshot()
}

describe('bins', () => {
  it.each([1, 0.1, 3e-30, 1e-42, 7.5e37, 3.4028234663852886e38])('%f lies inside the bin of its key', (value) => {
    const float = Math.fround(value)
    expect(edgeOf(keyOf(float))).toBeLessThanOrEqual(float)
    expect(edgeOf(keyOf(float) + 1)).toBeGreaterThan(float)
  })

  it('reaches the largest finite float with its highest key', () => {
    expect(keyOf(3.4028234663852886e38)).toBe(HIGHEST_KEY)
    expect(edgeOf(HIGHEST_KEY + 1)).toBe(2 ** 128)
  })

  it('is at most 1/512 of its value wide', () => {
    for (let key = keyOf(1); key < keyOf(4); key++)
      expect(edgeOf(key + 1) / edgeOf(key) - 1).toBeLessThanOrEqual(1 / 512)
  })
})

describe('HistogramBuilder', () => {
  it('counts every value once, by sign, and zeros (of both signs) apart', () => {
    const histogram = histogramOf(Float32Array.of(0, -0, 1, 1.0001, -1, 5, -0.25))
    expect(histogram.zeros).toBe(2)
    expect(countOf(histogram)).toBe(7)
    const bins = binsOf(histogram, -1, 5)
    expect(bins.map(({ count }) => count)).toEqual([1, 1, 2, 2, 1])
    expect(bins[0]!.from).toBe(-1)
    expect(bins.at(-1)!.to).toBe(5)
  })

  it('gives the same counts for any order and split: zeros below the smallest kept bin included', () => {
    const random = seeded(3)
    // thirty octaves: the smallest values fall out as larger ones come
    const values = Float32Array.from({ length: 5000 }, () => (random() < 0.5 ? -1 : 1) * 2 ** (random() * 30 - 20))
    const whole = histogramOf(values)
    const reversed = histogramOf(values.slice().reverse())
    const chunks = histogramOf(values.slice(0, 17), values.slice(17, 4000), values.slice(4000))
    const merged = new HistogramBuilder()
    for (const part of [values.slice(4000), values.slice(0, 17), values.slice(17, 4000)])
      merged.merge(histogramOf(part))
    expect(reversed).toEqual(whole)
    expect(chunks).toEqual(whole)
    expect(merged.snapshot()).toEqual(whole)
    expect(whole.zeros).toBeGreaterThan(0)
    expect(countOf(whole)).toBe(5000)
  })

  it('keeps what is within twenty octaves of the largest value, however late that comes', () => {
    const histogram = histogramOf(Float32Array.of(2 ** -OCTAVES * 1.5, 2 ** (1 - OCTAVES) * 1.5), Float32Array.of(1.9))
    expect(histogram.zeros).toBe(1)
    expect(countOf(histogram)).toBe(3)
  })

  it.each([NaN, Infinity, -Infinity])('refuses %f and counts nothing of that call', (bad) => {
    const builder = new HistogramBuilder()
    expect(builder.add(Float32Array.of(1, bad, 2))).toBe(-1)
    expect(countOf(builder.snapshot())).toBe(0)
  })

  it('counts every stride-th value from a start, and says how many', () => {
    const builder = new HistogramBuilder()
    expect(builder.add(Float32Array.of(9, 1, 9, 9, 2, 9, 9, 4), 1, 3)).toBe(3)
    expect(builder.add(Float32Array.of(9), 1, 3)).toBe(0)
    expect(binsOf(builder.snapshot(), 0, 4).map(({ from }) => from)).toEqual([1, 2, 4])
  })

  it('reads values that do not start at the beginning of their buffer', () => {
    expect(histogramOf(Float32Array.of(7, 7, 3).subarray(2))).toEqual(histogramOf(Float32Array.of(3)))
  })

  it('counts denormals and the largest float side by side', () => {
    expect(countOf(histogramOf(Float32Array.of(1e-42, 2e-40)))).toBe(2)
    const histogram = histogramOf(Float32Array.of(1e-42, 3.4028234663852886e38))
    expect([histogram.zeros, countOf(histogram)]).toEqual([1, 2])
  })
})

describe('binsOf', () => {
  it('gives ascending bins that hold the same number whatever the grouping', () => {
    const histogram = histogramOf(normals(seeded(1), 3000))
    for (const grouping of [1, 8, 64]) {
      const bins = binsOf(histogram, -10, 10, grouping)
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(3000)
      for (let i = 1; i < bins.length; i++) expect(bins[i]!.from).toBeGreaterThanOrEqual(bins[i - 1]!.to)
    }
    expect(binsOf(histogram, -10, 10, 64).length).toBeLessThan(binsOf(histogram, -10, 10).length / 4)
  })
})

describe('momentsOf', () => {
  it('estimates mean and mean square within a bin width', () => {
    const values = normals(seeded(2), 20_000, 2).map((value) => value + 1)
    const { mean, meanSquare } = momentsOf(histogramOf(values))
    const trueMean = values.reduce((sum, value) => sum + value, 0) / values.length
    const trueSquare = values.reduce((sum, value) => sum + value * value, 0) / values.length
    expect(Math.abs(mean / trueMean - 1)).toBeLessThan(1e-3)
    expect(Math.abs(meanSquare / trueSquare - 1)).toBeLessThan(1e-3)
  })
})
