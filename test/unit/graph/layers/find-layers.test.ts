import { describe, expect, it } from 'vitest'
import type { LayerInfo } from '../../../../src/shared/contract/model.ts'
import { float, graph } from '../../../../src/main/graph/attributes.ts'
import { findLayers, type LayerOptions } from '../../../../src/main/graph/layers/index.ts'
import type { Model } from '../../../../src/main/graph/model.ts'
import { inferShapes } from '../../../../src/main/graph/shapes/index.ts'
import { builtGraphs } from '../../../builders/graphs.ts'
import { ModelBuilder } from '../../../builders/model-builder.ts'

const layersOf = (model: Model, options?: LayerOptions): readonly LayerInfo[] =>
  findLayers(model, inferShapes(model), options)

function build(
  body: (b: ModelBuilder) => string | readonly string[],
  options: ConstructorParameters<typeof ModelBuilder>[0] = {},
): readonly LayerInfo[] {
  const b = new ModelBuilder(options)
  const outputs = body(b)
  for (const output of typeof outputs === 'string' ? [outputs] : outputs) b.output(output)
  return layersOf(b.build())
}

const image = (b: ModelBuilder, dims: readonly (number | string)[] = ['N', 4, 8, 8]): string => b.input('x', dims)
const conv = (b: ModelBuilder, x: string, name = 'conv'): string =>
  b.node('Conv', [x, b.weights([6, 4, 3, 3]), b.weights([6])], {}, { name })
const scalar = (b: ModelBuilder, value: number): string => b.floats([value], [])

