import { describe, expect, it } from 'vitest'
import { quantPlan, defaultPlan } from '../../../src/shared/contract/plan.ts'
import { gridLayers, parseConfigurations } from '../../../src/main/search/grid.ts'
import type { LayerInfo } from '../../../src/shared/contract/model.ts'

describe('configurations of the grid', () => {
  it.each([
    { name: '8', override: { weights: { bits: 8, storage: 'int8', symmetric: true }, activations: { bits: 8 } } },
    { name: '4', override: { weights: { bits: 4, storage: 'int8', symmetric: true }, activations: { bits: 8 } } },
    { name: 'int4', override: { weights: { bits: 4, storage: 'int4', symmetric: true }, activations: { bits: 8 } } },
    { name: 'uint8', override: { weights: { bits: 8, storage: 'uint8', symmetric: false }, activations: { bits: 8 } } },
    { name: '16', override: { weights: { bits: 16, storage: 'int16', symmetric: true }, activations: { bits: 16 } } },
    { name: 'w4a6', override: { weights: { bits: 4, storage: 'int8', symmetric: true }, activations: { bits: 6 } } },
    { name: 'a4', override: { weights: { bits: 8, storage: 'int8', symmetric: true }, activations: { bits: 4 } } },
    {
      name: '8:percentile',
      override: {
        weights: { bits: 8, storage: 'int8', symmetric: true },
        activations: { bits: 8, calibrator: { method: 'percentile' } },
      },
    },
    {
      name: '8:percentile=99.9:per-tensor',
      override: {
        weights: { bits: 8, storage: 'int8', symmetric: true, granularity: 'perTensor' },
        activations: { bits: 8, calibrator: { method: 'percentile', percentile: 99.9 } },
      },
    },
    {
      name: '8:affine',
      override: {
        weights: { bits: 8, storage: 'uint8', symmetric: false },
        activations: { bits: 8, symmetric: false },
      },
    },
    {
      name: '8:dynamic',
      override: {
        mode: 'dynamic',
        weights: { bits: 8, storage: 'int8', symmetric: true },
        activations: { bits: 8 },
      },
    },
    { name: '1', override: { weights: { bits: 1, storage: 'uint8', symmetric: false }, activations: { bits: 8 } } },
  ])('$name', ({ name, override }) => {
    const [found] = parseConfigurations(name)
    expect(found).toEqual({ name, override })
    // what the grid makes is a plan
    expect(quantPlan.safeParse({ ...defaultPlan, layers: { a: found!.override } }).success).toBe(true)
  })

  it('a list keeps its order and names nothing twice', () => {
    expect(parseConfigurations(' 8, int4,8 ,4').map(({ name }) => name)).toEqual(['8', 'int4', '4'])
  })

  it.each(['', '9', 'int5', '8:loud', '8:percentile=40', 'w', 'toString', '8:toString'])('%j is refused', (text) => {
    expect(() => parseConfigurations(text)).toThrow(expect.objectContaining({ code: 'usage.configuration' }))
  })

  it('one symmetric bit is refused', () => {
    for (const text of ['1:symmetric', 'a1:symmetric'])
      expect(() => parseConfigurations(text)).toThrow(expect.objectContaining({ code: 'usage.symmetricOneBit' }))
  })

  it('goes over layers that compute in integers', () => {
    const layer = (id: string, role: LayerInfo['role'], quantizable = true): LayerInfo =>
      ({ id, role, quantizable }) as LayerInfo
    const layers = [
      layer('a', 'weighted'),
      layer('b', 'movement'),
      layer('c', 'arithmetic'),
      layer('d', 'weighted', false),
    ]
    expect(gridLayers(layers).map(({ id }) => id)).toEqual(['a', 'c'])
  })
})
