import { describe, expect, it } from 'vitest'
import { applyRule, COMMON_RULES, layersOfRule, ruleText, type Rule } from '../../../../src/renderer/plan/rules.ts'
import { describeTraits, traitsOf, type LayerTraits } from '../../../../src/renderer/plan/traits.ts'
import type { GraphViewNode } from '../../../../src/shared/contract/graph-view.ts'
import { defaultPlan } from '../../../../src/shared/contract/plan.ts'
import { layer, planWith } from './layers.ts'

const conv = (id: string, kernel: number, groups = 1): LayerTraits => ({
  layer: layer(id),
  kernel: [kernel, kernel],
  groups,
  isDepthwise: groups > 1,
})
const other = (id: string, rest: Parameters<typeof layer>[1]): LayerTraits => ({
  layer: layer(id, rest),
  kernel: null,
  groups: 1,
  isDepthwise: false,
})
const traits = [
  conv('stem', 3),
  conv('dw', 3, 32),
  conv('pw', 1),
  other('add', { op: 'Add', role: 'arithmetic' }),
  other('pool', { op: 'MaxPool', role: 'movement' }),
  other('gemm', { op: 'Gemm' }),
  other('erf', { op: 'Erf', role: 'other', quantizable: false }),
]
const ids = (rule: Rule, selection: readonly string[] = [], plan = defaultPlan): string[] =>
  layersOfRule(plan, rule, traits, new Set(selection)).map(({ id }) => id)

describe('layersOfRule', () => {
  it.each<{ rule: Rule; found: string[] }>([
    { rule: { scope: 'all', action: 'float' }, found: ['stem', 'dw', 'pw', 'add', 'gemm'] },
    { rule: { scope: 'all', action: 'int8' }, found: ['stem', 'dw', 'pw', 'gemm'] },
    { rule: { scope: 'firstAndLast', action: 'float' }, found: ['stem', 'gemm'] },
    { rule: { scope: 'depthwise', action: 'perChannel' }, found: ['dw'] },
    { rule: { scope: 'pointwise', action: 'int8' }, found: ['pw'] },
    { rule: { scope: 'fullyConnected', action: 'int4' }, found: ['gemm'] },
    { rule: { scope: 'arithmetic', action: 'int8' }, found: ['add'] },
    { rule: { scope: 'selected', action: 'float' }, found: ['pw', 'pool'] },
    { rule: { scope: 'notSelected', action: 'float' }, found: ['stem', 'dw', 'add', 'gemm'] },
    { rule: { scope: 'arithmetic', action: 'perChannel' }, found: [] },
  ])('$rule.scope $rule.action: $found', ({ rule, found }) => {
    expect(ids(rule, ['pw', 'pool'])).toEqual(found)
  })

  it('a quality leaves float layers alone', () => {
    expect(ids({ scope: 'depthwise', action: 'perTensor' }, [], planWith({ dw: 'float' }))).toEqual([])
  })

  it('one layer with weights is first and last once', () => {
    expect(layersOfRule(defaultPlan, { scope: 'firstAndLast', action: 'float' }, [traits[5]!], new Set())).toHaveLength(
      1,
    )
  })
})

describe('applyRule', () => {
  it('int4 in blocks is weight-only', () => {
    const plan = applyRule(defaultPlan, { scope: 'fullyConnected', action: 'int4Blocks' }, traits, new Set())
    expect(plan.layers).toEqual({
      gemm: { mode: 'weightOnly', weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 } },
    })
  })

  it('every common rule has words', () => {
    expect(COMMON_RULES.map(ruleText)).toContain('First and last layer with weights to float')
    expect(ruleText({ scope: 'depthwise', action: 'perChannel' })).toBe('Depthwise convolutions: weights per channel')
  })
})

describe('traitsOf', () => {
  const node = (attributes: Record<string, string>): GraphViewNode => ({
    id: 'c',
    op: 'Conv',
    domain: '',
    layerId: 'c',
    inputs: ['x', 'w'],
    outputs: ['y'],
    captures: [],
    attributes: Object.entries(attributes).map(([name, text]) => ({ name, text })),
    outputShape: null,
  })
  const view = (attributes: Record<string, string>, weight: number[]) =>
    traitsOf({
      nodes: [node(attributes)],
      layers: [layer('c', { activation: 'Relu' })],
      tensors: [{ name: 'w', dataType: 'float', shape: weight, constantBytes: 4 }],
    })[0]!

  it('reads kernel and groups from the attributes', () => {
    const dw = view({ kernel_shape: '3, 3', group: '32' }, [32, 1, 3, 3])
    expect(dw).toMatchObject({ kernel: [3, 3], groups: 32, isDepthwise: true })
    expect(describeTraits(dw)).toBe('depthwise Conv 3×3 + Relu')
  })

  it('takes the kernel from the weights where the file does not say it', () => {
    expect(view({}, [64, 16, 1, 1])).toMatchObject({ kernel: [1, 1], groups: 1, isDepthwise: false })
  })

  it('groups of several channels are not depthwise', () => {
    const grouped = view({ kernel_shape: '3, 3', group: '4' }, [32, 8, 3, 3])
    expect(grouped.isDepthwise).toBe(false)
    expect(describeTraits(grouped)).toBe('Conv 3×3 + Relu, 4 groups')
  })
})
