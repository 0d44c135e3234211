import type { PlanProblem, ResolvedLayerView, ResolvedPlanView } from '../../shared/contract/api/plans.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { CalibratorSpec, QuantMode, QuantPlan, WeightScheme } from '../../shared/contract/plan.ts'
import { precisionOf, type LayerPrecision } from '../graph/decor.ts'

/** One setting over several layers: the value they share, or that they differ, or that none of them has it. */
export type Shared<Value> =
  { readonly kind: 'same'; readonly value: Value } | { readonly kind: 'mixed' } | { readonly kind: 'none' }

/** The setting over layers; `null` of `read` is a layer that does not have it and does not count. */
export function shared<Item, Value>(items: readonly Item[], read: (item: Item) => Value | null): Shared<Value> {
  let found: Value | null = null
  let text: string | null = null
  for (const item of items) {
    const value = read(item)
    if (value === null) continue
    const own = JSON.stringify(value)
    if (text !== null && own !== text) return { kind: 'mixed' }
    found = value
    text = own
  }
  return found === null ? { kind: 'none' } : { kind: 'same', value: found }
}

/** The value that a control shows: null where layers differ or none has it. */
export function valueOf<Value>(setting: Shared<Value>): Value | null {
  return setting.kind === 'same' ? setting.value : null
}

/** What a precision switch can stand on; `custom`: bits that are none of the others. */
export type SwitchValue = 'float' | '8' | 'int4' | 'custom'

/** Where the switch stands for a layer as the plan resolves. */
export function switchOf({ kind, weights, activations }: ResolvedLayerView): SwitchValue {
  if (kind === 'float') return 'float'
  const activationBits = activations?.bits ?? null
  if (weights === null) return activationBits === 8 ? '8' : 'custom'
  if (activationBits !== 8) return 'custom'
  if (weights.bits === 8) return '8'
  return weights.bits === 4 && (weights.storage === 'int4' || weights.storage === 'uint4') ? 'int4' : 'custom'
}

/** The chip of a layer: bits of what is quantized; weight-only layers keep float activations. */
export function precisionOfLayer({ kind, mode, weights, activations }: ResolvedLayerView): LayerPrecision {
  if (kind === 'float') return precisionOf(null, null)
  return precisionOf(weights?.bits ?? null, mode === 'weightOnly' ? null : (activations?.bits ?? null))
}

/** Chips by layer id. */
export function precisionsOf(layers: readonly ResolvedLayerView[]): ReadonlyMap<string, LayerPrecision> {
  return new Map(layers.map((layer) => [layer.id, precisionOfLayer(layer)]))
}

/** Counts of layers by chip, the most frequent first. */
export function countPrecisions(
  layers: readonly ResolvedLayerView[],
): readonly { readonly precision: LayerPrecision; readonly count: number }[] {
  const counts = new Map<string, { precision: LayerPrecision; count: number }>()
  for (const layer of layers) {
    const precision = precisionOfLayer(layer)
    const known = counts.get(precision.words)
    if (known) known.count++
    else counts.set(precision.words, { precision, count: 1 })
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)
}

/** What the plan alone says of a layer before the host has answered: defaults and overrides merged, neighbours not looked at. */
export function resolveRoughly(plan: QuantPlan, layer: LayerInfo): ResolvedLayerView {
  const { id } = layer
  const override = plan.layers[id]
  const named = override !== undefined
  if (override === 'float' || !layer.quantizable)
    return { id, kind: 'float', mode: null, weights: null, activations: null, biasBits: null, named }
  const { defaults } = plan
  const weights: WeightScheme = { ...defaults.weights, ...override?.weights }
  const activations = { ...defaults.activations, ...override?.activations }
  const mode: QuantMode =
    override?.mode ?? (override?.weights?.granularity === 'perBlock' ? 'weightOnly' : defaults.mode)
  const isWeighted = layer.role === 'weighted'
  return {
    id,
    kind: 'quantized',
    mode: isWeighted ? mode : 'static',
    weights: isWeighted ? weights : null,
    activations,
    biasBits: isWeighted ? (override?.bias ?? defaults.bias).bits : null,
    named,
  }
}

/**
 * The resolved plan right after an edit, until the host's own answer comes: the last answer where the plan says the same of a layer as then,
 * the plan's own words where it does not.
 */
export function patchResolved(
  known: { readonly plan: QuantPlan; readonly view: ResolvedPlanView } | null,
  plan: QuantPlan,
  layers: readonly LayerInfo[],
): readonly ResolvedLayerView[] {
  const before = new Map(known?.view.layers.map((layer) => [layer.id, layer]))
  const isSameBase = known !== null && JSON.stringify(known.plan.defaults) === JSON.stringify(plan.defaults)
  return layers.map((layer) => {
    const last = before.get(layer.id)
    const isSame = isSameBase && JSON.stringify(known.plan.layers[layer.id]) === JSON.stringify(plan.layers[layer.id])
    return last && isSame ? last : resolveRoughly(plan, layer)
  })
}

/** Problems by layer id; those of no layer under ''. */
export function problemsByLayer(problems: readonly PlanProblem[]): ReadonlyMap<string, readonly PlanProblem[]> {
  return Map.groupBy(problems, ({ layer }) => layer ?? '')
}

/** A calibrator in words: `percentile 99.99`. */
export function calibratorText(calibrator: CalibratorSpec): string {
  switch (calibrator.method) {
    case 'minMax':
      return 'min-max'
    case 'movingAverage':
      return `moving average ${calibrator.momentum ?? 0.9}`
    case 'percentile':
      return `percentile ${calibrator.percentile ?? 99.99}`
    case 'entropy':
      return 'entropy (KL)'
    case 'mse':
      return 'MSE'
  }
}
