import type { MenuEntry } from '../components/ui/menu.ts'
import type { CalibratorMethod } from '../../shared/contract/plan.ts'
import type { LayerChange } from './edits.ts'
import { COMMON_RULES, ruleText, type Rule } from './rules.ts'
import type { Shared, SwitchValue } from './settings.ts'

/** Calibrators with their names on screen. */
export const CALIBRATORS: readonly { readonly value: CalibratorMethod; readonly label: string }[] = [
  { value: 'minMax', label: 'min-max' },
  { value: 'movingAverage', label: 'moving average' },
  { value: 'percentile', label: 'percentile 99.99' },
  { value: 'entropy', label: 'entropy (KL)' },
  { value: 'mse', label: 'MSE' },
]

const BITS = [1, 2, 3, 4, 5, 6, 7, 8, 16] as const

/** What a choice of the menu of layers asks for. */
export type LayerMenuChoice =
  | { readonly kind: 'change'; readonly change: LayerChange }
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'selectLike' | 'selectAll' | 'frame' | 'copyNames' }

interface LayerMenuState {
  /** as the head of the menu: a layer's name, or how many there are */
  readonly title: string
  readonly count: number
  readonly isQuantizable: boolean
  readonly hasWeights: boolean
  readonly precision: Shared<SwitchValue>
}

const CHANGES: Readonly<Record<string, LayerChange>> = {
  float: { kind: 'float' },
  default: { kind: 'default' },
  '8': { kind: 'bits', bits: { weights: 8, activations: 8 } },
  int4: { kind: 'bits', bits: { weights: 4, storage: 'int4', activations: 8 } },
  perChannel: { kind: 'weights', weights: { granularity: 'perChannel' } },
  perTensor: { kind: 'weights', weights: { granularity: 'perTensor' } },
}

/** The menu on a layer of the graph or a list, for all that are selected. */
export function layerMenu(state: LayerMenuState): MenuEntry[] {
  const { count, isQuantizable, hasWeights, precision } = state
  const isAt = (value: SwitchValue): boolean => precision.kind === 'same' && precision.value === value
  if (count === 0) return emptyMenu()
  const precisions: MenuEntry[] = [
    { id: 'change:float', label: 'Float', hint: 'Space', checked: isAt('float') },
    { id: 'change:8', label: '8 bits', hint: '8', checked: isAt('8') },
    ...(hasWeights ? [{ id: 'change:int4', label: 'Weights in int4', checked: isAt('int4') }] : []),
    {
      kind: 'menu',
      id: 'bits',
      label: hasWeights ? 'Other bits of the weights' : 'Other bits',
      entries: BITS.map((bits) => ({ id: `bits:${bits}`, label: `${bits} ${bits === 1 ? 'bit' : 'bits'}` })),
    },
    { id: 'change:default', label: 'As the plan’s default' },
  ]
  const qualities: MenuEntry[] = [
    ...(hasWeights
      ? [
          { id: 'change:perChannel', label: 'Weights per channel' },
          { id: 'change:perTensor', label: 'Weights per tensor' },
        ]
      : []),
    {
      kind: 'menu',
      id: 'calibrators',
      label: 'Range of the activations',
      entries: CALIBRATORS.map(({ value, label }) => ({ id: `calibrator:${value}`, label })),
    },
  ]
  return [
    { kind: 'heading', id: 'title', label: state.title },
    ...(isQuantizable ? [...precisions, separator('qualities'), ...qualities, separator('select')] : []),
    { id: 'selectLike', label: count === 1 ? 'Select all layers of this op' : 'Select all layers of these ops' },
    { id: 'frame', label: 'Show the selection', hint: 'Z' },
    { id: 'copyNames', label: count === 1 ? 'Copy the name' : 'Copy the names', icon: 'copy' },
  ]
}

function emptyMenu(): MenuEntry[] {
  return [
    { kind: 'heading', id: 'title', label: 'Rules' },
    ...COMMON_RULES.map((rule, i) => ({ id: `rule:${i}`, label: ruleText(rule) })),
    separator('select'),
    { id: 'selectAll', label: 'Select all layers' },
  ]
}

function separator(id: string): MenuEntry {
  return { kind: 'separator', id: `before-${id}` }
}

/** What a chosen entry means; null for one that means nothing here. */
export function layerMenuChoice(id: string): LayerMenuChoice | null {
  const [kind = '', value = ''] = id.split(':')
  switch (kind) {
    case 'change': {
      const change = CHANGES[value]
      return change ? { kind: 'change', change } : null
    }
    case 'bits':
      return { kind: 'change', change: bitsChange(Number(value)) }
    case 'calibrator':
      return {
        kind: 'change',
        change: { kind: 'activations', activations: { calibrator: { method: value as CalibratorMethod } } },
      }
    case 'rule': {
      const rule = COMMON_RULES[Number(value)]
      return rule ? { kind: 'rule', rule } : null
    }
    case 'selectLike':
    case 'selectAll':
    case 'frame':
    case 'copyNames':
      return { kind }
    default:
      return null
  }
}

/** Weights of so many bits; 16 takes the activations along. */
export function bitsChange(bits: number): LayerChange {
  return { kind: 'bits', bits: bits === 16 ? { weights: 16, storage: 'int16', activations: 16 } : { weights: bits } }
}
