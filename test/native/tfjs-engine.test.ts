import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeLayers, encodeTfjs, type WeightStorage } from '../../src/main/formats/tfjs/index.ts'
import type { EngineTensor, Feeds } from '../../src/main/engines/port.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { createTfjsEngine } from '../../src/main/jobs/tfjs-engine.ts'
import { runCli, SAMPLE } from '../builders/cli.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import { mobileNetV2 } from '../builders/networks.ts'
import { tensorEngine } from '../builders/tensorflow.ts'
import { difference, inputsFor, runOnnx, type Inputs, type Result } from '../builders/tfjs.ts'

// TensorFlow.js itself as a measuring engine, on native TensorFlow.

const engine = await tensorEngine()
let folder: string
beforeAll(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-tfjs-engine-'))))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const at = (name: string): string => path.join(folder, name)
const encoders = { 'graph-model': encodeTfjs, 'layers-model': encodeLayers }
type Format = keyof typeof encoders

function written(model: Model, format: Format, storage: WeightStorage): string {
  const target = at(`${model.graph.name}-${format}-${storage}`)
  const { files } = encoders[format](model, { storageOf: () => storage, producer: 'test', source: 'model' })
  fs.mkdirSync(target, { recursive: true })
  for (const { name, bytes } of files) fs.writeFileSync(path.join(target, name), bytes)
  return target
}

function feedsOf(inputs: Inputs): Feeds {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dims, data }]): [string, EngineTensor] => [
      name,
      { dataType: 'float', dims, data },
    ]),
  )
}

async function compute(file: string, inputs: Inputs, fetches?: string[]): Promise<Result[]> {
  const session = await createTfjsEngine().createSession(file)
  try {
    return Object.values(await session.run(feedsOf(inputs), fetches)).map(({ dims, data }) => ({
      dims,
      data: data as Float32Array,
    }))
  } finally {
    await session.release()
  }
}

describe.skipIf(engine === null)('sessions', () => {
  const networks: readonly [string, () => Model][] = [
    ['a small one, whose shards share a buffer', () => small()],
    ['MobileNet v2', () => mobileNetV2({ inputSize: 32, classes: 10 })],
  ]
  const formats = ['graph-model', 'layers-model'] as const
  it.each(networks.flatMap(([name, make]) => formats.map((format) => [name, format, make] as const)))(
    '%s as %s: what ONNX Runtime computes, with uint8 near it',
    async (_, format, make) => {
      const model = make()
      const inputs = inputsFor(model, { batch: 3 })
      const wanted = await runOnnx(model, inputs)
      expect(difference(wanted, await compute(written(model, format, 'float32'), inputs))).toBeLessThan(1e-4)
      expect(difference(wanted, await compute(written(model, format, 'uint8'), inputs))).toBeLessThan(0.2)
    },
  )

  it.each(formats)('%s: gives the outputs asked for, and no tensors stay behind', async (format) => {
    const b = new ModelBuilder()
    b.input('x', ['N', 4])
    b.node('Gemm', ['x', b.weights([4, 3])], {}, { name: 'one', outputs: ['a'] })
    b.node('Relu', ['a'], {}, { outputs: ['b'] })
    b.output('a')
    b.output('b')
    const model = b.build()
    const inputs = inputsFor(model)
    const file = written(model, format, 'float32')
    const [first, second] = await runOnnx(model, inputs)
    const before = engine!.tf.memory().numTensors
    expect(difference([second!], await compute(file, inputs, ['b']))).toBeLessThan(1e-4)
    expect(difference([second!, first!], await compute(file, inputs, ['b', 'a']))).toBeLessThan(1e-4)
    expect(engine!.tf.memory().numTensors).toBe(before)
  })

  it('what TensorFlow.js does not load is a fault that names the file', async () => {
    const file = written(small(), 'layers-model', 'float32')
    const json = path.join(file, 'model.json')
    // this program takes a dense layer without its activation, TensorFlow.js does not take one it does not know
    fs.writeFileSync(json, fs.readFileSync(json, 'utf8').replace('"activation":"linear"', '"activation":"silu"'))
    await expect(createTfjsEngine().createSession(file)).rejects.toMatchObject({
      code: 'engine.invalidModel',
      message: expect.stringContaining(file),
    })
  })

  it('an ONNX file is refused', async () => {
    await expect(createTfjsEngine().createSession(SAMPLE)).rejects.toMatchObject({ code: 'usage.engine' })
  })
})

function small(): Model {
  const b = new ModelBuilder()
  b.input('x', ['N', 1, 8, 8])
  const conv = b.node('Relu', [b.node('Conv', ['x', b.weights([4, 1, 3, 3])], { pads: [1, 1, 1, 1] })])
  b.node('Gemm', [b.node('Flatten', [conv]), b.weights([10, 256])], { transB: 1 }, { outputs: ['y'] })
  b.output('y')
  return b.build()
}

describe.skipIf(engine === null)('on the command line', () => {
  const samples = ['--data', 'synthetic-digits', '--samples', '60']
  const run = async (...args: string[]): Promise<{ exitCode: number | null; json: unknown; stderr: string }> => {
    const { exitCode, stdout, stderr } = await runCli([...args, '--json', '--home', at('home')])
    return { exitCode, json: stdout === '' ? null : (JSON.parse(stdout) as unknown), stderr }
  }

  it(
    'convert measures what it wrote in TensorFlow.js, eval says the same, and keeps both engines apart',
    { timeout: 180_000 },
    async () => {
      const converted = await run(
        'convert',
        SAMPLE,
        at('out'),
        '--to',
        'layers-model',
        '--weights',
        'uint8',
        ...samples,
      )
      expect(converted.exitCode, converted.stderr).toBe(0)
      const { accuracy } = converted.json as { accuracy: { top1: number; engine: string; reference: { top1: number } } }
      expect(accuracy.engine).toBe('tfjs')
      expect(accuracy.top1).toBeGreaterThan(0.9)
      const own = await run('eval', at('out'), '--engine', 'tfjs', '--batch', '32', ...samples)
      const other = await run('eval', at('out'), '--batch', '32', ...samples)
      expect(own.json).toMatchObject({ engine: 'tfjs', top1: accuracy.top1, samples: 60 })
      expect(other.json).toMatchObject({ engine: 'onnxruntime', top1: accuracy.top1 })
      const [ours, theirs] = [own.json as { loss: number }, other.json as { loss: number }]
      expect(ours.loss).toBeCloseTo(theirs.loss, 4)
    },
  )

  it('an ONNX file is refused before data are read', async () => {
    const { exitCode, stderr } = await run('eval', SAMPLE, '--engine', 'tfjs', '--data', 'mnist:nowhere')
    expect(stderr).toMatch(/ONNX file, which TensorFlow.js does not read/)
    expect(exitCode).toBe(2)
  })
})
