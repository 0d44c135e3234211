import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Preprocess } from '../../src/shared/contract/data.ts'
import { rangeSource } from '../../src/main/calibration/range-source.ts'
import { statisticsOf } from '../../src/main/calibration/collection.ts'
import { countOf } from '../../src/main/calibration/histogram.ts'
import { instrument, observableTensors } from '../../src/main/calibration/instrument.ts'
import { readBatches } from '../../src/main/data/batches.ts'
import { createFeeder } from '../../src/main/data/feeder.ts'
import { shuffledOrder } from '../../src/main/data/order.ts'
import { openSamples } from '../../src/main/data/registry.ts'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import { findLayers } from '../../src/main/graph/layers/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { inferShapes } from '../../src/main/graph/shapes/index.ts'
import { calibrateModel, type CalibrationRequest } from '../../src/main/jobs/calibrate.ts'
import { readModelFile } from '../../src/main/jobs/model-file.ts'
import { createPool } from '../../src/main/jobs/pool.ts'
import { prepareModel } from '../../src/main/jobs/prepare-model.ts'
import { createCalibrateTask } from '../../src/main/jobs/tasks/calibrate.ts'
import { createInstrumentTask } from '../../src/main/jobs/tasks/instrument.ts'
import { createMergeCollectionsTask } from '../../src/main/jobs/tasks/merge-collections.ts'
import { MemoryHost } from '../builders/memory-workers.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { engine } from '../builders/prepared.ts'
import { optimizedGraph } from '../builders/quantizing.ts'
import { sharedModels } from '../builders/shared.ts'

let folder = ''
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-test-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const deps = { engine, openSamples }
const pool = createPool(
  new MemoryHost({
    instrument: createInstrumentTask(deps),
    calibrate: createCalibrateTask(deps),
    mergeCollections: createMergeCollectionsTask(),
  }),
  { size: 4 },
)
afterAll(() => pool.close())

const unit: Preprocess = {
  resize: null,
  resizeKernel: 'linear',
  crop: null,
  channels: 'grey',
  scale: 1 / 255,
  mean: [0],
  std: [1],
  layout: 'NCHW',
}

/** Two Convs (one with a fused Relu, one before a LeakyRelu) and a Gemm over 28×28 digits; `batch` as the input declares it. */
function digitNet(batch: number | string = 'N'): Model {
  const b = new ModelBuilder({ opset: 13, seed: 5 })
  const x = b.input('image', [batch, 1, 28, 28])
  const conv = b.node('Conv', [x, b.weights([8, 1, 5, 5])], { pads: [2, 2, 2, 2] }, { name: 'conv1' })
  const relu = b.node('Relu', [conv], {}, { name: 'relu1' })
  const second = b.node('Conv', [relu, b.weights([4, 8, 3, 3])], { strides: [2, 2] }, { name: 'conv2' })
  const leaky = b.node('LeakyRelu', [second], { alpha: 0.1 }, { name: 'leaky' })
  const flat = b.node('Flatten', [leaky], {}, { name: 'flat' })
  b.output(b.node('Gemm', [flat, b.weights([676, 10], 0.1)], {}, { name: 'head' }), [batch, 10])
  return b.build()
}

function save(name: string, model: Model): string {
  const file = path.join(folder, `${name}.onnx`)
  fs.writeFileSync(file, modelBytes(model))
  return file
}

function request(model: string, changes: Partial<CalibrationRequest> = {}): CalibrationRequest {
  const data = { kind: 'synthetic-digits' } as const
  return { model, data, split: 'train', range: { start: 10, end: 110 }, seed: 1, preprocess: unit, ...changes }
}

function observable(model: Model): { tensors: string[]; shapes: Map<string, readonly number[]> } {
  const facts = inferShapes(model, { inputShapes: new Map([['image', [1, 1, 28, 28]]]) })
  const shapes = new Map([...facts].map(([name, { shape }]) => [name, shape as readonly number[]]))
  return { tensors: observableTensors(model, findLayers(model, facts), facts), shapes }
}

