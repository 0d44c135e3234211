import type { ResolvedLayerView } from '../../shared/contract/api/plans.ts'
import { precisionOf, type GraphOverlay, type LayerPrecision } from '../graph/decor.ts'
import type { PrecisionKind } from '../graph/palette.ts'
import { shapeText, valueText } from '../graph/text.ts'
import { precisionOfLayer } from './settings.ts'
import { describeTraits, type LayerTraits } from './traits.ts'

/** One layer in a list: what does not change while the plan is edited. */
export interface LayerLine {
  readonly id: string
  /** op with its kernel and fused activation */
  readonly op: string
  readonly shape: string
  readonly isQuantizable: boolean
  /** why not; null where it is quantizable */
  readonly reason: string | null
}

/** What changes: made for the rows on screen only, as there may be thousands of others. */
export interface LayerState {
  readonly precision: LayerPrecision
  /** number of the overlay, '' where it has none for this layer */
  readonly value: string
  readonly isEstimated: boolean
  readonly differs: boolean
}

/** What rows read their state from. */
export interface LayerStates {
  readonly resolved: ReadonlyMap<string, ResolvedLayerView>
  readonly overlay: GraphOverlay | null
  readonly changed: ReadonlySet<string> | null
}

/** Lines in graph order. */
export function layerLines(traits: readonly LayerTraits[]): LayerLine[] {
  return traits.map((one) => ({
    id: one.layer.id,
    op: describeTraits(one),
    shape: shapeText(one.layer.outputShape),
    isQuantizable: one.layer.quantizable,
    reason: one.layer.reason,
  }))
}

const FLOAT = precisionOf(null, null)

/** A row's state. */
export function layerState(id: string, { resolved, overlay, changed }: LayerStates): LayerState {
  const view = resolved.get(id)
  return {
    precision: view ? precisionOfLayer(view) : FLOAT,
    differs: changed?.has(id) ?? false,
    ...overlayText(overlay, id),
  }
}

function overlayText(overlay: GraphOverlay | null, id: string): Pick<LayerState, 'value' | 'isEstimated'> {
  if (overlay?.kind === 'categories') {
    const category = overlay.values.get(id)
    const value = overlay.categories.find((one) => one.id === category)?.label ?? ''
    return { value, isEstimated: value !== '' && overlay.of !== undefined }
  }
  const found = overlay?.values.get(id)
  return found ? { value: valueText(found.value, ''), isEstimated: found.estimated } : { value: '', isEstimated: false }
}

/** Lines that every word of a filter is found in, by name, op or precision. */
export function filterLines(lines: readonly LayerLine[], filter: string, states: LayerStates): readonly LayerLine[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return lines
  return lines.filter(({ id, op }) => {
    const text = `${id} ${op} ${layerState(id, states).precision.words}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** Head of the overlay's column: its name, unit and what it is of; null without one. */
export function overlayHead(overlay: GraphOverlay | null): string | null {
  if (overlay === null) return null
  const unit = overlay.kind === 'sequential' ? overlay.unit : ''
  return [overlay.name, unit, overlay.of ?? ''].filter(Boolean).join(', ')
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
