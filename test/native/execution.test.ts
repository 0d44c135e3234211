import { describe, expect, it } from 'vitest'
import type { QuantPlan } from '../../src/shared/contract/plan.ts'
import type { Model, Node, Tensor } from '../../src/main/graph/model.ts'
import { byteTensor } from '../../src/main/graph/tensors.ts'
import { inferShapes } from '../../src/main/graph/shapes/index.ts'
import { findLayers } from '../../src/main/graph/layers/index.ts'
import { parseProfile } from '../../src/main/quant/execution-profile.ts'
import { readExecution, type ExecutionReport, type LayerExecution } from '../../src/main/quant/execution.ts'
import type { RangeSource } from '../../src/main/quant/params.ts'
import type { QuantizeReport } from '../../src/main/quant/quantize.ts'
import { ModelBuilder, normals } from '../builders/model-builder.ts'
import { feed, probe } from '../builders/ort-probe.ts'
import { layersOf, planWith, quantizeBuilt } from '../builders/quantized.ts'

const ranges: RangeSource = { rangeOf: () => ({ rmin: -4, rmax: 4 }) }

/** Two convolutions with a shortcut, a pool and a classifier. */
function residual(): Model {
  const b = new ModelBuilder({ opset: 13 })
  const x = b.input('x', ['N', 4, 8, 8])
  const conv = (input: string, name: string): string =>
    b.node(
      'Conv',
      [input, b.weights([8, name === 'first' ? 4 : 8, 3, 3]), b.weights([8])],
      { pads: [1, 1, 1, 1] },
      { name },
    )
  const first = b.node('Relu', [conv(x, 'first')], {}, { name: 'relu1' })
  const second = b.node('Relu', [conv(first, 'second')], {}, { name: 'relu2' })
  const sum = b.node('Add', [first, second], {}, { name: 'sum' })
  const pooled = b.node('MaxPool', [sum], { kernel_shape: [2, 2], strides: [2, 2] }, { name: 'pool' })
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [pooled], {}, { name: 'average' })], {}, { name: 'flat' })
  b.node('Gemm', [flat, b.weights([8, 3]), b.weights([3])], {}, { name: 'fc', outputs: ['y'] })
  b.output('y')
  return b.build()
}

interface Loaded {
  readonly source: Model
  readonly model: Model
  readonly report: QuantizeReport
}

function quantized(source: Model, plan: QuantPlan): Loaded {
  return { source, ...quantizeBuilt(source, plan, ranges) }
}

async function execute(
  { source, model, report }: Loaded,
  dims: readonly number[] = [2, 4, 8, 8],
): Promise<ExecutionReport> {
  const values = normals(
    new ModelBuilder().random,
    dims.reduce((a, d) => a * d, 1),
  )
  const { dump, profile } = await probe(model, { x: feed(dims, values) }, { runs: 4 })
  return readExecution({ layers: layersOf(source), model, dump, profile: parseProfile(profile), report, warmupRuns: 1 })
}

const byId = (report: ExecutionReport, id: string): LayerExecution => report.layers.find((layer) => layer.id === id)!

/** The model with some nodes changed. */
function changeNodes(loaded: Loaded, change: (node: Node) => Node): Loaded {
  const { model } = loaded
  return { ...loaded, model: { ...model, graph: { ...model.graph, nodes: model.graph.nodes.map(change) } } }
}

function withInitializer(loaded: Loaded, tensor: Tensor): Loaded {
  const initializers = new Map(loaded.model.graph.initializers).set(tensor.name, tensor)
  return { ...loaded, model: { ...loaded.model, graph: { ...loaded.model.graph, initializers } } }
}

