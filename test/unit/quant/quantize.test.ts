import { describe, expect, it } from 'vitest'
import { Fault, isFault } from '../../../src/shared/contract/fault.ts'
import { defaultPlan, type LayerOverride, type QuantPlan } from '../../../src/shared/contract/plan.ts'
import type { Model, Node } from '../../../src/main/graph/model.ts'
import { intAttribute } from '../../../src/main/graph/attributes.ts'
import { float32Of } from '../../../src/main/graph/tensors.ts'
import { unpackIntegers } from '../../../src/main/quant/pack.ts'
import type { Range, RangeSource } from '../../../src/main/quant/params.ts'
import { quantizeModel, type QuantizeReport } from '../../../src/main/quant/quantize.ts'
import { resolvePlan } from '../../../src/main/quant/resolve-plan.ts'
import { roundToNearest, type WeightQuantizer } from '../../../src/main/quant/weights.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'
import { planWith, prepare } from '../../builders/quantizing.ts'

/** Every tensor has the range [−1, 3] unless it is named. */
function ranges(named: Readonly<Record<string, Range>> = {}): RangeSource {
  return { rangeOf: (tensor) => named[tensor] ?? { rmin: -1, rmax: 3 } }
}

function quantized(
  model: Model,
  plan: QuantPlan = defaultPlan,
  source = ranges(),
  quantizeWeights?: WeightQuantizer,
): { model: Model; report: QuantizeReport; nodeNamed(name: string): Node; ops(): string[] } {
  const prepared = prepare(model, 21)
  const resolved = resolvePlan(plan, prepared.layers, prepared.model)
  const result = quantizeModel({
    model: prepared.model,
    resolved,
    ranges: source,
    ...(quantizeWeights ? { quantizeWeights } : {}),
  })
  const { nodes } = result.model.graph
  return {
    ...result,
    nodeNamed: (name) => nodes.find((node) => node.name === name)!,
    ops: () => nodes.map((node) => node.opType),
  }
}

const layerOf = ({ report }: { report: QuantizeReport }, id: string): QuantizeReport['layers'][number] =>
  report.layers.find((layer) => layer.id === id)!
const pairOf = ({ report }: { report: QuantizeReport }, tensor: string): QuantizeReport['pairs'][number] | undefined =>
  report.pairs.find((pair) => pair.tensor === tensor)

/** x → first (Conv, Relu) → second (Conv) → y. */
function twoConvs(options: { middle?: (b: ModelBuilder, t: string) => string } = {}): Model {
  const b = new ModelBuilder()
  b.input('x', ['N', 3, 8, 8])
  const bias = b.floats([0.1, -0.2, 0.3, 0], [4], 'bias')
  const first = b.node(
    'Relu',
    [b.node('Conv', ['x', b.weights([4, 3, 3, 3], 0.3, 'w1'), bias], {}, { name: 'first' })],
    {},
    { name: 'relu' },
  )
  b.node(
    'Conv',
    [options.middle?.(b, first) ?? first, b.weights([2, 4, 3, 3], 0.3, 'w2')],
    {},
    { name: 'second', outputs: ['y'] },
  )
  b.output('y', ['N', 2, 4, 4])
  return b.build()
}

