import { describe, expect, it } from 'vitest'
import { hasOpenBatch, openAxes, shapesOfLengths } from '../../../../src/renderer/insight/open-axes.ts'
import type { ValueSpec } from '../../../../src/shared/contract/tensor.ts'

const input = (name: string, shape: ValueSpec['shape']): ValueSpec => ({ name, dataType: 'float', shape })
const text = [input('ids', ['batch', 'seq']), input('mask', ['batch', 'seq']), input('kind', [1, null])]
const usual = { ids: [1, 128], mask: [1, 128], kind: [1, 7] }

describe('open axes', () => {
  it('are one where inputs share the name, and have a name of their own where the file gives none', () => {
    expect(openAxes(text, usual)).toEqual([
      { key: 'seq', label: 'seq', inputs: ['ids', 'mask'], usual: 128 },
      { key: 'kind:1', label: 'kind, axis 1', inputs: ['kind'], usual: 7 },
    ])
    expect(openAxes([input('image', ['n', 3, 32, 32]), input('any', null)], {})).toEqual([])
  })

  it.each<{
    why: string
    lengths: Readonly<Record<string, number>>
    batch: number | null
    shapes: Readonly<Record<string, readonly number[]>>
  }>([
    { why: 'nothing is chosen', lengths: {}, batch: 8, shapes: {} },
    { why: 'a shared length is chosen', lengths: { seq: 64 }, batch: 8, shapes: { ids: [8, 64], mask: [8, 64] } },
    {
      why: 'no batch is chosen',
      lengths: { 'kind:1': 3, seq: 5 },
      batch: null,
      shapes: { ids: [1, 5], mask: [1, 5], kind: [1, 3] },
    },
  ])('come to whole shapes where $why', ({ lengths, batch, shapes }) => {
    expect(shapesOfLengths(text, usual, lengths, batch)).toEqual(shapes)
  })

  it('are a batch where they come first', () => {
    expect(hasOpenBatch(text)).toBe(true)
    expect(hasOpenBatch([input('image', [1, 3, 32, 32]), input('any', null), input('scalar', [])])).toBe(false)
  })
})
