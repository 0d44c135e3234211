import { describe, expect, it } from 'vitest'
import type { LayerInfo } from '../../../src/shared/contract/model.ts'
import { explainSpeed, type SpeedInput } from '../../../src/main/quant/execution-speed.ts'
import type { ExecutionReport, LayerExecution } from '../../../src/main/quant/execution.ts'

const layer = (id: string, execution: LayerExecution['execution'], ms: number): LayerExecution => ({
  id,
  op: 'Conv',
  execution,
  ms,
  kernels: ['Conv'],
  reason: null,
})

function report(layers: readonly LayerExecution[], other: ExecutionReport['other'] = []): ExecutionReport {
  const totalMs = [...layers, ...other].reduce((sum, { ms }) => sum + (ms ?? 0), 0)
  return { layers, other, errors: [], totalMs, runs: 10 }
}

const info = (id: string, macs: number, outputShape: readonly number[]): LayerInfo => ({
  id,
  op: 'Conv',
  activation: null,
  role: 'weighted',
  nodes: [id],
  inputs: [],
  outputs: [],
  outputShape,
  parameters: 0,
  macs,
  quantizable: true,
  reason: null,
})

const input = (over: Partial<SpeedInput>): SpeedInput => ({
  speedup: 0.8,
  quantized: report([layer('a', 'int8', 5)]),
  float: null,
  layers: [],
  vnni: true,
  batch: 1,
  ...over,
})

describe('explainSpeed', () => {
  it('is silent where integers pay', () => {
    expect(explainSpeed(input({ speedup: 2.8, vnni: false }))).toEqual([])
  })

  it('always says that a model is slower', () => {
    expect(explainSpeed(input({ speedup: 0.8 }))).toEqual(['It is slower than the float model: 1.25 times its time.'])
  })

  it.each([
    {
      why: 'conversions',
      over: {
        quantized: report(
          [layer('a', 'int8', 6)],
          [
            { kernel: 'QuantizeLinear', count: 4, ms: 1 },
            { kernel: 'DequantizeLinear', count: 3, ms: 1 },
          ],
        ),
      },
      says: '25 % of the time (2.00 ms of 8.00 ms) goes into 7 conversions',
    },
    {
      why: 'layout changes',
      over: { quantized: report([layer('a', 'int8', 3)], [{ kernel: 'Transpose', count: 2, ms: 1 }]) },
      says: '2 changes of memory layout',
    },
    {
      why: 'ranges of dynamic mode',
      over: { quantized: report([layer('a', 'int8', 3)], [{ kernel: 'ReduceMax', count: 2, ms: 1 }]) },
      says: 'finding the ranges of activations at run time',
    },
    {
      why: 'float islands, the slowest named',
      over: { quantized: report([layer('a', 'int8', 3), layer('b', 'float', 1), layer('c', 'float', 2)]) },
      says: '50 % of the time (3.00 ms of 6.00 ms) goes into 2 layers in float, most of it into c (Conv, 2.00 ms), b (Conv, 1.00 ms)',
    },
    {
      why: 'simulated layers',
      over: { quantized: report([layer('a', 'simulated', 3)]) },
      says: 'quantized in the file but computed in float',
    },
    { why: 'a CPU without VNNI', over: { vnni: false }, says: 'no VNNI' },
    {
      why: 'layers slower than in float, with what makes them so',
      over: {
        quantized: report([layer('depthwise', 'int8', 3), layer('b', 'int8', 1)]),
        float: report([layer('depthwise', 'float', 1), layer('b', 'float', 2)]),
        layers: [info('depthwise', 900, [1, 10, 10])],
      },
      says: '1 integer layer is slower than in float, 2.00 ms together: depthwise (Conv, 9 products for an output: 3.00 ms, in float 1.00 ms)',
    },
    {
      why: 'kernels too small to gain',
      over: { quantized: report([layer('a', 'int8', 0.004), layer('b', 'int8', 0.005)]) },
      says: '2 of 2 layers take less than 10 µs',
    },
  ])('$why', ({ over, says }) => {
    expect(explainSpeed(input(over as Partial<SpeedInput>)).join('\n')).toContain(says)
  })

  it('keeps small causes to itself and puts the greatest first', () => {
    const quantized = report(
      [layer('a', 'int8', 4), layer('b', 'simulated', 5)],
      [
        { kernel: 'QuantizeLinear', count: 1, ms: 2 },
        { kernel: 'Transpose', count: 1, ms: 0.1 },
      ],
    )
    const [, first, second, ...rest] = explainSpeed(input({ quantized }))
    expect(first).toContain('computed in float')
    expect(second).toContain('conversions')
    expect(rest).toEqual([])
  })

  it('has nothing to say without times', () => {
    expect(explainSpeed(input({ quantized: { ...report([]), totalMs: null } }))).toEqual([])
  })
})