describe('a quantized layer', () => {
  const result = quantized(twoConvs())

  it('has pairs on its input, its output after the activation, and nowhere between', () => {
    expect(result.report.pairs.map((pair) => pair.tensor).sort()).toEqual(['relu_out', 'x', 'y'])
    expect(result.nodeNamed('relu').inputs).toEqual(result.nodeNamed('first').outputs)
    expect(result.nodeNamed('first').inputs[0]).toBe('x_dq')
    expect(result.nodeNamed('second').inputs[0]).toBe('relu_out_dq')
  })

  it('has zero point qmin where it cannot be negative, and its range is cut there', () => {
    expect(pairOf(result, 'relu_out')!.params).toMatchObject({
      qmin: 0,
      qmax: 255,
      zeroPoint: Int32Array.of(0),
      scale: Float32Array.of(3 / 255),
    })
    expect(pairOf(result, 'x')!.params).toMatchObject({ zeroPoint: Int32Array.of(64), scale: Float32Array.of(4 / 255) })
  })

  it('has int8 weights along the output channels behind a DQ', () => {
    const dequantizer = result.model.graph.nodes.find(
      (node) => node.outputs[0] === result.nodeNamed('first').inputs[1],
    )!
    expect(intAttribute(dequantizer, 'axis', -1)).toBe(0)
    const [values, scale] = dequantizer.inputs.map((name) => result.model.graph.initializers.get(name)!)
    expect([values!.dataType, values!.dims, scale!.dims]).toEqual(['int8', [4, 3, 3, 3], [4]])
    expect(result.model.graph.initializers.has('w1')).toBe(false)
    expect(result.ops().filter((op) => op === 'QuantizeLinear')).toHaveLength(3)
  })

  it('has an int32 bias with scale s_x · s_w', () => {
    const dequantizer = result.model.graph.nodes.find(
      (node) => node.outputs[0] === result.nodeNamed('first').inputs[2],
    )!
    const [bias, scale] = dequantizer.inputs.map((name) => result.model.graph.initializers.get(name)!)
    const weightScale = layerOf(result, 'first').weights!.params.scale
    const expected = weightScale.map((w) => Math.fround(Math.fround(4 / 255) * w))
    expect(float32Of(scale!)).toEqual(expected)
    const integers = unpackIntegers(bias!, 4)
    for (const [c, real] of [0.1, -0.2, 0.3, 0].entries())
      expect(Math.abs(integers[c]! * expected[c]! - real)).toBeLessThanOrEqual(expected[c]!)
  })

  it('keeps the names of inputs and outputs, and the nodes their ids', () => {
    expect(result.model.graph.outputs.map((output) => output.name)).toEqual(['y'])
    const producer = result.model.graph.nodes.find((node) => node.outputs.includes('y'))!
    expect(producer.opType).toBe('DequantizeLinear')
    expect(result.nodeNamed('second').outputs).toEqual(['y_f'])
  })

  it('is found by node and by tensor, the integers included', () => {
    expect(Object.fromEntries(result.report.nodes)).toMatchObject({ first: 'first', relu: 'first', second: 'second' })
    expect(Object.fromEntries(result.report.tensors)).toMatchObject({
      relu_out: 'first',
      relu_out_q: 'first',
      y_f: 'second',
      y_q: 'second',
    })
  })

  it('carries the plan in the file', () => {
    expect(JSON.parse(result.model.metadata.get('quantbench.plan')!)).toEqual(defaultPlan)
  })

  it('leaves the model it came from alone', () => {
    const model = twoConvs()
    const before = JSON.stringify([...model.graph.initializers.keys()])
    quantized(model)
    expect(JSON.stringify([...model.graph.initializers.keys()])).toBe(before)
  })
})

describe('only one layer quantized', () => {
  it('has exactly its own pairs and weights', () => {
    const result = quantized(twoConvs(), planWith({ first: 'float' }))
    expect(result.report.pairs.map((pair) => pair.tensor).sort()).toEqual(['relu_out', 'y'])
    expect(layerOf(result, 'first')).toMatchObject({ type: 'float', mode: null, weights: null, warnings: [] })
    expect(result.nodeNamed('first').inputs).toEqual(['x', 'w1', 'bias'])
  })
})

