import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import * as tf from '@tensorflow/tfjs'
import { isFault } from '../../src/shared/contract/fault.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import { encodeLayers, type WeightStorage } from '../../src/main/formats/tfjs/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { readModelFile } from '../../src/main/jobs/model-file.ts'
import { prepareModel } from '../../src/main/jobs/prepare-model.ts'
import { buildRecipe } from '../../src/main/training/recipes/build.ts'
import { parseRecipe } from '../../src/main/training/recipes/recipe.ts'
import { ModelBuilder, seeded } from '../builders/model-builder.ts'
import { mobileNetV2, resNet18 } from '../builders/networks.ts'
import { feedsOf, modelOf, titleOf, type OpCase } from '../builders/op-case.ts'
import { opCases } from '../builders/op-cases/index.ts'
import { sharedModels, sharedPath } from '../builders/shared.ts'
import {
  difference,
  inputsFor,
  readTfjs,
  runOnnx,
  runTfjs,
  saveLayers,
  type Inputs,
  type TfjsFiles,
} from '../builders/tfjs.ts'

/** As for graph-models: float32 sums in another order. */
const TOLERANCE = 1e-4

type Storage = WeightStorage | ((node: string) => WeightStorage)

function exported(model: Model, storage: Storage = 'float32'): TfjsFiles {
  const storageOf = typeof storage === 'string' ? () => storage : storage
  const { files } = encodeLayers(model, { storageOf, producer: 'test', source: 'model' })
  return {
    json: files.at(-1)!.bytes,
    shards: new Map(files.slice(0, -1).map(({ name, bytes }) => [name, bytes])),
  }
}

interface LayerJson {
  class_name: string
  name: string
  config: Record<string, unknown>
}

function layersOf(files: TfjsFiles): LayerJson[] {
  const json = JSON.parse(new TextDecoder().decode(files.json)) as {
    modelTopology: { model_config: { config: { layers: LayerJson[] } } }
  }
  return json.modelTopology.model_config.config.layers
}

/** What TensorFlow.js makes of the written model, and what ONNX Runtime makes of it when it is read back. */
async function agree(model: Model, inputs: Inputs): Promise<void> {
  const files = exported(model)
  const wanted = await runOnnx(model, inputs)
  expect(difference(wanted, await runTfjs(files, inputs))).toBeLessThan(TOLERANCE)
  expect(difference(wanted, await runOnnx(readTfjs(files), byPlace(inputs, readTfjs(files))))).toBeLessThan(TOLERANCE)
}

/** Inputs under the names of the model that was read back, in its order. */
function byPlace(inputs: Inputs, { graph }: Model): Inputs {
  return Object.fromEntries(graph.inputs.map(({ name }, i) => [name, Object.values(inputs)[i]!]))
}

