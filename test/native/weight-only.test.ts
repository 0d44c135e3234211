import { describe, expect, it } from 'vitest'
import type { WeightScheme } from '../../src/shared/contract/plan.ts'
import { float } from '../../src/main/graph/attributes.ts'
import { byteLengthOf } from '../../src/main/graph/tensors.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { sqnrDb } from '../../src/main/quant/metrics.ts'
import { ModelBuilder, normals } from '../builders/model-builder.ts'
import { feed, opCounts, probe, run } from '../builders/ort-probe.ts'
import { planWith, quantizeBuilt } from '../builders/quantized.ts'

const base = { bits: 8, storage: 'int8', symmetric: true, granularity: 'perChannel' } as const
const plan = (weights: Partial<WeightScheme>) => planWith({ mode: 'weightOnly', weights: { ...base, ...weights } })

/** Opset 21 for 4- and 16-bit storage and blocks. */
function built(body: (b: ModelBuilder) => void, opset = 21): Model {
  const b = new ModelBuilder({ opset, irVersion: 10 })
  body(b)
  return b.build()
}

async function compare(
  model: Model,
  weights: Partial<WeightScheme>,
  dims: readonly number[],
): Promise<{ dB: number; ops: Record<string, number>; bytes: number }> {
  const { model: quantized } = quantizeBuilt(model, plan(weights))
  const feeds = {
    x: feed(
      dims,
      normals(
        new ModelBuilder({ seed: 3 }).random,
        dims.reduce((a, d) => a * d, 1),
      ),
    ),
  }
  const reference = await run(model, feeds)
  const test = await probe(quantized, feeds)
  const stored = [...quantized.graph.initializers.values()].reduce(
    (sum, { dataType, dims: d }) => sum + byteLengthOf(dataType, d),
    0,
  )
  return {
    dB: sqnrDb(reference['y']!.data as Float32Array, test.outputs['y']!.data as Float32Array),
    ops: opCounts(test.dump),
    bytes: stored,
  }
}

const nBits = 'com.microsoft.MatMulNBits'

describe('weight-only MatMul and Gemm', () => {
  const matmul = built((b) => {
    b.node('MatMul', [b.input('x', ['N', 64]), b.weights([64, 48])], {}, { name: 'fc', outputs: ['y'] })
    b.output('y')
  })

  it.each([
    { why: 'int8 per channel', weights: {}, dB: 35 },
    { why: 'int8 per tensor', weights: { granularity: 'perTensor' }, dB: 33 },
    { why: 'int8 affine', weights: { symmetric: false }, dB: 35 },
    { why: 'uint8 affine', weights: { storage: 'uint8', symmetric: false }, dB: 35 },
    { why: 'uint8 symmetric', weights: { storage: 'uint8' }, dB: 35 },
    { why: '3 bits in int8', weights: { bits: 3 }, dB: 2 },
    { why: '1 bit affine', weights: { bits: 1, symmetric: false }, dB: -10 },
    { why: 'int4 per channel', weights: { bits: 4, storage: 'int4' }, dB: 12 },
    { why: 'uint4 affine', weights: { bits: 4, storage: 'uint4', symmetric: false }, dB: 12 },
    {
      why: 'int4 in blocks of 16',
      weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 16 },
      dB: 15,
    },
    {
      why: 'int4 affine in blocks of 32',
      weights: { bits: 4, storage: 'int4', symmetric: false, granularity: 'perBlock', blockSize: 32 },
      dB: 14,
    },
    {
      why: 'uint4 in blocks of 32',
      weights: { bits: 4, storage: 'uint4', granularity: 'perBlock', blockSize: 32 },
      dB: 14,
    },
    {
      why: 'a last block that is not full',
      weights: { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 128 },
      dB: 12,
    },
  ] as const)('$why runs as MatMulNBits, ≥ $dB dB', async ({ weights, dB }) => {
    const result = await compare(matmul, weights, [5, 64])
    expect(result.ops).toEqual({ [nBits]: 1 })
    expect(result.dB).toBeGreaterThan(dB)
  })

  it('4 bits take half a byte a weight', async () => {
    const { bytes } = await compare(
      matmul,
      { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 },
      [5, 64],
    )
    expect(bytes).toBe((64 * 48) / 2 + 2 * 48 * 4 + 48) // two blocks a column: a scale, and half a byte of zero point
  })

  it.each([
    {
      why: 'Gemm',
      body: (b: ModelBuilder, x: string) =>
        b.node('Gemm', [x, b.weights([64, 48]), b.weights([48])], {}, { name: 'fc' }),
    },
    {
      why: 'Gemm with transB, alpha and beta',
      body: (b: ModelBuilder, x: string) =>
        b.node(
          'Gemm',
          [x, b.weights([48, 64]), b.weights([48])],
          { transB: 1, alpha: float(0.5), beta: float(3) },
          { name: 'fc' },
        ),
    },
    {
      why: 'Gemm without C',
      body: (b: ModelBuilder, x: string) => b.node('Gemm', [x, b.weights([64, 48])], {}, { name: 'fc' }),
    },
    {
      why: 'Gemm and Relu',
      body: (b: ModelBuilder, x: string) =>
        b.node('Relu', [b.node('Gemm', [x, b.weights([64, 48]), b.weights([48])], {}, { name: 'fc' })]),
    },
    {
      why: 'Gemm and Sigmoid',
      body: (b: ModelBuilder, x: string) =>
        b.node('Sigmoid', [b.node('Gemm', [x, b.weights([64, 48]), b.weights([48])], {}, { name: 'fc' })]),
    },
    {
      why: 'MatMul, Add and Relu',
      body: (b: ModelBuilder, x: string) =>
        b.node('Relu', [
          b.node('Add', [b.node('MatMul', [x, b.weights([64, 48])], {}, { name: 'fc' }), b.weights([48])]),
        ]),
    },
    {
      why: 'Add with the bias in front, and Relu',
      body: (b: ModelBuilder, x: string) =>
        b.node('Relu', [
          b.node('Add', [b.weights([48]), b.node('MatMul', [x, b.weights([64, 48])], {}, { name: 'fc' })]),
        ]),
    },
  ])('$why: fused, per channel and per block', async ({ body }) => {
    const model = built((b) => {
      const last = body(b, b.input('x', ['N', 64]))
      b.node('Softmax', [last], { axis: -1 }, { outputs: ['y'] })
      b.output('y')
    })
    for (const weights of [{}, { bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 }] as const) {
      const result = await compare(model, weights, [5, 64])
      expect(result.ops[nBits]).toBe(1)
      expect(result.ops['DequantizeLinear']).toBeUndefined()
      expect(result.dB).toBeGreaterThan('bits' in weights ? 10 : 28)
    }
  })

  it('sequences of rank 3 fuse too', async () => {
    const model = built((b) => {
      const fc = b.node('Add', [
        b.node('MatMul', [b.input('x', ['N', 7, 64]), b.weights([64, 48])], {}, { name: 'fc' }),
        b.weights([48]),
      ])
      b.node('Relu', [fc], {}, { outputs: ['y'] })
      b.output('y')
    })
    const result = await compare(model, {}, [2, 7, 64])
    expect(result.ops[nBits]).toBe(1)
    expect(result.dB).toBeGreaterThan(33)
  })

  it.each([
    {
      why: 'transA',
      dims: [64, 5],
      body: (b: ModelBuilder, x: string) =>
        b.node('Gemm', [x, b.weights([64, 48])], { transA: 1, alpha: float(2) }, { name: 'fc', outputs: ['y'] }),
      weights: {},
    },
    {
      why: 'weights of rank 3',
      dims: [2, 5, 64],
      body: (b: ModelBuilder, x: string) =>
        b.node('MatMul', [x, b.weights([2, 64, 48])], {}, { name: 'fc', outputs: ['y'] }),
      weights: {},
    },
    {
      why: 'int16 storage',
      dims: [5, 64],
      body: (b: ModelBuilder, x: string) =>
        b.node('MatMul', [x, b.weights([64, 48])], {}, { name: 'fc', outputs: ['y'] }),
      weights: { bits: 16, storage: 'int16' },
    },
  ] as const)('$why: float weights from the load on', async ({ dims, body, weights }) => {
    const model = built((b) => {
      body(b, b.input('x', dims))
      b.output('y')
    })
    const result = await compare(model, weights, dims)
    expect(Object.keys(result.ops)).toHaveLength(1)
    expect(result.dB).toBeGreaterThan(30)
  })

  it('blocks that are no power of two are warned of', () => {
    const { report } = quantizeBuilt(matmul, plan({ bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 24 }))
    expect(report.layers[0]!.warnings[0]).toContain('not a power of two')
  })
})

