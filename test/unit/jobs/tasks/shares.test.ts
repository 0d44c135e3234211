import { describe, expect, it } from 'vitest'
import type { EngineTensor } from '../../../../src/main/engines/port.ts'
import { rangeOf } from '../../../../src/main/jobs/tasks/evaluate.ts'
import { rowsOf } from '../../../../src/main/jobs/tasks/rows.ts'

describe('the shares of a range', () => {
  it.each([
    { why: 'more samples than shares', range: { start: 10, end: 110 }, count: 3, alignment: 1 },
    { why: 'whole batches, the last one short', range: { start: 5, end: 48 }, count: 4, alignment: 8 },
    { why: 'fewer batches than shares', range: { start: 0, end: 9 }, count: 4, alignment: 8 },
    { why: 'a single sample', range: { start: 3, end: 4 }, count: 2, alignment: 16 },
  ])('cover it once, meeting at batch boundaries: $why', ({ range, count, alignment }) => {
    const shares = Array.from({ length: count }, (_, index) => rangeOf({ index, count }, range, alignment))
    expect(shares[0]!.start).toBe(range.start)
    expect(shares.at(-1)!.end).toBe(range.end)
    for (let i = 1; i < count; i++) {
      expect(shares[i]!.start).toBe(shares[i - 1]!.end)
      if (shares[i]!.start < range.end) expect((shares[i]!.start - range.start) % alignment).toBe(0)
    }
  })
})

describe('rows of a batch', () => {
  const scores: EngineTensor = { dataType: 'float', dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }

  it('are cut along the first axis; padding rows are left out', () => {
    expect(rowsOf({ scores }, 3, 2)).toEqual([{ scores: Float32Array.of(1, 2) }, { scores: Float32Array.of(3, 4) }])
  })

  it('of a single sample are the whole output, whatever its first axis', () => {
    expect(rowsOf({ scores }, 1, 1)).toEqual([{ scores: Float32Array.of(1, 2, 3, 4, 5, 6) }])
  })

  it('of an output without a batch axis are refused', () => {
    expect(() => rowsOf({ scores }, 2, 2)).toThrow(expect.objectContaining({ code: 'model.outputWithoutBatch' }))
  })

  const widened: readonly { why: string; tensor: EngineTensor; value: number }[] = [
    {
      why: 'float16 bits as numbers',
      tensor: { dataType: 'float16', dims: [1], data: Uint16Array.of(0x3e00) },
      value: 1.5,
    },
    {
      why: 'int64 as numbers',
      tensor: { dataType: 'int64', dims: [1], data: BigInt64Array.of(-7n) },
      value: -7,
    },
  ]
  it.each(widened)('give $why', ({ tensor, value }) => expect(rowsOf({ x: tensor }, 1, 1)[0]!['x']![0]).toBe(value))
})