describe('the scheme of a pair', () => {
  it('is the writer’s', () => {
    const result = quantized(twoConvs(), planWith({ first: { activations: { bits: 4 } } }))
    expect(pairOf(result, 'relu_out')).toMatchObject({ layerId: 'first', params: { qmax: 15 } })
  })

  it('is the widest reader’s where the writer is float, with a warning where they differ', () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 8, 8])
    for (const name of ['narrow', 'wide']) b.output(b.node('Conv', ['x', b.weights([2, 3, 3, 3])], {}, { name }))
    const result = quantized(b.build(), planWith({ narrow: { activations: { bits: 4 } } }))
    expect(pairOf(result, 'x')).toMatchObject({ layerId: 'wide', params: { qmax: 255 } })
    expect(layerOf(result, 'wide').warnings.join()).toContain('"x" is read by layers with different activation schemes')
  })

  it('takes a range the plan names for the tensor', () => {
    const result = quantized(twoConvs(), { ...defaultPlan, tensors: { x: { range: [-2, 2] } } })
    expect(pairOf(result, 'x')!.params.scale).toEqual(Float32Array.of(4 / 255))
  })

  it('asks for the calibrator the plan names for the tensor', () => {
    const asked: string[] = []
    const source: RangeSource = {
      rangeOf: (tensor, scheme) => {
        asked.push(`${tensor} ${scheme.calibrator.method}`)
        return { rmin: -1, rmax: 1 }
      },
    }
    quantized(twoConvs(), { ...defaultPlan, tensors: { x: { calibrator: { method: 'mse' } } } }, source)
    expect(asked).toContain('x mse')
    expect(asked).toContain('y minMax')
  })

  it('symmetric has 0 in the middle of uint8', () => {
    const symmetric: LayerOverride = { activations: { symmetric: true } }
    expect(pairOf(quantized(twoConvs(), planWith({ second: symmetric })), 'y')!.params).toMatchObject({
      zeroPoint: Int32Array.of(128),
    })
  })
})

describe('fewer bits', () => {
  it('put an integer Clip between Q and DQ', () => {
    const result = quantized(twoConvs(), planWith({ first: { activations: { bits: 3 } } }))
    const clip = result.nodeNamed('relu_out_c')
    expect(clip.inputs[0]).toBe('relu_out_q')
    expect(clip.inputs.slice(1).map((name) => result.model.graph.initializers.get(name)!.data[0])).toEqual([0, 7])
    expect(result.nodeNamed('relu_out_dq').inputs[0]).toBe('relu_out_c')
  })

  it('take the place of a float Clip with the same bounds', () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 8, 8])
    const conv = b.node('Conv', ['x', b.weights([2, 3, 3, 3])], {}, { name: 'conv' })
    b.node('Clip', [conv, b.floats([0], []), b.floats([6], [])], {}, { name: 'clip', outputs: ['y'] })
    b.output(b.node('Conv', ['y', b.weights([2, 2, 3, 3])], {}, { name: 'last', outputs: ['z'] }))
    const narrow = quantized(
      b.build(),
      planWith({ conv: { activations: { bits: 4 } } }),
      ranges({ y: { rmin: 0, rmax: 6 } }),
    )
    expect(narrow.nodeNamed('clip')).toBeUndefined()
    expect(narrow.nodeNamed('conv').outputs).toEqual(['y'])
    expect(quantized(b.build(), defaultPlan, ranges({ y: { rmin: 0, rmax: 6 } })).nodeNamed('clip')).toBeDefined()
  })
})

