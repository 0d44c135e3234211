import { Fault } from '../../shared/contract/fault.ts'
import type { Model } from '../graph/model.ts'
import { resolvePairs } from './activation-params.ts'
import { guardFloatNodes } from './float-guard.ts'
import { insertPairs } from './insert.ts'
import { quantizeLayerWeights, wantsCompactConstants } from './layer-weights.ts'
import type { QuantParams, RangeSource } from './params.ts'
import { placeQuantization, type QuantSetup, type TensorPair } from './placement.ts'
import { serializePlan } from './plan.ts'
import { reportLayers } from './quantize-report.ts'
import { requiredOpset } from './resolve-plan.ts'
import { modeRewriters } from './modes.ts'
import { foldStems } from './stem.ts'
import type { LayerQuantization, QuantizedLayer, ResolvedPlan } from './setup.ts'
import { roundToNearest, type WeightQuantizer } from './weights.ts'

export interface QuantizeInput {
  /** the prepared model (float32), at least at `requiredOpset(resolved)` */
  readonly model: Model
  readonly resolved: ResolvedPlan
  /** ranges of activations; asked for static layers only */
  readonly ranges: RangeSource
  /** integers for the weights, nearest rounding when absent */
  readonly quantizeWeights?: WeightQuantizer
  /** false keeps stems as they are, for who wants to see what the layers of the prepared model read; true by default */
  readonly foldsStems?: boolean
}

/** One pair of the exported file. */
export interface ExportedPair {
  readonly tensor: string
  readonly layerId: string
  readonly container: TensorPair['container']
  readonly params: QuantParams
  /** tensor it shares its parameters with; null for its own */
  readonly like: string | null
}

export interface QuantizeReport {
  /** every layer of the plan, in graph order */
  readonly layers: readonly LayerQuantization[]
  readonly pairs: readonly ExportedPair[]
  /** node of the exported model → layer id; Q, DQ and guards belong to no layer */
  readonly nodes: ReadonlyMap<string, string>
  /** tensor of the exported model, integers included → id of the layer that computes it */
  readonly tensors: ReadonlyMap<string, string>
  /** nodes kept in float by a Clip before them */
  readonly guarded: readonly string[]
}

/**
 * Applies a plan to a prepared model: the exported model and what became of each layer. A layer that cannot be quantized
 * stays in float and says why; nothing is aborted.
 * @throws Fault model.opsetTooLow when the model's opset cannot hold the plan's types
 */
export function quantizeModel(input: QuantizeInput): { model: Model; report: QuantizeReport } {
  const { model, resolved, ranges, quantizeWeights = roundToNearest, foldsStems = true } = input
  checkOpset(model, resolved)
  const placed = settle(model, resolved, ranges)
  const weights = placed.setup.weights.map((site) =>
    quantizeLayerWeights(site, placed.params.get(site.inputTensor)!, quantizeWeights),
  )
  const insertion = insertPairs({
    model,
    setup: placed.setup,
    params: placed.params,
    weights,
    matMulsAsGemm: twoDimensionalMatMuls(resolved),
    compact: wantsCompactConstants(weights),
  })
  const modes = applyModes(insertion.model, resolved, quantizeWeights)
  const floatNodes = nodesKeptFloat(resolved, placed.setup)
  const guarded = guardFloatNodes(foldsStems ? foldStems(modes.model) : modes.model, floatNodes)
  const layers = reportLayers({ resolved, setup: placed.setup, weights, others: modes.layers })
  const report: QuantizeReport = {
    layers,
    pairs: exportedPairs(placed.setup, placed.params),
    ...namesOf(guarded.model, resolved, modes.nodes, insertion.quantizedNames),
    guarded: guarded.guarded,
  }
  return { model: withMetadata(guarded.model, resolved), report }
}

function checkOpset(model: Model, resolved: ResolvedPlan): void {
  const needed = requiredOpset(resolved)
  const found = model.opsets.get('') ?? 0
  if (found >= needed) return
  throw new Fault(
    'model.opsetTooLow',
    `The plan stores types that need opset ${needed}, the model is at opset ${found}: upgrade it first.`,
    { needed, found },
  )
}

