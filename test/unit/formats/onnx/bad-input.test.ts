import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isFault } from '../../../../src/shared/contract/fault.ts'
import type { Fault } from '../../../../src/shared/contract/fault.ts'
import { decodeModel, modelBytes } from '../../../../src/main/formats/onnx/index.ts'
import { builtGraphs } from '../../../builders/graphs.ts'
import { seeded } from '../../../builders/model-builder.ts'
import { fileWithTensor, floatInfo, modelFileOf } from '../../../builders/onnx-proto.ts'

function faultOf(bytes: Uint8Array): Fault {
  try {
    decodeModel(bytes, { source: 'some.onnx' })
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
  throw new Error('it was read without a fault')
}

const text = (content: string): Uint8Array => Buffer.from(content, 'latin1')
const sound = modelBytes(builtGraphs()[0]!.model)
/** Field `number` of length-delimited content. */
const field = (number: number, content: Uint8Array): Uint8Array => {
  const head: number[] = []
  for (let value of [number * 8 + 2, content.length]) {
    for (; value > 127; value >>>= 7) head.push((value & 127) | 128)
    head.push(value)
  }
  return Buffer.concat([Uint8Array.from(head), content])
}
const irVersion = Uint8Array.of(8, 8)

describe('a file of another kind is called by its name', () => {
  it.each([
    ['a zip archive', Buffer.concat([text('PK\u0003\u0004'), Buffer.alloc(200)]), 'zip'],
    ['a PyTorch checkpoint', text('PK\u0003\u0004\0\0archive/data.pkl'), 'pytorch'],
    ['gzip', gzipSync(sound), 'gzip'],
    ['a web page', text('<!DOCTYPE html><html><body>404</body></html>'), 'html'],
    ['a web page after blank lines', text('\n\n<html><head>'), 'html'],
    [
      'a Git LFS pointer',
      text('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n'),
      'gitLfsPointer',
    ],
    ['a TensorFlow.js model.json', text('{"format": "layers-model", "modelTopology": {}}'), 'tfjs'],
    ['some other JSON', text('{"a": 1}'), 'json'],
    ['a text file', text('Just some words.\n'), 'text'],
    ['a Keras file', text('\u0089HDF\r\n\u001a\n'), 'hdf5'],
    ['a TensorFlow Lite model', text('\u001c\0\0\0TFL3\0\0'), 'tflite'],
    ['an ORT model', text('\u001c\0\0\0ORTM\0\0'), 'ort'],
    ['a pickle', Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c), 'pickle'],
    [
      'safetensors',
      Buffer.concat([Uint8Array.of(60, 0, 0, 0, 0, 0, 0, 0), text('{"w":{"dtype":"F32"}}')]),
      'safetensors',
    ],
    ['a picture', text('\u0089PNG\r\n\u001a\n\0\0'), 'image'],
    ['zeros only', new Uint8Array(4096), 'zeros'],
    ['a TensorFlow graph', Buffer.concat([text('\n\u0013\n\u0001x\u0012\u000bPlaceholder')]), 'graphDef'],
    [
      'a TensorFlow SavedModel',
      Buffer.concat([Uint8Array.of(8, 1), field(2, text('\n\u0005serve and the rest'))]),
      'savedModel',
    ],
  ])('%s', (_, bytes, kind) => {
    const fault = faultOf(bytes)
    expect(fault.code).toBe('format.notOnnx')
    expect(fault.data.kind).toBe(kind)
    expect(fault.message).toMatch(/^some\.onnx is .*: .+/)
  })

  it('an empty file', () => {
    expect(faultOf(new Uint8Array(0))).toMatchObject({ code: 'format.empty' })
  })

  it('a protobuf of something else, and random bytes', () => {
    expect(faultOf(Buffer.concat([Uint8Array.of(8, 4), field(2, text('spec')), field(500, text('layers'))])).code).toBe(
      'format.notOnnx',
    )
    const random = seeded(3)
    for (let i = 0; i < 200; i++) {
      const code = faultOf(
        Uint8Array.from({ length: 1 + Math.floor(random() * 300) }, () => Math.floor(random() * 256)),
      ).code
      expect(code).toMatch(/^format\./)
    }
  })
})

