import { describe, expect, it } from 'vitest'
import { decodeCollection, encodeCollection } from '../../../src/main/calibration/collection-codec.ts'
import { mergeCollections, statisticsOf, type Collection } from '../../../src/main/calibration/collection.ts'
import { TensorObserver } from '../../../src/main/calibration/observer.ts'
import { normals, seeded } from '../../builders/model-builder.ts'
import { statisticsFor } from '../../builders/statistics.ts'

function collectionOf(seed: number): Collection {
  const observer = new TensorObserver('conv/out', 7)
  const values = normals(seeded(seed), 64)
  observer.addBounds({ min: values.map((value) => value - 1), max: values, observations: 16, channels: 4 })
  observer.addElements(values, 1, 7)
  const x = statisticsFor(normals(seeded(seed + 1), 4900), 700, 'größe x')
  return {
    samples: 16,
    elementsPerSample: 100,
    tensors: new Map([
      ['conv/out', observer.statistics()],
      ['größe x', x],
    ]),
  }
}

describe('encodeCollection', () => {
  it('comes back as it was', () => {
    const collection = collectionOf(1)
    expect(decodeCollection(encodeCollection(collection))).toEqual(collection)
  })

  it('takes some kilobytes a tensor, whatever was counted', () => {
    const tensors = new Map([['x', statisticsFor(normals(seeded(5), 400_000), 400)]])
    expect(encodeCollection({ samples: 400, elementsPerSample: 1000, tensors }).length).toBeLessThan(25_000)
  })

  it('gives equal bytes for one worker and for three', () => {
    const values = normals(seeded(3), 3000)
    const of = (part: Float32Array): Collection => ({
      samples: part.length / 100,
      elementsPerSample: 100,
      tensors: new Map([['x', statisticsFor(part, part.length / 100)]]),
    })
    const merged = mergeCollections([of(values.slice(0, 1000)), of(values.slice(1000, 1100)), of(values.slice(1100))])
    expect(encodeCollection(merged)).toEqual(encodeCollection(of(values)))
  })
})

describe('decodeCollection', () => {
  const bytes = encodeCollection(collectionOf(2))

  it('refuses every truncation', () => {
    for (let length = 0; length < bytes.length; length += 41) {
      expect(() => decodeCollection(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'store.calibrationCorrupt' }),
      )
    }
  })

  it('refuses bytes after its end, foreign bytes and other versions', () => {
    const longer = new Uint8Array([...bytes, 0])
    expect(() => decodeCollection(longer)).toThrow(expect.objectContaining({ code: 'store.calibrationCorrupt' }))
    expect(() => decodeCollection(new TextEncoder().encode('{"version":1}'))).toThrow(/does not start/)
    const newer = bytes.slice()
    newer[4] = 9
    expect(() => decodeCollection(newer)).toThrow(expect.objectContaining({ code: 'store.calibrationVersion' }))
  })

  it('answers any flipped byte with a fault or a sound collection', () => {
    const random = seeded(7)
    for (let i = 0; i < 3000; i++) {
      const mutant = bytes.slice()
      mutant[Math.floor(random() * mutant.length)] = Math.floor(random() * 256)
      let decoded: Collection | null = null
      try {
        decoded = decodeCollection(mutant)
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^store\./)
      }
      for (const { min, max, stride } of decoded?.tensors.values() ?? []) expect(min <= max && stride > 0).toBe(true)
    }
  })
})

describe('mergeCollections', () => {
  it('keeps exact bounds, channels and the last 512 observations in order', () => {
    const [a, b] = [collectionOf(10), collectionOf(20)]
    const merged = mergeCollections([a, b])
    const [first, second] = [a, b].map((collection) => statisticsOf(collection, 'conv/out')) as [
      ReturnType<typeof statisticsOf>,
      ReturnType<typeof statisticsOf>,
    ]
    const statistics = statisticsOf(merged, 'conv/out')
    expect(merged.samples).toBe(32)
    expect(statistics.max).toBe(Math.max(first.max, second.max))
    expect([...statistics.recent.max]).toEqual([...first.recent.max, ...second.recent.max])
    expect(statistics.channels!.min[2]).toBe(Math.min(first.channels!.min[2]!, second.channels!.min[2]!))
    expect(statisticsOf(merged, 'größe x').recent.min).toHaveLength(512)
    expect(statisticsOf(merged, 'größe x').observations).toBe(1400)
  })

  it('refuses collections of other tensors or strides: a bug', () => {
    const one = { samples: 1, elementsPerSample: 1, tensors: new Map([['x', statisticsFor(Float32Array.of(1))]]) }
    const other = { ...one, tensors: new Map([['y', statisticsFor(Float32Array.of(1), 1, 'y')]]) }
    const strided = { ...one, tensors: new Map([['x', { ...statisticsFor(Float32Array.of(1)), stride: 3 }]]) }
    expect(() => mergeCollections([one, other])).toThrow('x is missing')
    expect(() => mergeCollections([one, strided])).toThrow('strides 1 and 3')
  })
})

describe('statisticsOf', () => {
  it('names a tensor that was not observed', () => {
    expect(() => statisticsOf(collectionOf(1), 'other')).toThrow(expect.objectContaining({ code: 'plan.noStatistics' }))
  })
})