describe('movement', () => {
  it('shares its input’s parameters', () => {
    const result = quantized(
      twoConvs({ middle: (b, t) => b.node('MaxPool', [t], { kernel_shape: [2, 2] }, { name: 'pool' }) }),
      defaultPlan,
      ranges({ pool_out: { rmin: 0, rmax: 99 } }),
    )
    expect(pairOf(result, 'pool_out')).toMatchObject({ like: 'relu_out', params: { scale: Float32Array.of(3 / 255) } })
    expect(result.nodeNamed('pool_out_q').inputs.slice(1)).toEqual(result.nodeNamed('relu_out_q').inputs.slice(1))
  })

  it('in float cuts the sharing', () => {
    const result = quantized(
      twoConvs({ middle: (b, t) => b.node('MaxPool', [t], { kernel_shape: [2, 2] }, { name: 'pool' }) }),
      planWith({ pool: 'float' }),
    )
    expect(pairOf(result, 'pool_out')!.like).toBeNull()
    expect(result.report.guarded).toEqual(['pool'])
  })

  it('pads integers with the integer of its value', () => {
    const pads = (b: ModelBuilder, t: string): string =>
      b.node('Pad', [t, b.ints([0, 0, 0, 0, 0, 1, 0, 0]), b.floats([1.5], [])], {}, { name: 'pad' })
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 8, 8])
    const first = b.node('Conv', ['x', b.weights([4, 3, 3, 3])], {}, { name: 'first' })
    b.output(b.node('Conv', [pads(b, first), b.weights([2, 5, 3, 3])], {}, { name: 'second', outputs: ['y'] }))
    const result = quantized(b.build())
    const pad = result.nodeNamed('pad')
    expect(pad.inputs[0]).toBe('first_out_q')
    // 1.5 in steps of 4/255 above the zero point 64
    expect(result.model.graph.initializers.get(pad.inputs[2]!)!.data[0]).toBe(64 + Math.round(1.5 / (4 / 255)))
    expect(result.nodeNamed('second').inputs[0]).toBe('pad_out_dq')
  })

  it('quantizes all outputs of a Split or none', () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 8, 8])
    b.node(
      'Split',
      [b.node('Conv', ['x', b.weights([4, 3, 3, 3])], {}, { name: 'first' })],
      { axis: 1 },
      { name: 'split', outputs: ['a', 'b'] },
    )
    b.output(b.node('Conv', ['a', b.weights([2, 2, 3, 3])], {}, { outputs: ['y'] }))
    b.output(b.node('Tanh', ['b'], {}, { outputs: ['z'] }))
    const result = quantized(b.build())
    expect([pairOf(result, 'a')?.like, pairOf(result, 'b')?.like]).toEqual(['first_out', 'first_out'])
  })
})

describe('arithmetic', () => {
  it('quantizes its constants', () => {
    const result = quantized(
      twoConvs({
        middle: (b, t) => b.node('Mul', [t, b.floats([1, 2, 3, 5.1], [1, 4, 1, 1], 'gains')], {}, { name: 'mul' }),
      }),
      planWith({ mul: {} }),
    )
    const mul = result.nodeNamed('mul')
    const dequantizer = result.model.graph.nodes.find((node) => node.outputs[0] === mul.inputs[1])!
    expect([...result.model.graph.initializers.get(dequantizer.inputs[0]!)!.data]).toEqual([50, 100, 150, 255])
    expect(layerOf(result, 'mul')).toMatchObject({ type: 'uint8', mode: 'static' })
  })
})

describe('dense layers', () => {
  it('multiply alpha and beta into the integers', () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 2])
    b.node(
      'Gemm',
      ['x', b.floats([1, 2, 3, 4], [2, 2]), b.floats([1, -1])],
      { alpha: 2, beta: 3 },
      { name: 'gemm', outputs: ['y'] },
    )
    b.output('y', ['N', 2])
    const model = b.build()
    const node = model.graph.nodes[0]!
    const attributes = new Map([
      ['alpha', { kind: 'float', value: 2 } as const],
      ['beta', { kind: 'float', value: 3 } as const],
    ])
    const result = quantized({ ...model, graph: { ...model.graph, nodes: [{ ...node, attributes }] } })
    const gemm = result.nodeNamed('gemm')
    expect([...gemm.attributes.keys()].filter((key) => key === 'alpha' || key === 'beta')).toEqual([])
    expect([...layerOf(result, 'gemm').weights!.params.scale]).toEqual([6, 8].map((max) => Math.fround(max / 127)))
  })

  it('turn a matrix MatMul with a bias into a Gemm with an int32 bias', () => {
    const b = new ModelBuilder()
    b.input('x', ['N', 2])
    b.output(
      b.node(
        'Add',
        [b.node('MatMul', ['x', b.floats([1, 2, 3, 4], [2, 2])], {}, { name: 'dense' }), b.floats([1, -1])],
        {},
        { outputs: ['y'] },
      ),
      ['N', 2],
    )
    const result = quantized(b.build())
    expect(result.nodeNamed('dense').opType).toBe('Gemm')
    expect(result.ops()).not.toContain('Add')
  })
})