/** Bounds of all tensors over the samples of a request, by exposing everything and looking at every value. */
async function bruteForce(
  model: Model,
  tensors: readonly string[],
  { range, seed }: CalibrationRequest,
): Promise<Map<string, [number, number]>> {
  const added = tensors.filter(
    (name) => name !== 'image' && model.graph.outputs.every((output) => output.name !== name),
  )
  const outputs = [...model.graph.outputs, ...added.map((name) => ({ name, dataType: 'float' as const, shape: null }))]
  const session = await engine.createSession(modelBytes({ ...model, graph: { ...model.graph, outputs } }), {
    threads: 1,
  })
  const source = await openSamples({ kind: 'synthetic-digits' }, 'train')
  const bounds = new Map<string, [number, number]>(tensors.map((name) => [name, [Infinity, -Infinity]]))
  const order = shuffledOrder(source.info.count, seed)
  for await (const { feeds } of readBatches(source, {
    order,
    range,
    batch: 32,
    feeder: createFeeder(session.inputs, unit),
  })) {
    const all = { ...feeds, ...(await session.run(feeds)) }
    for (const [name, pair] of bounds) {
      for (const value of all[name]!.data as Float32Array) {
        pair[0] = Math.min(pair[0], value)
        pair[1] = Math.max(pair[1], value)
      }
    }
  }
  await session.release()
  await source.close()
  return bounds
}

describe('calibrateModel', () => {
  it('gives the exact bounds of every tensor, thinned or not, and one observation a sample', async () => {
    const model = digitNet()
    const asked = request(save('exact', model), { elementsPerSample: 500 })
    const { decode, batch } = await calibrateModel(asked, pool)
    const collection = decode()
    const expected = await bruteForce(model, [...collection.tensors.keys()], asked)
    expect(batch).toBe(32)
    expect([...collection.tensors.keys()]).toEqual([
      'image',
      'relu1_out',
      'conv2_out',
      'leaky_out',
      'flat_out',
      'head_out',
    ])
    for (const { name, min, max, observations } of collection.tensors.values()) {
      expect([name, min, max, observations]).toEqual([name, ...expected.get(name)!, 100])
    }
    const relu = statisticsOf(collection, 'relu1_out')
    expect(relu.channels!.max).toHaveLength(8)
    expect(Math.max(...relu.channels!.max)).toBe(relu.max)
    // 6272 elements a sample, every 13th (13 × 482.5): about as many over all batches, from changing starts
    expect(relu.stride).toBe(13)
    expect(Math.abs(countOf(relu.histogram) - (6272 * 100) / 13)).toBeLessThan(5)
    expect(countOf(statisticsOf(collection, 'head_out').histogram)).toBe(1000)
  })

  it('thins without bias: quantiles of a thirteenth of the values are near those of all', async () => {
    const file = save('thinned', digitNet())
    const all = rangeSource((await calibrateModel(request(file, { elementsPerSample: 1e6 }), pool)).decode())
    const thinned = rangeSource((await calibrateModel(request(file, { elementsPerSample: 500 }), pool)).decode())
    for (const percentile of [90, 99, 99.9]) {
      const scheme = { bits: 8, symmetric: false, calibrator: { method: 'percentile', percentile } } as const
      const [a, b] = [all, thinned].map((source) => source.rangeOf('relu1_out', scheme).rmax)
      expect(b! / a!).toBeCloseTo(1, 1)
    }
  })

  it('gives the same bytes for one, two and four workers', async () => {
    const file = save('workers', digitNet())
    const bytes = await Promise.all(
      [1, 2, 4].map(async (workers) => (await calibrateModel(request(file, { workers }), pool)).bytes),
    )
    expect(bytes[1]).toEqual(bytes[0])
    expect(bytes[2]).toEqual(bytes[0])
  })

  it('runs samples one by one where the model holds on to its batch although it declares none', async () => {
    const b = new ModelBuilder({ opset: 13 })
    const x = b.input('image', ['N', 1, 28, 28])
    const flat = b.node('Reshape', [x, b.ints([1, 784])], {}, { name: 'flat' })
    b.output(b.node('Gemm', [flat, b.weights([784, 10])], {}, { name: 'head' }), ['N', 10])
    const said: string[] = []
    const asked = request(save('stuck', b.build()), { range: { start: 0, end: 20 } })
    const { batch, decode } = await calibrateModel(asked, pool, { onLog: (_, message) => said.push(message) })
    const collection = decode()
    expect([batch, collection.samples, said.length]).toEqual([1, 20, 1])
    expect(statisticsOf(collection, 'head_out').observations).toBe(20)
  })

  it('takes the batch a model fixes, and counts no row that only fills it', async () => {
    const { decode } = await calibrateModel(request(save('fixed', digitNet(8)), { range: { start: 0, end: 20 } }), pool)
    const collection = decode()
    const [image, head] = ['image', 'head_out'].map((name) => statisticsOf(collection, name))
    expect([collection.samples, image!.observations, head!.observations]).toEqual([20, 20, 20])
    expect(countOf(head!.histogram)).toBe(200)
    expect(countOf(image!.histogram) * image!.stride).toBeLessThan(784 * 20 + 10 * image!.stride)
  })

  it('names tensor and sample of a NaN', async () => {
    const b = new ModelBuilder({ opset: 13 })
    const x = b.input('image', ['N', 1, 28, 28])
    const root = b.node('Sqrt', [b.node('Sub', [x, b.floats([0.2], [1])], {}, { name: 'shift' })], {}, { name: 'root' })
    b.output(b.node('Conv', [root, b.weights([2, 1, 3, 3])], {}, { name: 'conv' }))
    await expect(calibrateModel(request(save('nan', b.build())), pool)).rejects.toMatchObject({
      code: 'data.nonFiniteActivation',
      data: { tensor: 'root_out' },
    })
  })

  it('stops when aborted and leaves no file behind', async () => {
    const abort = new AbortController()
    const file = save('aborted', digitNet())
    const onProgress = ({ stage }: { stage: string }): void =>
      stage === 'calibrate' ? abort.abort(new Error('enough')) : undefined
    const running = calibrateModel(request(file, { range: { start: 0, end: 2000 } }), pool, {
      signal: abort.signal,
      onProgress,
    })
    await expect(running).rejects.toThrow('enough')
  })

  it('refuses an empty range', async () => {
    await expect(calibrateModel(request('none', { range: { start: 5, end: 5 } }), pool)).rejects.toMatchObject({
      code: 'usage.range',
    })
  })
})

