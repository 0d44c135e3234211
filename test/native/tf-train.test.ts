import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/main/data/random.ts'
import { createFeeder } from '../../src/main/data/feeder.ts'
import { proposePreprocess } from '../../src/main/data/preprocess.ts'
import { openSamples } from '../../src/main/data/registry.ts'
import { readBatches } from '../../src/main/data/batches.ts'
import { shuffledOrder } from '../../src/main/data/order.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { float32Of } from '../../src/main/graph/tensors.ts'
import { readModelFile } from '../../src/main/jobs/model-file.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../../src/main/training/checkpoint.ts'
import { train, type TrainPorts, type TrainResult, type TrainState } from '../../src/main/training/loop.ts'
import type { TrainBatch } from '../../src/main/training/measure.ts'
import { DEFAULT_OPTIONS, type TrainOptions } from '../../src/main/training/options.ts'
import { createTrainable } from '../../src/main/training/trainable/graph.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { tensorEngine } from '../builders/tensorflow.ts'
import { trainableForm } from '../builders/training.ts'

const engine = await tensorEngine()
const sample = path.resolve(import.meta.dirname, '../../resources/sample/digits-cnn.onnx')

/** The graph of the built-in sample with weights drawn anew: what is learned is learned here. */
async function freshDigits(): Promise<Model> {
  const model = trainableForm((await readModelFile(sample)).model)
  const random = createRandom(1)
  const initializers = new Map(model.graph.initializers)
  for (const [name, tensor] of initializers) {
    if (tensor.dataType !== 'float' || tensor.dims.length < 2) continue
    const fanIn = tensor.dims.slice(1).reduce((a, b) => a * b, 1)
    const values = float32Of(tensor).map(() => (random.unit() * 2 - 1) * Math.sqrt(6 / fanIn))
    initializers.set(name, { ...tensor, data: new Uint8Array(values.buffer) })
  }
  return { ...model, graph: { ...model.graph, initializers } }
}

async function readDigits(model: Model, count: number): Promise<TrainBatch[]> {
  const source = await openSamples({ kind: 'synthetic-digits' }, 'train')
  const { name, dataType, shape } = model.graph.inputs[0]!
  const inputs = [{ name, dataType: dataType!, shape: ['N', ...shape!.slice(1)] }]
  const feeder = createFeeder(inputs, proposePreprocess(inputs, source.info).preprocess)
  const order = shuffledOrder(source.info.count, 0)
  const batches: TrainBatch[] = []
  for await (const { feeds, samples } of readBatches(source, {
    order,
    range: { start: 0, end: count },
    batch: 25,
    feeder,
  })) {
    const tensor = Object.values(feeds)[0]!
    batches.push({
      values: tensor.data as Float32Array,
      dims: tensor.dims,
      labels: Int32Array.from(samples, ({ label }) => label!),
    })
  }
  await source.close()
  return batches
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item)
}

const signal = new AbortController().signal

function portsOver(
  learned: readonly TrainBatch[],
  held: readonly TrainBatch[],
  onEpoch: TrainPorts['onEpoch'],
): TrainPorts {
  const countOf = (batches: readonly TrainBatch[]): number =>
    batches.reduce((sum, { labels }) => sum + labels.length, 0)
  return {
    data: {
      train: (epoch) => each([...learned.slice(epoch % learned.length), ...learned.slice(0, epoch % learned.length)]),
      trainCount: countOf(learned),
      validation: () => each(held),
      validationCount: countOf(held),
    },
    signal,
    now: () => performance.now(),
    onStep: () => undefined,
    onEpoch,
  }
}

async function trainOn(
  model: Model,
  batches: readonly TrainBatch[],
  options: Partial<TrainOptions>,
  resume: TrainState | null = null,
): Promise<{ result: TrainResult; model: Model; states: TrainState[] }> {
  const graph = createTrainable(engine!, model)
  const states: TrainState[] = []
  const ports = portsOver(batches.slice(4), batches.slice(0, 4), (_, state) => Promise.resolve(void states.push(state)))
  try {
    const result = await train(engine!, graph, { ...DEFAULT_OPTIONS, ...options }, ports, resume)
    return { result, model: graph.toModel(), states }
  } finally {
    graph.dispose()
  }
}

const weightsOf = (model: Model): number[] =>
  [...model.graph.initializers.values()]
    .filter(({ dataType }) => dataType === 'float')
    .flatMap((tensor) => [...float32Of(tensor)])