async function prepared(source: Model): Promise<Model> {
  return (await prepareModel(source, { engine: createOrtEngine() })).model
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
/** Operators of which at least one case must be written. */
const operators = [
  ...['Add', 'AveragePool', 'BatchNormalization', 'Clip', 'Concat', 'Conv', 'ConvTranspose', 'Flatten', 'Gemm'],
  ...['GlobalAveragePool', 'HardSigmoid', 'HardSwish', 'LayerNormalization', 'LeakyRelu', 'MatMul', 'MaxPool', 'Mul'],
  ...['PRelu', 'Relu', 'Sigmoid', 'Softmax', 'Squeeze', 'Transpose'],
].filter((op) => candidates.some((example) => example.op === op))

describe('each operator, written as a layer, gives what ONNX Runtime gives, or is refused', () => {
  it.each([...new Set(candidates.map(({ op }) => op))])('%s', async (op) => {
    let written = 0
    for (const example of candidates.filter((candidate) => candidate.op === op)) {
      try {
        exported(modelOf(example))
      } catch (error) {
        expect(error, titleOf(example)).toMatchObject({ code: 'model.opUnsupported' })
        continue
      }
      try {
        await agree(modelOf(example), inputsOf(example))
      } catch (cause) {
        throw new Error(titleOf(example), { cause })
      }
      written++
    }
    if (operators.includes(op)) expect(written).toBeGreaterThan(0)
  })
})

describe('networks', () => {
  it.each([
    ['ResNet-18', () => resNet18({ inputSize: 64, classes: 10, batch: 1 })],
    ['MobileNet v2', () => mobileNetV2({ inputSize: 64, classes: 10 })],
  ] as const)('%s: one Permute, at its edge', async (_, make) => {
    const model = make()
    await agree(model, inputsFor(model, { batch: 1 }))
    expect(layersOf(exported(model)).filter(({ class_name: name }) => name === 'Permute')).toHaveLength(1)
  })
})

describe('windows and pads that Keras has no word for', () => {
  const picture = (): ModelBuilder => {
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 9, 9])
    return b
  }

  it.each([
    [
      'uneven padding of a convolution',
      (b: ModelBuilder) => b.node('Conv', ['x', b.weights([4, 3, 3, 3])], { pads: [2, 0, 1, 1], strides: [2, 2] }),
    ],
    ['zeros around pictures', (b: ModelBuilder) => b.node('Pad', ['x', b.ints([0, 0, 1, 2, 0, 0, 3, 0])])],
    [
      'twice as large',
      (b: ModelBuilder) =>
        b.node('Resize', ['x', '', b.floats([1, 1, 2, 3])], {
          mode: 'nearest',
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        }),
    ],
    ['more channels', (b: ModelBuilder) => b.node('Pad', ['x', b.ints([0, 2, 0, 0, 0, 1, 3, 0])])],
    [
      'every second value',
      (b: ModelBuilder) =>
        b.node('Slice', ['x', b.ints([0, 1]), b.ints([2 ** 31 - 1, 9]), b.ints([2, 3]), b.ints([2, 3])]),
    ],
    ['some of the channels', (b: ModelBuilder) => b.node('Slice', ['x', b.ints([1]), b.ints([3]), b.ints([1])])],
    [
      'a part of a picture',
      (b: ModelBuilder) => b.node('Slice', ['x', b.ints([1, 2]), b.ints([-1, 9]), b.ints([2, 3])]),
    ],
    [
      'a padded maximum behind a Relu',
      (b: ModelBuilder) =>
        b.node('MaxPool', [b.node('Relu', ['x'])], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    ],
    [
      'a mean that counts its padding',
      (b: ModelBuilder) =>
        b.node('AveragePool', ['x'], { kernel_shape: [3, 3], pads: [1, 0, 1, 0], count_include_pad: 1 }),
    ],
    ['the mean over height and width', (b: ModelBuilder) => b.node('ReduceMean', ['x'], { axes: [2, 3], keepdims: 0 })],
    [
      'a squeeze and excitation',
      (b: ModelBuilder) => {
        const mean = b.node('GlobalAveragePool', ['x'])
        return b.node('Mul', ['x', b.node('Sigmoid', [b.node('Conv', [mean, b.weights([3, 3, 1, 1])])])])
      },
    ],
    [
      'a list over the channels, added and multiplied',
      (b: ModelBuilder) =>
        b.node('Div', [b.node('Sub', ['x', b.floats([1, 2, 3], [3, 1, 1])]), b.floats([2, 4, 8], [1, 3, 1, 1])]),
    ],
    ['a difference of two', (b: ModelBuilder) => b.node('Sub', ['x', b.node('Tanh', ['x'])])],
    [
      'a bias in an Add of its own',
      (b: ModelBuilder) =>
        b.node('Relu', [
          b.node('Add', [b.node('Conv', ['x', b.weights([4, 3, 3, 3])]), b.floats([1, 2, 3, 4], [4, 1, 1])]),
        ]),
    ],
  ] as const)('%s', async (_, make) => {
    const b = picture()
    const last = make(b)
    b.node('Identity', [last], {}, { outputs: ['y'] })
    b.output('y')
    const model = b.build()
    await agree(model, inputsFor(model))
  })

  it.each([
    [
      'a padded maximum of values below zero',
      (b: ModelBuilder) => b.node('MaxPool', ['x'], { kernel_shape: [3, 3], pads: [1, 0, 1, 0] }),
      /negative/,
    ],
    [
      'groups',
      (b: ModelBuilder) =>
        b.node('Conv', [b.node('Conv', ['x', b.weights([4, 3, 1, 1])]), b.weights([4, 2, 1, 1])], { group: 2 }),
      /groups/,
    ],
  ] as const)('%s: refused, with the way out', (_, make, text) => {
    const b = picture()
    b.node('Identity', [make(b)], {}, { outputs: ['y'] })
    b.output('y')
    const write = (): unknown => exported(b.build())
    expect(write).toThrow(text)
    expect(write).toThrow(/--to graph-model/)
  })
})