describe('weight-only Conv', () => {
  const conv = built((b) => {
    const x = b.input('x', ['N', 16, 9, 9])
    const inner = b.node('Relu', [
      b.node('Conv', [x, b.weights([32, 16, 3, 3]), b.weights([32])], { pads: [1, 1, 1, 1] }, { name: 'c' }),
    ])
    b.node('Conv', [inner, b.weights([32, 1, 3, 3])], { group: 32 }, { name: 'd', outputs: ['y'] })
    b.output('y')
  })

  it.each([
    { why: 'int8', weights: {}, dB: 33 },
    { why: 'uint8 affine', weights: { storage: 'uint8', symmetric: false }, dB: 33 },
    { why: 'per tensor', weights: { granularity: 'perTensor' }, dB: 30 },
    { why: 'int4', weights: { bits: 4, storage: 'int4' }, dB: 10 },
    { why: 'uint4 affine', weights: { bits: 4, storage: 'uint4', symmetric: false }, dB: 10 },
    { why: 'int16', weights: { bits: 16, storage: 'int16' }, dB: 70 },
    { why: '2 bits', weights: { bits: 2 }, dB: 0 },
  ] as const)('$why: integers in the file, float weights once it is loaded', async ({ weights, dB }) => {
    const float32 = await probe(conv, { x: feed([1, 16, 9, 9], new Float32Array(1296)) })
    const result = await compare(conv, weights, [1, 16, 9, 9])
    expect(result.ops).toEqual(opCounts(float32.dump))
    expect(result.dB).toBeGreaterThan(dB)
  })

  it('blocks become one scale per channel, with a warning', () => {
    const { report, model } = quantizeBuilt(
      conv,
      plan({ bits: 4, storage: 'int4', granularity: 'perBlock', blockSize: 32 }),
    )
    expect(report.layers[0]).toMatchObject({ mode: 'weightOnly', type: 'int4', weights: { granularity: 'perChannel' } })
    expect(report.layers[0]!.warnings[0]).toContain('no per-block kernel')
    expect([...model.graph.initializers.values()].some(({ dataType }) => dataType === 'int4')).toBe(true)
  })
})
