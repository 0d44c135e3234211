import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultPlan } from '../../src/shared/contract/plan.ts'
import { equalize } from '../../src/main/quant/repairs/equalize.ts'
import { geometryOf } from '../../src/main/quant/repairs/geometry.ts'
import { MomentSums } from '../../src/main/quant/repairs/moment-sums.ts'
import { momentsModel } from '../../src/main/quant/repairs/moments-model.ts'
import { resolvePlan } from '../../src/main/quant/resolve-plan.ts'
import { weightSiteOf } from '../../src/main/quant/weight-site.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { ModelBuilder, type AttributeValue } from '../builders/model-builder.ts'
import { prepare, randomTensor, runModel, sqnrDb } from '../builders/quantizing.ts'
import { runCli, SAMPLE } from '../builders/cli.ts'
import { temporaryFolder } from '../builders/temporary.ts'

interface LayerCase {
  readonly why: string
  readonly op: string
  readonly input: readonly number[]
  readonly dims: readonly number[]
  readonly attributes?: Record<string, AttributeValue>
}

const cases: LayerCase[] = [
  {
    why: 'a padded, strided Conv',
    op: 'Conv',
    input: [2, 3, 7, 6],
    dims: [4, 3, 3, 3],
    attributes: { pads: [1, 0, 1, 2], strides: [2, 1] },
  },
  { why: 'a dilated Conv', op: 'Conv', input: [2, 2, 8, 8], dims: [3, 2, 3, 3], attributes: { dilations: [2, 2] } },
  { why: 'SAME_UPPER', op: 'Conv', input: [1, 2, 6, 5], dims: [3, 2, 2, 2], attributes: { auto_pad: 'SAME_UPPER' } },
  { why: 'groups', op: 'Conv', input: [2, 4, 5, 5], dims: [6, 2, 3, 3], attributes: { group: 2 } },
  { why: 'a depthwise Conv', op: 'Conv', input: [1, 3, 5, 5], dims: [3, 1, 3, 3], attributes: { group: 3 } },
  { why: 'a Gemm', op: 'Gemm', input: [5, 4], dims: [4, 3] },
  { why: 'a Gemm with transB', op: 'Gemm', input: [5, 4], dims: [3, 4], attributes: { transB: 1 } },
  { why: 'a MatMul over three axes', op: 'MatMul', input: [2, 3, 4], dims: [4, 5] },
]

describe('moments by the runtime', () => {
  it.each(cases)('explain the outputs of $why', async ({ op, input, dims, attributes = {} }) => {
    const b = new ModelBuilder()
    b.input('x', ['N', ...input.slice(1)])
    b.output(b.node(op, ['x', b.weights([...dims], 1, 'w')], attributes, { name: 'layer', outputs: ['y'] }))
    const { model, layers } = prepare(b.build())
    const { layer, decision } = resolvePlan(defaultPlan, layers, model).layers[0]!
    if (decision.kind !== 'quantized') throw new Error('not quantized')
    const site = weightSiteOf({ layer, decision }, model)
    if (typeof site === 'string') throw new Error(site)
    const node = model.graph.nodes.find(({ name }) => name === 'layer')!
    const geometry = geometryOf(node, site)
    if (typeof geometry === 'string') throw new Error(geometry)
    const x = randomTensor(input, 1)
    const sums = new MomentSums(geometry)
    sums.add(await runModel(momentsModel(node, geometry, site.layout.dims), { x, q: x }))
    const blocks = sums.blocks()
    // Σ over outputs y² = Σ over rows of w·(Σ x·xᵀ)·w: holds only if columns, groups and the order of entries are right
    const { y } = await runModel(model, { x })
    const perRow = new Float64Array(geometry.rows)
    const values = y!.data as Float32Array
    const inner = op === 'Conv' ? values.length / y!.dims[0]! / geometry.rows : 1
    values.forEach((value, i) => (perRow[Math.floor(i / inner) % geometry.rows]! += value * value))
    for (let row = 0; row < geometry.rows; row++) {
      const { gram, size } = blocks[Math.floor((row * geometry.groups) / geometry.rows)]!
      const weightAt = (k: number): number =>
        site.values[geometry.transposed ? k * geometry.rows + row : row * geometry.size + k]!
      let found = 0
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) found += weightAt(i) * gram[i * size + j]! * weightAt(j)
      expect(found / perRow[row]!).toBeCloseTo(1, 4)
    }
  })
})

