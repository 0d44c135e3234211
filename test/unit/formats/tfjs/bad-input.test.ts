import { describe, expect, it } from 'vitest'
import { isFault, type Fault } from '../../../../src/shared/contract/fault.ts'
import { openTfjs } from '../../../../src/main/formats/tfjs/index.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { seeded } from '../../../builders/model-builder.ts'

type Json = Record<string, unknown>

const encoder = new TextEncoder()
const bytesOf = (json: unknown): Uint8Array => encoder.encode(JSON.stringify(json))

const kernel = { name: 'fc/kernel', shape: [4, 3], dtype: 'float32' }
const bias = { name: 'fc/bias', shape: [3], dtype: 'float32' }
const input = { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 4], dtype: 'float32' } }
const fc = { class_name: 'Dense', config: { name: 'fc', units: 3, activation: 'relu', use_bias: true } }

/** A sound layers-model with parts replaced. */
function layers(
  change: { layers?: unknown; weights?: unknown[]; paths?: unknown; className?: string; config?: Json } = {},
): Json {
  return {
    format: 'layers-model',
    modelTopology: {
      model_config: {
        class_name: change.className ?? 'Sequential',
        config: change.config ?? { name: 'm', layers: change.layers ?? [input, fc] },
      },
    },
    weightsManifest: [{ paths: change.paths ?? ['w.bin'], weights: change.weights ?? [kernel, bias] }],
  }
}

const placeholder = {
  name: 'x',
  op: 'Placeholder',
  attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '1' }, { size: '4' }] } } },
}

function graph(node: unknown, weights: unknown[] = [], signature?: unknown): Json {
  return { format: 'graph-model', signature, modelTopology: { node }, weightsManifest: [{ paths: ['w.bin'], weights }] }
}

function open(json: unknown, shard = 60): Model {
  return openTfjs(json instanceof Uint8Array ? json : bytesOf(json), 'model.json').decode(() => new Uint8Array(shard))
}