/** Placement with parameters for every pair: layers whose tensors have no usable range are left in float, and all is placed anew. */
function settle(
  model: Model,
  resolved: ResolvedPlan,
  ranges: RangeSource,
): { setup: QuantSetup; params: ReadonlyMap<string, QuantParams> } {
  const refused = new Map<string, string>()
  for (;;) {
    const setup = placeQuantization(model, resolved, refused)
    const { params, failures } = resolvePairs(setup, resolved.plan, ranges)
    if (failures.size === 0) return { setup, params }
    for (const [tensor, reason] of failures)
      for (const id of layersTouching(tensor, setup, resolved)) refused.set(id, reason)
  }
}

/** Computing layers that read or write a tensor, directly or through the movement that shares its parameters. */
function layersTouching(tensor: string, setup: QuantSetup, resolved: ResolvedPlan): string[] {
  const family = new Set([
    tensor,
    ...[...setup.pairs.values()].filter((pair) => pair.like === tensor).map((pair) => pair.tensor),
  ])
  const touching = resolved.layers.filter(({ layer, decision }) => {
    if (
      decision.kind === 'float' ||
      decision.mode !== 'static' ||
      layer.role === 'movement' ||
      setup.refused.has(layer.id)
    )
      return false
    return [...layer.inputs, ...layer.outputs].some((name) => family.has(name))
  })
  const owner = setup.pairs.get(tensor)!.layerId
  return [...new Set([owner, ...touching.map(({ layer }) => layer.id)])]
}

/** MatMul layers whose output, and so whose input, is a matrix. */
function twoDimensionalMatMuls(resolved: ResolvedPlan): Set<string> {
  const matrices = resolved.layers.filter(({ layer }) => layer.op === 'MatMul' && layer.outputShape?.length === 2)
  return new Set(matrices.map(({ layer }) => layer.id))
}

/** Runs the rewritings of the other modes, each over its layers. */
function applyModes(
  model: Model,
  resolved: ResolvedPlan,
  quantizeWeights: WeightQuantizer,
): { model: Model; layers: LayerQuantization[]; nodes: Map<string, string> } {
  let current = model
  const layers: LayerQuantization[] = []
  const nodes = new Map<string, string>()
  for (const [mode, rewrite] of modeRewriters) {
    const own = resolved.layers.flatMap(({ layer, decision }): QuantizedLayer[] =>
      decision.kind === 'quantized' && decision.mode === mode ? [{ layer, decision }] : [],
    )
    if (own.length === 0) continue
    const result = rewrite(current, own, quantizeWeights)
    current = result.model
    layers.push(...result.layers)
    for (const [node, id] of result.nodes) nodes.set(node, id)
  }
  return { model: current, layers, nodes }
}

/**
 * Nodes of layers the plan keeps float, that were refused, or whose other mode left them computing in float; movement that
 * merely has nothing to move in integers is free.
 */
function nodesKeptFloat(resolved: ResolvedPlan, setup: QuantSetup): Set<string> {
  const kept = resolved.layers.filter(
    ({ layer, decision }) => decision.kind === 'float' || decision.mode !== 'static' || setup.refused.has(layer.id),
  )
  return new Set(kept.flatMap(({ layer }) => layer.nodes))
}

function exportedPairs(setup: QuantSetup, params: ReadonlyMap<string, QuantParams>): ExportedPair[] {
  return [...setup.pairs.values()].map(({ tensor, layerId, container, like }) => ({
    tensor,
    layerId,
    container,
    like,
    params: params.get(tensor)!,
  }))
}

/** Which layer each node and computed tensor of the exported model belongs to. */
function namesOf(
  model: Model,
  resolved: ResolvedPlan,
  added: ReadonlyMap<string, string>,
  quantizedNames: ReadonlyMap<string, string>,
): Pick<QuantizeReport, 'nodes' | 'tensors'> {
  const nodes = new Map<string, string>(added)
  const tensors = new Map<string, string>()
  for (const { layer } of resolved.layers) for (const node of layer.nodes) nodes.set(node, layer.id)
  for (const node of model.graph.nodes) {
    const id = nodes.get(node.name)
    if (id !== undefined) for (const output of node.outputs) if (output !== '') tensors.set(output, id)
  }
  for (const { layer } of resolved.layers) {
    for (const output of layer.outputs) {
      const integers = quantizedNames.get(output)
      if (integers !== undefined) tensors.set(integers, layer.id)
    }
  }
  return { nodes, tensors }
}

/** The plan goes along in the file, as compact JSON. */
function withMetadata(model: Model, { plan }: ResolvedPlan): Model {
  const metadata = new Map(model.metadata)
  metadata.set('quantbench.plan', serializePlan(plan, 0))
  return { ...model, metadata }
}
