import type { LayerOverride, RepairName } from '../../../shared/contract/plan.ts'

/** What can be wrong with a layer; `rounding` is no fault but says where the error comes from. */
export type FindingKind =
  | 'outlierChannel'
  | 'clippedTails'
  | 'longTails'
  | 'wideRange'
  | 'outlierWeight'
  | 'tinyScale'
  | 'biasDoesNotFit'
  | 'saturation'
  | 'rounding'

/** One thing that makes a layer suffer, in words a user can act on. */
export interface Finding {
  readonly kind: FindingKind
  readonly text: string
  /** the figures of the text under stable names: units end a name, `ratio` has none */
  readonly numbers: Readonly<Record<string, number>>
}

/** What helps: a repair by its name, or what a plan would say of a layer (not always the one that suffers), with what it would do. */
export type Remedy =
  | { readonly repair: RepairName; readonly text: string }
  | { readonly layer: string; readonly override: LayerOverride; readonly text: string }

/** A fault with what helps against it. */
export interface Diagnosis {
  readonly finding: Finding
  readonly remedies: readonly Remedy[]
}

/** A remedy is worth naming from this gain in signal to noise on. */
export const WORTH_DB = 1

/** A number as a sentence has it: three digits, without a tail of zeros. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1)
  return size >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))
}

/** A share of 0–1 in per cent, with as many digits as it takes to tell it from none. */
export function share(value: number): string {
  return `${Number((100 * value).toPrecision(2))} %`
}

/** Signal to noise that stands for no noise at all, or no signal: JSON has no infinities. */
const MOST_DB = 200

/** 10 · log10(signal / noise), within ±200 dB; a tensor that is zero throughout loses nothing. */
export function ratioDb(signal: number, noise: number): number {
  if (noise === 0) return MOST_DB
  return Math.max(-MOST_DB, Math.min(MOST_DB, 10 * Math.log10(signal / noise)))
}

/** Decibels. */
export function decibels(value: number): string {
  return `${value.toFixed(1)} dB`
}

/** The middle value; the lower of two. NaN of none. */
export function medianOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort()
  return sorted.length === 0 ? NaN : sorted[(sorted.length - 1) >> 1]!
}