function faultOf(work: () => unknown): Fault {
  try {
    work()
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

it('the sound model these are made from is read', () => {
  expect(open(layers()).graph.nodes.map(({ opType }) => opType)).toEqual(['Gemm', 'Relu'])
})

describe('the file', () => {
  it.each([
    ['nothing in it', new Uint8Array(), 'format.empty'],
    ['text that is no JSON', encoder.encode('{"format": '), 'format.malformed'],
    ['bytes that are no text', Uint8Array.of(123, 255, 254), 'format.notTfjs'],
    ['JSON of something else', bytesOf({ name: 'package' }), 'format.notTfjs'],
    ['another format', bytesOf({ ...layers(), format: 'tflite' }), 'format.notTfjs'],
    ['a nesting without end', encoder.encode('['.repeat(100_000)), 'format.malformed'],
    [
      'brackets in text count for nothing',
      bytesOf({ ...layers(), generatedBy: '['.repeat(200), format: 'x' }),
      'format.notTfjs',
    ],
    ['a manifest that is no list', bytesOf({ ...layers(), weightsManifest: {} }), 'format.notTfjs'],
  ])('%s', (_, bytes, code) => {
    expect(faultOf(() => open(bytes))).toMatchObject({ code, message: expect.stringContaining('model.json') })
  })
})

describe('weights', () => {
  it.each([
    ['shards too short', layers(), 59, 'format.shardSize', '60 bytes'],
    ['shards too long', layers(), 61, 'format.shardSize', '61'],
    ['no shards', layers({ paths: [] }), 0, 'format.shardSize', 'no file'],
    [
      'an absurd shape',
      layers({ weights: [{ ...kernel, shape: [1e9, 1e9] }, bias] }),
      60,
      'format.weights',
      'fc/kernel',
    ],
    ['a negative length', layers({ weights: [{ ...kernel, shape: [-4, -3] }, bias] }), 60, 'format.malformed', 'shape'],
    [
      'a length that is not whole',
      layers({ weights: [{ ...kernel, shape: [4.5, 3] }, bias] }),
      60,
      'format.malformed',
      'shape',
    ],
    [
      'more axes than any weight has',
      layers({ weights: [{ ...kernel, shape: new Array(40).fill(1) }] }),
      60,
      'format.malformed',
      'shape',
    ],
    ['an unknown type', layers({ weights: [{ ...kernel, dtype: 'float8' }, bias] }), 60, 'format.malformed', 'dtype'],
    ['text as weights', layers({ weights: [{ ...kernel, dtype: 'string' }, bias] }), 60, 'format.weights', 'string'],
    ['one name twice', layers({ weights: [kernel, bias, kernel] }), 60, 'format.weights', 'twice'],
    [
      'a quantized weight without a scale',
      layers({ weights: [{ ...kernel, quantization: { dtype: 'uint8', min: 0 } }, bias] }),
      24,
      'format.weights',
      'scale',
    ],
    [
      'a negative scale',
      layers({ weights: [{ ...kernel, quantization: { dtype: 'uint8', min: 0, scale: -1 } }, bias] }),
      24,
      'format.weights',
      '-1',
    ],
    [
      'a range beyond float32',
      layers({ weights: [{ ...kernel, quantization: { dtype: 'uint8', min: 0, scale: 1e38 } }, bias] }),
      24,
      'format.weights',
      'range',
    ],
    [
      'a quantization nobody has',
      layers({ weights: [{ ...kernel, quantization: { dtype: 'int4' } }, bias] }),
      24,
      'format.malformed',
      'quantization',
    ],
    [
      'float16 of integers',
      layers({ weights: [{ ...kernel, dtype: 'int32', quantization: { dtype: 'float16' } }, bias] }),
      36,
      'format.weights',
      'int32',
    ],
  ])('%s', (_, json, shard, code, text) => {
    expect(faultOf(() => open(json, shard))).toMatchObject({ code, message: expect.stringContaining(text) })
  })
})

const call = (layer: string): unknown[] => [[[layer, 0, 0, {}]]]
const functional = (entries: unknown[], outputs: unknown = [['fc', 0, 0]]): Json =>
  layers({
    className: 'Model',
    config: { name: 'm', layers: entries, input_layers: [['in', 0, 0]], output_layers: outputs },
  })
const named = (name: string, reads: string): Json => ({
  ...fc,
  name,
  config: { ...fc.config, name },
  inbound_nodes: call(reads),
})

describe('layers', () => {
  it.each([
    [
      'all unknown ones at once',
      layers({
        layers: [
          input,
          { class_name: 'LSTM', config: { name: 'a' } },
          fc,
          { class_name: 'Magic', config: { name: 'b' } },
        ],
      }),
      'model.opUnsupported',
      /LSTM.*Magic/,
    ],
    [
      'a class named like a property of every object',
      layers({ layers: [input, { class_name: 'constructor', config: { name: 'a' } }] }),
      'model.opUnsupported',
      /constructor/,
    ],
    ['a model of another class', layers({ className: 'Transformer' }), 'model.opUnsupported', /Transformer/],
    [
      'an unknown activation',
      layers({ layers: [input, { ...fc, config: { ...fc.config, activation: 'toString' } }] }),
      'model.opUnsupported',
      /toString/,
    ],
    [
      'a weight that is not there',
      layers({
        weights: [
          { ...kernel, shape: [4, 3] },
          { ...bias, name: 'other/bias' },
        ],
      }),
      'model.malformed',
      /fc\/bias/,
    ],
    [
      'a weight of another shape',
      layers({ layers: [input, { ...fc, config: { ...fc.config, units: 5 } }] }),
      'model.malformed',
      /expected \[4, 5\]/,
    ],
    ['an input of no shape', layers({ layers: [fc] }), 'model.malformed', /batch_input_shape/],
    [
      'an input of a huge length',
      layers({ layers: [{ ...input, config: { ...input.config, batch_input_shape: [null, 1e18] } }, fc] }),
      'model.malformed',
      /1000000000000000000/,
    ],
    [
      'an input of another rank',
      layers({ layers: [input, { class_name: 'Conv2D', config: { name: 'c', filters: 3, kernel_size: 3 } }] }),
      'model.malformed',
      /rank 2/,
    ],
    [
      'a layer without a name',
      layers({ layers: [input, { class_name: 'Dense', config: {} }] }),
      'format.malformed',
      /no name/,
    ],
    ['two layers of one name', layers({ layers: [input, fc, fc] }), 'format.malformed', /two layers/],
    ['layers that are no list', layers({ layers: 5 }), 'format.malformed', /layers/],
    [
      'a cycle',
      functional([{ ...input, name: 'in', inbound_nodes: [] }, named('fc', 'gc'), named('gc', 'fc')]),
      'model.cycle',
      /fc|gc/,
    ],
    [
      'a layer that reads one that is not there',
      functional([{ ...input, name: 'in', inbound_nodes: [] }, named('fc', 'nobody')]),
      'model.dangling',
      /nobody/,
    ],
    [
      'an output that is not there',
      functional([{ ...input, name: 'in', inbound_nodes: [] }, named('fc', 'in')], [['nobody', 0, 0]]),
      'format.malformed',
      /nobody/,
    ],
  ])('%s', (_, json, code, text) => {
    const fault = faultOf(() => open(json))
    expect(fault.code).toBe(code)
    expect(fault.message).toMatch(text)
  })
})

describe('graphs', () => {
  const relu = { name: 'y', op: 'Relu', input: ['x'] }
  it.each([
    [
      'all unknown operators at once',
      graph([
        placeholder,
        { name: 'a', op: 'NonMaxSuppressionV5', input: ['x'] },
        { name: 'b', op: 'HashTableV2', input: ['a'] },
      ]),
      'model.opUnsupported',
      /NonMaxSuppressionV5.*HashTableV2/,
    ],
    [
      'an operator named like a property of every object',
      graph([placeholder, { ...relu, op: '__proto__' }]),
      'model.opUnsupported',
      /__proto__/,
    ],
    [
      'a cycle',
      graph([placeholder, { name: 'a', op: 'Add', input: ['x', 'b'] }, { name: 'b', op: 'Relu', input: ['a'] }]),
      'model.cycle',
      /"[ab]"/,
    ],
    ['a node that reads itself', graph([{ ...relu, input: ['y'] }]), 'model.cycle', /"y"/],
    ['a node that reads one that is not there', graph([{ ...relu, input: ['nobody'] }]), 'model.dangling', /nobody/],
    ['two nodes of one name', graph([placeholder, relu, relu]), 'model.duplicateName', /"y"/],
    [
      'an output number that is not there',
      graph([placeholder, relu, { name: 'z', op: 'Relu', input: ['y:3'] }]),
      'model.malformed',
      /output 3/,
    ],
    [
      'a constant without a weight',
      graph([placeholder, { name: 'c', op: 'Const' }, { name: 'y', op: 'Add', input: ['x', 'c'] }]),
      'model.malformed',
      /manifest/,
    ],
    [
      'an input of unknown rank',
      graph([{ name: 'x', op: 'Placeholder', attr: { shape: { shape: { unknownRank: true } } } }, relu]),
      'model.opUnsupported',
      /no shape/,
    ],
    [
      'an input of a huge length',
      graph([{ ...placeholder, attr: { shape: { shape: { dim: [{ size: '99999999999' }] } } } }, relu]),
      'model.malformed',
      /99999999999/,
    ],
    [
      'an operator without inputs',
      graph([placeholder, { name: 'y', op: 'Add', input: ['x'] }]),
      'model.malformed',
      /expected 2/,
    ],
    [
      'an output the signature makes up',
      graph([placeholder, relu], [], { outputs: { a: { name: 'nobody:0' } } }),
      'model.outputMissing',
      /nobody/,
    ],
    ['nothing to compute', graph([placeholder]), 'model.outputMissing', /nothing/],
    ['nodes that are no list', graph('node'), 'format.malformed', /node/],
  ])('%s', (_, json, code, text) => {
    const fault = faultOf(() => open(json, 0))
    expect(fault.code).toBe(code)
    expect(fault.message).toMatch(text)
  })

  it('a kernel and an input that do not fit are told with the node', () => {
    const weight = { name: 'w', shape: [5, 3], dtype: 'float32' }
    const node = [placeholder, { name: 'w', op: 'Const' }, { name: 'y', op: 'MatMul', input: ['x', 'w'] }]
    expect(faultOf(() => open(graph(node, [weight]), 60)).message).toMatch(/"y" \(MatMul\).*5 inputs/)
  })
})

/** Every place of a JSON value, as functions that put something else there. */
function places(value: unknown): ((replacement: unknown) => void)[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Json
  return Object.keys(holder).flatMap((key) => [
    (replacement: unknown) => void (holder[key] = replacement),
    ...places(holder[key]),
  ])
}

describe('a small fuzz', () => {
  const conv = {
    name: 'c',
    op: 'Conv2D',
    input: ['x', 'k'],
    attr: { strides: { list: { i: ['1', '2', '2', '1'] } }, padding: { s: btoa('SAME') } },
  }
  const picture = {
    ...placeholder,
    attr: { shape: { shape: { dim: [{ size: '1' }, { size: '5' }, { size: '5' }, { size: '2' }] } } },
  }
  const seeds: readonly [string, () => Json, number][] = [
    ['a layers-model', () => functional([{ ...input, name: 'in', inbound_nodes: [] }, named('fc', 'in')]), 60],
    [
      'a graph-model',
      () =>
        graph(
          [
            picture,
            { name: 'k', op: 'Const' },
            conv,
            { name: 's', op: 'Const' },
            { name: 'r', op: 'Reshape', input: ['c', 's'] },
            { name: 'm', op: 'Mean', input: ['c', 's'], attr: { keep_dims: { b: true } } },
          ],
          [
            { name: 'k', shape: [3, 3, 2, 2], dtype: 'float32' },
            { name: 's', shape: [2], dtype: 'int32' },
          ],
        ),
      152,
    ],
  ]
  const values: readonly unknown[] = [
    null,
    -1,
    0,
    1e300,
    2 ** 53,
    '',
    'x',
    '-1',
    '99999999',
    [],
    {},
    [[]],
    true,
    NaN,
    'constructor',
    ['x'],
    [-3],
  ]

  it.each(seeds)('%s: whatever stands anywhere, a model or a Fault comes back, soon', (_, make, shard) => {
    const random = seeded(11)
    const started = performance.now()
    for (let round = 0; round < 1500; round++) {
      const json = structuredClone(make())
      for (let i = 0; i < 1 + Math.floor(random() * 3); i++) {
        const all = places(json)
        all[Math.floor(random() * all.length)]!(structuredClone(values[Math.floor(random() * values.length)]))
      }
      try {
        open(json, shard)
      } catch (error) {
        if (!isFault(error)) throw new Error(`not a Fault for ${JSON.stringify(json)}`, { cause: error })
      }
    }
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})
