import {
  domainOf,
  shareOf,
  type CategoryOverlay,
  type GraphDecor,
  type LayerPrecision,
  type OverlayValue,
  type SequentialOverlay,
} from '../decor.ts'
import { scaleColour, textOn, type GraphTheme, type PrecisionKind } from '../palette.ts'
import type { Item } from '../scene/items.ts'
import { valueText } from '../text.ts'

/** The precision that all layers of an item share, or that they do not. */
export interface Chip extends Omit<LayerPrecision, 'kind'> {
  readonly kind: PrecisionKind | 'mixed'
}

/** How an item is painted at one state of plan, overlay and comparison. */
export interface Look {
  readonly fill: string
  readonly text: string
  readonly quiet: string
  /** a tint shown as an outline, because its number is an estimate; null: none */
  readonly outline: string | null
  /** what far levels fill the box with */
  readonly far: string
  readonly chip: Chip | null
  /** shares of the precisions in a folded block, in order; empty elsewhere */
  readonly mix: readonly { readonly kind: PrecisionKind; readonly share: number }[]
  /** the overlay's number or state */
  readonly note: string
  readonly isDimmed: boolean
  readonly isChanged: boolean
}

/** The looks of all items. */
export function looksOf(items: readonly Item[], decor: GraphDecor, theme: GraphTheme): Look[] {
  const tint = tintOf(decor, theme)
  return items.map((item) => lookOf(item, decor, theme, tint))
}

interface Tint {
  readonly colour: string
  readonly estimated: boolean
  readonly note: string
}

function lookOf(item: Item, decor: GraphDecor, theme: GraphTheme, tint: (item: Item) => Tint | null): Look {
  const tinted = tint(item)
  const isSolid = tinted !== null && !tinted.estimated
  const fill = isSolid ? tinted.colour : theme.card
  const precisions = item.layerIds.flatMap((id) => decor.precisions.get(id) ?? [])
  const isChanged = decor.changed !== null && item.layerIds.some((id) => decor.changed!.has(id))
  const chip = chipOf(precisions)
  return {
    fill,
    text: isSolid ? textOn(fill) : theme.text,
    quiet: isSolid ? textOn(fill) : theme.textQuiet,
    outline: tinted?.estimated ? tinted.colour : null,
    // far away, hues of precisions would pass for tints
    far: tinted?.colour ?? (decor.overlay === null ? farColour(item, chip, theme) : theme.cardEdge),
    chip,
    mix: item.kind === 'block' ? mixOf(precisions) : [],
    note: tinted?.note ?? '',
    isDimmed: decor.changed !== null && !isChanged,
    isChanged,
  }
}

function farColour(item: Item, chip: Chip | null, theme: GraphTheme): string {
  return chip && chip.kind !== 'mixed' && item.kind !== 'input' && item.kind !== 'output'
    ? theme.precision[chip.kind]
    : theme.cardEdge
}

/** The chip that all layers share, or one that says they differ. */
function chipOf(precisions: readonly LayerPrecision[]): Chip | null {
  const [first] = precisions
  if (!first) return null
  if (precisions.every(({ label }) => label === first.label)) return first
  return { kind: 'mixed', label: 'mix', words: 'mixed precisions' }
}

const KINDS: readonly PrecisionKind[] = ['float', 'bits16', 'bits8', 'bits4', 'other']

function mixOf(precisions: readonly LayerPrecision[]): Look['mix'] {
  return KINDS.map((kind) => ({
    kind,
    share: precisions.filter((precision) => precision.kind === kind).length / precisions.length,
  })).filter(({ share }) => share > 0)
}

function tintOf({ overlay }: GraphDecor, theme: GraphTheme): (item: Item) => Tint | null {
  if (overlay === null) return () => null
  return overlay.kind === 'sequential' ? sequentialTint(overlay, theme) : categoryTint(overlay, theme)
}

function sequentialTint(overlay: SequentialOverlay, theme: GraphTheme): (item: Item) => Tint | null {
  const domain = domainOf(overlay)
  return ({ layerIds }) => {
    const values = layerIds.flatMap((id) => overlay.values.get(id) ?? []).filter(({ value }) => !Number.isNaN(value))
    if (values.length === 0) return null
    const value = combine(values, overlay.combine)
    const isEstimated = values.some(({ estimated }) => estimated)
    return {
      colour: scaleColour(theme.scale, shareOf(overlay, domain, value)),
      estimated: isEstimated,
      note: `${isEstimated ? '≈ ' : ''}${valueText(value, overlay.unit)}`,
    }
  }
}

function combine(values: readonly OverlayValue[], how: SequentialOverlay['combine']): number {
  const numbers = values.map(({ value }) => value)
  switch (how) {
    case 'sum':
      return numbers.reduce((sum, value) => sum + value, 0)
    case 'max':
      return numbers.reduce((most, value) => Math.max(most, value))
    case 'min':
      return numbers.reduce((least, value) => Math.min(least, value))
  }
}

function categoryTint(overlay: CategoryOverlay, theme: GraphTheme): (item: Item) => Tint | null {
  const categories = new Map(overlay.categories.map((category) => [category.id, category]))
  return ({ layerIds }) => {
    const found = [...new Set(layerIds.flatMap((id) => overlay.values.get(id) ?? []))]
    const first = categories.get(found[0] ?? '')
    if (!first) return null
    const colour = theme.precision[found.length > 1 ? 'other' : first.hue]
    return { colour, estimated: overlay.of !== undefined, note: found.length > 1 ? 'mixed' : first.label }
  }
}
