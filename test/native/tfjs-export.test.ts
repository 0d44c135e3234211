import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/shared/contract/fault.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import { encodeTfjs, type WeightStorage } from '../../src/main/formats/tfjs/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { readModelFile } from '../../src/main/jobs/model-file.ts'
import { prepareModel } from '../../src/main/jobs/prepare-model.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { mobileNetV2, resNet18 } from '../builders/networks.ts'
import { feedsOf, modelOf, titleOf, type OpCase } from '../builders/op-case.ts'
import { opCases } from '../builders/op-cases/index.ts'
import { sharedModels, sharedPath } from '../builders/shared.ts'
import { difference, inputsFor, readTfjs, runOnnx, runTfjs, type Inputs, type TfjsFiles } from '../builders/tfjs.ts'

/** Both compute in float32; sums of a few thousand products in another order differ by some 1e-6 of the largest value. */
const TOLERANCE = 1e-4

function exported(model: Model, storage: WeightStorage | ((node: string) => WeightStorage) = 'float32'): TfjsFiles {
  const storageOf = typeof storage === 'string' ? () => storage : storage
  const { files } = encodeTfjs(model, { storageOf, producer: 'test', source: 'model' })
  expect(files.at(-1)!.name).toBe('model.json')
  return {
    json: files.at(-1)!.bytes,
    shards: new Map(files.slice(0, -1).map(({ name, bytes }) => [name, bytes])),
  }
}

/** What TensorFlow.js makes of the exported model, and what ONNX Runtime makes of it when it is read back. */
async function agree(model: Model, inputs: Inputs): Promise<void> {
  const files = exported(model)
  const wanted = await runOnnx(model, inputs)
  const names = model.graph.outputs.map(({ name }) => name)
  expect(difference(wanted, await runTfjs(files, inputs, names))).toBeLessThan(TOLERANCE)
  expect(difference(wanted, await runOnnx(readTfjs(files), inputs))).toBeLessThan(TOLERANCE)
}

function inputsOf(example: OpCase): Inputs {
  return Object.fromEntries(
    Object.entries(feedsOf(example)).map(([name, { dims, data }]) => [
      name,
      { dims, data: Float32Array.from(data as Iterable<number>, Number) },
    ]),
  )
}

const candidates = opCases.filter(({ opset, domain }) => opset >= 13 && domain === undefined)
/** Operators of the cases that must not all be refused. */
const operators = [
  ...[
    'Add',
    'ArgMax',
    'AveragePool',
    'BatchNormalization',
    'Clip',
    'Concat',
    'Conv',
    'ConvTranspose',
    'Flatten',
    'Gather',
  ],
  ...[
    'Gemm',
    'GlobalAveragePool',
    'HardSwish',
    'LayerNormalization',
    'LeakyRelu',
    'MatMul',
    'MaxPool',
    'Mul',
    'PRelu',
    'Pad',
  ],
  ...['ReduceMean', 'ReduceSum', 'Relu', 'Resize', 'Sigmoid', 'Slice', 'Softmax', 'Split', 'Squeeze', 'Transpose'],
].filter((op) => candidates.some((example) => example.op === op))

describe('each operator, written for TensorFlow.js, gives what ONNX Runtime gives, or is refused', () => {
  it.each(operators)('%s', async (op) => {
    let written = 0
    for (const example of candidates.filter((candidate) => candidate.op === op)) {
      try {
        exported(modelOf(example))
      } catch (error) {
        expect(error, titleOf(example)).toMatchObject({ code: 'model.opUnsupported' })
        continue
      }
      await agree(modelOf(example), inputsOf(example))
      written++
    }
    expect(written).toBeGreaterThan(0)
  })
})

describe('networks', () => {
  it.each([
    ['ResNet-18', () => resNet18({ inputSize: 64, classes: 10, batch: 1 })],
    ['MobileNet v2', () => mobileNetV2({ inputSize: 64, classes: 10 })],
  ] as const)('%s: one Transpose, at its edge', async (_, make) => {
    const model = make()
    await agree(model, inputsFor(model, { batch: 1 }))
    const { modelTopology } = JSON.parse(new TextDecoder().decode(exported(model).json)) as {
      modelTopology: { node: { op: string }[] }
    }
    expect(modelTopology.node.filter(({ op }) => op === 'Transpose')).toHaveLength(1)
  })

  it('a flatten of pictures with height and width takes its kernel along', async () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 7, 7])
    const conv = b.node('Conv', ['x', b.weights([5, 3, 3, 3])], { strides: [2, 2] })
    const flat = b.node('Flatten', [b.node('Relu', [conv])])
    b.node('Gemm', [flat, b.weights([4, 45]), b.floats([1, 2, 3, 4])], { transB: 1 }, { outputs: ['y'] })
    b.output('y')
    const model = b.build()
    await agree(model, inputsFor(model))
    const { modelTopology } = JSON.parse(new TextDecoder().decode(exported(model).json)) as {
      modelTopology: { node: { op: string }[] }
    }
    expect(modelTopology.node.filter(({ op }) => op === 'Transpose')).toHaveLength(1)
  })

  const development = [
    ...sharedModels(),
    ...['mnist-cnn-tfjs-layers', 'mnasnet-0.35-tfjs-graph'].flatMap((name) => sharedPath(`models/${name}`) ?? []),
  ]
  // shapes computed from the batch
  const refused = /vit/
  it.each(development)('%s', async (path) => {
    const { model: source } = await readModelFile(path)
    const { model } = await prepareModel(source, { engine: createOrtEngine() })
    if (refused.test(path)) return void expect(() => exported(model)).toThrow(/not supported: Shape/)
    await agree(model, inputsFor(model, { batch: 1 }))
  })
})

