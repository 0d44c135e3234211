import { describe, expect, it } from 'vitest'
import type { AutoPad, WindowSpec } from '../../../../src/main/graph/shapes/index.ts'
import { convOutput, convTransposeOutput, poolOutput, windowSpecs } from '../../../../src/main/graph/shapes/index.ts'
import type { Attribute, Node } from '../../../../src/main/graph/model.ts'

const plain: WindowSpec = {
  kernel: 3,
  stride: 1,
  dilation: 1,
  padBegin: 0,
  padEnd: 0,
  autoPad: 'NOTSET',
  ceilMode: false,
}

/** Counts the places a window can stand at, one by one. */
function countPlaces(input: number, spec: WindowSpec): number {
  const span = (spec.kernel - 1) * spec.dilation + 1
  const end = input + spec.padEnd
  let places = 0
  for (let at = -spec.padBegin; ; at += spec.stride) {
    const fits = at + span <= end
    // with ceil_mode a window may hang over the end where the one before left something, but none begins in the padding there
    const counts = spec.ceilMode ? at < input && (fits || at - spec.stride + span < end) : fits
    if (!counts) return places
    places++
  }
}

describe('convOutput and poolOutput', () => {
  it('count the places of a window, for all small windows', () => {
    for (let input = 5; input <= 12; input++)
      for (const kernel of [1, 2, 3])
        for (const stride of [1, 2, 3])
          for (const dilation of [1, 2])
            for (const padBegin of [0, 1])
              for (const padEnd of [0, 1])
                for (const ceilMode of [false, true]) {
                  const spec = { ...plain, kernel, stride, dilation, padBegin, padEnd, ceilMode }
                  expect(poolOutput(input, spec).output, JSON.stringify({ input, ...spec })).toBe(
                    countPlaces(input, spec),
                  )
                  if (!ceilMode) expect(convOutput(input, spec).output).toBe(countPlaces(input, spec))
                }
  })

  it.each([
    {
      why: 'an odd element of padding goes to the end',
      autoPad: 'SAME_UPPER',
      input: 6,
      stride: 2,
      result: { output: 3, padBegin: 0, padEnd: 1 },
    },
    {
      why: 'or to the beginning',
      autoPad: 'SAME_LOWER',
      input: 6,
      stride: 2,
      result: { output: 3, padBegin: 1, padEnd: 0 },
    },
    { why: 'VALID ignores pads', autoPad: 'VALID', input: 6, stride: 1, result: { output: 4, padBegin: 0, padEnd: 0 } },
    {
      why: 'a stride beyond the kernel needs no padding',
      autoPad: 'SAME_UPPER',
      input: 7,
      stride: 6,
      result: { output: 2, padBegin: 1, padEnd: 1 },
    },
  ])('$why', ({ autoPad, input, stride, result }) => {
    expect(convOutput(input, { ...plain, autoPad: autoPad as AutoPad, stride, padBegin: 5 })).toEqual(result)
  })
})

describe('convTransposeOutput', () => {
  it('undoes convOutput where the stride divides evenly', () => {
    for (const [input, stride] of [
      [7, 2],
      [9, 2],
      [7, 1],
    ] as const) {
      const spec = { ...plain, stride, padBegin: 1, padEnd: 1 }
      expect(convTransposeOutput(convOutput(input, spec).output, spec, 0, null).output).toBe(input)
    }
  })

  it('crops to the length asked for', () => {
    expect(convTransposeOutput(4, { ...plain, stride: 2 }, 0, 8)).toEqual({ output: 8, padBegin: 1, padEnd: 0 })
  })
})

describe('windowSpecs', () => {
  const node = (opType: string, attributes: Readonly<Record<string, Attribute>>): Node => ({
    name: 'window',
    opType,
    domain: '',
    inputs: ['x'],
    outputs: ['y'],
    attributes: new Map(Object.entries(attributes)),
  })
  const ints = (...values: number[]): Attribute => ({ kind: 'ints', value: values.map(BigInt) })

  it('has what the attributes say for each axis, pads at the beginnings first', () => {
    const pads = ints(1, 2, 3, 4)
    const specs = windowSpecs(node('Conv', { strides: ints(2, 1), dilations: ints(1, 2), pads }), [3, 5])
    expect(specs).toEqual([
      { ...plain, kernel: 3, stride: 2, padBegin: 1, padEnd: 3 },
      { ...plain, kernel: 5, dilation: 2, padBegin: 2, padEnd: 4 },
    ])
  })

  it.each(['MaxPool', 'Conv'])('without attributes is a plain window; only pools round up: %s', (opType) => {
    const ceilMode = opType === 'MaxPool'
    expect(windowSpecs(node(opType, { ceil_mode: { kind: 'int', value: 1n } }), [3])).toEqual([{ ...plain, ceilMode }])
  })
})
