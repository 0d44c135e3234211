import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Preprocess } from '../../src/shared/contract/data.ts'
import type { Progress } from '../../src/shared/contract/progress.ts'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { evaluateModel, type EvaluationRequest } from '../../src/main/jobs/evaluate.ts'
import { createPool } from '../../src/main/jobs/pool.ts'
import type { WorkerHost } from '../../src/main/jobs/worker-host.ts'
import { ModelBuilder } from '../builders/model-builder.ts'

const pids: number[] = []
const host = createNodeWorkerHost()
/** Notes the processes it starts, so that a test can kill one. */
const notingHost: WorkerHost = {
  start: async () => {
    const worker = await host.start()
    pids.push(worker.pid)
    return worker
  },
  closeAll: () => host.closeAll(),
}
const pool = createPool(notingHost, { size: 4 })
let folder = ''

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

/** A classifier of 28×28 digits with random weights; `wobble` shifts its last bias, so that variants disagree on some samples. */
function digitNet(
  options: { batch?: number | string; classes?: number; wobble?: number; extraOutput?: boolean; output?: string } = {},
): Model {
  const { batch = 'N', classes = 10, wobble = 0, output = 'scores' } = options
  const builder = new ModelBuilder({ seed: 7 })
  builder.input('image', [batch, 1, 28, 28])
  const conv = builder.node('Conv', ['image', builder.weights([8, 1, 5, 5])], { strides: [2, 2] }, { name: 'conv' })
  const relu = builder.node('Relu', [conv], {}, { name: 'relu' })
  const flat = builder.node('Flatten', [relu], {}, { name: 'flat' })
  const bias = builder.floats(Array.from({ length: classes }, (_, i) => wobble * Math.sin(i)))
  builder.node('Gemm', [flat, builder.weights([1152, classes], 0.05), bias], {}, { name: 'head', outputs: [output] })
  builder.output(output, [batch, classes])
  if (options.extraOutput) builder.output(relu, [batch, 8, 12, 12])
  return builder.build()
}

/** One whose scores depend on the largest value of the whole batch, as a dynamically quantized model's do. */
function batchBoundNet(): Model {
  const builder = new ModelBuilder({ seed: 3 })
  builder.input('image', ['N', 1, 28, 28])
  const flat = builder.node('Flatten', ['image'], {})
  const max = builder.node('ReduceMax', [flat], { keepdims: 0 })
  const mean = builder.node('ReduceMean', [flat], { keepdims: 0 })
  const scaled = builder.node('Mul', [flat, builder.node('Add', [max, mean], {})], {})
  builder.node('Gemm', [scaled, builder.weights([784, 10], 0.05)], {}, { outputs: ['scores'] })
  builder.output('scores', ['N', 10])
  return builder.build()
}

function save(name: string, model: Model): string {
  const file = path.join(folder, `${name}.onnx`)
  fs.writeFileSync(file, modelBytes(model))
  return file
}

