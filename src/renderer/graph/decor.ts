import type { PrecisionKind } from './palette.ts'

/** What the plan says of a layer, as its chip shows it. */
export interface LayerPrecision {
  readonly kind: PrecisionKind
  /** at most five characters: `float`, `8`, `4/8` */
  readonly label: string
  /** the same in words, for screen readers: `4-bit weights, 8-bit activations` */
  readonly words: string
}

/**
 * The chip of a layer.
 * @param weightBits bits of its weights, null without weights or where they stay float
 * @param activationBits bits of its activations, null where they stay float
 */
export function precisionOf(weightBits: number | null, activationBits: number | null): LayerPrecision {
  if (weightBits === null && activationBits === null) return { kind: 'float', label: 'float', words: 'float' }
  const bits = weightBits ?? activationBits!
  if (weightBits === null || weightBits === activationBits) {
    return { kind: kindOf(bits), label: String(bits), words: `${bits}-bit` }
  }
  const activations = activationBits === null ? 'float' : `${activationBits}-bit`
  return {
    kind: kindOf(bits),
    label: `${bits}/${activationBits ?? 'f'}`,
    words: `${bits}-bit weights, ${activations} activations`,
  }
}

function kindOf(bits: number): PrecisionKind {
  if (bits === 16) return 'bits16'
  if (bits === 8) return 'bits8'
  return bits === 4 ? 'bits4' : 'other'
}

/** A number laid over a layer; drawn solid when measured, as an outline when estimated. */
export interface OverlayValue {
  readonly value: number
  readonly estimated: boolean
}

/** Numbers over layers, as tints of the sequential scale. */
export interface SequentialOverlay {
  readonly kind: 'sequential'
  /** as the legend's heading: `sensitivity` */
  readonly name: string
  /** behind every number: `dB`, `ms`; '' for none */
  readonly unit: string
  /** what the numbers are of, behind the unit in the legend: `at int4` */
  readonly of?: string
  /** by layer id; a layer without a number has no tint */
  readonly values: ReadonlyMap<string, OverlayValue>
  readonly scale: 'linear' | 'log'
  /** true where small numbers are what to look at (SQNR): they get the strong tints */
  readonly isLowStrong?: boolean
  /** ends of the scale; absent: those of the values */
  readonly domain?: readonly [number, number]
  /** what a folded block shows of its layers */
  readonly combine: 'sum' | 'max' | 'min'
}

/** One of a few states over layers: what really runs in integers. */
export interface CategoryOverlay {
  readonly kind: 'categories'
  readonly name: string
  /** the plan they were found with, where it is not the one on screen: drawn as outlines then */
  readonly of?: string
  readonly categories: readonly { readonly id: string; readonly label: string; readonly hue: PrecisionKind }[]
  /** layer id → category id */
  readonly values: ReadonlyMap<string, string>
}

export type GraphOverlay = SequentialOverlay | CategoryOverlay

/** All that is drawn on the graph beside the graph itself; by layer id. */
export interface GraphDecor {
  readonly precisions: ReadonlyMap<string, LayerPrecision>
  readonly overlay: GraphOverlay | null
  /** layers that differ between two plans are outlined, all others dimmed; null: no comparison */
  readonly changed: ReadonlySet<string> | null
  readonly selection: ReadonlySet<string>
  /** layers lit up from elsewhere */
  readonly hovered: ReadonlySet<string>
}

export const PLAIN_DECOR: GraphDecor = {
  precisions: new Map(),
  overlay: null,
  changed: null,
  selection: new Set(),
  hovered: new Set(),
}

/** Least and largest number of an overlay, apart from each other. */
export function domainOf({ domain, values, scale }: SequentialOverlay): readonly [number, number] {
  if (domain) return domain
  let low = Infinity
  let high = -Infinity
  for (const { value } of values.values()) {
    if (!Number.isFinite(value) || (scale === 'log' && value <= 0)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high) return scale === 'log' ? [1, 10] : [0, 1]
  if (low < high) return [low, high]
  // one value only: the scale needs two ends
  return scale === 'log' ? [low / 2, high * 2] : [Math.min(0, low), Math.max(high, low + (low === 0 ? 1 : 0))]
}

/** Where a number stands on the scale, 0–1; 1 is the strongest tint. */
export function shareOf(overlay: SequentialOverlay, [low, high]: readonly [number, number], value: number): number {
  const at = (x: number): number => (overlay.scale === 'log' ? Math.log(Math.max(x, Number.MIN_VALUE)) : x)
  const share = (at(value) - at(low)) / (at(high) - at(low) || 1)
  const bounded = Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share))
  return overlay.isLowStrong ? 1 - bounded : bounded
}
