import { describe, expect, it } from 'vitest'
import { float } from '../../../src/main/graph/attributes.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { float32Of } from '../../../src/main/graph/tensors.ts'
import { ModelBuilder, type AttributeValue } from '../../builders/model-builder.ts'
import { planWith, quantizeBuilt } from '../../builders/quantized.ts'

const dynamic = planWith({ mode: 'dynamic' })

/** One wide Conv between two activations; sizes open, so that it counts as large. */
function convModel(before: string | null, attributes: Record<string, AttributeValue> = {}): Model {
  const b = new ModelBuilder({ opset: 13 })
  const x = b.input('x', ['N', 128, 'H', 'W'])
  const read = before === null ? x : b.node(before, [x], {}, { name: 'before' })
  const conv = b.node('Conv', [read, b.weights([128, 128, 1, 1]), b.weights([128])], attributes, {
    name: 'conv',
    outputs: ['features'],
  })
  b.node('Relu', [conv], {}, { name: 'act', outputs: ['y'] })
  b.output('y')
  return b.build()
}

const ops = (model: Model): string[] => model.graph.nodes.map(({ opType }) => opType)

describe('rewriteDynamic', () => {
  it('keeps the layer’s name on the integer op and its tensor on what comes out, attributes and all', () => {
    const { model, report } = quantizeBuilt(convModel(null, { strides: [2, 2], group: 1 }), dynamic)
    const conv = model.graph.nodes.find(({ name }) => name === 'conv')!
    expect(conv.opType).toBe('ConvInteger')
    expect([...conv.attributes.keys()].sort()).toEqual(['group', 'strides'])
    const last = model.graph.nodes.find(({ outputs }) => outputs.includes('features'))!
    expect(last.opType).toBe('Add')
    for (const name of ['conv', 'conv_cast', 'conv_scale', 'conv_rescale', 'conv_bias'])
      expect(report.nodes.get(name)).toBe('conv')
  })

  it.each([
    { why: 'any sign: both ends of the range', before: null, reductions: ['ReduceMax', 'ReduceMin'] },
    { why: 'never negative: the top alone', before: 'Relu', reductions: ['ReduceMax'] },
    { why: 'never negative by another op', before: 'Sigmoid', reductions: ['ReduceMax'] },
  ])('$why', ({ before, reductions }) => {
    const { model } = quantizeBuilt(convModel(before), dynamic)
    expect(
      ops(model)
        .filter((op) => op.startsWith('Reduce'))
        .sort(),
    ).toEqual(reductions)
  })

  it('weights and their scale say the real weights to half a step', () => {
    const source = convModel(null)
    const { model, report } = quantizeBuilt(source, dynamic)
    const conv = model.graph.nodes.find(({ name }) => name === 'conv')!
    const integers = model.graph.initializers.get(conv.inputs[1]!)!.data
    const real = float32Of(source.graph.initializers.get('w0')!)
    const { scale, zeroPoint } = report.layers.find(({ id }) => id === 'conv')!.weights!.params
    const worst = real.reduce((max, w, i) => {
      const c = Math.floor(i / 128)
      return Math.max(max, Math.abs(w - scale[c]! * (integers[i]! - zeroPoint[c]!)) / scale[c]!)
    }, 0)
    expect(worst).toBeLessThan(0.5001)
  })

  it('the factors of a Gemm go into its weights and bias', () => {
    const b = new ModelBuilder({ opset: 13 })
    b.node(
      'Gemm',
      [b.input('x', ['N', 2]), b.floats([1, 2, 3, 4], [2, 2]), b.floats([10, 20])],
      { alpha: float(0.5), beta: float(3), transB: 1 },
      { name: 'fc', outputs: ['y'] },
    )
    b.output('y')
    const { model } = quantizeBuilt(b.build(), dynamic)
    const add = model.graph.nodes.find(({ opType }) => opType === 'Add')!
    expect([...float32Of(model.graph.initializers.get(add.inputs[1]!)!)]).toEqual([30, 60])
    const matmul = model.graph.nodes.find(({ name }) => name === 'fc')!
    // rows of [[1, 2], [3, 4]] become columns; each has its largest at 127
    expect([...new Int8Array(model.graph.initializers.get(matmul.inputs[1]!)!.data)]).toEqual([64, 95, 127, 127])
  })

  it('what has more than 8 bits stays in float and says so', () => {
    const { report, model } = quantizeBuilt(
      { ...convModel(null), opsets: new Map([['', 21]]) },
      planWith({ mode: 'dynamic', weights: { bits: 16, storage: 'int16', symmetric: true, granularity: 'perTensor' } }),
    )
    const layer = report.layers.find(({ id }) => id === 'conv')!
    expect(layer).toMatchObject({ mode: null, type: 'float' })
    expect(layer.warnings[0]).toContain('up to 8 bits')
    expect(ops(model)).toEqual(['Conv', 'Relu'])
  })

  it('packed 4-bit weights take a byte each, with a warning', () => {
    const source = { ...convModel(null), opsets: new Map([['', 21]]) }
    const { report } = quantizeBuilt(
      source,
      planWith({ mode: 'dynamic', weights: { bits: 4, storage: 'int4', symmetric: true, granularity: 'perChannel' } }),
    )
    expect(report.layers.find(({ id }) => id === 'conv')!.warnings[0]).toContain('no kernel for int4')
  })
})
