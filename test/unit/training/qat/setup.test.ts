import { describe, expect, it } from 'vitest'
import type { QuantPlan } from '../../../../src/shared/contract/plan.ts'
import { float } from '../../../../src/main/graph/attributes.ts'
import { float32Of } from '../../../../src/main/graph/tensors.ts'
import { resolvePlan } from '../../../../src/main/quant/resolve-plan.ts'
import { setUpQat, type QatSetup } from '../../../../src/main/training/qat/setup.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'
import { planWith, prepare, type Prepared } from '../../../builders/quantizing.ts'

const WEIGHTS = { bits: 4, storage: 'int8', symmetric: true, granularity: 'perChannel' } as const
const ACTIVATIONS = { bits: 4, symmetric: false, calibrator: { method: 'movingAverage' } } as const

function twoConvs(): Prepared {
  const b = new ModelBuilder({ opset: 17 })
  b.input('x', ['N', 3, 8, 8])
  const first = b.node('Conv', ['x', b.weights([4, 3, 3, 3])], {}, { name: 'first' })
  const pooled = b.node('MaxPool', [b.node('Relu', [first])], { kernel_shape: [2, 2] }, { name: 'pool' })
  b.node('Conv', [pooled, b.weights([5, 4, 3, 3])], {}, { name: 'second', outputs: ['y'] })
  b.output('y')
  return prepare(b.build())
}

const setUp = ({ model, layers }: Prepared, plan: QuantPlan): QatSetup =>
  setUpQat(model, resolvePlan(plan, layers, model))

describe('where training simulates integers', () => {
  it('is where the file has pairs: moved values share the range of what they come from', () => {
    const prepared = twoConvs()
    const { roots, rootOf, weights, placement } = setUp(prepared, planWith())
    expect([...rootOf.keys()].sort()).toEqual([...placement.pairs.keys()].sort())
    const pooled = prepared.model.graph.nodes.find(({ name }) => name === 'pool')!
    expect(rootOf.get(pooled.outputs[0]!)).toBe(pooled.inputs[0])
    expect(roots.has(pooled.outputs[0]!)).toBe(false)
    expect([...weights.keys()]).toEqual(['first', 'second'])
  })

  it('leaves out what a hybrid plan keeps in float, and gives each layer its own bits', () => {
    const plan = planWith({ first: 'float' }, { weights: WEIGHTS, activations: ACTIVATIONS })
    const { weights, roots } = setUp(twoConvs(), plan)
    expect([...weights.keys()]).toEqual(['second'])
    expect(roots.has('x')).toBe(false)
    // what only leaves the model keeps 8 bits
    expect([...roots.values()].map(({ scheme }) => scheme.bits)).toEqual([8, 4])
  })

  it('multiplies the factors of a Gemm into what learns', () => {
    const b = new ModelBuilder({ opset: 17 })
    b.input('x', ['N', 2])
    const [w, c] = [b.floats([1, 2, 3, 4], [2, 2]), b.floats([1, -1])]
    b.node('Gemm', ['x', w, c], { transB: 1, alpha: 0.5, beta: float(3) }, { name: 'fc', outputs: ['y'] })
    b.output('y')
    const { model } = setUp(prepare(b.build()), planWith())
    const [gemm] = model.graph.nodes
    expect(gemm!.attributes.has('alpha')).toBe(false)
    const valuesOf = (i: number): number[] => [...float32Of(model.graph.initializers.get(gemm!.inputs[i]!)!)]
    expect([valuesOf(1), valuesOf(2)]).toEqual([
      [0.5, 1, 1.5, 2],
      [3, -3],
    ])
  })

  it.each([
    {
      why: 'dynamic layers',
      plan: planWith({}, { mode: 'dynamic' }),
      code: 'plan.qatMode',
      says: /"first" is dynamic/,
    },
    {
      why: 'one bit',
      plan: planWith({ second: { activations: { bits: 1 } } }),
      code: 'plan.qatBits',
      says: /"second" has 1 bit/,
    },
    {
      why: 'a plan that leaves all in float',
      plan: planWith({ first: 'float', second: 'float' }),
      code: 'plan.qatNothing',
      says: /every layer in float/,
    },
  ])('refuses $why', ({ plan, code, says }) => {
    expect(() => setUp(twoConvs(), plan)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(says) as string }),
    )
  })
})
