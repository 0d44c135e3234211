import type { ResolvedLayerView } from '../../shared/contract/api/plans.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { LayerOverride, QuantPlan } from '../../shared/contract/plan.ts'
import type { LayerChange } from './edits.ts'

/** What a toggle does. */
export interface Toggled {
  readonly to: 'float' | 'quantized'
  readonly overrides: ReadonlyMap<string, LayerOverride | undefined>
  readonly label: string
}

interface ToggleState {
  readonly plan: QuantPlan
  readonly resolved: ReadonlyMap<string, ResolvedLayerView>
  /** what layers said before they were switched to float */
  readonly remembered: ReadonlyMap<string, LayerOverride | undefined>
}

/**
 * Float and quantized in turn: to float where any of the layers is quantized, else each back to what it said before. A layer without weights
 * that its neighbours leave in float is named, so that it is quantized all the same.
 */
export function toggled(layers: readonly LayerInfo[], state: ToggleState): Toggled {
  const isAnyQuantized = layers.some(({ id }) => state.resolved.get(id)?.kind === 'quantized')
  const overrides = new Map(
    layers.map(({ id, role }): [string, LayerOverride | undefined] => {
      if (isAnyQuantized) return [id, 'float']
      const before = state.remembered.get(id)
      const wasFloat = state.plan.layers[id] === 'float'
      if (before !== undefined || wasFloat) return [id, before]
      return [id, role === 'weighted' ? undefined : {}]
    }),
  )
  const to = isAnyQuantized ? 'float' : 'quantized'
  return { to, overrides, label: `${countText(layers)} ${to === 'float' ? 'to float' : 'quantized'}` }
}

function countText(layers: readonly LayerInfo[]): string {
  const [first] = layers
  return layers.length === 1 && first ? first.id : `${layers.length} layers`
}

/** A change of layers in words, as the undo menu shows it: `conv1 to 4 bits`, `3 layers to float`. */
export function changeText(layers: readonly LayerInfo[], change: LayerChange): string {
  const who = countText(layers)
  switch (change.kind) {
    case 'float':
      return `${who} to float`
    case 'default':
      return `${who} to the default`
    case 'bits':
      return `${who} to ${bitsText(change.bits)}`
    case 'weights':
      return `${who}: weights`
    case 'activations':
      return `${who}: activations`
    case 'mode':
      return `${who}: ${change.mode === 'weightOnly' ? 'weight-only' : change.mode}`
  }
}

function bitsText({ weights, storage, activations }: Extract<LayerChange, { kind: 'bits' }>['bits']): string {
  if (weights === undefined) return `${activations ?? 8}-bit activations`
  if (storage === 'int4' || storage === 'uint4') return storage
  const rest = activations === undefined || activations === weights ? '' : `, activations ${activations}`
  return `${weights} ${weights === 1 ? 'bit' : 'bits'}${rest}`
}