describe('recipes', () => {
  const folder = path.join(import.meta.dirname, '../../resources/recipes')
  const pictures: Readonly<Record<string, [number, number, number]>> = {
    resnet18: [64, 64, 3],
    'mobilenet-v1': [32, 32, 3],
    vgg16: [32, 32, 3],
  }
  it.each(fs.readdirSync(folder).map((file) => path.basename(file, '.json')))('%s', async (name) => {
    const recipe = parseRecipe(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8'), name)
    const next = seeded(3)
    const random = { unit: next, below: (bound: number) => Math.floor(next() * bound) }
    const model = await prepared(buildRecipe(recipe, { picture: pictures[name] ?? [28, 28, 1], classes: 10, random }))
    await agree(model, inputsFor(model, { batch: 1 }))
  })
})

describe('models of others', () => {
  // these need what layers do not have: a batch that is moved, shapes computed from it
  const refused = /vit|ultraface/
  const development = [
    ...sharedModels(),
    ...['mnist-cnn-tfjs-layers', 'mnasnet-0.35-tfjs-graph'].flatMap((name) => sharedPath(`models/${name}`) ?? []),
  ]
  it.each(development)('%s', async (file) => {
    const model = await prepared((await readModelFile(file)).model)
    if (refused.test(file)) return void expect(() => exported(model)).toThrow(/--to graph-model/)
    await agree(model, inputsFor(model, { batch: 1 }))
  })
})

describe('layers-models that TensorFlow.js made', () => {
  it('keep the names of their layers, inputs and outputs', async () => {
    const x = tf.input({ shape: [8, 8, 2], name: 'picture' })
    const stem = tf.layers
      .conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', name: 'stem' })
      .apply(x)
    const deep = tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'deep' }).apply(stem)
    const sum = tf.layers.add({ name: 'sum' }).apply([stem, deep] as tf.SymbolicTensor[])
    const pooled = tf.layers.maxPooling2d({ poolSize: 2, name: 'pool' }).apply(sum)
    const head = tf.layers
      .dense({ units: 5, activation: 'softmax', name: 'head' })
      .apply(tf.layers.flatten().apply(pooled))
    const born = await saveLayers(tf.model({ inputs: x, outputs: head as tf.SymbolicTensor }))
    const source = readTfjs(born)
    const written = exported(await prepared(source))
    const names = layersOf(written).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['picture', 'stem', 'deep', 'sum', 'pool', 'head']))
    expect(names.filter((name) => name === 'head')).toHaveLength(1)
    const inputs = inputsFor(source)
    expect(difference(await runTfjs(born, inputs), await runTfjs(written, inputs))).toBeLessThan(TOLERANCE)
    expect(readTfjs(written).graph.outputs.map(({ name }) => name)).toEqual(
      source.graph.outputs.map(({ name }) => name),
    )
  })
})

