import fs from 'node:fs'
import { expect, it } from 'vitest'
import { outsideArchive, resourcePath } from '../../../src/main/hosts/resources.ts'

it('finds the sample of a checkout', () => {
  expect(fs.existsSync(resourcePath('sample/digits-cnn.onnx'))).toBe(true)
  expect(() => resourcePath('sample/absent.onnx')).toThrow('missing')
})

it.each([
  [
    '/opt/Quantbench/resources/app.asar/resources/a.onnx',
    '/opt/Quantbench/resources/app.asar.unpacked/resources/a.onnx',
  ],
  ['C:\\Quantbench\\app.asar\\resources\\a.onnx', 'C:\\Quantbench\\app.asar.unpacked\\resources\\a.onnx'],
  ['/opt/app.asar.unpacked/resources/a.onnx', '/opt/app.asar.unpacked/resources/a.onnx'],
  ['/work/resources/a.onnx', '/work/resources/a.onnx'],
])('%s lies at %s', (file, real) => {
  expect(outsideArchive(file)).toBe(real)
})
