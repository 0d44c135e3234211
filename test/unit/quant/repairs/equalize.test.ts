import { describe, expect, it } from 'vitest'
import { defaultPlan, type QuantPlan } from '../../../../src/shared/contract/plan.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { float32Of } from '../../../../src/main/graph/tensors.ts'
import { equalize, type Equalized } from '../../../../src/main/quant/repairs/equalize.ts'
import { resolvePlan } from '../../../../src/main/quant/resolve-plan.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'
import { planWith, prepare } from '../../../builders/quantizing.ts'

const perTensor: QuantPlan = {
  ...defaultPlan,
  defaults: { ...defaultPlan.defaults, weights: { ...defaultPlan.defaults.weights, granularity: 'perTensor' } },
}

function equalized(model: Model, plan = perTensor, ranges: Readonly<Record<string, Float32Array>> = {}): Equalized {
  const prepared = prepare(model)
  return equalize(
    prepared.model,
    resolvePlan(plan, prepared.layers, prepared.model),
    (tensor) => ranges[tensor] ?? null,
  )
}

type Middle = (b: ModelBuilder, tensor: string) => string

/** x → first (1×1 Conv, 3 channels of very different range) → middle → second (1×1 Conv) → y. */
function chain(middle: Middle, extra: (b: ModelBuilder, tensor: string) => void = () => undefined): Model {
  const b = new ModelBuilder()
  b.input('x', ['N', 2, 4, 4])
  const w1 = b.floats([8, -4, 0.5, 0.25, 0, 0], [3, 2, 1, 1], 'w1')
  const first = b.node('Conv', ['x', w1, b.floats([1, 2, 3], [3], 'b1')], {}, { name: 'first', outputs: ['t'] })
  extra(b, first)
  const w2 = b.floats([1, 2, 3, -0.5, 8, 3], [2, 3, 1, 1], 'w2')
  b.output(b.node('Conv', [middle(b, first), w2], {}, { name: 'second', outputs: ['y'] }))
  return b.build()
}

const relu: Middle = (b, t) => b.node('Relu', [t], {}, { name: 'relu', outputs: ['r'] })
const values = ({ graph }: Model, name: string): number[] => [...float32Of(graph.initializers.get(name)!)]

describe('equalize', () => {
  it('gives both sides the geometric mean of their ranges, and leaves dead channels', () => {
    const { model, pairs } = equalized(chain(relu))
    expect(pairs).toHaveLength(1)
    const [s0, s1, s2] = pairs[0]!.scales
    expect(s0).toBeCloseTo(Math.sqrt(8 / 1), 5)
    expect(s1).toBeCloseTo(Math.sqrt(0.5 / 8), 5)
    expect(s2).toBe(1)
    const [w1, w2] = [values(model, 'w1'), values(model, 'w2')]
    expect(Math.abs(w1[0]!)).toBeCloseTo(Math.abs(w2[0]!), 5) // √(8 · 1)
    expect(Math.abs(w1[2]!)).toBeCloseTo(Math.abs(w2[4]!), 5) // √(0.5 · 8)
    expect(values(model, 'b1')).toEqual([1 / s0!, 2 / s1!, 3].map((value) => expect.closeTo(value, 5) as number))
  })

  it('goes by the activation where each output channel has a scale of its own', () => {
    const { pairs } = equalized(chain(relu), defaultPlan, { r: Float32Array.of(100, 1, 4) })
    const [s0, s1, s2] = pairs[0]!.scales
    expect(s0).toBeCloseTo(Math.sqrt(100 / 1), 4)
    expect(s1).toBeCloseTo(Math.sqrt(1 / 8), 4)
    expect(s2).toBeCloseTo(Math.sqrt(4 / 3), 4)
  })

  const passes: Record<string, Middle> = {
    nothing: (_, t) => t,
    LeakyRelu: (b, t) => b.node('LeakyRelu', [t], { alpha: 0.1 }, { name: 'leaky' }),
    MaxPool: (b, t) => b.node('MaxPool', [t], { kernel_shape: [2, 2] }, { name: 'pool' }),
    'a Clip from 0 on': (b, t) => b.node('Clip', [t, b.floats([0], [])], {}, { name: 'clip' }),
  }
  it.each(Object.entries(passes))('sees through %s', (_, middle) => {
    expect(equalized(chain(middle)).pairs).toHaveLength(1)
  })

  const blocks: Record<string, Middle> = {
    'a Clip with an upper bound': (b, t) =>
      b.node('Clip', [t, b.floats([0], []), b.floats([6], [])], {}, { name: 'clip' }),
    Sigmoid: (b, t) => b.node('Sigmoid', [t], {}, { name: 'sigmoid' }),
  }
  it.each(Object.entries(blocks))('stops at %s', (_, middle) => {
    expect(equalized(chain(middle)).pairs).toEqual([])
  })

  it('leaves layers alone whose output is read twice or leaves the model', () => {
    const twice = chain(relu, (b, t) => b.output(b.node('Sigmoid', [t], {}, { name: 'other', outputs: ['o'] })))
    expect(equalized(twice).pairs).toEqual([])
    expect(equalized(chain(relu, (b, t) => b.output(t))).pairs).toEqual([])
  })

  it('leaves layers in float and tensors whose range the plan gives', () => {
    expect(equalized(chain(relu), planWith({ second: 'float' })).pairs).toEqual([])
    expect(equalized(chain(relu), { ...perTensor, tensors: { r: { range: [0, 3] } } }).pairs).toEqual([])
  })

  it('leaves weights that two layers share', () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 2, 4, 4])
    const shared = b.weights([2, 2, 1, 1], 1, 'w')
    const first = b.node('Conv', ['x', shared], {}, { name: 'first' })
    b.output(b.node('Conv', [first, shared], {}, { name: 'second', outputs: ['y'] }))
    expect(equalized(b.build()).pairs).toEqual([])
  })
})
