import type { LayerInfo } from '../../shared/contract/model.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import { changeLayers, type LayerChange } from './edits.ts'
import type { LayerTraits } from './traits.ts'

/** Which layers a rule is about. */
export type RuleScope =
  | 'all'
  | 'selected'
  | 'notSelected'
  | 'firstAndLast'
  | 'depthwise'
  | 'pointwise'
  | 'convolutions'
  | 'fullyConnected'
  | 'arithmetic'

/** What a rule does with them. */
export type RuleAction =
  | 'float'
  | 'default'
  | 'int8'
  | 'int4'
  | 'int4Blocks'
  | 'int16'
  | 'perChannel'
  | 'perTensor'
  | 'percentile'
  | 'entropy'
  | 'mse'
  | 'minMax'

interface Choice<Value> {
  readonly value: Value
  readonly label: string
}

/** The scopes, as a list shows them. */
export const RULE_SCOPES: readonly Choice<RuleScope>[] = [
  { value: 'all', label: 'All layers' },
  { value: 'selected', label: 'Selected layers' },
  { value: 'notSelected', label: 'All but the selected layers' },
  { value: 'firstAndLast', label: 'First and last layer with weights' },
  { value: 'depthwise', label: 'Depthwise convolutions' },
  { value: 'pointwise', label: '1×1 convolutions' },
  { value: 'convolutions', label: 'All convolutions' },
  { value: 'fullyConnected', label: 'All Gemm and MatMul' },
  { value: 'arithmetic', label: 'Layers without weights' },
]

/** The actions, as a list shows them. */
export const RULE_ACTIONS: readonly Choice<RuleAction>[] = [
  { value: 'float', label: 'to float' },
  { value: 'default', label: 'to the plan’s default' },
  { value: 'int8', label: 'to 8 bits' },
  { value: 'int4', label: 'weights to int4' },
  { value: 'int4Blocks', label: 'weights to int4 in blocks of 32, weight-only' },
  { value: 'int16', label: 'to 16 bits' },
  { value: 'perChannel', label: 'weights per channel' },
  { value: 'perTensor', label: 'weights per tensor' },
  { value: 'minMax', label: 'ranges by min-max' },
  { value: 'percentile', label: 'ranges by percentile' },
  { value: 'entropy', label: 'ranges by entropy' },
  { value: 'mse', label: 'ranges by MSE' },
]

/** Rules that are asked for again and again, ready to choose. */
export const COMMON_RULES: readonly Rule[] = [
  { scope: 'firstAndLast', action: 'float' },
  { scope: 'depthwise', action: 'perChannel' },
  { scope: 'depthwise', action: 'float' },
  { scope: 'pointwise', action: 'int8' },
  { scope: 'fullyConnected', action: 'int4' },
  { scope: 'all', action: 'float' },
  { scope: 'all', action: 'default' },
]

/** A rule in words: `Depthwise convolutions to float`. */
export function ruleText({ scope, action }: Rule): string {
  const labelOf = <Value>(choices: readonly Choice<Value>[], value: Value): string =>
    choices.find((choice) => choice.value === value)?.label ?? ''
  const [who, what] = [labelOf(RULE_SCOPES, scope), labelOf(RULE_ACTIONS, action)]
  return what.startsWith('to ') ? `${who} ${what}` : `${who}: ${what}`
}

/** Layers of a scope that can be quantized, in graph order. Movement follows its input, so that no rule names it. */
function layersInScope(scope: RuleScope, traits: readonly LayerTraits[], selection: ReadonlySet<string>): LayerInfo[] {
  const open = traits.filter(({ layer }) => layer.quantizable && (layer.role !== 'movement' || scope === 'selected'))
  const weighted = open.filter(({ layer }) => layer.role === 'weighted')
  return pick().map(({ layer }) => layer)

  function pick(): readonly LayerTraits[] {
    switch (scope) {
      case 'all':
        return open
      case 'selected':
        return open.filter(({ layer }) => selection.has(layer.id))
      case 'notSelected':
        return open.filter(({ layer }) => !selection.has(layer.id))
      case 'firstAndLast':
        return [...new Set([weighted[0], weighted.at(-1)])].filter((one) => one !== undefined)
      case 'depthwise':
        return weighted.filter(({ isDepthwise }) => isDepthwise)
      case 'pointwise':
        return weighted.filter(
          ({ kernel }) => kernel !== null && kernel.length > 0 && kernel.every((size) => size === 1),
        )
      case 'convolutions':
        return weighted.filter(({ kernel }) => kernel !== null)
      case 'fullyConnected':
        return weighted.filter(({ layer }) => layer.op === 'Gemm' || layer.op === 'MatMul')
      case 'arithmetic':
        return open.filter(({ layer }) => layer.role === 'arithmetic')
    }
  }
}

function changesOf(action: RuleAction): readonly LayerChange[] {
  switch (action) {
    case 'float':
    case 'default':
      return [{ kind: action }]
    case 'int8':
      return [{ kind: 'bits', bits: { weights: 8, activations: 8 } }]
    case 'int4':
      return [{ kind: 'bits', bits: { weights: 4, storage: 'int4', activations: 8 } }]
    case 'int4Blocks':
      return [
        { kind: 'bits', bits: { weights: 4, storage: 'int4' } },
        { kind: 'weights', weights: { granularity: 'perBlock', blockSize: 32 } },
        { kind: 'mode', mode: 'weightOnly' },
      ]
    case 'int16':
      return [{ kind: 'bits', bits: { weights: 16, storage: 'int16', activations: 16 } }]
    case 'perChannel':
    case 'perTensor':
      return [{ kind: 'weights', weights: { granularity: action } }]
    case 'minMax':
    case 'entropy':
    case 'mse':
    case 'percentile':
      return [{ kind: 'activations', activations: { calibrator: { method: action } } }]
  }
}

/** Actions that say how a quantized layer is quantized: what is float stays so. */
const QUALITIES: ReadonlySet<RuleAction> = new Set([
  'perChannel',
  'perTensor',
  'minMax',
  'percentile',
  'entropy',
  'mse',
])
/** Actions that are about weights alone. */
const OF_WEIGHTS: ReadonlySet<RuleAction> = new Set(['int4', 'int4Blocks', 'perChannel', 'perTensor'])
/** Scopes that mean layers without weights too when they say so; the wider ones leave those to their neighbours. */
const OF_ARITHMETIC: ReadonlySet<RuleScope> = new Set(['selected', 'arithmetic'])

export interface Rule {
  readonly scope: RuleScope
  readonly action: RuleAction
}

/** The layers a rule changes in a plan: those of its scope that its action is for. */
export function layersOfRule(
  plan: QuantPlan,
  { scope, action }: Rule,
  traits: readonly LayerTraits[],
  selection: ReadonlySet<string>,
): LayerInfo[] {
  return layersInScope(scope, traits, selection).filter(({ id, role }) => {
    if (QUALITIES.has(action) && plan.layers[id] === 'float') return false
    if (role === 'weighted' || action === 'float' || action === 'default') return true
    return !OF_WEIGHTS.has(action) && (OF_ARITHMETIC.has(scope) || plan.layers[id] !== undefined)
  })
}

/** The plan after a rule. */
export function applyRule(
  plan: QuantPlan,
  rule: Rule,
  traits: readonly LayerTraits[],
  selection: ReadonlySet<string>,
): QuantPlan {
  const layers = layersOfRule(plan, rule, traits, selection)
  return changesOf(rule.action).reduce((changed, change) => changeLayers(changed, layers, change), plan)
}
