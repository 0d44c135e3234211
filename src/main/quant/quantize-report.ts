import type { LayerWeights } from './layer-weights.ts'
import type { QuantSetup } from './placement.ts'
import { containerBits } from './scheme.ts'
import type { LayerQuantization, QuantizedLayer, ResolvedPlan } from './setup.ts'

interface ReportInput {
  readonly resolved: ResolvedPlan
  readonly setup: QuantSetup
  readonly weights: readonly LayerWeights[]
  /** layers of the other modes, reported by their rewriting */
  readonly others: readonly LayerQuantization[]
}

/** What became of every layer of a plan, in graph order. */
export function reportLayers(input: ReportInput): LayerQuantization[] {
  const others = new Map(input.others.map((entry) => [entry.id, entry]))
  const weights = new Map(input.weights.map((entry) => [entry.site.layerId, entry]))
  return input.resolved.layers.map(({ layer, decision }) => {
    const other = others.get(layer.id)
    if (other) return other
    const refusal = input.setup.refused.get(layer.id)
    if (refusal !== undefined) return floatLayer({ id: layer.id, op: layer.op }, [`It stays in float: ${refusal}.`])
    if (decision.kind === 'float' || decision.mode !== 'static') return floatLayer({ id: layer.id, op: layer.op }, [])
    return staticLayer({ layer, decision }, input, weights.get(layer.id) ?? null)
  })
}

function floatLayer({ id, op }: { id: string; op: string }, warnings: readonly string[]): LayerQuantization {
  return { id, op, mode: null, type: 'float', weights: null, inputs: [], outputs: [], warnings }
}

function staticLayer(entry: QuantizedLayer, { setup }: ReportInput, own: LayerWeights | null): LayerQuantization {
  const { layer, decision } = entry
  const isPaired = (tensor: string): boolean => setup.pairs.has(tensor)
  const outputs = layer.outputs.filter(isPaired)
  // movement of a float tensor has nothing to do in integers
  const moves = layer.role !== 'movement' || setup.pairs.get(outputs[0] ?? '')?.like
  if (outputs.length === 0 || !moves) return floatLayer(layer, [])
  const weights = own && decision.weights ? { ...decision.weights, params: own.weights.params } : null
  return {
    id: layer.id,
    op: layer.op,
    mode: 'static',
    type: weights ? weights.storage : setup.pairs.get(outputs[0]!)!.container,
    weights,
    inputs: layer.inputs.filter(isPaired),
    outputs,
    warnings: [...(setup.warnings.get(layer.id) ?? []), ...(own ? adjustments(own) : []), ...simulations(entry)],
  }
}

function adjustments({ raisedScales, weights }: LayerWeights): string[] {
  if (raisedScales === 0) return []
  return [
    `The weight scale of ${raisedScales} of ${weights.params.scale.length} channels was raised, so that the bias fits into int32.`,
  ]
}

const FORESEEN = 'It will be simulated in float, not computed in integers'

/** Whether a layer's warning only foresees what a run will show. */
export function isForeseen(warning: string): boolean {
  return warning.startsWith(FORESEEN)
}

/** Why a quantized layer will not run in integers, as far as the plan alone tells. */
function simulations({ layer, decision }: QuantizedLayer): string[] {
  const { weights, activations } = decision
  if (layer.role === 'movement') return []
  const reasons: string[] = []
  if (weights && containerBits(weights.storage) !== 8)
    reasons.push(`${weights.storage} weights have no kernel with 8-bit activations`)
  if (activations.bits > 8) reasons.push(`${activations.bits}-bit activations have no integer kernel`)
  return reasons.map((reason) => `${FORESEEN}: ${reason}.`)
}
