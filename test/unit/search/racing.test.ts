import { describe, expect, it } from 'vitest'
import {
  chunksOf,
  chunkSize,
  evenChunksOf,
  OWN_SIZES,
  SHARED_SIZES,
  endsRound,
  isSettled,
  scoreOf,
  screened,
  wholePopulation,
  type Population,
} from '../../../src/main/search/racing.ts'
import { rankScores } from '../../../src/main/search/scores.ts'
import { meanInterval } from '../../../src/main/quant/intervals.ts'
import { normals, seeded } from '../../builders/model-builder.ts'

/** Values around a mean with a spread, seeded. */
function values(count: number, mean: number, deviation: number, seed: number): Float64Array {
  return Float64Array.from(normals(seeded(seed), count, deviation), (value) => mean + value)
}

describe('chunks', () => {
  it('double up to the most, and cover the range once', () => {
    const chunks = chunksOf({ start: 100, end: 400 }, 64)
    expect(chunks.map(({ start, end }) => end - start)).toEqual([8, 8, 16, 32, 64, 64, 64, 44])
    expect(chunks[0]!.start).toBe(100)
    for (let i = 1; i < chunks.length; i++) expect(chunks[i]!.start).toBe(chunks[i - 1]!.end)
  })

  it('of a longer range begin with those of a shorter one', () => {
    const short = chunksOf({ start: 0, end: 128 }, 32)
    expect(chunksOf({ start: 0, end: 1000 }, 32).slice(0, short.length)).toEqual(short)
  })

  it('rounds end where the samples have doubled', () => {
    expect([8, 16, 24, 32, 64, 96, 128].filter(endsRound)).toEqual([8, 16, 32, 64, 128])
  })

  it.each([
    { why: 'small models take the most', bytes: 1000, size: 256 },
    { why: 'large activations take less', bytes: 30 * 2 ** 20, size: 32 },
    { why: 'but never less than the first chunk', bytes: 2 ** 30, size: 8 },
    { why: 'unknown shapes', bytes: null, size: 16 },
  ])('$why: $size samples', ({ bytes, size }) => expect(chunkSize(bytes, 2 ** 30, SHARED_SIZES)).toBe(size))

  it.each([
    { why: 'a worker has fewer for itself', bytes: 1000, size: 128 },
    { why: 'and one at least', bytes: 2 ** 40, size: 1 },
  ])('$why: $size samples', ({ bytes, size }) => expect(chunkSize(bytes, 2 ** 28, OWN_SIZES)).toBe(size))

  it('of a sweep in any order begin small, and cover the range once', () => {
    const chunks = evenChunksOf({ start: 100, end: 400 }, 64)
    expect(chunks.map(({ start, end }) => end - start)).toEqual([2, 2, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 44])
    expect(chunks[0]!.start).toBe(100)
    for (let i = 1; i < chunks.length; i++) expect(chunks[i]!.start).toBe(chunks[i - 1]!.end)
    expect(evenChunksOf({ start: 0, end: 3 }, 1).map(({ start, end }) => end - start)).toEqual([1, 1, 1])
    const longer = evenChunksOf({ start: 100, end: 900 }, 64)
    expect(longer.slice(0, chunks.length - 1)).toEqual(chunks.slice(0, -1))
  })
})