function request(model: string, changes: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return {
    model,
    data: { kind: 'synthetic-digits' },
    split: 'test',
    range: { start: 0, end: 150 },
    seed: 5,
    preprocess: unit,
    ...changes,
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // one that has ended before
  }
}

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-evaluate-'))
})
afterAll(async () => {
  await pool.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

describe('an evaluation', () => {
  it.each([
    { why: 'sample by sample', batch: 1, net: () => digitNet({ wobble: 0.5 }) },
    { why: 'in batches, the last one short', batch: 7, net: () => digitNet({ wobble: 0.5 }) },
    { why: 'of a model whose scores depend on the batch', batch: 8, net: batchBoundNet },
    {
      why: 'of a model with a fixed batch, the last one padded',
      batch: 1,
      net: () => digitNet({ batch: 4, wobble: 0.5 }),
    },
  ])('$why is the same to the last bit on 1, 2 and 4 workers', async ({ batch, net }) => {
    const model = save('variant', net())
    const reference = save('reference', digitNet())
    const results = []
    for (const workers of [1, 2, 4]) {
      const evaluation = await evaluateModel(request(model, { reference, batch, workers }), pool)
      expect(evaluation.workers).toBe(workers)
      results.push(evaluation.result)
    }
    expect(results[0]!.samples).toBe(150)
    expect(results[0]!.agreement).toBeLessThan(1)
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  it('of a fixed batch equals that of an open one: padding rows do not count', async () => {
    const [open, fixed] = [save('open', digitNet()), save('fixed', digitNet({ batch: 4 }))]
    const a = await evaluateModel(request(open, { batch: 4 }), pool)
    const b = await evaluateModel(request(fixed), pool)
    expect(b.batch).toBe(4)
    expect(b.result).toEqual(a.result)
  })

  it('of a model against itself agrees wholly, also where the two take different batches', async () => {
    const model = save('self', digitNet({ extraOutput: true }))
    const fixed = save('self-fixed', digitNet({ batch: 4, extraOutput: true }))
    const same = await evaluateModel(request(model, { reference: model }), pool)
    expect(same.result).toMatchObject({ agreement: 1, drop: { value: 0 }, kl: 0 })
    expect(same.result.outputs!.map(({ output }) => output)).toEqual(['scores', 'relu_out'])
    expect(same.result.outputs!.every(({ sqnrDb, cosine }) => sqnrDb === Infinity && cosine === 1)).toBe(true)
    const apart = await evaluateModel(request(model, { reference: fixed, batch: 2 }), pool)
    expect(apart.result).toMatchObject({ samples: 150, agreement: 1 })
    expect(apart.result.outputs!.every(({ sqnrDb }) => sqnrDb > 100)).toBe(true)
  })

  it('counts accuracy as counting by hand does', async () => {
    const model = save('counted', digitNet())
    const { result, spec } = await evaluateModel(request(model), pool)
    expect(spec).toMatchObject({ classOutput: 'scores', classes: 10 })
    const cells = result.model!.confusion
    const right = cells.filter(([label, predicted]) => label === predicted).reduce((sum, [, , count]) => sum + count, 0)
    expect(cells.reduce((sum, [, , count]) => sum + count, 0)).toBe(150)
    expect(result.model!.top1).toBe(right / 150)
  })

  it('pairs outputs that were renamed by their position', async () => {
    const [model, reference] = [save('renamed', digitNet({ output: 'other' })), save('named', digitNet())]
    const { result } = await evaluateModel(request(model, { reference }), pool)
    expect(result.outputs).toMatchObject([{ output: 'other', cosine: 1 }])
  })

  it('reports every sample as progress', async () => {
    const steps: Progress[] = []
    await evaluateModel(request(save('progress', digitNet()), { workers: 3 }), pool, {
      onProgress: (step) => steps.push(step),
    })
    expect(steps.at(-1)).toEqual({ stage: 'evaluate', done: 150, total: 150, unit: 'samples' })
  })

  it('spends its time in the model, and says how much', async () => {
    const { time } = await evaluateModel(request(save('timed', digitNet())), pool)
    expect(time.modelMs).toBeGreaterThan(0)
    expect(time.loopMs).toBeGreaterThanOrEqual(time.modelMs)
  })

  it('survives the death of a worker, with the same result', async () => {
    const model = save('survivor', digitNet())
    const whole = { range: { start: 0, end: 2000 }, workers: 2 }
    const undisturbed = await evaluateModel(request(model, whole), pool)
    const log: string[] = []
    let isKilled = false
    const disturbed = await evaluateModel(request(model, whole), pool, {
      onLog: (_, sentence) => log.push(sentence),
      onProgress: () => {
        if (!isKilled) for (const pid of pids) killIfThere(pid)
        isKilled = true
      },
    })
    expect(log[0]).toMatch(/ended by SIGKILL.*run once more/)
    expect(disturbed.result).toEqual(undisturbed.result)
  })

  it('stops when asked, with the reason', async () => {
    const abort = new AbortController()
    const running = evaluateModel(request(save('stopped', digitNet()), { range: { start: 0, end: 2000 } }), pool, {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    })
    await expect(running).rejects.toThrow('enough')
  })
})

describe('an evaluation refuses', () => {
  it.each([
    {
      why: 'labels beyond the classes',
      net: () => digitNet({ classes: 5 }),
      changes: {},
      code: 'data.labelOutOfRange',
    },
    { why: 'a model that does not exist', net: null, changes: {}, code: 'file.notFound' },
    {
      why: 'a range beyond the data',
      net: () => digitNet(),
      changes: { range: { start: 0, end: 1e6 } },
      code: 'usage.range',
    },
    { why: 'an empty range', net: () => digitNet(), changes: { range: { start: 5, end: 5 } }, code: 'usage.range' },
    {
      why: 'a class output that is not there',
      net: () => digitNet(),
      changes: { classOutput: 'nothing' },
      code: 'usage.classOutput',
    },
  ])('$why', async ({ net, changes, code }) => {
    const model = net ? save('refused', net()) : path.join(folder, 'absent.onnx')
    await expect(evaluateModel(request(model, changes), pool)).rejects.toMatchObject({ code })
  })

  it('a reference with other outputs', async () => {
    const [model, reference] = [save('ten', digitNet()), save('twelve', digitNet({ classes: 12 }))]
    await expect(evaluateModel(request(model, { reference }), pool)).rejects.toMatchObject({
      code: 'model.outputsDiffer',
    })
  })
})
