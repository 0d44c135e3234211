import { beforeAll, describe, expect, it } from 'vitest'
import fs from 'node:fs'
import path from 'node:path'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { Feeds } from '../../src/main/engines/port.ts'
import { decodeModel } from '../../src/main/formats/onnx/index.ts'
import { readExecution } from '../../src/main/quant/execution.ts'
import type { RangeSource } from '../../src/main/quant/params.ts'
import { planFromOptions, type PlanOptions } from '../../src/main/quant/plan.ts'
import {
  minMaxRanges,
  prepare,
  quantizePrepared,
  randomTensor,
  runModel,
  sqnrDb,
  type Prepared,
  type Quantized,
} from '../builders/quantizing.ts'
import { quantGraphs } from '../builders/quant-graphs.ts'
import { temporaryFolder } from '../builders/temporary.ts'

/** Execution of every layer as the runtime's graph shows it. */
async function executionOf({ layers }: Prepared, { model, report, bytes }: Quantized): Promise<Map<string, string>> {
  const file = path.join(temporaryFolder(), 'optimized.onnx')
  const session = await createOrtEngine().createSession(bytes, { optimizedModelPath: file, threads: 1 })
  await session.release()
  const execution = readExecution({ layers, model, dump: decodeModel(fs.readFileSync(file)), profile: null, report })
  expect(execution.errors).toEqual([])
  return new Map(execution.layers.map((layer) => [layer.id, layer.execution]))
}

/** Schemes, with the least signal to noise of the worst graph; random weights and inputs are harder than trained ones. */
const schemes: readonly {
  readonly why: string
  readonly options: PlanOptions
  readonly opset?: number
  readonly leastDb: number
  readonly integer: boolean
}[] = [
  { why: 'defaults', options: {}, leastDb: 20, integer: true },
  { why: 'symmetric activations', options: { activations: 'int8' }, leastDb: 18, integer: true },
  { why: 'one scale a tensor', options: { perTensor: true }, leastDb: 18, integer: true },
  { why: 'affine weights in uint8', options: { weights: 'uint8' }, leastDb: 20, integer: true },
  { why: 'four bits in bytes', options: { weights: '4', activations: '4' }, leastDb: -5, integer: true },
  { why: 'one bit', options: { weights: '1', activations: '1' }, leastDb: -60, integer: true },
  { why: 'stored int4', options: { weights: 'int4' }, opset: 21, leastDb: 0, integer: false },
  { why: 'sixteen bits', options: { weights: 'int16', activations: 'uint16' }, opset: 21, leastDb: 50, integer: false },
  {
    why: 'sixteen symmetric bits',
    options: { weights: 'uint16', activations: 'int16' },
    opset: 21,
    leastDb: 50,
    integer: false,
  },
]

describe.each(quantGraphs)('$why', ({ model, dims }) => {
  const name = model.graph.inputs[0]!.name
  const feeds: Feeds = { [name]: randomTensor(dims, 5) }
  const prepared = new Map<number, Prepared>()
  let ranges: RangeSource
  let reference: Feeds

  beforeAll(async () => {
    for (const opset of [14, 21]) prepared.set(opset, prepare(model, opset))
    ranges = await minMaxRanges(prepared.get(14)!, [feeds])
    reference = await runModel(prepared.get(14)!.model, feeds)
  })

  it.each(schemes)('quantizes with $why, loads and runs', async ({ options, opset = 14, leastDb, integer }) => {
    const source = prepared.get(opset)!
    const quantized = quantizePrepared(source, ranges, planFromOptions(options))
    const outputs = await runModel(quantized.bytes, feeds)
    for (const [output, tensor] of Object.entries(reference)) {
      expect(outputs[output]!.dims).toEqual(tensor.dims)
      expect(sqnrDb(tensor, outputs[output]!), output).toBeGreaterThan(leastDb)
    }
    if (!integer) return
    const execution = await executionOf(source, quantized)
    const weighted = quantized.report.layers.filter((layer) => layer.weights !== null)
    expect(weighted.length).toBeGreaterThan(0)
    const notInteger = weighted
      .filter((layer) => execution.get(layer.id) !== 'int8')
      .map((layer) => `${layer.op} ${layer.id}`)
    expect(notInteger).toEqual([])
  })

  it('keeps names, types and shapes of inputs and outputs', () => {
    const { model: quantized } = quantizePrepared(prepared.get(14)!, ranges)
    expect(quantized.graph.inputs).toEqual(prepared.get(14)!.model.graph.inputs)
    expect(quantized.graph.outputs).toEqual(prepared.get(14)!.model.graph.outputs)
  })
})
