import { describe, expect, it } from 'vitest'
import { defaultPlan } from '../../../src/shared/contract/plan.ts'
import { integerDistribution } from '../../../src/main/calibration/integer-distribution.ts'
import { predictSaturation } from '../../../src/main/quant/saturation.ts'
import { weightSiteOf, type WeightSite } from '../../../src/main/quant/weight-site.ts'
import { resolvePlan } from '../../../src/main/quant/resolve-plan.ts'
import { roundToNearest, type QuantizedWeights } from '../../../src/main/quant/weights.ts'
import type { Node } from '../../../src/main/graph/model.ts'
import { ModelBuilder, seeded } from '../../builders/model-builder.ts'
import { planWith, prepare } from '../../builders/quantizing.ts'
import { statisticsFor } from '../../builders/statistics.ts'

interface Case {
  readonly node: Node
  readonly site: WeightSite
  readonly weights: QuantizedWeights
}

/** A layer whose weights quantize to just these integers (one of them must be ±127 in each row). */
function layerWith(
  integers: readonly number[],
  dims: readonly number[],
  options: { op?: 'Conv' | 'Gemm'; group?: number; reduced?: boolean } = {},
): Case {
  const { op = 'Conv', group = 1, reduced = false } = options
  const b = new ModelBuilder()
  b.input('x', op === 'Conv' ? ['N', dims[1]! * group, 8, 8] : ['N', dims[1]!])
  const w = b.floats(
    integers.map((value) => value / 127),
    [...dims],
    'w',
  )
  const attributes: Record<string, number> = op === 'Conv' ? { group } : { transB: 1 }
  b.output(b.node(op, ['x', w], attributes, { name: 'layer', outputs: ['y'] }))
  const { model, layers } = prepare(b.build())
  const plan = reduced ? planWith({ layer: { weights: { reducedRange: true } } }) : defaultPlan
  const { layer, decision } = resolvePlan(plan, layers, model).layers[0]!
  if (decision.kind !== 'quantized') throw new Error('not quantized')
  const site = weightSiteOf({ layer, decision }, model)
  if (typeof site === 'string') throw new Error(site)
  const weights = roundToNearest(site.layerId, site.values, site.layout, site.scheme, null)
  return { node: model.graph.nodes.find(({ name }) => name === 'layer')!, site, weights }
}

const always = (integer: number): Float64Array => new Float64Array(256).with(integer, 1)
const saturation = ({ node, site, weights }: Case, activations: Float64Array): number =>
  predictSaturation(node, site, weights, activations).expected

describe('predicted saturation of 16-bit sums', () => {
  it.each([
    { what: 'two large weights and inputs', integers: [127, 127], input: 255, expected: 1 },
    { what: 'two large negative weights', integers: [-127, -127], input: 255, expected: 1 },
    { what: 'weights of different signs', integers: [127, -127], input: 255, expected: 0 },
    { what: 'small inputs', integers: [127, 127], input: 129, expected: 0 },
    { what: 'the smallest inputs that do', integers: [127, 127], input: 130, expected: 1 },
    { what: 'a pair just within int16', integers: [127, 1], input: 255, expected: 0 },
    { what: 'a pair just beyond', integers: [127, 2], input: 255, expected: 1 },
  ])('$what', ({ integers, input, expected }) => {
    expect(saturation(layerWith(integers, [1, 2], { op: 'Gemm' }), always(input))).toBe(expected)
  })

  it('pairs input channels at one tap of a Conv, not neighbouring taps', () => {
    // [1 output, 2 channels, 1×2 taps]: channels meet as (c0, c1) at each tap
    const along = layerWith([127, 127, -127, -127], [1, 2, 1, 2])
    const across = layerWith([127, -127, 127, -127], [1, 2, 1, 2])
    expect(saturation(along, always(255))).toBe(0)
    expect(saturation(across, always(255))).toBe(2)
  })

  it('is none for depthwise convolutions, nor with a bit less', () => {
    const taps = new Array<number>(18).fill(127)
    expect(saturation(layerWith(taps, [2, 1, 3, 3], { group: 2 }), always(255))).toBe(0)
    expect(saturation(layerWith([127, 127], [1, 2], { op: 'Gemm', reduced: true }), always(255))).toBe(0)
  })

  it('is the share that drawing inputs one by one finds', () => {
    const random = seeded(3)
    const integers = Array.from({ length: 40 }, (_, i) => (i === 0 ? 127 : Math.round(random() * 254) - 127))
    const layer = layerWith(integers, [1, 40], { op: 'Gemm' })
    const values = Float32Array.from({ length: 20_000 }, () => 255 * random() ** 0.3)
    const params = {
      qmin: 0,
      qmax: 255,
      scale: Float32Array.of(1),
      zeroPoint: Int32Array.of(0),
      axis: null,
    }
    const shares = integerDistribution(statisticsFor(values), params)
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 9)
    const draw = (): number => Math.round(values[Math.floor(random() * values.length)]!)
    let found = 0
    const trials = 4000
    for (let n = 0; n < trials; n++)
      for (let k = 0; k < 40; k += 2) {
        const sum = integers[k]! * draw() + integers[k + 1]! * draw()
        if (sum > 32767 || sum < -32768) found++
      }
    const expected = saturation(layer, shares)
    expect(found).toBeGreaterThan(100)
    expect(expected / (found / trials)).toBeGreaterThan(0.9)
    expect(expected / (found / trials)).toBeLessThan(1.1)
  })
})
