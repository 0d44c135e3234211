import { join } from 'node:path'
import { expect, it } from 'vitest'
import { modelName } from '../../../src/main/jobs/model-name.ts'

it.each([
  { why: 'a file by its name', path: join('models', 'net.onnx'), name: 'net.onnx' },
  { why: 'a TensorFlow.js model by its folder', path: join('models', 'mobilenet', 'model.json'), name: 'mobilenet' },
  { why: 'one without a folder by its file', path: 'model.json', name: 'model.json' },
])('calls $why', ({ path, name }) => {
  expect(modelName(path)).toBe(name)
})
