import fs from 'node:fs'
import path from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { decodeModel, modelBytes } from '../../../../src/main/formats/onnx/index.ts'
import { AttributeProto_AttributeType, ModelProtoSchema } from '../../../../src/main/formats/onnx/gen/onnx_pb.js'
import type { Model } from '../../../../src/main/graph/model.ts'
import { builtGraphs } from '../../../builders/graphs.ts'
import { addUnknownFields, floatInfo, modelFileOf } from '../../../builders/onnx-proto.ts'
import { sharedModels } from '../../../builders/shared.ts'

const types = AttributeProto_AttributeType
const utf8 = new TextEncoder()

/** A file with every construct of the schema, most of them twice, and an unknown field at every level. */
function fileWithEverything(): Uint8Array {
  const message = fromBinary(ModelProtoSchema, everything())
  addUnknownFields(message)
  return toBinary(ModelProtoSchema, message)
}

function everything(): Uint8Array {
  const raw = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
  const entry = (key: string, value: string) => ({ key, value })
  const inner = {
    name: 'branch',
    node: [{ opType: 'Relu', input: ['x'], output: ['inner'], docString: 'inside' }],
    output: [floatInfo('inner', [2])],
    initializer: [{ name: 'unused', dataType: 1, dims: [1n], rawData: raw(1), docString: 'a tensor' }],
    docString: 'a branch',
  }
  const sparse = {
    values: { name: 'sparse', dataType: 1, dims: [1n], rawData: raw(7) },
    indices: { dataType: 7, dims: [1n], rawData: new Uint8Array(8) },
    dims: [4n],
  }
  return modelFileOf(
    {
      name: 'everything',
      docString: 'a graph',
      node: [
        {
          name: 'n',
          opType: 'Thing',
          domain: 'my.domain',
          overload: 'o',
          input: ['x', '', 'w'],
          output: ['a', '', 'b'],
          docString: 'a node',
          metadataProps: [entry('k', 'v')],
          deviceConfigurations: [
            { configurationId: 'c', pipelineStage: 2, shardingSpec: [{ tensorName: 'x', device: [0n, 1n] }] },
          ],
          attribute: [
            { name: 'f', type: types.FLOAT, f: 0.1, docString: 'an attribute' },
            { name: 'zero', type: types.INT, i: 0n },
            { name: 'i', type: types.INT, i: -(2n ** 63n) },
            { name: 's', type: types.STRING, s: Uint8Array.of(0xff, 0xfe) },
            {
              name: 't',
              type: types.TENSOR,
              t: { name: 'inside', dataType: 1, dims: [], rawData: raw(5), metadataProps: [entry('a', 'b')] },
            },
            { name: 'g', type: types.GRAPH, g: inner },
            { name: 'fs', type: types.FLOATS, floats: [1.5, NaN, Infinity] },
            { name: 'none', type: types.FLOATS },
            { name: 'is', type: types.INTS, ints: [1n, 2n ** 60n] },
            { name: 'ss', type: types.STRINGS, strings: [utf8.encode('a'), utf8.encode('')] },
            { name: 'gs', type: types.GRAPHS, graphs: [inner, inner] },
            { name: 'ts', type: types.TENSORS, tensors: [{ dataType: 1, dims: [1n], rawData: raw(6) }] },
            { name: 'st', type: types.SPARSE_TENSOR, sparseTensor: sparse },
            {
              name: 'tp',
              type: types.TYPE_PROTO,
              tp: {
                value: {
                  case: 'sequenceType',
                  value: { elemType: { value: { case: 'tensorType', value: { elemType: 1 } } } },
                },
              },
            },
          ],
        },
      ],
      initializer: [
        {
          name: 'w',
          dataType: 1,
          dims: [2n],
          rawData: raw(1, 2),
          docString: 'weights',
          metadataProps: [entry('k', 'v')],
          segment: { begin: 0n, end: 2n },
        },
        { name: 'empty', dataType: 1, dims: [0n, 3n], rawData: new Uint8Array(0) },
        { name: 'strings', dataType: 8, dims: [2n], stringData: [utf8.encode('one'), Uint8Array.of(0xc3)] },
      ],
      sparseInitializer: [sparse],
      input: [
        { ...floatInfo('x', ['batch', 2]), docString: 'an input', metadataProps: [entry('k', 'v')] },
        {
          name: 'denoted',
          type: {
            denotation: 'IMAGE',
            value: {
              case: 'tensorType',
              value: {
                elemType: 1,
                shape: {
                  dim: [
                    { value: { case: 'dimParam', value: 'N' }, denotation: 'DATA_BATCH' },
                    { denotation: 'DATA_CHANNEL' },
                  ],
                },
              },
            },
          },
        },
        { name: 'unranked', type: { value: { case: 'tensorType', value: { elemType: 7 } } } },
        { name: 'scalar', type: { value: { case: 'tensorType', value: { elemType: 9, shape: {} } } } },
        {
          name: 'map',
          type: {
            value: {
              case: 'mapType',
              value: { keyType: 7, valueType: { value: { case: 'tensorType', value: { elemType: 1 } } } },
            },
          },
        },
        {
          name: 'optional',
          type: {
            value: {
              case: 'optionalType',
              value: { elemType: { value: { case: 'tensorType', value: { elemType: 1 } } } },
            },
          },
        },
        {
          name: 'newer',
          type: {
            value: {
              case: 'tensorType',
              value: { elemType: 27, shape: { dim: [{ value: { case: 'dimValue', value: 3n } }] } },
            },
          },
        },
        { name: 'untyped' },
      ],
      output: [floatInfo('a', [2]), floatInfo('b', [])],
      valueInfo: [floatInfo('mid', [1])],
      quantizationAnnotation: [{ tensorName: 'x', quantParameterTensorNames: [entry('SCALE_TENSOR', 's')] }],
      metadataProps: [entry('graph', 'yes')],
    },
    {
      producerName: 'maker',
      producerVersion: '1',
      domain: 'org.example',
      modelVersion: 3n,
      docString: 'a model',
      opsetImport: [
        { domain: '', version: 17n },
        { domain: 'my.domain', version: 1n },
      ],
      metadataProps: [{ ...entry('author', 'me') }, entry('licence', 'none')],
      trainingInfo: [{ initialization: inner, algorithm: inner, updateBinding: [entry('a', 'b')] }],
      functions: [
        {
          name: 'Thing',
          domain: 'my.domain',
          overload: 'o',
          input: ['p'],
          output: ['q'],
          attribute: ['outer'],
          attributeProto: [{ name: 'd', type: types.INT, i: 4n }],
          node: [
            {
              opType: 'Relu',
              input: ['p'],
              output: ['q'],
              attribute: [{ name: 'ref', refAttrName: 'outer', type: types.INT }],
            },
          ],
          opsetImport: [{ domain: '', version: 17n }],
          valueInfo: [floatInfo('p', [1])],
        },
      ],
      configuration: [{ name: 'c', numDevices: 2, device: ['a', 'b'] }],
    },
  )
}