describe('what cannot be', () => {
  it('stays in float with a reason, and nothing is aborted', () => {
    const source: RangeSource = {
      rangeOf: (tensor) => {
        if (tensor === 'y') throw new Fault('plan.noStatistics', 'y was not observed')
        return { rmin: -1, rmax: 1 }
      },
    }
    const result = quantized(twoConvs(), defaultPlan, source)
    expect(layerOf(result, 'second')).toMatchObject({
      type: 'float',
      warnings: ['It stays in float: its tensor "y" was not observed in calibration.'],
    })
    expect(layerOf(result, 'first').type).toBe('int8')
    expect(result.report.pairs.map((pair) => pair.tensor)).not.toContain('y')
  })

  it('is a range that is not finite', () => {
    const result = quantized(twoConvs(), defaultPlan, ranges({ relu_out: { rmin: 0, rmax: Infinity } }))
    expect(layerOf(result, 'first').warnings.join()).toContain('Infinity')
    expect(layerOf(result, 'second').type).toBe('float')
  })

  it('is an opset too low for the plan', () => {
    const prepared = prepare(twoConvs(), 13)
    const resolved = resolvePlan(planWith({ first: { weights: { storage: 'int4' } } }), prepared.layers, prepared.model)
    try {
      quantizeModel({ model: { ...prepared.model, opsets: new Map([['', 13]]) }, resolved, ranges: ranges() })
      expect.unreachable()
    } catch (error) {
      expect(isFault(error) && error.code).toBe('model.opsetTooLow')
    }
  })

  it('warns of what will be simulated', () => {
    const result = quantized(
      twoConvs(),
      planWith({ first: { weights: { storage: 'int4' } }, second: { activations: { bits: 16 } } }),
    )
    expect(layerOf(result, 'first').warnings.join()).toContain('int4 weights have no kernel')
    expect(layerOf(result, 'second').warnings.join()).toContain('16-bit activations')
  })
})

it('takes integers from a quantizer that is handed in', () => {
  const seen: string[] = []
  const result = quantized(twoConvs(), defaultPlan, ranges(), (id, values, layout, scheme, minScale) => {
    seen.push(id)
    const plain = roundToNearest(id, values, layout, scheme, minScale)
    return { ...plain, values: plain.values.map(() => 1) }
  })
  expect(seen).toEqual(['first', 'second'])
  expect(new Set(unpackIntegers(result.model.graph.initializers.get('w1_q')!, 108))).toEqual(new Set([1]))
})

it('leaves what subgraphs read under its name', () => {
  const b = new ModelBuilder()
  b.input('x', ['N', 3, 8, 8])
  b.input('flag', [], 'bool')
  const conv = b.node('Conv', ['x', b.weights([2, 3, 3, 3])], {}, { name: 'conv' })
  const branch = (op: string): Model['graph'] => ({
    name: op, inputs: [], outputs: [{ name: `${op}_out`, dataType: 'float', shape: null }], valueInfo: new Map(), initializers: new Map(),
    nodes: [{ name: op, opType: op, domain: '', inputs: [conv], outputs: [`${op}_out`], attributes: new Map() }],
  }) // prettier-ignore
  b.output(
    b.node(
      'If',
      ['flag'],
      { then_branch: { kind: 'graph', value: branch('Exp') }, else_branch: { kind: 'graph', value: branch('Neg') } },
      { outputs: ['y'] },
    ),
  )
  const result = quantized(b.build())
  expect(result.nodeNamed('conv').outputs).toEqual(['conv_out_f'])
  expect(result.model.graph.nodes.find((node) => node.outputs[0] === 'conv_out')!.opType).toBe('DequantizeLinear')
})
