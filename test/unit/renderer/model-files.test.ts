import { expect, it } from 'vitest'
import { fileNameOf, modelsAmong } from '../../../src/renderer/model-files.ts'

it.each([
  { why: 'the model, not its data', paths: ['/d/a.onnx', '/d/a.onnx.data'], models: ['/d/a.onnx'] },
  {
    why: 'a TensorFlow.js model, not its shards',
    paths: ['/d/group1-shard1of1.bin', '/d/model.json'],
    models: ['/d/model.json'],
  },
  { why: 'each of several', paths: ['/d/a.onnx', '/d/b.ONNX'], models: ['/d/a.onnx', '/d/b.ONNX'] },
  { why: 'anything else once, for the host to refuse', paths: ['/d/a.png', '/d/b.png'], models: ['/d/a.png'] },
  { why: 'nothing of nothing', paths: [], models: [] },
])('opens of a drop $why', ({ paths, models }) => {
  expect(modelsAmong(paths)).toEqual(models)
})

it('takes the name of a path of either system', () => {
  expect([fileNameOf('/a/b.onnx'), fileNameOf('C:\\a\\b.onnx'), fileNameOf('b.onnx')]).toEqual(Array(3).fill('b.onnx'))
})