describe('readExecution', () => {
  it('shows every layer of the default plan in integers, with its time', async () => {
    const report = await execute(quantized(residual(), planWith({})))
    expect(report.layers.map(({ id, execution }) => [id, execution])).toEqual(
      ['first', 'second', 'sum', 'pool', 'average', 'flat', 'fc'].map((id) => [id, 'int8']),
    )
    expect(byId(report, 'first').kernels).toEqual(['QLinearConv'])
    expect(byId(report, 'fc').kernels).toEqual(['QGemm'])
    expect(report.errors).toEqual([])
    expect(report.runs).toBe(3)
    const layers = report.layers.reduce((sum, { ms }) => sum + ms!, 0)
    const other = report.other.reduce((sum, { ms }) => sum + ms!, 0)
    expect(layers).toBeGreaterThan(0)
    // medians do not add up exactly
    expect((layers + other) / report.totalMs!).toBeGreaterThan(0.5)
    expect((layers + other) / report.totalMs!).toBeLessThan(1.5)
    expect(report.other.map(({ kernel }) => kernel).sort()).toEqual(['DequantizeLinear', 'QuantizeLinear', 'Transpose'])
  })

  it('shows the float model in float, layers merged into others without kernels of their own', async () => {
    const source = residual()
    const { dump, profile } = await probe(source, { x: feed([1, 4, 8, 8], new Float32Array(256)) })
    const report = readExecution({
      layers: layersOf(source),
      model: source,
      dump,
      profile: parseProfile(profile),
      report: null,
    })
    expect(new Set(report.layers.map(({ execution }) => execution))).toEqual(new Set(['float']))
    expect(byId(report, 'second').kernels).toEqual(['Conv'])
    expect(report.layers.every(({ reason }) => reason === null)).toBe(true)
  })

  it('a zero point that is not the lowest integer after a Relu changes the layer, and says so', async () => {
    const intact = quantized(residual(), planWith({}))
    const tensor = 'relu1_out'
    const pair = intact.report.pairs.find((found) => found.tensor === tensor)!
    expect(pair.params.zeroPoint[0]).toBe(0)
    // the same pair, moved by one integer
    const moved = changeNodes(withInitializer(intact, byteTensor('moved', 'uint8', [], Uint8Array.of(1))), (node) => {
      const isQ = node.opType === 'QuantizeLinear' && node.inputs[0] === tensor
      const isDq = node.opType === 'DequantizeLinear' && node.inputs[0] === `${tensor}_q`
      return isQ || isDq ? { ...node, inputs: [node.inputs[0]!, node.inputs[1]!, 'moved'] } : node
    })
    const [before, after] = [await execute(intact), await execute(moved)]
    expect(byId(before, 'first').execution).toBe('int8')
    expect(byId(after, 'first')).toMatchObject({
      execution: 'simulated',
      reason: expect.stringContaining('zero point of relu1_out is 1, not 0'),
    })
    expect(byId(after, 'second').execution).toBe('int8')
  })

  it('a pair that is missing changes the layer, and says so', async () => {
    const intact = quantized(residual(), planWith({}))
    // the second Conv reads the float tensor instead of its DQ
    const broken = changeNodes(intact, (node) =>
      node.name === 'second' ? { ...node, inputs: ['relu1_out', ...node.inputs.slice(1)] } : node,
    )
    const report = await execute(broken)
    expect(byId(report, 'second')).toMatchObject({
      execution: 'simulated',
      reason: expect.stringContaining('comes in float from relu1 (Relu)'),
    })
    expect(byId(report, 'fc').execution).toBe('int8')
  })

  it('a raw output read elsewhere changes the layer, and says so', async () => {
    const intact = quantized(residual(), planWith({}))
    const { graph } = intact.model
    const outputs = [...graph.outputs, { name: 'second_out', dataType: 'float' as const, shape: null }]
    const report = await execute({ ...intact, model: { ...intact.model, graph: { ...graph, outputs } } })
    expect(byId(report, 'second')).toMatchObject({
      execution: 'simulated',
      reason: expect.stringContaining('raw output second_out is an output of the model'),
    })
  })

  it.each(['first', 'second', 'sum', 'fc'])('%s left float is float, all that are quantized are int8', async (id) => {
    const loaded = quantized(residual(), planWith({}, { [id]: 'float' }))
    const report = await execute(loaded)
    expect(byId(report, id).execution).toBe('float')
    expect(report.errors).toEqual([])
    // with the sum in float, Flatten moves floats: its pair is behind it
    const meant = loaded.report.layers
      .filter(({ mode, op }) => mode !== null && op !== 'Flatten')
      .map((layer) => layer.id)
    expect(meant).toEqual(expect.arrayContaining(['first', 'second', 'fc'].filter((other) => other !== id)))
    expect(meant.map((other) => byId(report, other).execution)).toEqual(meant.map(() => 'int8'))
  })

  it('a layer planned float that the runtime computes in integers is an error', async () => {
    const intact = quantized(residual(), planWith({}, { second: 'float' }))
    expect(intact.report.guarded).toContain('second')
    const guard = intact.model.graph.nodes.find(({ opType, name }) => opType === 'Clip' && name.includes('guard'))!
    // without its guard the float Conv stands between DQ and Q
    const bare = changeNodes(intact, (node) => ({
      ...node,
      inputs: node.inputs.map((name) => (name === guard.outputs[0] ? guard.inputs[0]! : name)),
    }))
    const report = await execute(bare)
    expect(report.errors).toEqual([
      expect.stringContaining(
        'Layer second is to stay in float, but ONNX Runtime computes it in integers (QLinearConv)',
      ),
    ])
  })

  it('a file alone, without the quantizer’s table, is read by its structure', async () => {
    const { model } = quantized(residual(), planWith({}, { second: 'float' }))
    const { dump, profile } = await probe(model, { x: feed([1, 4, 8, 8], new Float32Array(256)) })
    const layers = findLayers(model, inferShapes(model))
    const report = readExecution({ layers, model, dump, profile: parseProfile(profile), report: null })
    expect(byId(report, 'first').execution).toBe('int8')
    expect(byId(report, 'second').execution).toBe('float')
    expect(byId(report, 'fc').execution).toBe('int8')
    expect(report.errors).toEqual([])
  })
})

