import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Preprocess } from '../../src/shared/contract/data.ts'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import type { Model, Node } from '../../src/main/graph/model.ts'
import { byteTensor } from '../../src/main/graph/tensors.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import { benchModel, type BenchRequest } from '../../src/main/jobs/bench.ts'
import { createPool, type WorkerPool } from '../../src/main/jobs/pool.ts'
import { executionWarnings, verifyExecution } from '../../src/main/jobs/verify.ts'
import { ModelBuilder } from '../builders/model-builder.ts'
import {
  minMaxRanges,
  planWith,
  prepare,
  quantizePrepared,
  randomTensor,
  type Prepared,
  type Quantized,
} from '../builders/quantizing.ts'

let pool: WorkerPool
/** Enough to see a result, not to trust it. */
const limits = { warmupMs: 5, minRounds: 4, minMs: 20, maxMs: 500, precision: 0.5 }
let folder = ''
/** where the workers put their temporary files */
let scratch = ''
let prepared: Prepared
let int8: Quantized
let hybrid: Quantized
const files = { float: '', int8: '', hybrid: '' }

function residualNet(batch: number | string = 'N'): Model {
  const builder = new ModelBuilder({ seed: 11 })
  builder.input('image', [batch, 3, 32, 32])
  const conv = (input: string, from: number, to: number, name: string): string =>
    builder.node(
      'Conv',
      [input, builder.weights([to, from, 3, 3]), builder.weights([to], 0.1)],
      { pads: [1, 1, 1, 1] },
      { name },
    )
  const relu = (input: string, name: string): string => builder.node('Relu', [input], {}, { name })
  const stem = relu(conv('image', 3, 16, 'stem/conv'), 'stem/relu')
  const first = relu(conv(stem, 16, 16, 'block/conv1'), 'block/relu1')
  const sum = relu(
    builder.node('Add', [conv(first, 16, 16, 'block/conv2'), stem], {}, { name: 'block/add' }),
    'block/relu2',
  )
  const pooled = builder.node(
    'Flatten',
    [builder.node('GlobalAveragePool', [sum], {}, { name: 'pool' })],
    {},
    { name: 'flatten' },
  )
  builder.node(
    'Gemm',
    [pooled, builder.weights([16, 10]), builder.weights([10], 0.1)],
    {},
    { name: 'head', outputs: ['scores'] },
  )
  builder.output('scores', [batch, 10])
  return builder.build()
}

function save(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, `${name}.onnx`)
  fs.writeFileSync(file, bytes)
  return file
}

