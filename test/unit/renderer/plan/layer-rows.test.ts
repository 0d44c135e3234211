import { expect, it } from 'vitest'
import {
  filterLines,
  layerLines,
  layerState,
  overlayHead,
  type LayerStates,
} from '../../../../src/renderer/plan/layer-rows.ts'
import { resolveRoughly } from '../../../../src/renderer/plan/settings.ts'
import type { GraphOverlay } from '../../../../src/renderer/graph/decor.ts'
import { layer, planWith } from './layers.ts'

const layers = [layer('stem/conv', { activation: 'Relu' }), layer('gemm', { op: 'Gemm' })]
const lines = layerLines([
  { layer: layers[0]!, kernel: [3, 3], groups: 1, isDepthwise: false },
  { layer: layers[1]!, kernel: null, groups: 1, isDepthwise: false },
])
const plan = planWith({ gemm: 'float' })
const overlay: GraphOverlay = {
  kind: 'sequential',
  name: 'time',
  unit: 'ms',
  values: new Map([['gemm', { value: 0.51234, estimated: true }]]),
  scale: 'linear',
  combine: 'sum',
}
const states: LayerStates = {
  resolved: new Map(layers.map((one) => [one.id, resolveRoughly(plan, one)])),
  overlay,
  changed: new Set(['gemm']),
}

it('says of a layer what the list shows', () => {
  expect(lines[0]).toMatchObject({ id: 'stem/conv', op: 'Conv 3×3 + Relu', shape: '1×8×4×4', isQuantizable: true })
  expect(layerState('gemm', states)).toMatchObject({ value: '0.512', isEstimated: true, differs: true })
  expect(layerState('stem/conv', states)).toMatchObject({ precision: { label: '8' }, value: '', differs: false })
  expect([overlayHead(overlay), overlayHead(null)]).toEqual(['time, ms', null])
})

it('finds layers by every word, in name, op or precision', () => {
  const found = (filter: string): string[] => filterLines(lines, filter, states).map(({ id }) => id)
  expect(found('')).toEqual(['stem/conv', 'gemm'])
  expect(found('CONV relu')).toEqual(['stem/conv'])
  expect(found('float')).toEqual(['gemm'])
  expect(found('conv float')).toEqual([])
})