describe('instrument', () => {
  it.each([13, 18, 21])('opset %d: leaves the fusions of the float model in place', async (opset) => {
    const b = digitNet()
    const model = { ...b, opsets: new Map([['', opset]]) }
    const { tensors, shapes } = observable(model)
    const fused = (nodes: Awaited<ReturnType<typeof optimizedGraph>>): string[] =>
      nodes
        .filter(({ opType }) => opType.includes('Conv'))
        .map(({ attributes }) => (attributes.has('activation') ? 'fused' : 'plain'))
    const { model: instrumented } = instrument(model, tensors, shapes, { elementsPerSample: 500 })
    const before = fused(await optimizedGraph(modelBytes(model), folder, 'all'))
    const after = fused(await optimizedGraph(modelBytes(instrumented), folder, 'all'))
    // the LeakyRelu alone is taken out: a pair may stand before it, so its input is observed
    expect(before).toEqual(['fused', 'fused'])
    expect(after).toEqual(['fused', 'plain'])
  })
})

describe('models at hand', () => {
  it.each(sharedModels())('%s: every tensor a default plan can ask for is observed', async (file) => {
    const source = (await readModelFile(file)).model
    const prepared = await prepareModel(source, { engine }, {})
    const [input] = prepared.inputs
    const [, channels, height, width] = prepared.sampleShapes.get(input!.name)!
    const preprocess: Preprocess = { ...unit, channels: channels === 3 ? 'rgb' : 'grey', resize: [height!, width!] }
    const mean = Array<number>(channels!).fill(0)
    const asked = request(save('prepared', prepared.model), {
      range: { start: 0, end: 4 },
      preprocess: { ...preprocess, mean, std: mean.map(() => 1) },
    })
    const collection = (await calibrateModel(asked, pool)).decode()
    const wanted = prepared.layers
      .filter(({ quantizable }) => quantizable)
      .flatMap(({ inputs, outputs }) => [...inputs, ...outputs])
    const floats = wanted.filter(
      (name) => prepared.shapes.get(name)?.dataType === 'float' && !prepared.model.graph.initializers.has(name),
    )
    expect(floats.filter((name) => !collection.tensors.has(name))).toEqual([])
  })
})
