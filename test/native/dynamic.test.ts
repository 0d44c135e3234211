import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { QuantPlan } from '../../src/shared/contract/plan.ts'
import { float, string } from '../../src/main/graph/attributes.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { sqnrDb } from '../../src/main/quant/metrics.ts'
import { ModelBuilder, normals, type AttributeValue } from '../builders/model-builder.ts'
import { feed, interleavedMs, opCounts, probe, run } from '../builders/ort-probe.ts'
import { planWith, quantizeBuilt } from '../builders/quantized.ts'

const dynamic = planWith({ mode: 'dynamic' })
const int8 = { bits: 8, storage: 'int8', symmetric: true, granularity: 'perChannel' } as const

interface ConvCase {
  readonly why: string
  readonly input: readonly number[]
  readonly weights: readonly number[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
}

const convCases: readonly ConvCase[] = [
  { why: 'a plain 3×3', input: [2, 256, 9, 9], weights: [256, 256, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  {
    why: 'auto_pad with a stride',
    input: [1, 256, 9, 11],
    weights: [256, 256, 3, 3],
    attributes: { auto_pad: string('SAME_UPPER'), strides: [2, 2] },
  },
  {
    why: 'SAME_LOWER',
    input: [1, 256, 10, 10],
    weights: [256, 256, 4, 4],
    attributes: { auto_pad: string('SAME_LOWER') },
  },
  {
    why: 'dilations and uneven pads',
    input: [1, 256, 12, 12],
    weights: [256, 256, 3, 3],
    attributes: { dilations: [2, 2], pads: [2, 0, 1, 3] },
  },
  { why: 'two groups', input: [1, 512, 8, 8], weights: [512, 256, 3, 3], attributes: { group: 2, pads: [1, 1, 1, 1] } },
  { why: 'pointwise', input: [1, 128, 7, 7], weights: [128, 128, 1, 1] },
  {
    why: 'pointwise with pads, where the padding must be real 0',
    input: [1, 128, 5, 5],
    weights: [160, 128, 1, 1],
    attributes: { pads: [1, 1, 1, 1] },
  },
  { why: '1-D', input: [2, 256, 30], weights: [256, 256, 5], attributes: { pads: [2, 2] } },
]

function convModel(
  { input, weights, attributes }: ConvCase,
  options: { bias?: boolean; relu?: boolean } = {},
  open = true,
): Model {
  const b = new ModelBuilder({ opset: 13 })
  // the size of the picture is left open: known ones this small stay in float arithmetic
  const x = b.input('x', open ? input.map((dim, i) => (i === 1 ? dim : `d${i}`)) : input)
  // a Relu before it, so that the quantizer knows the sign; a shifted input exercises an inner zero point
  const read = options.relu ? b.node('Relu', [x], {}, { name: 'first' }) : x
  const inputs = [read, b.weights(weights), ...(options.bias === false ? [] : [b.weights([weights[0]!], 0.3)])]
  b.node('Relu', [b.node('Conv', inputs, attributes, { name: 'conv' })], {}, { name: 'act', outputs: ['y'] })
  b.output('y')
  return b.build()
}

async function sqnrOf(model: Model, plan: QuantPlan, dims: readonly number[], shift = 0.5): Promise<number> {
  const values = normals(
    new ModelBuilder({ seed: 5 }).random,
    dims.reduce((a, d) => a * d, 1),
  ).map((v) => v + shift)
  const quantized = quantizeBuilt(model, plan).model
  const [reference, test] = [
    await run(model, { x: feed(dims, values) }),
    await run(quantized, { x: feed(dims, values) }),
  ]
  return sqnrDb(reference['y']!.data as Float32Array, test['y']!.data as Float32Array)
}

describe('dynamic Conv', () => {
  it.each(convCases)('$why: int8 activations × uint8 weights, near the float result', async (example) => {
    const model = convModel(example)
    const { model: quantized, report } = quantizeBuilt(model, dynamic)
    expect(report.layers.find(({ id }) => id === 'conv')).toMatchObject({
      mode: 'dynamic',
      type: 'uint8',
      warnings: [],
    })
    const node = quantized.graph.nodes.find(({ name }) => name === 'conv')!
    expect(node.opType).toBe('ConvInteger')
    expect(quantized.graph.initializers.get(node.inputs[1]!)!.dataType).toBe('uint8')
    expect(quantized.graph.initializers.get(node.inputs[3]!)!.data).toEqual(Uint8Array.of(128))
    expect(await sqnrOf(model, dynamic, example.input)).toBeGreaterThan(33)
  })

  it.each([
    { why: 'no bias', options: { bias: false } },
    { why: 'an input that is never negative has a fixed zero point', options: { relu: true } },
  ])('$why', async ({ options }) => {
    expect(await sqnrOf(convModel(convCases[0]!, options), dynamic, convCases[0]!.input)).toBeGreaterThan(33)
  })

  it.each([
    {
      why: 'symmetric activations',
      plan: planWith({ mode: 'dynamic', activations: { bits: 8, symmetric: true, calibrator: { method: 'minMax' } } }),
      dB: 33,
    },
    {
      why: 'affine weights share one zero point',
      plan: planWith({ mode: 'dynamic', weights: { ...int8, symmetric: false } }),
      dB: 33,
    },
    {
      why: 'affine uint8 weights',
      plan: planWith({ mode: 'dynamic', weights: { ...int8, storage: 'uint8', symmetric: false } }),
      dB: 33,
    },
    {
      why: 'one scale for the tensor',
      plan: planWith({ mode: 'dynamic', weights: { ...int8, granularity: 'perTensor' } }),
      dB: 30,
    },
    { why: 'reduced range', plan: planWith({ mode: 'dynamic', weights: { ...int8, reducedRange: true } }), dB: 29 },
    { why: '4-bit weights', plan: planWith({ mode: 'dynamic', weights: { ...int8, bits: 4 } }), dB: 12 },
    {
      why: '4-bit activations',
      plan: planWith({ mode: 'dynamic', activations: { bits: 4, symmetric: false, calibrator: { method: 'minMax' } } }),
      dB: 10,
    },
    {
      why: '1-bit affine weights run',
      plan: planWith({ mode: 'dynamic', weights: { ...int8, bits: 1, symmetric: false } }),
      dB: -10,
    },
  ])('$why: ≥ $dB dB', async ({ plan, dB }) => {
    expect(await sqnrOf(convModel(convCases[0]!), plan, convCases[0]!.input)).toBeGreaterThan(dB)
  })

  it('reduced range keeps every uint8 weight below 128, so that no CPU saturates pairs of products', () => {
    const { model } = quantizeBuilt(
      convModel(convCases[0]!),
      planWith({ mode: 'dynamic', weights: { ...int8, reducedRange: true } }),
    )
    const node = model.graph.nodes.find(({ name }) => name === 'conv')!
    expect(model.graph.initializers.get(node.inputs[1]!)!.data.every((weight) => weight < 128)).toBe(true)
  })

  it('a tensor of zeros stays finite', async () => {
    const { model } = quantizeBuilt(convModel(convCases[0]!, { relu: true }), dynamic)
    const outputs = await run(model, { x: feed([2, 256, 9, 9], new Float32Array(2 * 256 * 81)) })
    expect((outputs['y']!.data as Float32Array).every(Number.isFinite)).toBe(true)
  })

  it.each([
    {
      why: 'few channels',
      example: { why: '', input: [1, 3, 8, 8], weights: [16, 3, 3, 3] },
      says: 'products for each value moved',
    },
    {
      why: 'a small picture',
      example: { why: '', input: [1, 256, 4, 4], weights: [256, 256, 3, 3] },
      says: 'only 2.4 million products',
    },
    {
      why: 'depthwise',
      example: { why: '', input: [1, 16, 8, 8], weights: [16, 1, 9, 9], attributes: { group: 16, pads: [4, 4, 4, 4] } },
      says: '1 output channel a group',
    },
  ])('$why: float arithmetic on weights stored as integers, with the reason', async ({ example, says }) => {
    const model = convModel(example, {}, false)
    const { model: quantized, report } = quantizeBuilt(model, dynamic)
    const layer = report.layers.find(({ id }) => id === 'conv')!
    expect(layer).toMatchObject({ mode: 'weightOnly', type: 'int8' })
    expect(layer.warnings[0]).toContain(says)
    const values = normals(
      new ModelBuilder().random,
      example.input.reduce((a, d) => a * d, 1),
    )
    const { dump } = await probe(quantized, { x: feed(example.input, values) })
    // the runtime folded the integers into float weights
    expect(
      Object.keys(opCounts(dump)).filter((op) => op === 'Cast' || op === 'Mul' || op === 'DequantizeLinear'),
    ).toEqual([])
  })

  it('layers that read the same tensor share its quantization', () => {
    const b = new ModelBuilder({ opset: 13 })
    const x = b.input('x', ['N', 128, 'H', 'W'])
    for (const i of [0, 1]) b.output(b.node('Conv', [x, b.weights([128, 128, 1, 1])], {}, { name: `conv${i}` }))
    const counts = opCounts(quantizeBuilt(b.build(), dynamic).model)
    expect(counts).toMatchObject({ ConvInteger: 2, ReduceMax: 1, ReduceMin: 1 })
  })
})

/** VNNI or another dot product of bytes; what Linux tells of the CPU. */
const hasVnni = fs.existsSync('/proc/cpuinfo') && /avx512_vnni|avx_vnni/.test(fs.readFileSync('/proc/cpuinfo', 'utf8'))

describe('speed of dynamic Conv (m)', () => {
  const size = [1, 256, 14, 14]
  const wide = convModel({ why: '', input: size, weights: [256, 256, 3, 3], attributes: { pads: [1, 1, 1, 1] } })
  const input = { x: feed(size, normals(new ModelBuilder().random, 256 * 14 * 14)) }

  it.runIf(hasVnni)(
    'int8 × uint8 is faster than float, and than uint8 × uint8 (run in turns on one thread)',
    async () => {
      const { model } = quantizeBuilt(wide, dynamic)
      const [floatMs, int8Ms, uint8Ms] = await interleavedMs([wide, model, withUint8Input(model)], input, 15)
      // seen: 3.0, 2.1 and 4.2 ms; the margins leave room for a busy machine
      expect(int8Ms! / floatMs!).toBeLessThan(1.1)
      expect(int8Ms! / uint8Ms!).toBeLessThan(0.8)
    },
  )
})

/** The same model with its ConvInteger reading uint8 from a DynamicQuantizeLinear. */
function withUint8Input(model: Model): Model {
  const b = new ModelBuilder({ opset: 13 })
  b.input('x', ['N', 256, 'H', 'W'])
  for (const tensor of model.graph.initializers.values()) b.constant(tensor)
  b.node('DynamicQuantizeLinear', ['x'], {}, { outputs: ['q', 's', 'z'] })
  const conv = model.graph.nodes.find(({ opType }) => opType === 'ConvInteger')!
  const accumulator = b.node('ConvInteger', ['q', conv.inputs[1]!, 'z', conv.inputs[3]!], { pads: [1, 1, 1, 1] })
  b.node('Mul', [b.node('Cast', [accumulator], { to: 1 }), 's'], {}, { outputs: ['y'] })
  b.output('y')
  return b.build()
}

describe('dynamic MatMul and Gemm', () => {
  const dims = [6, 32]

  function matrixModel(build: (b: ModelBuilder, x: string) => string, input: readonly number[] = dims): Model {
    const b = new ModelBuilder({ opset: 13 })
    const last = build(b, b.input('x', input))
    b.node('Identity', [last], {}, { name: 'end', outputs: ['y'] })
    b.output('y')
    return b.build()
  }

  it.each([
    {
      why: 'MatMul',
      build: (b: ModelBuilder, x: string) => b.node('MatMul', [x, b.weights([32, 16])], {}, { name: 'fc' }),
    },
    {
      why: 'MatMul and Add',
      build: (b: ModelBuilder, x: string) =>
        b.node('Add', [b.node('MatMul', [x, b.weights([32, 16])], {}, { name: 'fc' }), b.weights([16])]),
    },
    {
      why: 'Gemm',
      build: (b: ModelBuilder, x: string) =>
        b.node('Gemm', [x, b.weights([32, 16]), b.weights([16])], {}, { name: 'fc' }),
    },
    {
      why: 'Gemm with transB, alpha and beta',
      build: (b: ModelBuilder, x: string) =>
        b.node(
          'Gemm',
          [x, b.weights([16, 32]), b.weights([16])],
          { transB: 1, alpha: float(0.5), beta: float(2) },
          { name: 'fc' },
        ),
    },
    {
      why: 'Gemm without C',
      build: (b: ModelBuilder, x: string) => b.node('Gemm', [x, b.weights([32, 16])], {}, { name: 'fc' }),
    },
    {
      why: 'a Relu behind',
      build: (b: ModelBuilder, x: string) =>
        b.node('Relu', [b.node('Gemm', [x, b.weights([32, 16]), b.weights([16])], {}, { name: 'fc' })]),
    },
  ])('$why fuses into DynamicQuantizeMatMul', async ({ build }) => {
    const model = matrixModel(build)
    const { model: quantized, report } = quantizeBuilt(model, dynamic)
    expect(report.layers.find(({ id }) => id === 'fc')).toMatchObject({ mode: 'dynamic', type: 'int8', warnings: [] })
    const { dump } = await probe(quantized, { x: feed(dims, normals(new ModelBuilder().random, 192)) })
    expect(opCounts(dump)['com.microsoft.DynamicQuantizeMatMul']).toBe(1)
    expect(await sqnrOf(model, dynamic, dims, 0)).toBeGreaterThan(33)
  })

  it.each([
    {
      why: 'affine weights, one zero point a column',
      plan: planWith({ mode: 'dynamic', weights: { ...int8, symmetric: false } }),
      dB: 33,
    },
    { why: 'uint8 weights', plan: planWith({ mode: 'dynamic', weights: { ...int8, storage: 'uint8' } }), dB: 33 },
    {
      why: 'symmetric activations',
      plan: planWith({ mode: 'dynamic', activations: { bits: 8, symmetric: true, calibrator: { method: 'minMax' } } }),
      dB: 33,
    },
    {
      why: '5-bit activations',
      plan: planWith({ mode: 'dynamic', activations: { bits: 5, symmetric: false, calibrator: { method: 'minMax' } } }),
      dB: 15,
    },
    { why: '2-bit weights', plan: planWith({ mode: 'dynamic', weights: { ...int8, bits: 2 } }), dB: 0 },
  ])('$why: ≥ $dB dB', async ({ plan, dB }) => {
    const model = matrixModel((b, x) => b.node('MatMul', [x, b.weights([32, 16])], {}, { name: 'fc' }))
    expect(await sqnrOf(model, plan, dims, 0)).toBeGreaterThan(dB)
  })

  it('weights of rank 3 have one scale', async () => {
    const model = matrixModel((b, x) => b.node('MatMul', [x, b.weights([2, 32, 16])], {}, { name: 'fc' }), [2, 6, 32])
    expect(await sqnrOf(model, dynamic, [2, 6, 32], 0)).toBeGreaterThan(30)
  })

  it('shares one DynamicQuantizeLinear among its readers', async () => {
    const model = matrixModel((b, x) =>
      b.node('Add', [b.node('MatMul', [x, b.weights([32, 16])]), b.node('MatMul', [x, b.weights([32, 16])])]),
    )
    const { model: quantized } = quantizeBuilt(model, dynamic)
    const { dump } = await probe(quantized, { x: feed(dims, normals(new ModelBuilder().random, 192)) })
    expect(opCounts(dump)).toMatchObject({ DynamicQuantizeLinear: 1, 'com.microsoft.MatMulIntegerToFloat': 2 })
  })

  it.each([
    {
      why: 'transA',
      build: (b: ModelBuilder, x: string) => b.node('Gemm', [x, b.weights([6, 16])], { transA: 1 }, { name: 'fc' }),
      reason: 'transA',
    },
    {
      why: 'a constant on the left',
      build: (b: ModelBuilder, x: string) => b.node('MatMul', [b.weights([4, 6]), x], {}, { name: 'fc' }),
      reason: null,
    },
  ])('$why stays in float', ({ build, reason }) => {
    const { report } = quantizeBuilt(matrixModel(build), dynamic)
    const layer = report.layers.find(({ id }) => id === 'fc')!
    expect(layer.mode).toBeNull()
    if (reason !== null) expect(layer.warnings[0]).toContain(reason)
  })
})
