import type { ChartOption } from './engine.ts'
import type { ChartTheme } from './theme.ts'

/** Px of a chart's plot as it is laid out. */
export interface ChartSize {
  readonly width: number
  readonly height: number
}

/** An axis of a chart. `better` says which way is good, where that is so. */
export interface ChartAxis {
  readonly label: string
  readonly unit?: string
  readonly better?: 'less' | 'more'
  readonly log?: boolean
}

/** `label (unit)`, and an arrow to where it is better. */
export function axisTitle({ label, unit, better }: ChartAxis): string {
  const arrow = better === undefined ? '' : better === 'less' ? ' ↓' : ' ↑'
  return `${unit ? `${label} (${unit})` : label}${arrow}`
}

/** What every chart has in common: type, quiet motion, a tooltip that adds words but no facts. */
export function baseOption(theme: ChartTheme, isLarge: boolean): ChartOption {
  return {
    animation: theme.motion && !isLarge,
    animationDuration: 0,
    animationDurationUpdate: 120,
    textStyle: { fontFamily: theme.font, fontSize: 11, color: theme.text },
    tooltip: {
      trigger: 'item',
      confine: true,
      transitionDuration: 0,
      backgroundColor: theme.surface,
      borderColor: theme.line,
      padding: [4, 8],
      textStyle: { color: theme.text, fontSize: 12, fontFamily: theme.font },
    },
  }
}

/** How lines of axes and their words look. */
export function axisLook(theme: ChartTheme) {
  return {
    axisLine: { lineStyle: { color: theme.lineStrong } },
    axisTick: { lineStyle: { color: theme.lineStrong } },
    axisLabel: { color: theme.quiet, fontSize: 11, fontFamily: theme.font },
    splitLine: { lineStyle: { color: theme.line, opacity: 0.7 } },
    nameTextStyle: { color: theme.quiet, fontSize: 11, fontFamily: theme.font },
  }
}

/** Text for a tooltip; names come from files and must not become markup. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

/** The middle of a long name goes, its two ends tell more than either alone. */
export function shortened(text: string, letters: number): string {
  if (text.length <= letters) return text
  const tail = Math.floor((letters - 1) / 2)
  return `${text.slice(0, letters - 1 - tail)}…${text.slice(text.length - tail)}`
}

/** Bounds with room around all finite values; equal bounds are opened. */
export function extentOf(values: readonly (number | null | undefined)[], margin = 0.06): readonly [number, number] {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high) return [0, 1]
  const room = high > low ? (high - low) * margin : Math.abs(high) * margin || 1
  return [low - room, high + room]
}
