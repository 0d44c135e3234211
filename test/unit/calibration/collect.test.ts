import { describe, expect, it } from 'vitest'
import { collect, type CalibrationBatch } from '../../../src/main/calibration/collect.ts'
import { statisticsOf } from '../../../src/main/calibration/collection.ts'
import { countOf } from '../../../src/main/calibration/histogram.ts'
import { phaseOf, type Probe, type ProbePlan } from '../../../src/main/calibration/instrument.ts'
import type { EngineTensor, Feeds, Session } from '../../../src/main/engines/port.ts'

const float = (dims: readonly number[], values: readonly number[]): EngineTensor => ({
  dataType: 'float',
  dims,
  data: Float32Array.from(values),
})

/** A session whose model doubles its input `x` and exposes that as `y`, row for row. */
function doubling(change: (y: Float32Array) => void = () => undefined): Session & { runs: Feeds[] } {
  const runs: Feeds[] = []
  return {
    inputs: [],
    outputs: [],
    runs,
    run: async (feeds) => {
      runs.push(feeds)
      await Promise.resolve()
      const x = feeds['x']!
      const y = (x.data as Float32Array).map((value) => 2 * value)
      change(y)
      return { y: { dataType: 'float', dims: x.dims, data: y } }
    },
    release: () => Promise.resolve(),
    endProfiling: () => Promise.reject(new Error('not profiled')),
  }
}

const probe = (tensor: string, source: Probe['source'], more: Partial<Probe> = {}): Probe => ({
  tensor,
  source,
  elements: tensor,
  stride: 1,
  thinned: false,
  bounds: null,
  length: null,
  ...more,
})
const plan: ProbePlan = {
  probes: [probe('x', 'feed'), probe('y', 'output')],
  phaseInput: null,
  fetches: ['y'],
  elementsPerSample: 100,
}

/** Rows of two values; `rows` more than samples fill a fixed batch. */
function batchOf(start: number, values: readonly number[], samples = values.length / 2): CalibrationBatch {
  const feeds = { x: float([values.length / 2, 2], values) }
  return { start, feeds, samples: Array.from({ length: samples }, (_, i) => ({ name: `picture ${start + i}` })) }
}

async function* listed<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item)
}

describe('collect', () => {
  it('observes inputs and outputs, one observation a sample, in order', async () => {
    const collection = await collect(doubling(), plan, listed([batchOf(0, [1, -2, 3, 4]), batchOf(2, [0.5, 0])]))
    const y = statisticsOf(collection, 'y')
    expect(collection.samples).toBe(3)
    expect([y.min, y.max, y.observations, countOf(y.histogram)]).toEqual([-4, 8, 3, 6])
    expect([...y.recent.max]).toEqual([2, 8, 1])
    expect(statisticsOf(collection, 'x').max).toBe(4)
  })

  it('leaves out rows that only fill a fixed batch', async () => {
    const collection = await collect(doubling(), plan, listed([batchOf(0, [1, 2, 3, 4, 3, 4, 3, 4], 2)]))
    const y = statisticsOf(collection, 'y')
    expect([y.observations, countOf(y.histogram), collection.samples]).toEqual([2, 4, 2])
  })

  it('feeds the phase of the first sample, and counts inputs from the same start', async () => {
    const session = doubling()
    const strided = { ...plan, phaseInput: 'phase', probes: [probe('x', 'feed', { stride: 3 })] }
    const values = Array.from({ length: 12 }, (_, i) => i + 1)
    const { tensors } = await collect(session, strided, listed([batchOf(5, values)]))
    expect(session.runs[0]!['phase']).toEqual({
      dataType: 'int64',
      dims: [1],
      data: BigInt64Array.of(BigInt(phaseOf(5))),
    })
    expect(countOf(tensors.get('x')!.histogram)).toBe(4)
    expect(tensors.get('x')!.max).toBe(12)
  })

  it.each([NaN, Infinity])('names tensor and sample when %f shows up, running the batch apart', async (bad) => {
    const session = doubling((y) => y.forEach((value, i) => (y[i] = value === 6 ? bad : value)))
    await expect(collect(session, plan, listed([batchOf(10, [1, 1, 2, 2, 3, 1, 1, 1])]))).rejects.toMatchObject({
      code: 'data.nonFiniteActivation',
      data: { tensor: 'y', sample: 'picture 12' },
    })
    await expect(collect(doubling(), plan, listed([batchOf(0, [1, 1, bad, 2])]))).rejects.toMatchObject({
      data: { tensor: 'x', sample: 'picture 1' },
    })
  })

  it('names the range of samples where the model cannot run them apart', async () => {
    const session = doubling((y) => {
      if (y.length < 4) throw new Error('a fixed batch')
      y[3] = NaN
    })
    await expect(collect(session, plan, listed([batchOf(0, [1, 1, 1, 1])]))).rejects.toMatchObject({
      data: { tensor: 'y', sample: 'picture 0 … picture 1' },
    })
  })

  it('refuses to calibrate on nothing', async () => {
    await expect(collect(doubling(), plan, listed([]))).rejects.toMatchObject({ code: 'data.empty' })
  })

  it('stops between batches when aborted, with the reason of the signal', async () => {
    const abort = new AbortController()
    const session = doubling(() => abort.abort(new Error('enough')))
    const batches = listed([batchOf(0, [1, 1]), batchOf(1, [1, 1]), batchOf(2, [1, 1])])
    await expect(collect(session, plan, batches, { signal: abort.signal })).rejects.toThrow('enough')
    expect(session.runs).toHaveLength(1)
  })

  it('reports progress in samples', async () => {
    const seen: string[] = []
    const onProgress = ({ done, total, unit }: { done: number; total: number | null; unit: string }): void => {
      seen.push(`${done} of ${total} ${unit}`)
    }
    await collect(doubling(), plan, listed([batchOf(0, [1, 1, 1, 1]), batchOf(2, [1, 1])]), { onProgress, total: 3 })
    expect(seen).toEqual(['2 of 3 samples', '3 of 3 samples'])
  })
})
