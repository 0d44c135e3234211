import { describe, expect, it } from 'vitest'
import type { DataType, Dim, ValueSpec } from '../../../../src/shared/contract/tensor.ts'
import { classesOf, comparable, matchOutputs } from '../../../../src/main/jobs/tasks/outputs.ts'

function output(name: string, shape: readonly Dim[] | null = ['N', 10], dataType: DataType = 'float'): ValueSpec {
  return { name, dataType, shape }
}

describe('outputs of model and reference', () => {
  it('are paired by name', () => {
    const pairs = matchOutputs([output('scores'), output('boxes')], [output('boxes'), output('scores')])
    expect(pairs).toEqual([
      { model: 'scores', reference: 'scores' },
      { model: 'boxes', reference: 'boxes' },
    ])
  })

  it('only those both have, where some names agree', () => {
    expect(matchOutputs([output('a'), output('b')], [output('b'), output('c')])).toEqual([
      { model: 'b', reference: 'b' },
    ])
  })

  it('by position, where none does', () => {
    expect(matchOutputs([output('a')], [output('x')])).toEqual([{ model: 'a', reference: 'x' }])
  })

  it('are refused where they cannot be paired', () => {
    expect(() => matchOutputs([output('a')], [output('x'), output('y')])).toThrow(
      expect.objectContaining({ code: 'model.outputsDiffer' }),
    )
  })

  it('of strings are not compared', () => {
    expect(comparable([output('label', ['N'], 'string'), output('scores')]).map(({ name }) => name)).toEqual(['scores'])
  })
})

describe('the class output', () => {
  const cases: readonly {
    why: string
    outputs: readonly ValueSpec[]
    lengths: Record<string, number>
    found: string | null
  }[] = [
    { why: '[N, classes]', outputs: [output('y')], lengths: { y: 10 }, found: 'y' },
    { why: '[N, classes, 1, 1]', outputs: [output('y', ['N', 10, 1, 1])], lengths: { y: 10 }, found: 'y' },
    { why: 'an unknown rank', outputs: [output('y', null)], lengths: { y: 10 }, found: 'y' },
    {
      why: 'the first of two',
      outputs: [output('main'), output('aux')],
      lengths: { main: 10, aux: 10 },
      found: 'main',
    },
    { why: 'not boxes', outputs: [output('boxes', [1, 4420, 4])], lengths: { boxes: 17680 }, found: null },
    { why: 'not features', outputs: [output('map', ['N', 8, 12, 12])], lengths: { map: 1152 }, found: null },
    { why: 'not class numbers', outputs: [output('y', ['N', 5], 'int64')], lengths: { y: 5 }, found: null },
    { why: 'not a single score', outputs: [output('y', ['N', 1])], lengths: { y: 1 }, found: null },
  ]
  it.each(cases)('by shape: $why', ({ outputs, lengths, found }) => {
    expect(classesOf(outputs, new Map(Object.entries(lengths)), null)?.output ?? null).toBe(found)
  })

  it('is taken as asked', () => {
    expect(
      classesOf(
        [output('a'), output('b')],
        new Map([
          ['a', 4],
          ['b', 7],
        ]),
        'b',
      ),
    ).toEqual({ output: 'b', count: 7 })
  })
})
