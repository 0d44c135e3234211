import { describe, expect, it } from 'vitest'
import { conversionRequest, isConversion, isTfjs, type WeightChoice } from '../../../../src/renderer/plan/conversion.ts'
import { EXPORT_FORMATS } from '../../../../src/renderer/plan/export-plan.ts'
import { jobRequest } from '../../../../src/shared/contract/api/jobs.ts'
import { planWith } from './layers.ts'

const plan = planWith({ first: 'float', second: { weights: { bits: 4, storage: 'int4' } }, last: 'float' })
const asked = (format: 'tfjs' | 'tfjsLayers' | 'onnxFloat', storage: WeightChoice['storage'], keepsFloat = true) =>
  jobRequest.parse(conversionRequest(format, '/a.onnx', { plan, weights: { storage, keepsFloat } }, null))

describe('a conversion', () => {
  it.each([
    { format: 'tfjs', to: 'graph-model' },
    { format: 'tfjsLayers', to: 'layers-model' },
    { format: 'onnxFloat', to: 'onnx' },
  ] as const)('to $format is one to $to', ({ format, to }) => {
    expect(asked(format, 'plan')).toMatchObject({ kind: 'convert', model: '/a.onnx', to, output: null })
  })

  it('stores weights as the plan says, with nothing said beside it', () => {
    expect(asked('tfjs', 'plan')).toMatchObject({ plan, weights: 'float32', keepFloat: [] })
  })

  it.each([
    { why: 'all as one type, the float layers spared', storage: 'uint8', keeps: true, keepFloat: ['first', 'last'] },
    { why: 'all as one type without exception', storage: 'float16', keeps: false, keepFloat: [] },
    { why: 'nobody is spared where nothing is rounded', storage: 'float32', keeps: true, keepFloat: [] },
  ] as const)('stores $why', ({ storage, keeps, keepFloat }) => {
    expect(asked('tfjsLayers', storage, keeps)).toMatchObject({ plan: null, weights: storage, keepFloat })
  })

  it('to ONNX says nothing of weights: they are as they were', () => {
    expect(asked('onnxFloat', 'uint8')).toMatchObject({ plan: null, weights: 'float32', keepFloat: [] })
  })
})

it('offers both formats of TensorFlow.js, and ONNX in float', () => {
  const formats = EXPORT_FORMATS.map(({ value }) => value)
  expect(formats.filter(isConversion)).toEqual(['onnxFloat', 'tfjs', 'tfjsLayers'])
  expect(formats.filter(isTfjs)).toEqual(['tfjs', 'tfjsLayers'])
})
