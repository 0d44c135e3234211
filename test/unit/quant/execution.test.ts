import { describe, expect, it } from 'vitest'
import type { LayerInfo } from '../../../src/shared/contract/model.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { parseProfile } from '../../../src/main/quant/execution-profile.ts'
import { readExecution } from '../../../src/main/quant/execution.ts'
import { byteTensor } from '../../../src/main/graph/tensors.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'
import { layersOf } from '../../builders/quantized.ts'

/** Conv with Relu, and a Gemm: the file that is loaded. */
function source(): { model: Model; layers: readonly LayerInfo[] } {
  const b = new ModelBuilder({ opset: 13 })
  const conv = b.node(
    'Relu',
    [b.node('Conv', [b.input('x', ['N', 3, 4, 4]), b.weights([4, 3, 1, 1])], {}, { name: 'conv' })],
    {},
    { name: 'act' },
  )
  const flat = b.node('Flatten', [conv], {}, { name: 'flat' })
  b.node('Gemm', [flat, b.weights([64, 2])], {}, { name: 'fc', outputs: ['y'] })
  b.output('y')
  const model = b.build()
  return { model, layers: layersOf(model) }
}

/** A graph as ONNX Runtime would dump it. */
function dumped(body: (b: ModelBuilder) => void): Model {
  const b = new ModelBuilder()
  body(b)
  return b.build()
}

const read = (dump: Model, profile: unknown[] | null = null) =>
  readExecution({ ...source(), dump, profile: profile && parseProfile(profile), report: null, warmupRuns: 0 })

describe('names', () => {
  it.each([
    { why: 'the node’s own name', op: 'Conv', name: 'conv', output: 'whatever' },
    { why: 'the name with a token', op: 'QLinearConv', name: 'conv_token_12', output: 'conv' },
    {
      why: 'a blocked Conv named after the tensor it wrote',
      op: 'Conv',
      name: 'act_out_nchwc',
      output: 'reorder_token_0',
    },
    {
      why: 'a blocked Conv named after the tensor before the activation',
      op: 'Conv',
      name: 'conv_out_nchwc',
      output: 'reorder',
    },
    {
      why: 'a fused node under a new name that writes the layer’s tensor',
      op: 'FusedConv',
      name: 'fused conv',
      output: 'act_out',
    },
    { why: 'the activation, which is part of the layer', op: 'Relu', name: 'act', output: 'act_out' },
  ])('$why belongs to the layer', ({ op, name, output }) => {
    const report = read(dumped((b) => b.node(op, ['x'], {}, { name, outputs: [output], domain: 'com.microsoft' })))
    expect(report.layers.find(({ id }) => id === 'conv')!.kernels).toEqual([op])
    expect(report.other).toEqual([])
  })

  it.each([
    { why: 'a reorder that writes the layer’s tensor', op: 'ReorderOutput', name: 'ReorderOutput', output: 'act_out' },
    { why: 'a Q behind the layer', op: 'QuantizeLinear', name: 'act_out_q', output: 'act_out_q' },
    { why: 'a node nobody knows', op: 'Einsum', name: 'made_up', output: 'made_up' },
    { why: 'a name that merely begins like a layer’s', op: 'Conv', name: 'conv2', output: 'conv2_out' },
  ])('$why is other, not guessed', ({ op, name, output }) => {
    const report = read(dumped((b) => b.node(op, ['x'], {}, { name, outputs: [output] })))
    expect(report.layers.every(({ kernels }) => kernels.length === 0)).toBe(true)
    expect(report.other).toEqual([{ kernel: op, count: 1, ms: null }])
  })
})

describe('execution', () => {
  const dump = dumped((b) => {
    b.input('x', [1, 3, 4, 4])
    b.constant(byteTensor('w', 'int8', [4, 3, 1, 1], new Int8Array(12)))
    b.node('QuantizeLinear', ['x', 's', 'z'], {}, { name: 'x_q', outputs: ['x_q'] })
    b.node('QLinearConv', ['x_q', 's', 'z', 'w', 's', 'z', 's', 'z'], {}, { name: 'conv_token_1', outputs: ['conv'] })
    b.node('Flatten', ['conv'], {}, { name: 'flat', outputs: ['flat_q'] })
    b.node('DequantizeLinear', ['flat_q', 's', 'z'], {}, { name: 'dq', outputs: ['flat_f'] })
    b.node('Gemm', ['flat_f', 'w1'], {}, { name: 'fc', outputs: ['y'] })
  })

  it('comes from the kernels; movement is integer where integers pass through it', () => {
    const report = read(dump)
    expect(report.layers.map(({ id, execution }) => [id, execution])).toEqual([
      ['conv', 'int8'],
      ['flat', 'int8'],
      ['fc', 'float'],
    ])
    expect(report.layers.map(({ ms }) => ms)).toEqual([null, null, null])
    expect(report.totalMs).toBeNull()
  })

  it('a float layer computed in integers is an error; one that only moves integers is none', () => {
    expect(read(dump).errors).toEqual([expect.stringContaining('Layer conv is to stay in float')])
  })

  it('times are medians over runs, of all kernels of a layer, the rest by operator', () => {
    const event = (name: string, op: string, ts: number, dur: number) => ({
      cat: 'Node',
      name: `${name}_kernel_time`,
      ts,
      dur,
      args: { op_name: op },
    })
    const run = (ts: number, dur: number) => [
      { cat: 'Session', name: 'model_run', ts, dur: 1000 },
      event('x_q', 'QuantizeLinear', ts + 1, 10),
      event('conv_token_1', 'QLinearConv', ts + 20, dur),
      event('fc', 'Gemm', ts + 500, 40),
      event('dq', 'DequantizeLinear', ts + 600, 5),
      event('inside_an_if', 'Sin', ts + 700, 2),
    ]
    const report = read(dump, [...run(0, 300), ...run(1000, 100), ...run(2000, 200)])
    expect(report.layers.map(({ id, ms }) => [id, ms])).toEqual([
      ['conv', 0.2],
      ['flat', 0],
      ['fc', 0.04],
    ])
    expect(report.other).toEqual([
      { kernel: 'QuantizeLinear', count: 1, ms: 0.01 },
      { kernel: 'DequantizeLinear', count: 1, ms: 0.005 },
      { kernel: 'Sin', count: 0, ms: 0.002 },
    ])
    expect(report.totalMs).toBeCloseTo(0.257, 12)
    expect(report.runs).toBe(3)
  })
})
