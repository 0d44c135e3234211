import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { Engine, Feeds } from '../../engines/port.ts'
import { decodeModel } from '../../formats/onnx/index.ts'
import { findLayers } from '../../graph/layers/index.ts'
import type { Model } from '../../graph/model.ts'
import { assignIds } from '../../graph/passes/assign-ids.ts'
import { inferShapes } from '../../graph/shapes/index.ts'
import { parseProfile } from '../../quant/execution-profile.ts'
import { readExecution, type ExecutionReport } from '../../quant/execution.ts'
import type { QuantizeReport } from '../../quant/quantize.ts'
import { profileModel, warmupRuns, type ProfileOptions } from './profile.ts'

/** What of the quantizer's report the reading of a dump needs. */
export type LayerTable = Pick<QuantizeReport, 'layers' | 'nodes' | 'tensors'>

export interface LayerExecutionRequest extends ProfileOptions {
  readonly path: string
  /** the file at `path`, decoded */
  readonly model: Model
  readonly layers: readonly LayerInfo[]
  readonly feeds: Feeds
  readonly report: LayerTable | null
}

/**
 * Loads the file, dumps ONNX Runtime's optimised graph, profiles it, and reads from both how each layer runs. Nothing of the plan
 * goes in but the names of its layers.
 * @throws Fault engine.*; the signal's reason when aborted
 */
export async function executionOf(engine: Engine, request: LayerExecutionRequest): Promise<ExecutionReport> {
  const { path, model, layers, feeds, report, ...options } = request
  const raw = await profileModel(engine, path, feeds, options)
  const profile = parseProfile(JSON.parse(raw.events) as unknown)
  return readExecution({ layers, model, dump: decodeModel(raw.optimized), profile, report, warmupRuns })
}

/** Operators that a quantizer writes around layers and that are none themselves. */
const quantizers: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear', 'DynamicQuantizeLinear'])

/**
 * The layers of a file as it is, quantized or not.
 * @param reference ids of the float model's nodes, where there is one: what the quantizer added beside them is left out
 */
export function layersOfFile(model: Model, reference: ReadonlySet<string> | null): LayerInfo[] {
  const named = assignIds(model)
  return findLayers(named, inferShapes(named)).filter(
    ({ id, op }) => !quantizers.has(op) && (reference === null || reference.has(id)),
  )
}

/** Ids of a file's nodes. */
export function nodeIds(model: Model): Set<string> {
  return new Set(assignIds(model).graph.nodes.map(({ name }) => name))
}