describe('equalize', () => {
  const conv = (b: ModelBuilder, x: string, dims: number[], name: string, group = 1): string =>
    b.node('Conv', [x, b.weights(dims, 1), b.weights([dims[0]!], 1)], { group }, { name })

  function inverted(): Model {
    const b = new ModelBuilder()
    b.input('x', ['N', 3, 10, 10])
    const expanded = b.node('Relu', [conv(b, 'x', [8, 3, 1, 1], 'expand')], {}, { name: 'relu' })
    const spatial = b.node('LeakyRelu', [conv(b, expanded, [8, 1, 3, 3], 'depthwise', 8)], {}, { name: 'leaky' })
    const pooled = b.node(
      'MaxPool',
      [conv(b, spatial, [4, 4, 3, 3], 'grouped', 2)],
      { kernel_shape: [2, 2], strides: [2, 2] },
      { name: 'pool' },
    )
    const flat = b.node('Flatten', [pooled], {}, { name: 'flatten' })
    const hidden = b.node(
      'Relu',
      [b.node('Gemm', [flat, b.weights([36, 6]), b.weights([6])], {}, { name: 'hidden' })],
      {},
      { name: 'relu2' },
    )
    b.output(
      b.node('Gemm', [hidden, b.weights([5, 6]), b.weights([5])], { transB: 1 }, { name: 'head', outputs: ['y'] }),
    )
    return b.build()
  }

  it('leaves what the float model computes', async () => {
    const { model, layers } = prepare(inverted())
    const { model: equalized, pairs } = equalize(model, resolvePlan(defaultPlan, layers, model), () => null)
    expect(pairs.map(({ first, second }) => `${first} ${second}`)).toEqual([
      'expand depthwise',
      'depthwise grouped',
      'grouped hidden',
      'hidden head',
    ])
    expect(pairs.every(({ scales }) => scales.some((scale) => Math.abs(scale - 1) > 0.1))).toBe(true)
    const x = randomTensor([2, 3, 10, 10], 5)
    const [a, b] = [await runModel(model, { x }), await runModel(equalized, { x })]
    expect(sqnrDb(a['y']!, b['y']!)).toBeGreaterThan(110)
  })
})

interface Answer {
  readonly repairs?: {
    readonly steps: readonly { repair: string; before: number; after: number; kept: boolean; note: string | null }[]
    readonly distance: { plain: number; repaired: number }
    readonly layers: readonly { id: string; plainDb: number | null; repairedDb: number | null }[]
  }
}

describe('quantize --repair', () => {
  it('brings back what few bits lose, tells by how much, and keeps what it made', async () => {
    const folder = temporaryFolder()
    const home = path.join(folder, 'home')
    const make = async (repair: string, output: string): Promise<{ answer: Answer; stderr: string }> => {
      const common = ['--data', 'synthetic-digits', '--calibration-samples', '96', '--home', home, '--json']
      const types = ['--weights', '2', '--activations', '4', '--repair', repair]
      const file = path.join(folder, output)
      const { exitCode, stdout, stderr } = await runCli(['quantize', SAMPLE, ...common, ...types, '-o', file])
      expect(exitCode, stderr).toBe(0)
      return { answer: JSON.parse(stdout) as Answer, stderr }
    }
    const top1 = async (file: string): Promise<number> => {
      const args = ['eval', path.join(folder, file), '--data', 'synthetic-digits', '--range', '0:500']
      const { stdout } = await runCli([...args, '--home', home, '--json'])
      return (JSON.parse(stdout) as { top1: number }).top1
    }
    expect((await make('none', 'plain.onnx')).answer.repairs).toBeUndefined()
    const { answer } = await make('all', 'repaired.onnx')
    const { steps, distance, layers } = answer.repairs!
    expect(steps.map(({ repair }) => repair)).toEqual(['equalize', 'reducedRange', 'calibrators', 'rounding', 'bias'])
    expect(distance.repaired).toBeLessThan(0.1 * distance.plain)
    expect(steps.at(-1)!.after).toBe(distance.repaired)
    expect(layers.filter(({ plainDb, repairedDb }) => repairedDb! > plainDb!).length).toBeGreaterThan(6)
    expect((await top1('repaired.onnx')) - (await top1('plain.onnx'))).toBeGreaterThan(0.3)

    const again = await make('all', 'again.onnx')
    expect(again.stderr).toContain('were made before with equal content')
    expect(again.answer.repairs).toEqual(answer.repairs)
  })

  it('works on types that need a newer opset', async () => {
    const folder = temporaryFolder()
    const common = ['--data', 'synthetic-digits', '--calibration-samples', '48', '--home', path.join(folder, 'home')]
    const file = path.join(folder, 'int4.onnx')
    const types = ['--weights', 'int4', '--repair', 'rounding,bias']
    const { exitCode, stdout, stderr } = await runCli(['quantize', SAMPLE, ...common, ...types, '-o', file, '--json'])
    expect(exitCode, stderr).toBe(0)
    const { distance } = (JSON.parse(stdout) as Answer).repairs!
    expect(distance.repaired).toBeLessThan(0.5 * distance.plain)
  })

  it('refuses what it does not know', async () => {
    const { exitCode, stderr } = await runCli(['quantize', SAMPLE, '-o', '/nowhere/x.onnx', '--repair', 'bias,magic'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain("There is no repair 'magic'")
  })
})
