import path from 'node:path'
import { expect, it } from 'vitest'
import { askedFile } from '../../../../src/main/hosts/electron/asked-file.ts'

const folder = path.resolve('/models')

it.each([
  { why: 'no file', argv: ['quantbench', '--home', '/tmp/x'], found: null },
  { why: 'a file beside the shell', argv: ['quantbench', 'net.onnx'], found: path.join(folder, 'net.onnx') },
  { why: 'a whole path', argv: ['quantbench', path.resolve('/a/B.ONNX')], found: path.resolve('/a/B.ONNX') },
  { why: 'a TensorFlow.js model', argv: ['quantbench', '.', 'm/model.json'], found: path.join(folder, 'm/model.json') },
  { why: 'an option that looks like one', argv: ['quantbench', '--log=x.onnx'], found: null },
  { why: 'another JSON file', argv: ['quantbench', 'plan.json'], found: null },
])('$why', ({ argv, found }) => {
  expect(askedFile(argv, folder)).toBe(found)
})
