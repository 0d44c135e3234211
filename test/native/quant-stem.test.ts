import { describe, expect, test } from 'vitest'
import type { Model } from '../../src/main/graph/model.ts'
import { foldStems } from '../../src/main/quant/stem.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { opCounts, run } from '../builders/ort-probe.ts'
import { minMaxRanges, planWith, prepare, quantizePrepared, randomTensor } from '../builders/quantizing.ts'
import type { QuantPlan } from '../../src/shared/contract/plan.ts'

interface StemCase {
  readonly kernel: readonly [number, number]
  readonly pads: readonly [number, number, number, number]
  readonly size?: readonly (number | string)[]
  readonly channels?: number
  readonly strides?: readonly [number, number]
  readonly plan?: QuantPlan
}

function stem({ kernel, pads, size = [14, 18], channels = 3, strides = [2, 2] }: StemCase): Model {
  const b = new ModelBuilder({ seed: 3 })
  b.input('x', ['N', channels, ...size])
  const conv = b.node(
    'Conv',
    ['x', b.weights([8, channels, ...kernel]), b.floats([0.3, -0.2, 0.1, 0, 0, 1, -1, 0.5])],
    {
      kernel_shape: [...kernel],
      pads: [...pads],
      strides: [...strides],
    },
  )
  b.output(b.node('Relu', [conv]))
  return b.build()
}

/** The same plan applied with and without the folding: the second is the first with the folding undone by quantizing a model whose size is open. */
async function quantizeBoth(which: StemCase): Promise<{ folded: Model; plain: Model; dims: number[] }> {
  const dims = [2, which.channels ?? 3, 14, 18]
  const feeds = [{ x: randomTensor(dims, 5) }]
  const quantized = async (size: readonly (number | string)[]): Promise<Model> => {
    const prepared = prepare(stem({ ...which, size }))
    return quantizePrepared(prepared, await minMaxRanges(prepared, feeds), which.plan ?? planWith()).model
  }
  return { folded: await quantized([14, 18]), plain: await quantized(['H', 'W']), dims }
}

const cases: readonly (readonly [string, StemCase])[] = [
  ['7×7, pad 3', { kernel: [7, 7], pads: [3, 3, 3, 3] }],
  ['3×3, pad 1', { kernel: [3, 3], pads: [1, 1, 1, 1] }],
  ['3×3, no pad', { kernel: [3, 3], pads: [0, 0, 0, 0] }],
  ['3×3, pad at the end only', { kernel: [3, 3], pads: [0, 0, 1, 1] }],
  ['4×4, pad 1', { kernel: [4, 4], pads: [1, 1, 1, 1] }],
  ['5×3, unequal pads', { kernel: [5, 3], pads: [2, 0, 1, 3] }],
  ['one channel', { kernel: [5, 5], pads: [2, 2, 2, 2], channels: 1 }],
  [
    'affine weights',
    {
      kernel: [7, 7],
      pads: [3, 3, 3, 3],
      plan: planWith({}, { weights: { bits: 8, storage: 'uint8', symmetric: false, granularity: 'perTensor' } }),
    },
  ],
  [
    'activations of 5 bits',
    {
      kernel: [3, 3],
      pads: [1, 1, 1, 1],
      plan: planWith({}, { activations: { bits: 5, symmetric: false, calibrator: { method: 'minMax' } } }),
    },
  ],
]

describe('a stem with stride 2 on a picture of known even size', () => {
  test.each(cases)('%s: folded, and equal to the last bit', async (_, which) => {
    const { folded, plain, dims } = await quantizeBoth(which)
    expect(opCounts(folded)['SpaceToDepth']).toBe(1)
    expect(opCounts(plain)['SpaceToDepth']).toBeUndefined()
    const feeds = { x: randomTensor(dims, 9) }
    const [a, b] = [await run(folded, feeds), await run(plain, feeds)]
    const [name] = Object.keys(a)
    expect(a[name!]!.dims).toEqual(b[name!]!.dims)
    expect(a[name!]!.data).toEqual(b[name!]!.data)
    // neither all zero nor saturated, or equality would say nothing
    expect(new Set(a[name!]!.data as Float32Array).size).toBeGreaterThan(8)
  })

  test.each([
    ['odd height', { kernel: [3, 3], pads: [1, 1, 1, 1], size: [15, 18] }],
    ['unknown size', { kernel: [3, 3], pads: [1, 1, 1, 1], size: ['H', 'W'] }],
    ['stride 1', { kernel: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] }],
    ['many channels', { kernel: [3, 3], pads: [1, 1, 1, 1], channels: 8 }],
  ] as readonly (readonly [string, StemCase])[])('%s: left as it is', async (_, which) => {
    const model = stem(which)
    const size = (which.size ?? [14, 18]).map((length) => (typeof length === 'number' ? length : 16))
    const prepared = prepare(model)
    const feeds = [{ x: randomTensor([1, which.channels ?? 3, ...size], 5) }]
    const quantized = quantizePrepared(prepared, await minMaxRanges(prepared, feeds))
    expect(opCounts(quantized.model)['SpaceToDepth']).toBeUndefined()
  })

  test('a float Conv is left alone', () => {
    const model = stem({ kernel: [7, 7], pads: [3, 3, 3, 3] })
    expect(foldStems(model)).toBe(model)
  })
})