describe('stored weights', () => {
  const model = resNet18({ inputSize: 32, classes: 10, batch: 2, seed: 5 })
  const inputs = inputsFor(model)

  it.each([
    { storage: 'float16', most: 0.005, share: 0.51 },
    { storage: 'uint16', most: 0.001, share: 0.51 },
    { storage: 'uint8', most: 0.1, share: 0.26 },
  ] as const)('$storage: TensorFlow.js and this program read the same weights', async ({ storage, most, share }) => {
    const files = exported(model, storage)
    const wanted = await runOnnx(model, inputs)
    const found = await runTfjs(files, inputs)
    expect(difference(wanted, found)).toBeLessThan(most)
    // computed from the very same numbers
    expect(difference(found, await runOnnx(readTfjs(files), inputs))).toBeLessThan(1e-5)
    const bytes = (of: TfjsFiles): number => [...of.shards.values()].reduce((sum, shard) => sum + shard.length, 0)
    expect(bytes(files) / bytes(exported(model))).toBeLessThan(share)
  })

  it('are cut into shards of 4 MiB', () => {
    const sizes = [...exported(model).shards.values()].map((shard) => shard.length)
    expect(sizes.length).toBeGreaterThan(2)
    expect(sizes.slice(0, -1).every((size) => size === 4 * 2 ** 20)).toBe(true)
  })

  it('are float32 for the layers that are kept so', () => {
    const first = model.graph.nodes.find(({ opType }) => opType === 'Conv')!.name
    const { json } = exported(model, (node) => (node === first ? 'float32' : 'uint8'))
    const { weightsManifest } = JSON.parse(new TextDecoder().decode(json)) as {
      weightsManifest: { weights: { dtype: string; shape: number[]; quantization?: object }[] }[]
    }
    const kernels = weightsManifest[0]!.weights.filter(({ dtype, shape }) => dtype === 'float32' && shape.length >= 2)
    expect(kernels.filter(({ quantization }) => quantization === undefined)).toHaveLength(1)
  })

  it('keep a size for each channel where channels differ much: depthwise kernels as folding leaves them', async () => {
    const b = new ModelBuilder()
    b.input('x', [1, 8, 9, 9])
    const uneven = Float32Array.from({ length: 72 }, (_, i) => Math.sin(i) * 4 ** -Math.floor(i / 9))
    const weights = b.floats([...uneven], [8, 1, 3, 3], 'w')
    b.node('Conv', ['x', weights, b.floats([1, 2, 3, 4, 5, 6, 7, 8])], { group: 8 }, { name: 'deep', outputs: ['y'] })
    b.output('y')
    const model = b.build()
    const encoded = encodeTfjs(model, { storageOf: () => 'uint8', producer: 'test', source: 'model' })
    const [{ power, error }] = encoded.weights as [(typeof encoded.weights)[0]]
    expect(10 * Math.log10(power / error)).toBeGreaterThan(40)
    const files = exported(model, 'uint8')
    const inputs = inputsFor(model)
    const found = await runTfjs(files, inputs)
    expect(difference(found, await runOnnx(readTfjs(files), inputs))).toBeLessThan(1e-5)
    expect(difference(await runOnnx(model, inputs), found)).toBeLessThan(0.01)
  })

  it('that are not finite are refused', () => {
    const b = new ModelBuilder()
    b.node('MatMul', [b.input('x', [1, 2]), b.floats([1, NaN, 2, 3], [2, 2])], {}, { outputs: ['y'] })
    b.output('y')
    expect(() => exported(b.build())).toThrow(Fault)
  })
})

it('operators that cannot be written are named all at once', () => {
  const b = new ModelBuilder()
  b.input('x', [1, 4])
  b.node('NonZero', [b.node('Einsum', ['x'], { equation: 'ij->j' })], {}, { outputs: ['y'] })
  b.output('y', null, 'int64')
  expect(() => exported(b.build())).toThrow(/Einsum .*NonZero/)
})