describe('findLayers', () => {
  it.each(builtGraphs())('$name: every node belongs to exactly one layer', ({ model }) => {
    const members = layersOf(model).flatMap((layer) => layer.nodes)
    expect([...members].sort()).toEqual(model.graph.nodes.map((node) => node.name).sort())
  })

  it('describes a Conv with its Relu as one layer', () => {
    const [layer, ...rest] = build((b) => b.node('Relu', [conv(b, image(b))], {}, { name: 'relu', outputs: ['y'] }))
    expect(rest).toEqual([])
    expect(layer).toEqual({
      id: 'conv',
      op: 'Conv',
      activation: 'Relu',
      role: 'weighted',
      nodes: ['conv', 'relu'],
      inputs: ['x'],
      outputs: ['y'],
      outputShape: ['N', 6, 6, 6],
      parameters: 6 * 4 * 9 + 6,
      macs: 6 * 6 * 6 * 4 * 9,
      quantizable: true,
      reason: null,
    })
  })

  it.each<{ why: string; build: (b: ModelBuilder) => string | readonly string[]; layers: readonly string[] }>([
    {
      why: 'Clip with constant bounds is absorbed',
      build: (b) => b.node('Clip', [conv(b, image(b)), scalar(b, 0), scalar(b, 6)]),
      layers: ['Conv+Clip'],
    },
    {
      why: 'Clip without bounds on one side too',
      build: (b) => b.node('Clip', [conv(b, image(b)), scalar(b, 0)]),
      layers: ['Conv+Clip'],
    },
    {
      why: 'Clip with computed bounds is not',
      build: (b) => b.node('Clip', [conv(b, image(b)), b.input('low', [])]),
      layers: ['Conv', 'Clip'],
    },
    {
      why: 'Clip away from 0 is not',
      build: (b) => b.node('Clip', [conv(b, image(b)), scalar(b, 1), scalar(b, 2)]),
      layers: ['Conv', 'Clip'],
    },
    {
      why: 'LeakyRelu needs a pair of its own',
      build: (b) => b.node('LeakyRelu', [conv(b, image(b))]),
      layers: ['Conv', 'LeakyRelu'],
    },
    {
      why: 'SiLU is Sigmoid and Mul',
      build: (b) => b.node('Mul', [conv(b, image(b)), b.node('Sigmoid', ['conv_out'])]),
      layers: ['Conv', 'Sigmoid', 'Mul'],
    },
    {
      why: 'raw output read twice',
      build: (b) => b.node('Add', [conv(b, image(b)), b.node('Relu', ['conv_out'])]),
      layers: ['Conv', 'Relu', 'Add'],
    },
    {
      why: 'raw output is a graph output',
      build: (b) => [conv(b, image(b)), b.node('Relu', ['conv_out'])],
      layers: ['Conv', 'Relu'],
    },
    {
      why: 'a residual Add takes its Relu in',
      build: (b) => b.node('Relu', [b.node('Add', [image(b), 'x'])]),
      layers: ['Add+Relu'],
    },
    {
      why: 'movement takes in nothing',
      build: (b) => b.node('Relu', [b.node('MaxPool', [image(b)], { kernel_shape: [2, 2] })]),
      layers: ['MaxPool', 'Relu'],
    },
    {
      why: 'a bias behind a MatMul',
      build: (b) =>
        b.node('Relu', [
          b.node('Add', [b.weights([6]), b.node('MatMul', [b.input('x', ['N', 5, 4]), b.weights([4, 6])])]),
        ]),
      layers: ['MatMul+Relu'],
    },
    {
      why: 'positions behind a MatMul are no bias',
      build: (b) =>
        b.node('Add', [b.node('MatMul', [b.input('x', ['N', 5, 4]), b.weights([4, 6])]), b.weights([5, 6])]),
      layers: ['MatMul', 'Add'],
    },
    {
      why: 'an Add behind a MatMul of activations is its own',
      build: (b) => b.node('Add', [b.node('MatMul', [b.input('x', ['N', 6, 6]), 'x']), b.weights([6])]),
      layers: ['MatMul', 'Add'],
    },
  ])('$why', ({ build: body, layers }) => {
    const found = build(body).map((layer) => (layer.activation === null ? layer.op : `${layer.op}+${layer.activation}`))
    expect(found.sort()).toEqual([...layers].sort())
  })

  it.each<{ why: string; build: (b: ModelBuilder) => string | readonly string[]; role: string; reason: RegExp | null }>(
    [
      {
        why: 'a MatMul of activations',
        build: (b) => b.node('MatMul', [b.input('x', ['N', 6, 6]), 'x']),
        role: 'arithmetic',
        reason: null,
      },
      {
        why: 'an Add of a constant',
        build: (b) => b.node('Add', [image(b), scalar(b, 1)]),
        role: 'arithmetic',
        reason: null,
      },
      {
        why: 'computed Conv weights',
        build: (b) => b.node('Conv', [image(b), b.input('w', [6, 4, 3, 3])]),
        role: 'weighted',
        reason: /computed at run time/,
      },
      {
        why: 'a computed bias',
        build: (b) => b.node('Conv', [image(b), b.weights([6, 4, 3, 3]), b.input('bias', [6])]),
        role: 'weighted',
        reason: /bias bias is computed/,
      },
      {
        why: 'NaN weights',
        build: (b) => b.node('Conv', [image(b), b.floats(new Array(4).fill(NaN), [1, 4, 1, 1], 'w')]),
        role: 'weighted',
        reason: /constant w holds NaN at element 0/,
      },
      {
        why: 'infinite weights',
        build: (b) => b.node('MatMul', [b.input('x', ['N', 2]), b.floats([1, Infinity], [2, 1], 'w')]),
        role: 'weighted',
        reason: /constant w holds Infinity at element 1/,
      },
      {
        why: 'an infinite bias behind a MatMul',
        build: (b) =>
          b.node('Add', [
            b.node('MatMul', [b.input('x', ['N', 5, 2]), b.weights([2, 1])]),
            b.floats([Infinity], [1], 'c'),
          ]),
        role: 'weighted',
        reason: /constant c holds Infinity/,
      },
      {
        why: 'double',
        build: (b) => b.node('Relu', [b.input('x', [2], 'double')]),
        role: 'other',
        reason: /works on double/,
      },
      {
        why: 'float16',
        build: (b) => b.node('Add', [b.input('x', [2], 'float16'), 'x']),
        role: 'other',
        reason: /works on float16/,
      },
      {
        why: 'shape arithmetic',
        build: (b) => b.node('Add', [b.input('x', [2], 'int64'), 'x']),
        role: 'other',
        reason: /works on int64/,
      },
      {
        why: 'no integer kernel',
        build: (b) => b.node('Tanh', [image(b)]),
        role: 'other',
        reason: /Tanh has no integer kernel/,
      },
      {
        why: 'ConvTranspose',
        build: (b) => b.node('ConvTranspose', [image(b), b.weights([4, 6, 2, 2])]),
        role: 'other',
        reason: /ConvTranspose has no integer kernel/,
      },
      {
        why: 'smooth Resize',
        build: (b) => b.node('Resize', [image(b), '', b.floats([1, 1, 2, 2])], { mode: 'linear' }),
        role: 'other',
        reason: /mode linear/,
      },
      {
        why: 'nearest Resize',
        build: (b) => b.node('Resize', [image(b), '', b.floats([1, 1, 2, 2])], { mode: 'nearest' }),
        role: 'movement',
        reason: null,
      },
      {
        why: 'reflecting Pad',
        build: (b) => b.node('Pad', [image(b), b.ints([0, 0, 1, 1, 0, 0, 1, 1])], { mode: 'reflect' }),
        role: 'other',
        reason: /mode reflect/,
      },
      {
        why: 'an embedding table',
        build: (b) => b.node('Gather', [b.weights([10, 4]), b.input('x', ['N'], 'int64')]),
        role: 'other',
        reason: /moves a constant/,
      },
      {
        why: 'another domain',
        build: (b) => b.node('Conv', [image(b), b.weights([6, 4, 3, 3])], {}, { domain: 'com.custom' }),
        role: 'other',
        reason: /domain com\.custom/,
      },
      {
        why: 'quantized already',
        build: (b) => b.node('QuantizeLinear', [image(b), scalar(b, 1)]),
        role: 'other',
        reason: /already part of a quantized model/,
      },
      {
        why: 'a subgraph',
        build: (b) => {
          b.input('x', [1])
          const inner = new ModelBuilder()
          inner.output(inner.node('Relu', ['x'], {}, { outputs: ['r'] }))
          const body = graph(inner.build().graph)
          return b.node('If', [b.input('c', [], 'bool')], { then_branch: body, else_branch: body })
        },
        role: 'other',
        reason: /runs a subgraph/,
      },
    ],
  )('$why: role and reason', ({ build: body, role, reason }) => {
    const [layer] = build(body)
    expect(layer!.role).toBe(role)
    expect(layer!.quantizable).toBe(reason === null)
    if (reason === null) expect(layer!.reason).toBeNull()
    else expect(layer!.reason).toMatch(reason)
  })

  it.each<{ why: string; build: (b: ModelBuilder) => string; macs: number | null; parameters: number }>([
    { why: 'Conv', build: (b) => conv(b, image(b)), macs: 6 * 36 * 4 * 9, parameters: 222 },
    {
      why: 'a batch of 5 fixed in the file is divided out',
      build: (b) => conv(b, image(b, [5, 4, 8, 8])),
      macs: 6 * 36 * 4 * 9,
      parameters: 222,
    },
    {
      why: 'groups',
      build: (b) => b.node('Conv', [image(b), b.weights([6, 2, 3, 3])], { group: 2 }),
      macs: 6 * 36 * 2 * 9,
      parameters: 108,
    },
    {
      why: 'ConvTranspose',
      build: (b) => b.node('ConvTranspose', [image(b), b.weights([4, 3, 2, 2])], { group: 2 }),
      macs: 4 * 64 * 3 * 4,
      parameters: 48,
    },
    {
      why: 'Gemm',
      build: (b) =>
        b.node('Gemm', [b.input('x', ['N', 5]), b.weights([7, 5]), b.weights([7])], { transB: 1, alpha: float(2) }),
      macs: 35,
      parameters: 42,
    },
    {
      why: 'Gemm of a transposed A',
      build: (b) => b.node('Gemm', [b.input('x', [5, 1]), b.weights([5, 7])], { transA: 1 }),
      macs: 35,
      parameters: 35,
    },
    {
      why: 'MatMul on tokens',
      build: (b) => b.node('MatMul', [b.input('x', ['N', 3, 5]), b.weights([5, 7])]),
      macs: 3 * 35,
      parameters: 35,
    },
    {
      why: 'MatMul of activations',
      build: (b) => b.node('MatMul', [b.input('x', ['N', 3, 5]), b.node('Transpose', ['x'], { perm: [0, 2, 1] })]),
      macs: 45,
      parameters: 0,
    },
    {
      why: 'open picture sides tell nothing',
      build: (b) => conv(b, image(b, ['N', 4, 'H', 'W'])),
      macs: null,
      parameters: 222,
    },
    {
      why: 'the fill value of a Pad is no parameter',
      build: (b) => b.node('Pad', [image(b), b.ints([0, 1, 0, 0, 0, 0, 0, 0]), scalar(b, 0)]),
      macs: 0,
      parameters: 0,
    },
    {
      why: 'bounds of a Clip neither',
      build: (b) => b.node('Clip', [conv(b, image(b)), scalar(b, 0), scalar(b, 6)]),
      macs: 6 * 36 * 4 * 9,
      parameters: 222,
    },
  ])('counts for $why', ({ build: body, macs, parameters }) => {
    const layer = build(body).at(-1)!
    expect([layer.macs, layer.parameters]).toEqual([macs, parameters])
  })

  it('counts from an observed run where shapes are open', () => {
    const b = new ModelBuilder()
    b.output(conv(b, image(b, ['N', 4, 'H', 'W'])))
    const observed = new Map([
      ['conv_out', [2, 6, 6, 6]],
      ['x', [2, 4, 8, 8]],
    ])
    expect(layersOf(b.build(), { observed, batch: 2 })[0]!.macs).toBe(6 * 36 * 4 * 9)
  })
})
