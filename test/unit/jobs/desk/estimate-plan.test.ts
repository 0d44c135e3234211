import { describe, expect, it } from 'vitest'
import type { Estimate } from '../../../../src/shared/contract/api/plans.ts'
import type { LayerInfo, ModelSummary } from '../../../../src/shared/contract/model.ts'
import { defaultPlan, type QuantPlan } from '../../../../src/shared/contract/plan.ts'
import { estimatePlan } from '../../../../src/main/jobs/desk/estimate-plan.ts'
import {
  decisionKey,
  kernelKey,
  planKey,
  precisionKey,
  type Evidence,
  type MeasuredPlan,
} from '../../../../src/main/jobs/desk/evidence.ts'
import type { LayerDecision, ResolvedLayer } from '../../../../src/main/quant/setup.ts'

// Estimates of plans from made-up measurements, on a chain of four layers with weights.

const IDS = ['a', 'b', 'c', 'd']
const PARAMETERS = 1000

function layer(id: string, i: number): LayerInfo {
  return {
    id,
    op: 'Conv',
    activation: null,
    role: 'weighted',
    nodes: [id],
    inputs: [i === 0 ? 'in' : `${IDS[i - 1]}_out`],
    outputs: [`${id}_out`],
    outputShape: ['N', 10],
    parameters: PARAMETERS,
    macs: 1,
    quantizable: true,
    reason: null,
  }
}

const summary: ModelSummary = {
  path: 'chain.onnx',
  hash: `sha256:${'0'.repeat(64)}`,
  format: 'onnx',
  producer: '',
  irVersion: 8,
  opset: { '': 17 },
  inputs: [{ name: 'in', dataType: 'float', shape: ['N', 10] }],
  outputs: [{ name: 'd_out', dataType: 'float', shape: ['N', 10] }],
  sizeBytes: 17_000,
  parameters: 4000,
  macs: 4,
  nodeCount: 4,
  layers: IDS.map(layer),
  notes: [],
}

const INT8: LayerDecision = {
  kind: 'quantized',
  mode: 'static',
  weights: defaultPlan.defaults.weights,
  activations: defaultPlan.defaults.activations,
  biasBits: 32,
}
const FLOAT: LayerDecision = { kind: 'float' }

/** `8` quantized, `f` float, in the order of the chain. */
function layersOf(text: string): ResolvedLayer[] {
  return summary.layers.map((info, i) => ({ layer: info, decision: text[i] === '8' ? INT8 : FLOAT }))
}

function planOf(text: string): QuantPlan {
  const float = IDS.filter((_, i) => text[i] === 'f')
  return { ...defaultPlan, layers: Object.fromEntries(float.map((id) => [id, 'float' as const])) }
}

function measured(text: string, drop: number, bytes: number): MeasuredPlan {
  return {
    plan: planKey(planOf(text)),
    layers: layersOf(text),
    drop,
    dropKind: 'top1',
    floatTop1: 0.9,
    dropInterval: [drop - 0.001, drop + 0.001],
    damage: drop,
    samples: 1000,
    bytes,
  }
}

const NOTHING: Evidence = {
  damages: new Map(),
  nearDamages: new Map(),
  metric: null,
  measured: [],
  times: new Map(),
  profiles: [],
  speeds: [],
}

/** Damages 1, 2, 3, 4 for the four layers in int8. */
const SWEPT: Evidence = {
  ...NOTHING,
  metric: 'kl',
  damages: new Map(
    IDS.map((id, i) => [`${id}\n${decisionKey(INT8)}`, { value: i + 1, interval: [i + 0.5, i + 1.5] as const }]),
  ),
}

function estimate(text: string, evidence: Evidence) {
  return estimatePlan({ plan: planOf(text), layers: layersOf(text), summary, sampleShapes: { in: [1, 10] }, evidence })
}

const reasonOf = (one: Estimate): string => (one.value === null ? one.reason : '')

describe('without any measurement', () => {
  it('only the size is known, from the bits of the weights', () => {
    const { drop, damage, bytes, ms, speedup } = estimate('8888', NOTHING)
    expect([drop, damage, ms, speedup].map(({ value }) => value)).toEqual([null, null, null, null])
    expect(reasonOf(drop)).toContain('sensitivity')
    expect(reasonOf(ms)).toContain('measure')
    expect(bytes).toMatchObject({ measured: false })
    expect(bytes.value).toBeGreaterThan(17_000 - 4 * 3 * PARAMETERS)
    expect(bytes.value).toBeLessThan(17_000)
    expect(estimate('ffff', NOTHING).bytes).toMatchObject({ value: 17_000 })
  })
})