describe('a model that needs nothing done', () => {
  it('keeps every construct and every unknown field of the schema', () => {
    const file = fileWithEverything()
    const again = modelBytes(decodeModel(file))
    const [before, after] = [fromBinary(ModelProtoSchema, file), fromBinary(ModelProtoSchema, again)]
    expect(after).toStrictEqual(before)
  })

  it('gives the same graph value again, whatever is in it', () => {
    const model = decodeModel(fileWithEverything())
    expect(decodeModel(modelBytes(model))).toEqual(model)
    expect(structuredClone(model)).toEqual(model)
    expect(decodeModel(modelBytes(structuredClone(model)))).toEqual(model)
  })

  it.each(builtGraphs())('built graph $name', ({ model }) => {
    expect(decodeModel(modelBytes(model))).toEqual(model)
  })

  const files = sharedModels().map((file) => ({ file, name: path.basename(file) }))
  it.skipIf(files.length === 0).each(files)('$name', ({ file }) => {
    const model = decodeModel(fs.readFileSync(file))
    const again = decodeModel(modelBytes(model))
    expect(again.graph.nodes).toEqual(model.graph.nodes)
    expect(sameConstants(again, model)).toBe(true)
    expect({ ...again, graph: null }).toEqual({ ...model, graph: null })
    expect([again.graph.inputs, again.graph.outputs, again.graph.valueInfo]).toEqual([
      model.graph.inputs,
      model.graph.outputs,
      model.graph.valueInfo,
    ])
  })
})

