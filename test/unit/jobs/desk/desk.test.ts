import { describe, expect, it } from 'vitest'
import { Feed } from '../../../../src/main/jobs/desk/feed.ts'
import { guessTask } from '../../../../src/main/jobs/desk/guess-task.ts'
import { histogramOf, linearBins } from '../../../../src/main/jobs/desk/linear-histogram.ts'
import type { DataType, Dim, ValueSpec } from '../../../../src/shared/contract/tensor.ts'

const value = (name: string, shape: readonly Dim[], dataType: DataType = 'float'): ValueSpec => ({
  name,
  dataType,
  shape,
})
const picture = value('image', ['N', 3, 224, 224])

describe('what a model seems to be for', () => {
  it.each([
    {
      why: 'one row of scores',
      inputs: [picture],
      outputs: [value('out', ['N', 1000])],
      task: 'classification',
      classes: 1000,
    },
    {
      why: 'scores as a map of one pixel',
      inputs: [picture],
      outputs: [value('out', ['N', 10, 1, 1])],
      task: 'classification',
      classes: 10,
    },
    {
      why: 'boxes and scores',
      inputs: [picture],
      outputs: [value('scores', [1, 100, 2]), value('boxes', [1, 100, 4])],
      task: 'detection',
      classes: null,
    },
    {
      why: 'a picture again',
      inputs: [picture],
      outputs: [value('out', ['N', 3, 224, 224])],
      task: 'imageToImage',
      classes: null,
    },
    {
      why: 'a map of classes',
      inputs: [picture],
      outputs: [value('out', ['N', 21, 224, 224])],
      task: 'segmentation',
      classes: null,
    },
    {
      why: 'tokens',
      inputs: [value('ids', ['N', 128], 'int64')],
      outputs: [value('out', ['N', 2])],
      task: 'text',
      classes: null,
    },
    {
      why: 'one number',
      inputs: [value('x', ['N', 8])],
      outputs: [value('y', ['N', 1])],
      task: 'vectors',
      classes: null,
    },
    { why: 'nothing', inputs: [], outputs: [], task: 'other', classes: null },
  ])('$why: $task', ({ inputs, outputs, task, classes }) => {
    expect(guessTask({ inputs, outputs })).toEqual({ task, classes })
  })
})

describe('histograms for a window', () => {
  it('count every finite value once', () => {
    expect(histogramOf([0, 1, 2, 3, 4, NaN, Infinity], 4)).toEqual({ low: 0, high: 4, counts: [1, 1, 1, 2] })
    expect(histogramOf([7, 7], 2)).toEqual({ low: 7, high: 7, counts: [2, 0] })
    expect(histogramOf([], 2)).toEqual({ low: 0, high: 0, counts: [0, 0] })
  })

  it('spread bins of any width, and lose nothing', () => {
    const bins = [
      { from: -1, to: -0.5, count: 10 },
      { from: 0, to: 0, count: 5 },
      { from: 0.5, to: 1, count: 20 },
    ]
    const { counts } = linearBins(bins, -1, 1, 8)
    expect(counts).toEqual([5, 5, 0, 0, 5, 0, 10, 10])
    expect(linearBins(bins, -1, 1, 3).counts.reduce((sum, count) => sum + count, 0)).toBeCloseTo(35, 10)
    expect(linearBins([{ from: 2, to: 2, count: 4 }], 2, 2, 3).counts).toEqual([4, 0, 0])
  })
})

describe('a feed', () => {
  it('tells everyone who listens at the time, and ends with its signal', async () => {
    const feed = new Feed<number>()
    const stop = new AbortController()
    const read = async (first: readonly number[], signal?: AbortSignal): Promise<number[]> => {
      const seen: number[] = []
      for await (const event of feed.follow(first, signal)) seen.push(event)
      return seen
    }
    const early = read([0], stop.signal)
    await Promise.resolve()
    expect(feed.hasReaders).toBe(true)
    feed.tell(1)
    const late = read([])
    await Promise.resolve()
    feed.tell(2)
    await new Promise((resolve) => setTimeout(resolve))
    stop.abort()
    expect(await early).toEqual([0, 1, 2])
    feed.tell(3)
    feed.close()
    expect(await late).toEqual([2, 3])
    expect(feed.hasReaders).toBe(false)
  })
})
