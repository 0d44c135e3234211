import { describe, expect, it } from 'vitest'
import type { ExternalReader } from '../../../../src/main/formats/onnx/index.ts'
import { decodeModel, encodeModel, joinChunks, modelBytes, openModel } from '../../../../src/main/formats/onnx/index.ts'
import type { EncodedModel } from '../../../../src/main/formats/onnx/index.ts'
import { float32Of } from '../../../../src/main/graph/tensors.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'
import { fileWithTensor, modelFileOf } from '../../../builders/onnx-proto.ts'

function twoLayers() {
  const b = new ModelBuilder()
  b.node(
    'Gemm',
    [b.node('Gemm', [b.input('x', ['N', 32]), b.weights([32, 32])]), b.weights([32, 16])],
    {},
    { outputs: ['y'] },
  )
  b.output('y')
  return b.build()
}

function readerOf(encoded: EncodedModel): ExternalReader {
  const data = joinChunks(encoded.external!)
  return ({ location, offset, length }) => {
    expect(location).toBe(encoded.external!.location)
    return data.subarray(offset, offset + length!)
  }
}

describe('writing weights outside the model', () => {
  it('when asked, and reading them back gives the same model', () => {
    const model = twoLayers()
    const encoded = encodeModel(model, { external: 'always', location: 'm.onnx.data' })
    expect(encoded.external!.byteLength).toBeGreaterThanOrEqual(4 * (32 * 32 + 32 * 16))
    expect(encoded.byteLength).toBeLessThan(1000)
    expect(decodeModel(joinChunks(encoded), { external: readerOf(encoded) })).toEqual(model)
  })

  it('only what reaches the threshold', () => {
    const encoded = encodeModel(twoLayers(), { external: 'always', thresholdBytes: 3000 })
    expect(encoded.external!.byteLength).toBe(32 * 32 * 4)
    expect(encodeModel(twoLayers(), { external: 'always', thresholdBytes: 10_000 }).external).toBeNull()
  })

  it('of itself when the file would pass the limit', () => {
    const size = encodeModel(twoLayers()).byteLength
    expect(encodeModel(twoLayers(), { limitBytes: size }).external).toBeNull()
    expect(encodeModel(twoLayers(), { limitBytes: size - 1 }).external).not.toBeNull()
    expect(() => encodeModel(twoLayers(), { limitBytes: size - 1, external: 'never' })).toThrow(
      /more than one file can hold/,
    )
  })

  it('nothing is copied: the chunks are the tensors themselves', () => {
    const model = twoLayers()
    const buffers = [...model.graph.initializers.values()].map(({ data }) => data.buffer)
    const chunks = encodeModel(model, { external: 'always' }).external!.chunks.map(({ buffer }) => buffer)
    const inline = encodeModel(model).chunks.map(({ buffer }) => buffer)
    for (const buffer of buffers) {
      expect(chunks).toContain(buffer)
      expect(inline).toContain(buffer)
    }
  })

  it('each at an offset where any type is aligned', () => {
    const encoded = encodeModel(twoLayers(), { external: 'always' })
    const offsets = openModel(joinChunks(encoded), 'm').references.map(({ offset }) => offset)
    expect(offsets.every((offset) => offset % 64 === 0)).toBe(true)
  })
})

describe('reading weights from outside', () => {
  const entries = (fields: Record<string, string>) => Object.entries(fields).map(([key, value]) => ({ key, value }))
  const external = (fields: Record<string, string>) => ({
    dataType: 1,
    dims: [2n],
    dataLocation: 1,
    externalData: entries(fields),
  })
  const data = new Uint8Array(Float32Array.of(9, 1, 2, 9).buffer)
  const reader: ExternalReader = ({ offset, length }) =>
    data.subarray(offset, length === null ? undefined : offset + length)

  it('lists what is needed, the length worked out from the shape where it is not stated', () => {
    const opened = openModel(fileWithTensor(external({ location: 'w.bin', offset: '4', checksum: 'ab' })), 'm')
    expect(opened.references).toEqual([{ location: 'w.bin', offset: 4, length: 8, checksum: 'ab', tensor: 'w' }])
  })

  it('takes the bytes from there', () => {
    const model = decodeModel(fileWithTensor(external({ location: 'w.bin', offset: '4', length: '8' })), {
      external: reader,
    })
    expect([...float32Of(model.graph.initializers.get('w')!)]).toEqual([1, 2])
  })

  it('refuses a length that does not fit the shape', () => {
    const file = fileWithTensor(external({ location: 'w.bin', length: '12' }))
    expect(() => decodeModel(file, { external: reader })).toThrow(/needs 8 bytes but holds 12/)
  })

  it('brings in what is carried unread too, since the other file is left behind when the model is written elsewhere', () => {
    const tensor = { name: 'w', ...external({ location: 'w.bin' }) }
    const file = modelFileOf({
      node: [
        {
          opType: 'X',
          attribute: [
            { name: 'ts', type: 9, tensors: [tensor] },
            { name: 't', type: 4, t: tensor },
          ],
        },
      ],
      sparseInitializer: [
        { values: tensor, indices: { dataType: 7, dims: [2n], rawData: new Uint8Array(16) }, dims: [9n] },
      ],
    })
    expect(openModel(file, 'm').references).toHaveLength(3)
    const again = openModel(modelBytes(decodeModel(file, { external: reader })), 'm')
    expect(again.references).toHaveLength(0)
  })
})
