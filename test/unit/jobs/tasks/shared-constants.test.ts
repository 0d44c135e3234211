import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { decodeModel, encodeModel, joinChunks } from '../../../../src/main/formats/onnx/index.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { SharedConstants } from '../../../../src/main/jobs/tasks/shared-constants.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'
import { temporaryFolder } from '../../../builders/temporary.ts'

const SIGNAL = new AbortController().signal

/** A large constant and a small one. */
function model(): Model {
  const builder = new ModelBuilder()
  const x = builder.input('x', [1, 64])
  const large = builder.weights([64, 64], 1, 'large')
  const small = builder.weights([64], 1, 'small')
  const y = builder.node('Add', [builder.node('MatMul', [x, large]), small])
  builder.output(y)
  return builder.build()
}

it('keeps the large constants of a model outside, page by page, and gives them back', async () => {
  const folder = temporaryFolder()
  const file = path.join(folder, 'base.constants')
  const source = model()
  const shared = new SharedConstants(source, ({ data }) => data, file)
  await shared.write(SIGNAL)
  expect(fs.statSync(file).size).toBe(64 * 64 * 4)

  const encoded = encodeModel(source, { outside: ({ data }) => shared.placeOf(data) })
  expect(encoded.byteLength).toBeLessThan(2000)
  const bytes = joinChunks(encoded)
  const fromFile = decodeModel(bytes, {
    external: ({ location, offset, length }) =>
      new Uint8Array(fs.readFileSync(path.join(folder, location)).subarray(offset, offset + length!)),
  })
  const fromMemory = decodeModel(bytes, { external: (reference) => shared.read(reference) })
  for (const { graph } of [fromFile, fromMemory])
    for (const [name, { data }] of source.graph.initializers)
      expect(Buffer.compare(graph.initializers.get(name)!.data, data)).toBe(0)
})

it('leaves a file alone that is there', async () => {
  const file = path.join(temporaryFolder(), 'base.constants')
  fs.writeFileSync(file, 'from another process')
  await new SharedConstants(model(), ({ name }) => name, file).write(SIGNAL)
  expect(fs.readFileSync(file, 'utf8')).toBe('from another process')
})

it('holds equal keys once, and knows no others', () => {
  const source = model()
  const shared = new SharedConstants(source, () => 7, 'base.constants')
  expect(shared.placeOf(7)).toEqual({ location: 'base.constants', offset: 0 })
  expect(shared.placeOf(8)).toBeNull()
  expect(() => shared.read({ offset: 4096, tensor: 'other' })).toThrow('other does not lie among the shared constants')
})
