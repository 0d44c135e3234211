import { describe, expect, it } from 'vitest'
import {
  elementLimit,
  instrument,
  observableTensors,
  phaseOf,
  withPhase,
} from '../../../src/main/calibration/instrument.ts'
import { findLayers } from '../../../src/main/graph/layers/index.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { inferShapes } from '../../../src/main/graph/shapes/index.ts'
import { int64Of } from '../../../src/main/graph/tensors.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'

/** Conv+Relu, a Reshape by a computed shape, Gemm, and an Erf that has no integer kernel. */
function network(opset = 13): Model {
  const b = new ModelBuilder({ opset })
  const x = b.input('x', ['N', 3, 40, 40])
  const conv = b.node('Conv', [x, b.weights([8, 3, 3, 3])], { pads: [1, 1, 1, 1] }, { name: 'conv' })
  const relu = b.node('Relu', [conv], {}, { name: 'relu' })
  const shape = b.node('Shape', [relu], {}, { name: 'shape' })
  const same = b.node('Reshape', [relu, shape], {}, { name: 'reshape' })
  const erf = b.node('Erf', [same], {}, { name: 'erf' })
  const pooled = b.node('GlobalAveragePool', [erf], {}, { name: 'pool' })
  const flat = b.node('Flatten', [pooled], {}, { name: 'flat' })
  b.output(b.node('Gemm', [flat, b.weights([8, 5])], {}, { name: 'gemm' }), ['N', 5])
  return b.build()
}

const observed = (model: Model): string[] => {
  const facts = inferShapes(model)
  return observableTensors(model, findLayers(model, facts), facts)
}
const shapes = new Map(Object.entries({ x: [1, 3, 40, 40], relu_out: [1, 8, 40, 40], gemm_out: [1, 5] }))

describe('observableTensors', () => {
  it('gives float inputs and outputs of quantizable layers in graph order: after the fused activation, no integers, no constants', () => {
    const names = observed(network())
    expect(names[0]).toBe('x')
    expect(names).toContain('relu_out')
    expect(names).toContain('erf_out') // the pool reads it
    expect(names).toContain('gemm_out')
    expect(names).not.toContain('conv_out')
    expect(names).not.toContain('shape_out')
  })

  it('does not see initializers that an old file lists as inputs', () => {
    const b = new ModelBuilder({ opset: 13, initializersAsInputs: true })
    b.output(b.node('Conv', [b.input('x', [1, 3, 8, 8]), b.weights([4, 3, 3, 3], 1, 'w')], {}, { name: 'conv' }))
    expect(observed(b.build())).toEqual(['x', 'conv_out'])
  })
})

describe('instrument', () => {
  it('takes small tensors whole, and of large ones bounds and every stride-th element', () => {
    const { model, plan } = instrument(network(), ['x', 'relu_out', 'gemm_out'], shapes, { elementsPerSample: 1000 })
    const [x, relu, gemm] = plan.probes
    expect(x).toMatchObject({ source: 'feed', thinned: false, stride: 7, bounds: null }) // 4800 elements: 5 and 6 divide it
    expect(relu).toMatchObject({ source: 'output', thinned: true, stride: 13, bounds: { channels: true } }) // 12800 elements
    expect(gemm).toMatchObject({ source: 'output', thinned: false, stride: 1, elements: 'gemm_out', bounds: null })
    expect(plan.fetches).toEqual([relu!.bounds!.min, relu!.bounds!.max, relu!.elements, 'gemm_out'])
    expect(model.graph.outputs.map(({ name }) => name).sort()).toEqual([...plan.fetches].sort())
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['x', plan.phaseInput])
    expect(int64Of(model.graph.initializers.get('calibration/stride-13')!)).toEqual(BigInt64Array.of(13n))
  })

  it('leaves nodes and outputs of the model as they are', () => {
    const source = network()
    const { model } = instrument(source, ['relu_out'], shapes, { elementsPerSample: 1000 })
    for (const node of source.graph.nodes) expect(model.graph.nodes).toContain(node)
    expect(model.graph.outputs.slice(0, source.graph.outputs.length)).toEqual(source.graph.outputs)
  })

  it('writes axes of a reduction as the opset wants them', () => {
    const reduce = (opset: number): [number, boolean] => {
      const { model } = instrument(network(opset), ['relu_out'], shapes, { elementsPerSample: 1000 })
      const node = model.graph.nodes.find(({ opType }) => opType === 'ReduceMax')!
      return [node.inputs.length, node.attributes.has('axes')]
    }
    expect([13, 17, 18, 21].map(reduce)).toEqual([
      [1, true],
      [1, true],
      [2, false],
      [2, false],
    ])
  })

  it('needs no phase where nothing is thinned, and takes a tensor of unknown shape whole', () => {
    const { plan } = instrument(network(), ['erf_out', 'gemm_out'], shapes)
    expect(plan.phaseInput).toBeNull()
    expect(plan.probes.map(({ stride }) => stride)).toEqual([1, 1])
    expect(withPhase({}, plan, 3)).toEqual({})
  })

  it('keeps clear of names that the model uses', () => {
    const b = new ModelBuilder({ opset: 13 })
    const x = b.input('calibration/phase', [1, 4, 64, 64])
    b.output(b.node('Relu', [x], {}, { name: 'calibration/flat' }))
    const { model, plan } = instrument(
      b.build(),
      ['calibration/flat_out'],
      new Map([['calibration/flat_out', [1, 4, 64, 64]]]),
      { elementsPerSample: 64 },
    )
    expect(plan.phaseInput).toBe('calibration/phase_2')
    expect(new Set(model.graph.nodes.map(({ name }) => name)).size).toBe(model.graph.nodes.length)
  })

  it('meets every position of a tensor as batches go by', () => {
    const { plan } = instrument(network(), ['relu_out'], shapes, { elementsPerSample: 1000 })
    const { stride, length } = plan.probes[0]!
    const seen = new Set<number>()
    for (let position = 0; position < 13 * 8; position += 8) {
      for (let i = phaseOf(position) % stride; i < length!; i += stride) seen.add(i)
    }
    expect(seen.size).toBe(length)
  })
})

describe('elementLimit', () => {
  const layers = (macs: number | null) => [{ macs }] as unknown as Parameters<typeof elementLimit>[0]

  it.each([
    { why: 'a dear model and few samples: as much as there is', macs: 4e9, samples: 60, limit: 16_384 },
    { why: 'a dear model and many samples: enough of all together', macs: 4e9, samples: 1024, limit: 2048 },
    { why: 'a cheap model: what it can afford', macs: 4e7, samples: 100, limit: 2000 },
    { why: 'a tiny model: what an estimate needs', macs: 1e5, samples: 128, limit: 1024 },
    { why: 'unknown cost and endless samples: the least', macs: null, samples: 1e6, limit: 64 },
  ])('$why', ({ macs, samples, limit }) => {
    expect(elementLimit(layers(macs), 50, samples)).toBe(limit)
  })
})