describe.skipIf(!engine)('training', () => {
  it.each(['sgd', 'adam'] as const)('learns the digits from nothing, with %s, and leaks nothing', async (optimizer) => {
    const model = await freshDigits()
    const batches = await readDigits(model, 900)
    const before = engine!.tf.memory().numTensors
    const { result } = await trainOn(model, batches, {
      epochs: 2,
      optimizer,
      learningRate: optimizer === 'sgd' ? 0.05 : 0.003,
    })
    const [first, last] = result.history
    expect(last!.loss).toBeLessThan(first!.loss * 0.75)
    // a tenth of ten classes would be chance
    expect(last!.accuracy).toBeGreaterThan(0.25)
    expect(engine!.tf.memory().numTensors).toBe(before)
  })

  it.each(['sgd', 'adam'] as const)(
    'repeats itself to the bit, also when interrupted and gone on with, with %s',
    async (optimizer) => {
      const model = await freshDigits()
      const batches = await readDigits(model, 350)
      const options = { epochs: 3, optimizer, learningRate: optimizer === 'sgd' ? 0.05 : 0.003, seed: 9 }
      const whole = await trainOn(model, batches, options)
      const again = await trainOn(model, batches, options)
      const kept = decodeCheckpoint(Buffer.concat(encodeCheckpoint(whole.states[1]!)), 'checkpoint.bin')
      const rest = await trainOn(model, batches, options, kept)
      const losses = ({ result }: { result: TrainResult }): (number | null)[] =>
        result.history.flatMap(({ loss, validationLoss }) => [loss, validationLoss])
      expect(losses(again)).toEqual(losses(whole))
      expect(losses(rest)).toEqual(losses(whole))
      expect(weightsOf(rest.model)).toEqual(weightsOf(whole.model))
    },
  )

  it('stops early, and keeps the best epoch', async () => {
    const model = await freshDigits()
    const batches = await readDigits(model, 300)
    const {
      result,
      model: kept,
      states,
    } = await trainOn(model, batches, {
      epochs: 4,
      patience: 1,
      schedule: 'constant',
      learningRate: 1e-12,
      weightDecay: 0,
    })
    // with a rate that changes nothing but the running statistics, validation soon gets no better
    expect(result.history.length).toBeLessThan(5)
    const best = states[result.bestEpoch - 1]!
    const name = [...best.tensors.keys()].find((key) => model.graph.initializers.get(key)?.dims.length === 1)!
    expect([...float32Of(kept.graph.initializers.get(name)!)]).toEqual([...best.tensors.get(name)!])
  })

  it('names the layer where the loss comes apart', async () => {
    const b = new ModelBuilder({ opset: 17 })
    b.input('x', ['N', 1, 2, 2])
    const flat = b.node('Flatten', ['x'], {}, { name: 'flat' })
    const log = b.node('Log', [flat], {}, { name: 'logarithm' })
    b.node('Gemm', [log, b.weights([3, 4])], { transB: 1 }, { name: 'head', outputs: ['y'] })
    b.output('y')
    const batches = [{ values: Float32Array.of(1, 2, -3, 4), dims: [1, 1, 2, 2], labels: Int32Array.of(1) }]
    const five = [...batches, ...batches, ...batches, ...batches, ...batches]
    await expect(trainOn(b.build(), five, { epochs: 1 })).rejects.toMatchObject({
      code: 'engine.trainingDiverged',
      data: { layer: 'logarithm' },
    })
  })

  it('refuses labels beyond the head', async () => {
    const b = new ModelBuilder({ opset: 17 })
    b.input('x', ['N', 4])
    b.node('Gemm', ['x', b.weights([3, 4])], { transB: 1 }, { outputs: ['y'] })
    b.output('y')
    const batch = { values: new Float32Array(4), dims: [1, 4], labels: Int32Array.of(3) }
    await expect(trainOn(b.build(), Array<TrainBatch>(5).fill(batch), { epochs: 1 })).rejects.toMatchObject({
      code: 'data.labelOutOfRange',
    })
  })

  it('refuses them before the first step where the data tell their labels', async () => {
    const model = await freshDigits()
    const batches = await readDigits(model, 150)
    const steps: number[] = []
    const graph = createTrainable(engine!, model)
    const ports = portsOver(batches, [], () => Promise.resolve())
    const data = { ...ports.data, labelRange: [0, 10] as const }
    const training = train(engine!, graph, DEFAULT_OPTIONS, { ...ports, data, onStep: ({ done }) => steps.push(done) })
    await expect(training).rejects.toMatchObject({ code: 'data.labelOutOfRange', data: { label: 10, classes: 10 } })
    expect(steps).toEqual([])
    graph.dispose()
  })

  it('notices weights that the last step spoilt, before they are kept', async () => {
    const b = new ModelBuilder({ opset: 17 })
    b.input('x', ['N', 4])
    b.node('Gemm', ['x', b.weights([3, 4])], { transB: 1 }, { name: 'head', outputs: ['y'] })
    b.output('y')
    const graph = createTrainable(engine!, b.build())
    const batch = { values: Float32Array.of(1e20, -1e20, 1e20, 1), dims: [1, 4], labels: Int32Array.of(2) }
    let kept = 0
    const ports = portsOver([batch], [], () => Promise.resolve(void kept++))
    const options = { ...DEFAULT_OPTIONS, epochs: 1, learningRate: 1e30 }
    await expect(train(engine!, graph, options, ports)).rejects.toMatchObject({
      code: 'engine.trainingDiverged',
      data: { layer: 'head' },
    })
    expect(kept).toBe(0)
    graph.dispose()
  })

  it('names every operator that cannot be trained at once', () => {
    const b = new ModelBuilder({ opset: 17 })
    b.input('x', ['N', 4])
    const one = b.node('Sin', ['x'], {}, { name: 'wave' })
    const two = b.node('Sin', [one], {}, { name: 'wave2' })
    b.node('MeanVarianceNormalization', [two], {}, { name: 'norm', outputs: ['y'] })
    b.output('y')
    expect(() => createTrainable(engine!, b.build())).toThrow(
      /Sin has no gradient here \(wave and 1 more\).*MeanVarianceNormalization/,
    )
  })

  it('writes back what it was given where nothing was learned', async () => {
    const model = await freshDigits()
    const graph = createTrainable(engine!, model)
    expect(weightsOf(graph.toModel())).toEqual(weightsOf(model))
    graph.dispose()
  })
})