describe('reasons', () => {
  it.each([
    {
      why: '16-bit activations',
      plan: planWith({ activations: { bits: 16, symmetric: false, calibrator: { method: 'minMax' } } }),
      says: 'activations are uint16',
    },
    {
      why: 'int4 weights',
      plan: planWith({ weights: { bits: 4, storage: 'int4', symmetric: true, granularity: 'perChannel' } }),
      says: 'weights are stored as int4',
    },
  ] as const)('$why', async ({ plan, says }) => {
    const source = { ...residual(), opsets: new Map([['', 21]]), irVersion: 10 }
    const report = await execute(quantized(source, plan))
    expect(byId(report, 'second')).toMatchObject({ execution: 'simulated', reason: expect.stringContaining(says) })
  })

  it('weight-only Conv', async () => {
    const report = await execute(quantized(residual(), planWith({ mode: 'weightOnly' })))
    expect(byId(report, 'first')).toMatchObject({
      execution: 'simulated',
      reason: expect.stringContaining('weight-only'),
    })
    expect(byId(report, 'fc')).toMatchObject({ execution: 'int8', kernels: ['MatMulNBits'] })
  })

  it('dynamic layers show their integer kernels, small ones why they have none', async () => {
    const b = new ModelBuilder({ opset: 13 })
    const wide = b.node(
      'Conv',
      [b.input('x', ['N', 128, 'H', 'W']), b.weights([128, 128, 1, 1]), b.weights([128])],
      {},
      { name: 'wide' },
    )
    const deep = b.node('Conv', [wide, b.weights([128, 1, 3, 3])], { group: 128 }, { name: 'deep' })
    b.node('MatMul', [deep, b.weights([6, 5])], {}, { name: 'fc', outputs: ['y'] })
    b.output('y')
    const report = await execute(quantized(b.build(), planWith({ mode: 'dynamic' })), [1, 128, 8, 8])
    expect(byId(report, 'wide')).toMatchObject({
      execution: 'int8',
      kernels: expect.arrayContaining(['ConvInteger', 'Mul', 'Add']),
    })
    expect(byId(report, 'deep')).toMatchObject({
      execution: 'simulated',
      reason: expect.stringContaining('1 output channel a group'),
    })
    expect(byId(report, 'fc').kernels).toEqual(['DynamicQuantizeMatMul'])
  })
})
