import { expect, it } from 'vitest'
import type { DataType } from '../../../../src/shared/contract/tensor.ts'
import { decodeModel, irVersionFor, modelBytes } from '../../../../src/main/formats/onnx/index.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'

function model(options: { opset: number; irVersion: number; type?: DataType; listed?: boolean }): Model {
  const b = new ModelBuilder({ ...options, initializersAsInputs: options.listed ?? true })
  b.node('Identity', [b.input('x', [1])], {}, { outputs: ['y'] })
  if (options.type) b.constant({ name: 'w', dataType: options.type, dims: [0], data: new Uint8Array(0) })
  b.output('y')
  return b.build()
}

it.each([
  { why: 'an old model stays as it is', given: { opset: 7, irVersion: 3 }, ir: 3 },
  { why: 'it is never lowered', given: { opset: 7, irVersion: 9 }, ir: 9 },
  { why: 'an upgraded operator set raises it', given: { opset: 13, irVersion: 3 }, ir: 7 },
  { why: 'opset 21 came with IR 10', given: { opset: 21, irVersion: 3 }, ir: 10 },
  { why: 'opset 25 came with IR 13', given: { opset: 25, irVersion: 8 }, ir: 13 },
  {
    why: 'initializers that are no inputs need IR 4',
    given: { opset: 7, irVersion: 3, type: 'float' as const, listed: false },
    ir: 4,
  },
  { why: 'listed ones do not', given: { opset: 7, irVersion: 3, type: 'float' as const }, ir: 3 },
  { why: 'int4 needs IR 10', given: { opset: 13, irVersion: 3, type: 'int4' as const }, ir: 10 },
  { why: 'float8 needs IR 9', given: { opset: 13, irVersion: 3, type: 'float8e5m2' as const }, ir: 9 },
  { why: 'uint2 needs IR 13', given: { opset: 13, irVersion: 3, type: 'uint2' as const }, ir: 13 },
])('$why: IR $ir', ({ given, ir }) => {
  expect(irVersionFor(model(given))).toBe(ir)
  expect(decodeModel(modelBytes(model(given))).irVersion).toBe(ir)
})
