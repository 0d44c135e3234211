import { describe, expect, it } from 'vitest'
import { isFault, type Fault } from '../../../src/shared/contract/fault.ts'
import { defaultPlan, type QuantPlan } from '../../../src/shared/contract/plan.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { nearestNames, parsePlan, planFromOptions, planTypes, serializePlan } from '../../../src/main/quant/plan.ts'
import { requiredOpset, resolvePlan } from '../../../src/main/quant/resolve-plan.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'
import { planWith, prepare } from '../../builders/quantizing.ts'

function faultOf(act: () => unknown): Fault {
  try {
    act()
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
  throw new Error('no fault was thrown')
}

/** stem/conv → Relu → block/conv → Tanh → fc. */
function network(): Model {
  const builder = new ModelBuilder()
  builder.input('x', ['N', 3, 8, 8])
  const stem = builder.node('Relu', [
    builder.node('Conv', ['x', builder.weights([4, 3, 3, 3])], {}, { name: 'stem/conv' }),
  ])
  const block = builder.node('Conv', [stem, builder.weights([4, 4, 3, 3])], {}, { name: 'block/conv' })
  const tanh = builder.node('Tanh', [block], {}, { name: 'tanh' })
  const flat = builder.node(
    'Flatten',
    [builder.node('GlobalAveragePool', [tanh], {}, { name: 'pool' })],
    {},
    { name: 'flat' },
  )
  builder.node('Gemm', [flat, builder.weights([4, 2])], {}, { name: 'fc', outputs: ['y'] })
  builder.output('y', ['N', 2])
  return builder.build()
}

const prepared = prepare(network())
const resolve = (plan: QuantPlan, hash?: string): ReturnType<typeof resolvePlan> =>
  resolvePlan(plan, prepared.layers, prepared.model, hash)
const decisionOf = (plan: QuantPlan, id: string): ReturnType<typeof resolvePlan>['layers'][number]['decision'] =>
  resolve(plan).layers.find(({ layer }) => layer.id === id)!.decision

describe('a plan from JSON', () => {
  it('is what it was written from', () => {
    const plan = planWith({ b: 'float', a: { weights: { bits: 4 } } })
    expect(parsePlan(JSON.parse(serializePlan(plan)))).toEqual(plan)
  })

  it('is text with keys in one order, whatever order they came in', () => {
    const { defaults, version, layers } = planWith({ b: 'float', a: 'float' })
    const other = { layers: Object.fromEntries(Object.entries(layers).reverse()), defaults, version } as QuantPlan
    expect(serializePlan(other)).toBe(serializePlan(planWith({ a: 'float', b: 'float' })))
    expect(Object.keys(JSON.parse(serializePlan(other)) as object)).toEqual(['version', 'defaults', 'layers'])
  })

  it.each([
    { why: 'is no object', json: 7, message: 'the plan' },
    { why: 'has another version', json: { ...defaultPlan, version: 2 }, message: 'version' },
    { why: 'has an unknown key', json: { ...defaultPlan, layer: {} }, message: 'layer' },
    { why: 'has too many bits', json: planWith({ conv: { weights: { bits: 17 } } }), message: 'layers.conv' },
  ])('is refused when it $why', ({ json, message }) => {
    const fault = faultOf(() => parsePlan(json))
    expect(fault.code).toBe('plan.invalid')
    expect(fault.message).toContain(message)
  })
})

describe('a plan from options', () => {
  it.each([
    { weights: 'int8', expected: { bits: 8, storage: 'int8', symmetric: true, granularity: 'perChannel' } },
    { weights: 'uint8', expected: { bits: 8, storage: 'uint8', symmetric: false, granularity: 'perChannel' } },
    { weights: 'int4', expected: { bits: 4, storage: 'int4', symmetric: true, granularity: 'perChannel' } },
    { weights: 'uint16', expected: { bits: 16, storage: 'uint16', symmetric: false, granularity: 'perChannel' } },
    { weights: '5', expected: { bits: 5, storage: 'int8', symmetric: true, granularity: 'perChannel' } },
    { weights: '1', expected: { bits: 1, storage: 'uint8', symmetric: false, granularity: 'perChannel' } },
  ])('knows the weight type $weights', ({ weights, expected }) => {
    expect(planFromOptions({ weights }).defaults.weights).toEqual(expected)
  })

  it.each([
    { activations: 'int8', expected: { bits: 8, symmetric: true } },
    { activations: 'uint8', expected: { bits: 8, symmetric: false } },
    { activations: 'int16', expected: { bits: 16, symmetric: true } },
    { activations: '3', expected: { bits: 3, symmetric: false } },
  ])('knows the activation type $activations', ({ activations, expected }) => {
    expect(planFromOptions({ activations }).defaults.activations).toMatchObject(expected)
  })

  it('is the default plan when nothing is said', () => {
    expect(planFromOptions({})).toEqual(defaultPlan)
  })

  it('keeps the named layers in float, and lets --affine and --per-tensor rule', () => {
    const plan = planFromOptions({ symmetric: false, perTensor: true, keepFloat: ['fc'], calibration: 'entropy' })
    expect(plan.layers).toEqual({ fc: 'float' })
    expect(plan.defaults.weights).toMatchObject({ symmetric: false, granularity: 'perTensor' })
    expect(plan.defaults.activations.calibrator).toEqual({ method: 'entropy' })
  })

  it('blocks weight-only int4', () => {
    expect(planFromOptions({ mode: 'weightOnly', weights: 'int4' }).defaults.weights).toMatchObject({
      granularity: 'perBlock',
      blockSize: 32,
    })
  })

  it.each([
    { options: { weights: 'float' }, code: 'usage.unknownType' },
    { options: { activations: '9' }, code: 'usage.unknownType' },
    { options: { weights: '1', symmetric: true }, code: 'usage.symmetricOneBit' },
    { options: { activations: '1', symmetric: true }, code: 'usage.symmetricOneBit' },
  ])('refuses $options', ({ options, code }) => {
    expect(faultOf(() => planFromOptions(options)).code).toBe(code)
  })

  it('takes every type for weights and activations', () => {
    for (const type of planTypes) expect(() => planFromOptions({ weights: type, activations: type })).not.toThrow()
  })
})

describe('resolving against a model', () => {
  it('quantizes what can be, leaves the rest in float without complaint', () => {
    const kinds = Object.fromEntries(
      resolve(defaultPlan).layers.map(({ layer, decision }) => [layer.id, decision.kind]),
    )
    expect(kinds).toMatchObject({ 'stem/conv': 'quantized', 'block/conv': 'quantized', tanh: 'float', fc: 'quantized' })
  })

  it('leaves arithmetic that no integer layer feeds in float, unless the plan names it', () => {
    expect(decisionOf(defaultPlan, 'pool').kind).toBe('float')
    expect(decisionOf(planWith({ pool: {} }), 'pool').kind).toBe('quantized')
  })

  it.each([
    { why: 'bits alone', override: { bits: 4 }, expected: { bits: 4, storage: 'int8', symmetric: true } },
    { why: 'storage alone brings its bits', override: { storage: 'int4' }, expected: { bits: 4, storage: 'int4' } },
    { why: 'more bits than the storage widen it', override: { bits: 12 }, expected: { bits: 12, storage: 'int16' } },
    { why: 'symmetry alone', override: { symmetric: false }, expected: { bits: 8, storage: 'int8', symmetric: false } },
  ] as const)('merges an override with the defaults: $why', ({ override, expected }) => {
    const decision = decisionOf(planWith({ 'stem/conv': { weights: override } }), 'stem/conv')
    expect(decision.kind === 'quantized' && decision.weights).toMatchObject(expected)
  })

  it('takes blocks to mean weight-only', () => {
    const plan = planWith({ fc: { weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 } } })
    expect(decisionOf(plan, 'fc')).toMatchObject({ mode: 'weightOnly', weights: { blockSize: 32 } })
  })

  it.each([
    {
      why: 'a layer that is not there',
      plan: planWith({ 'stem/conw': 'float' }),
      code: 'plan.unknownLayer',
      says: 'Did you mean "stem/conv"',
    },
    {
      why: 'a layer that cannot be quantized',
      plan: planWith({ tanh: {} }),
      code: 'plan.notQuantizable',
      says: 'tanh',
    },
    {
      why: 'a tensor that is not there',
      plan: { ...defaultPlan, tensors: { nowhere: { range: [0, 1] as [number, number] } } },
      code: 'plan.unknownTensor',
      says: 'nowhere',
    },
    {
      why: 'a range the wrong way round',
      plan: { ...defaultPlan, tensors: { x: { range: [1, -1] as [number, number] } } },
      code: 'plan.range',
      says: '[1, -1]',
    },
    {
      why: 'more bits than the storage asked for',
      plan: planWith({ fc: { weights: { bits: 8, storage: 'int4' } } }),
      code: 'plan.scheme',
      says: 'int4',
    },
    {
      why: 'blocks in static mode',
      plan: planWith({ fc: { mode: 'static', weights: { storage: 'int4', granularity: 'perBlock' } } }),
      code: 'plan.scheme',
      says: 'weight-only',
    },
    {
      why: 'blocks of bytes',
      plan: planWith({ fc: { weights: { granularity: 'perBlock' } } }),
      code: 'plan.scheme',
      says: 'int4 or uint4',
    },
    {
      why: 'a block size without blocks',
      plan: planWith({ fc: { weights: { blockSize: 32 } } }),
      code: 'plan.scheme',
      says: 'blockSize',
    },
    {
      why: 'twelve-bit activations',
      plan: planWith({ fc: { activations: { bits: 12 } } }),
      code: 'plan.scheme',
      says: '12',
    },
    {
      why: 'a symmetric bit',
      plan: planWith({ fc: { weights: { bits: 1 } } }),
      code: 'usage.symmetricOneBit',
      says: 'fc',
    },
    {
      why: 'dynamic arithmetic',
      plan: planWith({ pool: { mode: 'dynamic' } }),
      code: 'plan.scheme',
      says: 'no weights',
    },
  ] satisfies { why: string; plan: QuantPlan; code: string; says: string }[])(
    'refuses $why',
    ({ plan, code, says }) => {
      const fault = faultOf(() => resolve(plan))
      expect(fault.code).toBe(code)
      expect(fault.message).toContain(says)
    },
  )

  it('lists every problem', () => {
    const fault = faultOf(() => resolve(planWith({ a: 'float', b: 'float', c: 'float', d: 'float' })))
    expect(fault.data['problems']).toHaveLength(4)
    expect(fault.message).toContain('1 more')
  })

  it('refuses a plan for another model', () => {
    const hash = (digit: string): string => `sha256:${digit.repeat(64)}`
    const plan = { ...defaultPlan, model: hash('a') }
    expect(() => resolve(plan, hash('a'))).not.toThrow()
    expect(faultOf(() => resolve(plan, hash('b'))).code).toBe('plan.otherModel')
  })

  it('knows the opset a plan needs', () => {
    expect(requiredOpset(resolve(defaultPlan))).toBe(13)
    expect(requiredOpset(resolve(planWith({ fc: { weights: { storage: 'int4' } } })))).toBe(21)
    expect(requiredOpset(resolve(planWith({ fc: { activations: { bits: 16 } } })))).toBe(21)
  })
})

it('suggests near names only', () => {
  expect(nearestNames('conv1', ['conv2', 'gemm', 'conv11'])).toEqual(['conv2', 'conv11'])
  expect(nearestNames('zzzzzz', ['conv2'])).toEqual([])
})
