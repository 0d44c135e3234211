import { describe, expect, it } from 'vitest'
import {
  changeDefaults,
  changeLayers,
  replaceLayers,
  setRange,
  setRepairs,
  type LayerChange,
} from '../../../../src/renderer/plan/edits.ts'
import { defaultPlan, quantPlan, type LayerOverride } from '../../../../src/shared/contract/plan.ts'
import { layer, planWith } from './layers.ts'

const conv = layer('conv')
const add = layer('add', { op: 'Add', role: 'arithmetic' })
const pool = layer('pool', { op: 'MaxPool', role: 'movement' })
const tanh = layer('tanh', { op: 'Tanh', role: 'other', quantizable: false, reason: 'no integer kernel' })

const cases: readonly {
  readonly why: string
  readonly from?: LayerOverride
  readonly of?: typeof conv
  readonly change: LayerChange
  readonly to: LayerOverride | undefined
}[] = [
  { why: 'float is said outright', change: { kind: 'float' }, to: 'float' },
  { why: 'the default bits are not said again', from: 'float', change: { kind: 'bits', bits: { weights: 8, activations: 8 } }, to: undefined },
  { why: 'arithmetic asked for bits is named', of: add, from: 'float', change: { kind: 'bits', bits: { weights: 8 } }, to: {} },
  { why: 'arithmetic takes the bits for its activations', of: add, change: { kind: 'bits', bits: { weights: 4 } }, to: { activations: { bits: 4 } } },
  { why: 'movement has no bits of its own', of: pool, change: { kind: 'bits', bits: { weights: 4 } }, to: {} },
  { why: 'what cannot be quantized is left alone', of: tanh, change: { kind: 'bits', bits: { weights: 8 } }, to: undefined },
  { why: 'few bits sit in the container of the defaults', change: { kind: 'bits', bits: { weights: 3, activations: 8 } }, to: { weights: { bits: 3 } } },
  { why: 'int4 is stored packed', change: { kind: 'bits', bits: { weights: 4, storage: 'int4' } }, to: { weights: { bits: 4, storage: 'int4' } } },
  { why: 'one bit is affine', change: { kind: 'bits', bits: { weights: 1 } }, to: { weights: { bits: 1, storage: 'uint8', symmetric: false } } },
  { why: 'more bits after one are symmetric again', from: { weights: { bits: 1, storage: 'uint8', symmetric: false } }, change: { kind: 'bits', bits: { weights: 2 } }, to: { weights: { bits: 2 } } },
  { why: '16 bits take a container that holds them', change: { kind: 'bits', bits: { weights: 16, activations: 16 } }, to: { weights: { bits: 16, storage: 'int16' }, activations: { bits: 16 } } },
  { why: 'a calibrator stays when bits change', from: { activations: { calibrator: { method: 'mse' } } }, change: { kind: 'bits', bits: { weights: 4 } }, to: { weights: { bits: 4 }, activations: { calibrator: { method: 'mse' } } } },
  { why: 'blocks end with packed storage', from: { mode: 'weightOnly', weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 } }, change: { kind: 'bits', bits: { weights: 8 } }, to: { mode: 'weightOnly' } },
  { why: 'a block size goes with the blocks', from: { weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 64 } }, change: { kind: 'weights', weights: { granularity: 'perTensor' } }, to: { weights: { bits: 4, storage: 'int4', granularity: 'perTensor' } } },
  { why: 'a quality quantizes what was float', from: 'float', change: { kind: 'weights', weights: { granularity: 'perTensor' } }, to: { weights: { granularity: 'perTensor' } } },
  { why: 'weights of a layer without any are not changed', of: add, change: { kind: 'weights', weights: { granularity: 'perTensor' } }, to: undefined },
  { why: 'the default mode is not said again', from: { mode: 'dynamic' }, change: { kind: 'mode', mode: 'static' }, to: undefined },
  { why: 'default takes the layer out of the plan', from: { weights: { bits: 4 } }, change: { kind: 'default' }, to: undefined },
] // prettier-ignore

describe('changeLayers', () => {
  it.each(cases)('$why', ({ from, of = conv, change, to }) => {
    const plan = planWith(from === undefined ? {} : { [of.id]: from })
    const changed = changeLayers(plan, [of], change)
    expect(changed.layers[of.id]).toEqual(to)
    expect(quantPlan.safeParse(changed).success).toBe(true)
  })

  it('changes many layers at once and leaves the others and the given plan alone', () => {
    const plan = planWith({ other: 'float' })
    const changed = changeLayers(plan, [conv, add], { kind: 'float' })
    expect(changed.layers).toEqual({ other: 'float', conv: 'float', add: 'float' })
    expect(plan.layers).toEqual({ other: 'float' })
  })
})

describe('replaceLayers', () => {
  it('puts back what was said, and takes out what was not', () => {
    const plan = planWith({ conv: 'float', add: 'float' })
    const back = replaceLayers(plan, new Map([['conv', { weights: { bits: 4 } }], ['add', undefined]])) // prettier-ignore
    expect(back.layers).toEqual({ conv: { weights: { bits: 4 } } })
  })
})

describe('setRange', () => {
  it('keeps the calibrator of the tensor, and drops what says nothing', () => {
    const plan = planWith({}, { tensors: { x: { calibrator: { method: 'mse' } } } })
    const ranged = setRange(plan, 'x', [-1, 2])
    expect(ranged.tensors).toEqual({ x: { calibrator: { method: 'mse' }, range: [-1, 2] } })
    expect(setRange(ranged, 'x', null)).toEqual(plan)
    expect(setRange(setRange(defaultPlan, 'x', [0, 1]), 'x', null)).toEqual(defaultPlan)
  })
})

describe('changeDefaults and setRepairs', () => {
  it('changes a part and keeps the rest', () => {
    const changed = changeDefaults(defaultPlan, { activations: { calibrator: { method: 'entropy' } } })
    expect(changed.defaults.activations).toEqual({ bits: 8, symmetric: false, calibrator: { method: 'entropy' } })
    expect(changed.defaults.weights).toEqual(defaultPlan.defaults.weights)
  })

  it('no repairs are not written', () => {
    expect(setRepairs(setRepairs(defaultPlan, ['bias']), [])).toEqual(defaultPlan)
  })
})
