import type { Cells, Claim, Column, Measured, Section, Unit } from './port.ts'

/** How a unit is shown: what a value is multiplied with, and what stands behind it. */
const UNITS: Readonly<Record<Unit, { readonly factor: number; readonly suffix: string }>> = {
  percent: { factor: 100, suffix: '%' },
  points: { factor: 100, suffix: 'points' },
  megabytes: { factor: 1e-6, suffix: 'MB' },
  ratio: { factor: 1, suffix: '×' },
  milliseconds: { factor: 1, suffix: 'ms' },
  plain: { factor: 1, suffix: '' },
}

/** A value in its unit, as written: 0.9874 in percent is 98.74. */
export const shown = (value: number, unit: Unit, digits: number): string => (value * UNITS[unit].factor).toFixed(digits)

/** A value as a number in its unit. */
export const inUnit = (value: number, unit: Unit): number => value * UNITS[unit].factor

/** The unit as it stands in a header, in brackets; empty where there is none. */
export const unitText = (unit: Unit): string => UNITS[unit].suffix

/** What stands in a cell: a published number as it is, a measured one from the cells; null where there is none. */
export function valueOf(cell: number | string | null, cells: Cells): Measured | number | null {
  if (cell === null || typeof cell === 'number') return cell
  const found = cells.get(cell)
  if (!found) throw new Error(`no step measured the cell ${cell}`)
  return found
}

/** A cell as text without its unit; published numbers stand in the unit already. */
export function cellText(cell: number | string | null, { unit, digits }: Column, cells: Cells): string {
  const value = valueOf(cell, cells)
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  return shown(value.value, unit, digits)
}

/** What came of a claim. */
export interface Verdict {
  readonly claim: Claim
  readonly met: boolean
  /** how far beyond its bound, negative where it is missed, in the claim's unit as shown */
  readonly margin: number
  readonly found: string
  readonly wanted: string
}

/** Holds the claims against what was measured. */
export function judge(claims: readonly Claim[], cells: Cells): Verdict[] {
  return claims.map((claim) => {
    const { cell, bound, than, allowance, unit, digits } = claim
    const found = cells.get(cell)!.value
    const other = typeof than === 'number' ? than : cells.get(than)!.value
    const limit = bound === 'atLeast' ? other - allowance : other + allowance
    const margin = bound === 'atLeast' ? found - limit : limit - found
    const text = (value: number): string => `${shown(value, unit, digits)} ${unitText(unit)}`.trim()
    // half a unit of the last digit shown: what reads equal is equal
    const tolerance = 0.5 * 10 ** -digits
    const shownMargin = inUnit(margin, unit)
    return { claim, met: shownMargin > -tolerance, margin: shownMargin, found: text(found), wanted: text(limit) }
  })
}

/** Every cell that a table shows, with its run, once. */
export function runsOf(sections: readonly Section[], cells: Cells): string[] {
  const keys = sections.flatMap(({ rows }) => rows.flatMap((row) => row.cells))
  const runs = keys.map((key) => (typeof key === 'string' ? cells.get(key)?.run : undefined))
  return [...new Set(runs.filter((run): run is string => run !== undefined && run !== ''))]
}