/** Deep equality of a few million numbers takes seconds in the test runner; comparing the bytes takes none. */
function sameConstants(one: Model, other: Model): boolean {
  const [a, b] = [[...one.graph.initializers], [...other.graph.initializers]]
  return (
    a.length === b.length &&
    a.every(([name, tensor], i) => {
      const [otherName, otherTensor] = b[i]!
      return (
        name === otherName &&
        tensor.dataType === otherTensor.dataType &&
        tensor.dims.join() === otherTensor.dims.join() &&
        Buffer.compare(tensor.data, otherTensor.data) === 0
      )
    })
  )
}

describe('what reading gives', () => {
  const model = decodeModel(fileWithEverything())
  const { graph } = model

  it('names, versions and metadata', () => {
    expect(model.opsets).toEqual(
      new Map([
        ['', 17],
        ['my.domain', 1],
      ]),
    )
    expect(model.metadata).toEqual(
      new Map([
        ['author', 'me'],
        ['licence', 'none'],
      ]),
    )
    expect(model.functions).toEqual(new Set(['my.domain::Thing']))
    expect(graph.opaqueNames).toEqual(['sparse'])
  })

  it('shapes with lengths, names and unknowns', () => {
    const shapes = Object.fromEntries(graph.inputs.map(({ name, dataType, shape }) => [name, [dataType, shape]]))
    expect(shapes).toMatchObject({
      x: ['float', ['batch', 2]],
      denoted: ['float', ['N', null]],
      unranked: ['int64', null],
      scalar: ['bool', []],
      map: [null, null],
    })
  })

  it('a type newer than ours is carried, not read', () => {
    expect(graph.inputs.find(({ name }) => name === 'newer')).toMatchObject({ dataType: null })
  })

  it('`ai.onnx` is the empty domain', () => {
    const bytes = modelFileOf(
      { node: [{ opType: 'Relu', domain: 'ai.onnx', input: ['x'], output: ['y'] }] },
      {
        opsetImport: [create(ModelProtoSchema, { opsetImport: [{ domain: 'ai.onnx', version: 15n }] }).opsetImport[0]!],
      },
    )
    const decoded = decodeModel(bytes)
    expect(decoded.opsets).toEqual(new Map([['', 15]]))
    expect(decoded.graph.nodes[0]!.domain).toBe('')
  })

  it('attributes without a type, from before IR 2, are known by the field that is filled', () => {
    const attribute = [
      { name: 'axis', i: 2n },
      { name: 'alpha', f: 0 },
      { name: 'pads', ints: [1n] },
      { name: 'mode', s: utf8.encode('x') },
    ]
    const node = decodeModel(modelFileOf({ node: [{ opType: 'X', attribute }] })).graph.nodes[0]!
    expect([...node.attributes.values()].map(({ kind }) => kind)).toEqual(['int', 'float', 'ints', 'string'])
  })

  it('a number that is declared and not written is 0', () => {
    const attribute = [
      { name: 'axis', type: types.INT },
      { name: 'alpha', type: types.FLOAT },
    ]
    const node = decodeModel(modelFileOf({ node: [{ opType: 'X', attribute }] })).graph.nodes[0]!
    expect([...node.attributes.values()]).toEqual([
      { kind: 'int', value: 0n },
      { kind: 'float', value: 0 },
    ])
  })

  it('text that is not UTF-8 does not stop it', () => {
    const file = fileWithEverything()
    const at = Buffer.from(file).indexOf('maker')
    file.set([0xff, 0xfe, 0x80], at)
    expect(decodeModel(file).producerName).toContain('\ufffd')
  })
})