describe('a damaged file', () => {
  it('cut anywhere says that it is cut short or damaged', () => {
    for (let length = 1; length < sound.length; length++) {
      const bytes = sound.slice(0, length)
      let fault: Fault | null = null
      try {
        // cut between two fields it may be whole in itself, though without a graph
        decodeModel(bytes)
      } catch (error) {
        if (!isFault(error)) throw error
        fault = error
      }
      expect(fault?.code).toMatch(/^format\.(?:truncated|notOnnx|malformed|empty)$/)
    }
  })

  it('names the place of the cut', () => {
    const fault = faultOf(sound.slice(0, sound.length - 10))
    expect(fault.code).toBe('format.truncated')
    expect(fault.message).toMatch(/^some\.onnx is cut short: it ends in graph at byte \d+ /)
  })

  it.each([
    ['a length beyond its message', field(1, Buffer.concat([Uint8Array.of(0x0a, 100)])), 'graph.node[0].input'],
    ['a wire type that does not fit the field', field(1, Uint8Array.of(0x08, 1)), 'graph.node[0].input'],
    ['field number 0', field(1, Uint8Array.of(0, 1)), 'graph.node[0]'],
    [
      'a number of eleven bytes',
      field(5, Buffer.concat([Uint8Array.of(16), Buffer.alloc(11, 0xff)])),
      'graph.initializer[0].data_type',
    ],
    ['a group that does not end', field(5, Uint8Array.of(0x9b, 0x06)), 'graph.initializer[0]'],
    ['half a float', field(5, field(4, Uint8Array.of(1, 2, 3))), 'graph.initializer[0].float_data'],
  ])('%s is found at its place', (_, graph, place) => {
    const fault = faultOf(Buffer.concat([irVersion, field(7, Buffer.concat([graph, field(2, text('name'))]))]))
    expect(fault.code).toBe('format.malformed')
    expect(fault.data.path).toBe(place)
  })

  it('nested deeper than any reader goes', () => {
    let type: Uint8Array = Uint8Array.of(8, 1)
    for (let i = 0; i < 200; i++) type = field(4, field(1, type))
    const graph = field(11, field(2, type))
    expect(faultOf(Buffer.concat([irVersion, field(7, graph)]))).toMatchObject({ code: 'format.malformed' })
    let group: Uint8Array = new Uint8Array(0)
    for (let i = 0; i < 5000; i++) group = Buffer.concat([Uint8Array.of(0x9b, 0x06), group, Uint8Array.of(0x9c, 0x06)])
    expect(faultOf(Buffer.concat([irVersion, field(7, group)])).message).toContain('nested more than 100 deep')
  })
})

describe('tensors that do not add up', () => {
  it.each([
    ['too little data', { dataType: 1, dims: [3n], rawData: new Uint8Array(8) }, 'format.tensorSize'],
    ['too much data', { dataType: 1, dims: [1n], rawData: new Uint8Array(8) }, 'format.tensorSize'],
    ['too little in a typed field', { dataType: 7, dims: [3n], int64Data: [1n] }, 'format.tensorSize'],
    ['no data at all', { dataType: 1, dims: [2n, 2n] }, 'format.tensorSize'],
    ['data in the field of another type', { dataType: 1, dims: [1n], int32Data: [1] }, 'format.tensorSize'],
    ['too few strings', { dataType: 8, dims: [2n], stringData: [new Uint8Array(1)] }, 'format.tensorSize'],
    ['a negative dimension', { dataType: 1, dims: [-2n], rawData: new Uint8Array(8) }, 'format.shape'],
    [
      'dimensions whose product overflows',
      { dataType: 1, dims: [2n ** 32n, 2n ** 32n], rawData: new Uint8Array(8) },
      'format.shape',
    ],
    ['a dimension beyond 2^53', { dataType: 1, dims: [2n ** 62n], rawData: new Uint8Array(8) }, 'format.shape'],
    [
      'a huge shape that wraps to zero in 64 bits',
      { dataType: 1, dims: [2n ** 40n, 2n ** 40n], rawData: new Uint8Array(0) },
      'format.shape',
    ],
    ['no type', { dims: [1n], rawData: new Uint8Array(4) }, 'format.dataType'],
    ['an unknown type', { dataType: 99, dims: [1n], rawData: new Uint8Array(4) }, 'format.dataType'],
    ['a negative type', { dataType: -1, dims: [1n], rawData: new Uint8Array(4) }, 'format.dataType'],
  ])('%s', (_, tensor, code) => {
    const fault = faultOf(fileWithTensor(tensor))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain('some.onnx: initializer "w"')
  })
})

describe('graphs that contradict themselves', () => {
  const w = { name: 'w', dataType: 1, dims: [1n], floatData: [1] }
  it.each([
    ['two initializers of one name', modelFileOf({ initializer: [w, w] }), 'format.duplicateName'],
    [
      'two attributes of one name',
      modelFileOf({
        node: [
          {
            opType: 'X',
            attribute: [
              { name: 'a', type: 2 },
              { name: 'a', type: 2 },
            ],
          },
        ],
      }),
      'format.duplicateName',
    ],
    [
      'two versions of one operator set',
      modelFileOf(
        {},
        {
          opsetImport: [
            { domain: '', version: 1n },
            { domain: 'ai.onnx', version: 2n },
          ],
        },
      ),
      'format.duplicateName',
    ],
    ['a negative length of an input', modelFileOf({ input: [floatInfo('x', [-3])] }), 'format.shape'],
    [
      'a tensor attribute without a tensor',
      modelFileOf({ node: [{ opType: 'X', attribute: [{ name: 'a', type: 4 }] }] }),
      'format.malformed',
    ],
    [
      "a reference to a function's attribute outside a function",
      modelFileOf({ node: [{ opType: 'X', attribute: [{ name: 'a', type: 1, refAttrName: 'b' }] }] }),
      'format.malformed',
    ],
    [
      'external data without a file name',
      fileWithTensor({ dataType: 1, dims: [1n], dataLocation: 1 }),
      'format.externalEntry',
    ],
    [
      'an external offset that is no number',
      fileWithTensor({
        dataType: 1,
        dims: [1n],
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'w' },
          { key: 'offset', value: '-1' },
        ],
      }),
      'format.externalEntry',
    ],
    [
      'external data nobody gives',
      fileWithTensor({ dataType: 1, dims: [1n], dataLocation: 1, externalData: [{ key: 'location', value: 'w' }] }),
      'format.externalMissing',
    ],
  ])('%s', (_, bytes, code) => {
    expect(faultOf(bytes).code).toBe(code)
  })
})
