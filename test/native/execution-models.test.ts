import { describe, expect, it } from 'vitest'
import path from 'node:path'
import type { Feeds } from '../../src/main/engines/port.ts'
import { findLayers } from '../../src/main/graph/layers/index.ts'
import { inferShapes } from '../../src/main/graph/shapes/index.ts'
import { parseProfile } from '../../src/main/quant/execution-profile.ts'
import { readExecution, type ExecutionReport } from '../../src/main/quant/execution.ts'
import type { QuantPlan } from '../../src/shared/contract/plan.ts'
import { probe } from '../builders/ort-probe.ts'
import {
  minMaxRanges,
  planWith,
  prepareFile,
  quantizePrepared,
  randomTensor,
  type Prepared,
} from '../builders/quantizing.ts'
import { sharedModels, sharedPath } from '../builders/shared.ts'

/** One sample for each input, symbolic axes 1. */
function feedsOf({ model }: Prepared): Feeds {
  const inputs = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name))
  return Object.fromEntries(
    inputs.map(({ name, shape }) => [name, randomTensor(shape!.map((dim) => (typeof dim === 'number' ? dim : 1)))]),
  )
}

async function executionOf(prepared: Prepared, plan: QuantPlan | null): Promise<ExecutionReport> {
  const feeds = feedsOf(prepared)
  const quantized = plan && quantizePrepared(prepared, await minMaxRanges(prepared, [feeds]), plan)
  const { dump, profile } = await probe(quantized?.model ?? prepared.model, feeds, { runs: 4 })
  return readExecution({
    layers: prepared.layers,
    model: quantized?.model ?? prepared.model,
    dump,
    profile: parseProfile(profile),
    report: quantized?.report ?? null,
  })
}

describe.each(sharedModels().map((file) => ({ name: path.basename(file), file })))('$name', ({ file }) => {
  it('in float: no layer is anything else', async () => {
    const report = await executionOf(prepareFile(file), null)
    expect(new Set(report.layers.map(({ execution }) => execution))).toEqual(new Set(['float']))
    expect(report.errors).toEqual([])
  })

  it('static: every weighted layer is int8, and what is quantized but not int8 says why', async () => {
    const prepared = prepareFile(file)
    const report = await executionOf(prepared, planWith())
    expect(report.errors).toEqual([])
    const weighted = new Set(
      prepared.layers.filter(({ role, quantizable }) => role === 'weighted' && quantizable).map(({ id }) => id),
    )
    const notInteger = report.layers.filter(({ id, execution }) => weighted.has(id) && execution !== 'int8')
    expect(notInteger).toEqual([])
    for (const layer of report.layers) if (layer.execution === 'simulated') expect(layer.reason).not.toBeNull()
    // every kernel is accounted for: what belongs to no layer converts or changes the layout
    const known = [
      'QuantizeLinear',
      'DequantizeLinear',
      'SpaceToDepth',
      'Transpose',
      'ReorderInput',
      'ReorderOutput',
      'Clip',
    ]
    expect(report.other.map(({ kernel }) => kernel).filter((kernel) => !known.includes(kernel))).toEqual([])
  })

  it('dynamic: every layer is int8 or says why it computes in float', async () => {
    const prepared = prepareFile(file)
    const report = await executionOf(prepared, planWith({}, { mode: 'dynamic' }))
    expect(report.errors).toEqual([])
    const weighted = new Set(prepared.layers.filter(({ role }) => role === 'weighted').map(({ id }) => id))
    const silent = report.layers.filter(
      ({ id, execution, reason }) => weighted.has(id) && execution !== 'int8' && reason === null,
    )
    expect(silent).toEqual([])
  })

  it.each(['static', 'dynamic', 'weightOnly'] as const)(
    '%s: the file alone tells the same of every weighted layer',
    async (mode) => {
      const prepared = prepareFile(file)
      const feeds = feedsOf(prepared)
      const { model, report } = quantizePrepared(
        prepared,
        await minMaxRanges(prepared, [feeds]),
        planWith({}, { mode }),
      )
      const { dump } = await probe(model, feeds)
      const told = readExecution({ layers: prepared.layers, model, dump, profile: null, report })
      const layers = findLayers(model, inferShapes(model, { onProblem: () => undefined }))
      const alone = readExecution({ layers, model, dump, profile: null, report: null })
      const found = new Map(alone.layers.map((layer) => [layer.id, layer.execution]))
      const weighted = prepared.layers.filter(({ role, quantizable }) => role === 'weighted' && quantizable)
      const ofWeighted = told.layers.filter(({ id }) => weighted.some((layer) => layer.id === id))
      expect(ofWeighted.map(({ id }) => [id, found.get(id)])).toEqual(
        ofWeighted.map(({ id, execution }) => [id, execution]),
      )
      expect(alone.errors).toEqual([])
    },
  )

  it('weight-only: a matrix has an integer kernel, a Conv its reason', async () => {
    const report = await executionOf(prepareFile(file), planWith({}, { mode: 'weightOnly' }))
    expect(report.errors).toEqual([])
    for (const { op, execution, kernels, reason } of report.layers) {
      if (op === 'Gemm')
        expect({ execution, kernels: kernels[0] }).toEqual({ execution: 'int8', kernels: 'MatMulNBits' })
      if (op === 'Conv') expect({ execution, said: reason !== null }).toEqual({ execution: 'simulated', said: true })
    }
  })
})

describe.each(['cifar10_resnet20_akamaster.onnx', 'squeezenet1_1.onnx'])('hybrid plans of %s', (name) => {
  const file = sharedPath(`models/${name}`)

  it.runIf(file)(
    'each layer left float in turn is float in the dump, all others meant to be integer are int8',
    async () => {
      const prepared = prepareFile(file!)
      const feeds = feedsOf(prepared)
      const ranges = await minMaxRanges(prepared, [feeds])
      const computing = prepared.layers.filter(({ quantizable, role }) => quantizable && role !== 'movement')
      expect(computing.length).toBeGreaterThan(25)
      for (const { id } of computing) {
        const { model, report } = quantizePrepared(prepared, ranges, planWith({ [id]: 'float' }))
        const { dump } = await probe(model, feeds)
        const execution = readExecution({ layers: prepared.layers, model, dump, profile: null, report })
        const meant = new Set(report.layers.filter(({ mode }) => mode !== null).map((layer) => layer.id))
        const roles = new Map(prepared.layers.map((layer) => [layer.id, layer.role]))
        const wrong = execution.layers.filter((layer) =>
          layer.id === id
            ? layer.execution !== 'float'
            : meant.has(layer.id) && roles.get(layer.id) !== 'movement' && layer.execution !== 'int8',
        )
        expect({ id, wrong, errors: execution.errors }).toEqual({ id, wrong: [], errors: [] })
      }
    },
  )
})