/** The model with the zero point of one tensor's pair raised to 3, both in Q and DQ. */
function withZeroPointOff(model: Model, tensor: string): Model {
  const quantize = model.graph.nodes.find(({ opType, inputs }) => opType === 'QuantizeLinear' && inputs[0] === tensor)!
  const isOfPair = ({ opType, inputs }: Node): boolean =>
    opType === 'DequantizeLinear' && inputs[0] === quantize.outputs[0]
  const nodes = model.graph.nodes.map((node) =>
    node === quantize || isOfPair(node) ? { ...node, inputs: [node.inputs[0]!, node.inputs[1]!, 'off'] } : node,
  )
  const initializers = new Map(model.graph.initializers).set('off', byteTensor('off', 'uint8', [], Uint8Array.of(3)))
  return { ...model, graph: { ...model.graph, nodes, initializers } }
}

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-bench-'))
  scratch = path.join(folder, 'scratch')
  fs.mkdirSync(scratch)
  pool = createPool(createNodeWorkerHost({ env: { TMPDIR: scratch, TEMP: scratch } }), { size: 2 })
  const float = residualNet()
  prepared = prepare(float)
  const ranges = await minMaxRanges(prepared, [{ image: randomTensor([2, 3, 32, 32]) }])
  int8 = quantizePrepared(prepared, ranges)
  hybrid = quantizePrepared(prepared, ranges, planWith({ 'block/conv1': 'float' }))
  files.float = save('float', modelBytes(float))
  files.int8 = save('int8', int8.bytes)
  files.hybrid = save('hybrid', hybrid.bytes)
})
afterAll(async () => {
  await pool.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

function bench(changes: Partial<BenchRequest> = {}): ReturnType<typeof benchModel> {
  return benchModel({ model: files.int8, reference: files.float, threads: 1, batch: 2, limits, ...changes }, pool)
}

describe('bench', () => {
  it('measures model and reference, and tells for every layer how it runs and how long', async () => {
    const result = await bench()
    expect(result.medianMs).toBeGreaterThan(0)
    expect(result.speedup).toBeCloseTo(result.referenceMedianMs! / result.medianMs, 10)
    expect(result.interval!.low).toBeLessThanOrEqual(result.speedup!)
    expect(result.interval!.high).toBeGreaterThanOrEqual(result.speedup!)
    expect(result).toMatchObject({ batch: 2, threads: 1, shapes: { image: [2, 3, 32, 32] } })
    const layers = new Map(result.layers.map((layer) => [layer.id, layer]))
    for (const id of ['stem/conv', 'block/conv1', 'block/conv2', 'head']) {
      expect(layers.get(id)).toMatchObject({ execution: 'int8', reason: null })
      expect(layers.get(id)!.ms).toBeGreaterThan(0)
    }
    expect(layers.get('stem/conv')!.referenceMs).toBeGreaterThan(0)
  })

  it('without a reference gives times alone', async () => {
    const result = await bench({ reference: null })
    expect(result).toMatchObject({ referenceMedianMs: null, speedup: null, interval: null })
    expect(result.layers.every(({ referenceMs }) => referenceMs === null)).toBe(true)
  })

  it('of a float model shows every layer float, with no warning', async () => {
    const result = await bench({ model: files.float, reference: null })
    expect(result.layers.every(({ execution }) => execution === 'float')).toBe(true)
    expect(result.warnings).toEqual([])
  })

  it('runs on real samples', async () => {
    const preprocess: Preprocess = {
      resize: [32, 32],
      resizeKernel: 'linear',
      crop: null,
      channels: 'rgb',
      scale: 1 / 255,
      mean: [0],
      std: [1],
      layout: 'NCHW',
    }
    const result = await bench({
      samples: { data: { kind: 'synthetic-digits' }, split: 'test', seed: 1, preprocess },
      batch: 3,
    })
    expect(result.shapes).toEqual({ image: [3, 3, 32, 32] })
  })

  it('takes the batch of a model that fixes one for both', async () => {
    const fixed = save('fixed', modelBytes(residualNet(4)))
    expect((await bench({ model: fixed, batch: 1 })).batch).toBe(4)
    await expect(bench({ reference: fixed, batch: 1 })).rejects.toMatchObject({ code: 'usage.batch' })
  })

  it('stops when asked and leaves no folder behind', async () => {
    const abort = new AbortController()
    const running = benchModel({ model: files.int8, threads: 1, limits: { minMs: 60_000, maxMs: 60_000 } }, pool, {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    })
    await expect(running).rejects.toThrow('enough')
    expect(fs.readdirSync(scratch)).toEqual([])
  })
})

describe('the check of how layers really run', () => {
  it('sees every layer meant to be integer as int8', async () => {
    const report = await verifyExecution({ model: files.int8, layers: prepared.layers, report: int8.report }, pool)
    expect(report.errors).toEqual([])
    expect(
      report.layers.filter(({ op }) => op === 'Conv' || op === 'Gemm').every(({ execution }) => execution === 'int8'),
    ).toBe(true)
    expect(executionWarnings(report)).toEqual([])
    expect(report.runs).toBe(5)
  })

  it('sees a layer left float as float, all others as int8', async () => {
    const report = await verifyExecution({ model: files.hybrid, layers: prepared.layers, report: hybrid.report }, pool)
    expect(report.errors).toEqual([])
    const weighted = report.layers.filter(({ op }) => op === 'Conv' || op === 'Gemm')
    expect(weighted.map(({ id, execution }) => [id, execution])).toEqual([
      ['stem/conv', 'int8'],
      ['block/conv1', 'float'],
      ['block/conv2', 'int8'],
      ['head', 'int8'],
    ])
  })

  it('sees one zero point that is off: that layer is simulated, and a warning says why', async () => {
    const broken = save('broken', modelBytes(withZeroPointOff(int8.model, 'block/relu1_out')))
    const report = await verifyExecution({ model: broken, layers: prepared.layers, report: int8.report }, pool)
    const executions = new Map(report.layers.map(({ id, execution }) => [id, execution]))
    expect(executions.get('block/conv1')).toBe('simulated')
    expect(executions.get('stem/conv')).toBe('int8')
    expect(executionWarnings(report)).toEqual([expect.stringContaining('block/conv1')])
    expect(executionWarnings(report)[0]).toContain('zero point')
  })

  it('refuses a file that is none', async () => {
    await expect(verifyExecution({ model: save('text', Buffer.from('hello')) }, pool)).rejects.toMatchObject({
      code: expect.stringMatching(/^format\./),
    })
  })
})