describe('screening', () => {
  it('takes an eighth, the widest first, equal ones in their order', () => {
    const spread = Float64Array.from({ length: 256 }, (_, i) => (i % 4) / 10)
    const chosen = screened(spread)
    expect(chosen).toHaveLength(32)
    expect(chosen.slice(0, 3)).toEqual([3, 7, 11])
    expect(chosen.every((index) => spread[index] === 0.3)).toBe(true)
  })

  it('takes sixteen at least, or all there are', () => {
    expect(screened(new Float64Array(40))).toHaveLength(16)
    expect(screened(new Float64Array(5))).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a race', () => {
  it('is over for a candidate far from the others, and open between neighbours', () => {
    const race = [values(32, 0, 1, 1), values(32, 0.01, 1, 2), values(32, 9, 1, 3)]
    const population = wholePopulation(1000)
    expect(race.map((_, i) => isSettled(race, i, population))).toEqual([false, false, true])
  })

  it('uses the pairing: a constant difference shows through common noise', () => {
    const noise = values(32, 0, 5, 4)
    const race = [noise, noise.map((value, i) => value + 0.1 + 0.001 * (i % 3))]
    expect(isSettled(race, 0, wholePopulation(1000))).toBe(true)
  })

  it('takes equal candidates as settled: more samples would tell nothing', () => {
    const same = values(16, 1, 1, 5)
    expect(isSettled([same, same.slice()], 0, wholePopulation(100))).toBe(true)
  })

  it('takes candidates without any damage so far as open until all is seen', () => {
    const none = new Float64Array(64)
    expect(isSettled([none, none.slice()], 0, wholePopulation(1000))).toBe(false)
    expect(isSettled([none, none.slice()], 0, wholePopulation(64))).toBe(true)
  })

  it('takes equal counts as open until all is seen: what is rare may be still to come', () => {
    const none = new Float64Array(64)
    const rare = Float64Array.from({ length: 64 }, (_, i) => (i === 5 ? 1 : 0))
    expect(isSettled([none, none.slice()], 0, wholePopulation(1000), true)).toBe(false)
    expect(isSettled([none, rare], 0, wholePopulation(1000), true)).toBe(false)
    expect(isSettled([none, none.slice()], 0, wholePopulation(64), true)).toBe(true)
  })

  it('settles nothing on a handful of samples', () => {
    expect(isSettled([values(8, 0, 0.1, 6), values(8, 9, 0.1, 7)], 0, wholePopulation(100))).toBe(false)
  })

  it('compares a candidate that stopped over the samples both have', () => {
    const race = [values(16, 0, 1, 8), values(64, 9, 1, 9)]
    expect(isSettled(race, 1, wholePopulation(1000))).toBe(true)
  })

  it('is over when all of the population was seen', () => {
    const race = [values(32, 0, 1, 10), values(32, 0.01, 1, 11)]
    expect(isSettled(race, 0, wholePopulation(32))).toBe(true)
  })
})

describe('a score', () => {
  it('is the mean with its t interval where all samples were seen', () => {
    const all = values(50, 2, 1, 12)
    const { value, low, high } = meanInterval(all)
    expect(scoreOf(all, wholePopulation(50))).toEqual({ value, interval: { low, high } })
  })

  it('of screened samples estimates the mean of all: exactly, where values go with sizes', () => {
    const sizes = Float64Array.from({ length: 100 }, (_, i) => 1 / (i + 1))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const population: Population = { sizes, total, count: 100 }
    const { value, interval } = scoreOf(
      sizes.slice(0, 10).map((size) => 3 * size),
      population,
    )
    expect(value).toBeCloseTo((3 * total) / 100, 12)
    expect(interval.high - interval.low).toBeLessThan(1e-12)
  })

  it('covers the mean of all in about 95 of 100 draws', () => {
    let covered = 0
    for (let seed = 1; seed <= 200; seed++) {
      const { interval } = scoreOf(values(30, 1, 2, seed), wholePopulation(1000))
      if (interval.low <= 1 && 1 <= interval.high) covered++
    }
    expect(covered / 200).toBeGreaterThan(0.91)
    expect(covered / 200).toBeLessThan(0.99)
  })

  it('of a single sample has no bounds', () => {
    expect(scoreOf(Float64Array.of(1), wholePopulation(10)).interval).toEqual({ low: -Infinity, high: Infinity })
  })
})

describe('ranks', () => {
  const score = (layerId: string, config: string, value: number) => ({
    layerId,
    config,
    metric: 'kl' as const,
    value,
    interval: { low: 0, high: 1 },
    samples: 8,
  })
  const scores = [score('a', '8', 1), score('b', '8', 3), score('c', '8', 2), score('a', '4', 5), score('b', '4', 4)]

  it('put the greatest damage first, each configuration by itself', () => {
    expect(rankScores(scores, 'float').map(({ rank }) => rank)).toEqual([3, 1, 2, 1, 2])
  })

  it('put the layer that leaves least damage first when it is reverted', () => {
    expect(rankScores(scores, 'quantized').map(({ rank }) => rank)).toEqual([1, 3, 2, 2, 1])
  })
})