describe('stored weights', () => {
  const model = resNet18({ inputSize: 32, classes: 10, batch: 2, seed: 5 })
  const inputs = inputsFor(model)
  const bytes = (of: TfjsFiles): number => [...of.shards.values()].reduce((sum, shard) => sum + shard.length, 0)

  it.each([
    { storage: 'float16', most: 0.005, share: 0.51 },
    { storage: 'uint16', most: 0.001, share: 0.51 },
    { storage: 'uint8', most: 0.1, share: 0.26 },
  ] as const)('$storage: TensorFlow.js and this program read the same weights', async ({ storage, most, share }) => {
    const files = exported(model, storage)
    const found = await runTfjs(files, inputs)
    expect(difference(await runOnnx(model, inputs), found)).toBeLessThan(most)
    expect(difference(found, await runOnnx(readTfjs(files), inputs))).toBeLessThan(1e-5)
    expect(bytes(files) / bytes(exported(model))).toBeLessThan(share)
  })

  it('keep a size for each channel where channels differ much', async () => {
    const b = new ModelBuilder()
    b.input('x', [1, 8, 9, 9])
    const uneven = Float32Array.from({ length: 72 }, (_, i) => Math.sin(i) * 4 ** -Math.floor(i / 9))
    const deep = b.node('Conv', ['x', b.floats([...uneven], [8, 1, 3, 3], 'w'), b.floats([1, 2, 3, 4, 5, 6, 7, 8])], {
      group: 8,
    })
    b.node('Relu', [deep], {}, { outputs: ['y'] })
    b.output('y')
    const split = b.build()
    const { weights, files } = encodeLayers(split, { storageOf: () => 'uint8', producer: 'test', source: 'model' })
    const [{ power, error }] = weights as [(typeof weights)[0]]
    expect(10 * Math.log10(power / error)).toBeGreaterThan(40)
    expect(files.length).toBeGreaterThan(1)
    const own = inputsFor(split)
    const found = await runTfjs(exported(split, 'uint8'), own)
    expect(difference(await runOnnx(split, own), found)).toBeLessThan(0.01)
  })

  it('are float32 for the layers that are kept so', () => {
    const first = model.graph.nodes.find(({ opType }) => opType === 'Conv')!.name
    const { weights } = encodeLayers(model, {
      storageOf: (node) => (node === first ? 'float32' : 'uint8'),
      producer: 'test',
      source: 'model',
    })
    expect(weights.filter(({ storage }) => storage === 'float32').map(({ node }) => node)).toEqual([first])
  })
})

it('names that Keras does not take are changed, and still make a model', async () => {
  const b = new ModelBuilder()
  b.input('in put:0', ['N', 4])
  b.node('Gemm', ['in put:0', b.weights([4, 3])], {}, { name: '/head/Gemm', outputs: ['/out:1'] })
  b.output('/out:1')
  const model = b.build()
  const inputs = inputsFor(model)
  expect(difference(await runOnnx(model, inputs), await runTfjs(exported(model), inputs))).toBeLessThan(TOLERANCE)
  expect(layersOf(exported(model)).map(({ name }) => name)).toEqual(['in_put_0', 'head/Gemm', 'out_1'])
})

it('everything that no layer says is named at once', () => {
  const b = new ModelBuilder()
  b.input('x', ['N', 4])
  const sum = b.node('CumSum', ['x', b.ints([1])], {}, { name: 'running' })
  b.node(
    'Erf',
    [b.node('Clip', [sum, b.floats([-1], []), b.floats([1], [])], {}, { name: 'cut' })],
    {},
    { name: 'bell', outputs: ['y'] },
  )
  b.output('y')
  let found: unknown
  try {
    exported(b.build())
  } catch (error) {
    found = error
  }
  expect(isFault(found) && found.code).toBe('model.opUnsupported')
  expect((found as Error).message).toMatch(/CumSum .*running.*Erf .*bell/)
})
