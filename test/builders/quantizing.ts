import fs from 'node:fs'
import path from 'node:path'
import { defaultPlan, type LayerOverride, type QuantPlan } from '../../src/shared/contract/plan.ts'
import type { LayerInfo } from '../../src/shared/contract/model.ts'
import type { Model, Node } from '../../src/main/graph/model.ts'
import type { EngineTensor, Feeds, SessionOptions } from '../../src/main/engines/port.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import { upgradeOpset } from '../../src/main/formats/onnx/upgrade/index.ts'
import { findLayers } from '../../src/main/graph/layers/index.ts'
import { passesAfterUpgrade, passesBeforeUpgrade } from '../../src/main/graph/passes/registry.ts'
import { runPasses } from '../../src/main/graph/passes/run.ts'
import { inferShapes } from '../../src/main/graph/shapes/index.ts'
import type { Range, RangeSource } from '../../src/main/quant/params.ts'
import { quantizeModel, type QuantizeReport } from '../../src/main/quant/quantize.ts'
import { resolvePlan } from '../../src/main/quant/resolve-plan.ts'
import { normals, seeded } from './model-builder.ts'

const engine = createOrtEngine()
const silent = (): void => undefined

/** A model made ready for quantization, with its layers: passes and opset upgrade, without the check of numerics. */
export interface Prepared {
  readonly model: Model
  readonly layers: readonly LayerInfo[]
}

export function prepare(model: Model, opset = 13): Prepared {
  const named = runPasses(model, passesBeforeUpgrade, silent)
  const found = named.opsets.get('') ?? 0
  const upgraded = found < opset ? upgradeOpset(named, opset, silent) : named
  const prepared = runPasses(upgraded, passesAfterUpgrade, silent)
  return { model: prepared, layers: findLayers(prepared, inferShapes(prepared, { onProblem: silent })) }
}

export function prepareFile(file: string, opset = 13): Prepared {
  return prepare(decodeModel(fs.readFileSync(file)), opset)
}

/** A float32 tensor of normally distributed values. */
export function randomTensor(dims: readonly number[], seed = 1, deviation = 1): EngineTensor {
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { dataType: 'float', dims, data: normals(seeded(seed), count, deviation) }
}

/** Runs a model once and gives its outputs. */
export async function runModel(model: Model | Uint8Array, feeds: Feeds, options: SessionOptions = {}): Promise<Feeds> {
  const session = await engine.createSession(model instanceof Uint8Array ? model : modelBytes(model), options)
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

/** The least and greatest values of every float tensor over some runs. */
export async function minMaxRanges({ model }: Prepared, feeds: readonly Feeds[]): Promise<RangeSource> {
  const facts = inferShapes(model, { onProblem: silent })
  const names = model.graph.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '' && facts.get(name)?.dataType === 'float')
  const known = new Set(model.graph.outputs.map((output) => output.name))
  const added = names
    .filter((name) => !known.has(name))
    .map((name) => ({ name, dataType: 'float' as const, shape: null }))
  const exposed = { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...added] } }
  const ranges = new Map<string, Range>()
  const session = await engine.createSession(modelBytes(exposed), { optimization: 'disabled' })
  for (const feed of feeds) {
    const outputs = await session.run(feed)
    for (const [name, tensor] of Object.entries({ ...feed, ...outputs })) widen(ranges, name, tensor)
  }
  await session.release()
  return {
    rangeOf: (tensor) => {
      const range = ranges.get(tensor)
      if (!range) throw new Error(`${tensor} was not observed`)
      return range
    },
  }
}

function widen(ranges: Map<string, Range>, name: string, { dataType, data }: EngineTensor): void {
  if (dataType !== 'float') return
  let { rmin, rmax } = ranges.get(name) ?? { rmin: Infinity, rmax: -Infinity }
  for (const value of data as Float32Array) {
    if (value < rmin) rmin = value
    if (value > rmax) rmax = value
  }
  ranges.set(name, { rmin, rmax })
}

/** The default plan with some layers or defaults changed. */
export function planWith(
  layers: Readonly<Record<string, LayerOverride>> = {},
  defaults: Partial<QuantPlan['defaults']> = {},
): QuantPlan {
  return { ...defaultPlan, defaults: { ...defaultPlan.defaults, ...defaults }, layers }
}

export interface Quantized {
  readonly model: Model
  readonly report: QuantizeReport
  readonly bytes: Uint8Array
}

export function quantizePrepared(prepared: Prepared, ranges: RangeSource, plan: QuantPlan = defaultPlan): Quantized {
  const resolved = resolvePlan(plan, prepared.layers, prepared.model)
  const { model, report } = quantizeModel({ model: prepared.model, resolved, ranges })
  return { model, report, bytes: modelBytes(model) }
}

/** The graph ONNX Runtime makes of a model, written into `folder`. */
export async function optimizedGraph(
  bytes: Uint8Array,
  folder: string,
  optimization: SessionOptions['optimization'] = 'extended',
): Promise<readonly Node[]> {
  const file = path.join(folder, 'optimized.onnx')
  const session = await engine.createSession(bytes, { optimization, optimizedModelPath: file, threads: 1 })
  await session.release()
  const { nodes } = decodeModel(fs.readFileSync(file)).graph
  fs.rmSync(file)
  return nodes
}

/** How often each op occurs. */
export function opCounts(nodes: readonly Node[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { opType } of nodes) counts[opType] = (counts[opType] ?? 0) + 1
  return counts
}

/** Signal to quantization noise in dB of one output. */
export function sqnrDb(reference: EngineTensor, test: EngineTensor): number {
  let signal = 0
  let noise = 0
  for (let i = 0; i < reference.data.length; i++) {
    const x = Number(reference.data[i])
    signal += x * x
    noise += (x - Number(test.data[i])) ** 2
  }
  return 10 * Math.log10(signal / noise)
}