describe('after a sweep', () => {
  it('damages add up, with the spread of independent layers', () => {
    const { damage, drop, layers } = estimate('8f8f', SWEPT)
    expect(damage).toMatchObject({ value: 4, measured: false })
    if (damage.value === null) throw new Error('no damage is known')
    expect(damage.interval![1] - 4).toBeCloseTo(Math.SQRT1_2, 10)
    expect(layers.map(({ damage: own }) => own)).toEqual([1, 0, 3, 0])
    expect(reasonOf(drop)).toContain('Measure one plan')
    expect(estimate('ffff', SWEPT).drop).toMatchObject({ value: 0 })
  })

  it('says how many layers are not known at this precision, unless one of equal bits stands in', () => {
    const partly: Evidence = { ...SWEPT, damages: new Map([...SWEPT.damages].slice(0, 2)) }
    expect(reasonOf(estimate('8888', partly).damage)).toContain('2 layers')
    const near = new Map(
      ['c', 'd'].map((id) => [`${id}\n${precisionKey(INT8)}`, { value: 5, interval: null }] as const),
    )
    expect(estimate('8888', { ...partly, nearDamages: near }).damage).toMatchObject({ value: 1 + 2 + 5 + 5 })
  })
})

describe('after plans were measured', () => {
  const evidence: Evidence = { ...SWEPT, measured: [measured('8888', 0.05, 9000), measured('f888', 0.045, 11_990)] }

  it('a measured plan stands for itself', () => {
    const { drop, bytes, dropKind, floatTop1 } = estimate('8888', evidence)
    expect(drop).toMatchObject({ value: 0.05, measured: true, interval: [0.05 - 0.001, 0.05 + 0.001] })
    expect(bytes).toMatchObject({ value: 9000, measured: true })
    expect(dropKind).toBe('top1')
    expect(floatTop1).toBe(0.9)
  })

  it('others move from the nearest one by the damages that differ', () => {
    const { drop, bytes } = estimate('f8f8', evidence)
    const slope = (10 * 0.05 + 9 * 0.045) / (100 + 81)
    expect(drop).toMatchObject({ measured: false })
    expect(drop.value).toBeCloseTo(0.045 + slope * (6 - 9), 10)
    // what lies beyond the weights' bits: (9000 − 5000) / 4 = 1000 a layer, (11990 − 8000) / 3 = 1330; the upper of two is the median
    expect(bytes).toMatchObject({ value: 17_000 - 2 * 3 * PARAMETERS + 2 * 1330, measured: false })
  })
})

describe('after profiles', () => {
  const times = new Map([
    ...IDS.map((id) => [`${id}\nfloat`, 2] as const),
    ...IDS.map((id) => [`${id}\n${kernelKey(INT8)}`, 1] as const),
  ])
  const evidence: Evidence = {
    ...NOTHING,
    times,
    profiles: [
      { layers: null, ms: 8.1, otherMs: 0.1, bytes: 17_000 },
      { layers: layersOf('8888'), ms: 4.3, otherMs: 0.3, bytes: 9000 },
    ],
  }

  it('layer times add up, borders cost what they did', () => {
    const all = estimate('8888', evidence)
    expect(all.ms.value).toBeCloseTo(4.3, 10) // 20 elements cross a border: the input and the output
    expect(all.speedup.value).toBeCloseTo(8.1 / 4.3, 10)
    const torn = estimate('8f8f', evidence)
    expect(torn.ms.value).toBeCloseTo(2 * 1 + 2 * 2 + 0.1 + 0.01 * 40, 10)
    expect(torn.floatMs).toBe(8.1)
  })

  it('says which are missing', () => {
    const less = new Map([...times].filter(([key]) => key !== `b\n${kernelKey(INT8)}`))
    expect(reasonOf(estimate('8888', { ...evidence, times: less }).ms)).toContain('1 layer')
    expect(estimate('8f88', { ...evidence, times: less }).ms.value).not.toBeNull()
  })
})
