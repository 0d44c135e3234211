import { describe, expect, it } from 'vitest'
import { intAttribute } from '../../../src/main/graph/attributes.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { float32Of } from '../../../src/main/graph/tensors.ts'
import { transposedWeights } from '../../../src/main/quant/stored-weights.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'
import { planWith, quantizeBuilt } from '../../builders/quantized.ts'

const weightOnly = planWith({ mode: 'weightOnly' })

function built(body: (b: ModelBuilder) => void): Model {
  const b = new ModelBuilder({ opset: 21, irVersion: 10 })
  body(b)
  return b.build()
}

describe('rewriteWeightOnly', () => {
  it('a Conv keeps its node and reads integers through Cast and Mul', () => {
    const { model, report } = quantizeBuilt(
      built((b) => {
        b.node(
          'Conv',
          [b.input('x', ['N', 3, 8, 8]), b.weights([4, 3, 3, 3]), b.weights([4])],
          { dilations: [2, 2] },
          { name: 'conv', outputs: ['y'] },
        )
        b.output('y')
      }),
      weightOnly,
    )
    expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(['Cast', 'Mul', 'Conv'])
    expect([...model.graph.initializers.values()].map(({ dataType, dims }) => [dataType, dims])).toEqual(
      expect.arrayContaining([
        ['int8', [4, 3, 3, 3]],
        ['float', [4, 1, 1, 1]],
        ['float', [4]],
      ]),
    )
    expect(model.graph.nodes.map(({ name }) => report.nodes.get(name))).toEqual(['conv', 'conv', 'conv'])
  })

  it.each([
    {
      why: 'affine weights have their zero point in a Sub',
      weights: [-1, 2, 3, 4],
      ops: ['Cast', 'Sub', 'Mul', 'Conv'],
    },
    {
      why: 'with real 0 as the lowest integer there is nothing to subtract',
      weights: [1, 2, 3, 4],
      ops: ['Cast', 'Mul', 'Conv'],
    },
  ])('$why', ({ weights, ops }) => {
    const { model } = quantizeBuilt(
      built((b) => {
        b.node(
          'Conv',
          [b.input('x', ['N', 1, 8, 8]), b.floats(weights, [1, 1, 2, 2])],
          {},
          { name: 'conv', outputs: ['y'] },
        )
        b.output('y')
      }),
      planWith({
        mode: 'weightOnly',
        weights: { bits: 8, storage: 'uint8', symmetric: false, granularity: 'perChannel' },
      }),
    )
    expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(ops)
  })

  it('a Gemm whose result goes through Relu subtracts the negated bias', () => {
    const { model } = quantizeBuilt(
      built((b) => {
        const fc = b.node('Gemm', [b.input('x', ['N', 4]), b.weights([4, 2]), b.floats([1, -2])], {}, { name: 'fc' })
        b.node('Relu', [fc], {}, { outputs: ['y'] })
        b.output('y')
      }),
      weightOnly,
    )
    const sub = model.graph.nodes.find(({ opType }) => opType === 'Sub')!
    expect(sub.outputs).toEqual(['fc_out'])
    expect([...float32Of(model.graph.initializers.get(sub.inputs[1]!)!)]).toEqual([-1, 2])
    expect(model.graph.nodes.find(({ name }) => name === 'fc')!.opType).toBe('MatMul')
  })

  it('blocks lie along the summed axis of the matrix as it is stored, transB undone', () => {
    const { model } = quantizeBuilt(
      built((b) => {
        b.node('Gemm', [b.input('x', ['N', 64]), b.weights([10, 64])], { transB: 1 }, { name: 'fc', outputs: ['y'] })
        b.output('y')
      }),
      planWith({
        mode: 'weightOnly',
        weights: { bits: 4, storage: 'int4', symmetric: true, granularity: 'perBlock', blockSize: 32 },
      }),
    )
    const dequantize = model.graph.nodes.find(({ opType }) => opType === 'DequantizeLinear')!
    expect([intAttribute(dequantize, 'axis', 1), intAttribute(dequantize, 'block_size', 0)]).toEqual([0, 32])
    expect(dequantize.inputs.map((name) => model.graph.initializers.get(name)!.dims)).toEqual([
      [64, 10],
      [2, 10],
      [2, 10],
    ])
  })

  it('weights that are not numbers stay in float', () => {
    const { report } = quantizeBuilt(
      built((b) => {
        b.node('MatMul', [b.input('x', ['N', 2]), b.floats([1, NaN, 2, 3], [2, 2])], {}, { name: 'fc', outputs: ['y'] })
        b.output('y')
      }),
      weightOnly,
    )
    expect(report.layers[0]).toMatchObject({ mode: null })
  })
})

describe('transposedWeights', () => {
  const params = {
    qmin: -7,
    qmax: 7,
    axis: 1,
    blockSize: 2,
    scale: Float32Array.of(1, 2, 3, 4),
    zeroPoint: Int32Array.of(0, 1, 2, 3),
  }

  it('turns integers and block parameters alike, and twice gives the same back', () => {
    const weights = { dims: [2, 3], values: Int32Array.of(1, 2, 3, 4, 5, 6), params }
    const turned = transposedWeights(weights)
    expect(turned.dims).toEqual([3, 2])
    expect([...turned.values]).toEqual([1, 4, 2, 5, 3, 6])
    expect(turned.params.axis).toBe(0)
    expect([...turned.params.scale]).toEqual([1, 3, 2, 4])
    expect(transposedWeights(turned)).toEqual(weights)
  })
})
