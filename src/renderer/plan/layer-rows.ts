import type { ResolvedLayerView } from '../../shared/contract/api/plans.ts'
import type { GraphOverlay, LayerPrecision } from '../graph/decor.ts'
import type { PrecisionKind } from '../graph/palette.ts'
import { shapeText, valueText } from '../graph/text.ts'
import { precisionOfLayer, switchOf, type SwitchValue } from './settings.ts'
import { describeTraits, type LayerTraits } from './traits.ts'

/** One layer in a list. */
export interface LayerRow {
  readonly id: string
  /** op with its kernel and fused activation */
  readonly op: string
  readonly shape: string
  readonly precision: LayerPrecision
  readonly at: SwitchValue
  readonly isQuantizable: boolean
  /** why not; null where it is quantizable */
  readonly reason: string | null
  readonly hasWeights: boolean
  /** number of the overlay, '' where it has none for this layer */
  readonly value: string
  readonly isEstimated: boolean
  readonly differs: boolean
}

/** Rows in graph order. */
export function layerRows(
  traits: readonly LayerTraits[],
  resolved: ReadonlyMap<string, ResolvedLayerView>,
  overlay: GraphOverlay | null,
  changed: ReadonlySet<string> | null,
): LayerRow[] {
  return traits.flatMap((one): LayerRow[] => {
    const { layer } = one
    const view = resolved.get(layer.id)
    if (!view) return []
    return [
      {
        id: layer.id,
        op: describeTraits(one),
        shape: shapeText(layer.outputShape),
        precision: precisionOfLayer(view),
        at: switchOf(view),
        isQuantizable: layer.quantizable,
        reason: layer.reason,
        hasWeights: layer.role === 'weighted',
        differs: changed?.has(layer.id) ?? false,
        ...overlayText(overlay, layer.id),
      },
    ]
  })
}

function overlayText(overlay: GraphOverlay | null, id: string): Pick<LayerRow, 'value' | 'isEstimated'> {
  if (overlay?.kind === 'categories') {
    const category = overlay.values.get(id)
    return { value: overlay.categories.find((one) => one.id === category)?.label ?? '', isEstimated: false }
  }
  const found = overlay?.values.get(id)
  return found ? { value: valueText(found.value, ''), isEstimated: found.estimated } : { value: '', isEstimated: false }
}

/** Head of the overlay's column: its name and unit; null without one. */
export function overlayHead(overlay: GraphOverlay | null): string | null {
  if (overlay === null) return null
  return overlay.kind === 'sequential' && overlay.unit !== '' ? `${overlay.name}, ${overlay.unit}` : overlay.name
}

/** The CSS variable of a precision's fixed hue. */
export function hueOf(kind: PrecisionKind): string {
  switch (kind) {
    case 'float':
      return 'var(--precision-float)'
    case 'bits16':
      return 'var(--precision-16)'
    case 'bits8':
      return 'var(--precision-8)'
    case 'bits4':
      return 'var(--precision-4)'
    case 'other':
      return 'var(--precision-other)'
  }
}
