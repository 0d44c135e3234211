import type { ChartTable } from './chart-table.ts'
import type { ChartOption } from './engine.ts'
import { shortNumber } from './numbers.ts'
import { axisTitle, baseOption, escaped, extentOf, shortened, type ChartAxis, type ChartSize } from './parts.ts'
import type { ChartTheme } from './theme.ts'

/** An axis of numbers, or of words where `words` is given (in the order they stand, from below). */
export type ParallelAxis = ChartAxis & { readonly id: string; readonly words?: readonly string[] }

/** One line; a value an axis, null where it has none. */
export interface ParallelItem {
  readonly id: string
  readonly label: string
  readonly values: readonly (number | string | null)[]
}

export interface ParallelLook {
  readonly axes: readonly ParallelAxis[]
  readonly items: readonly ParallelItem[]
  readonly colourBy: string | null
  readonly selected: ReadonlySet<string>
  readonly hovered: string | null
}

/** The axis that colours the lines: the one asked for, else the last of numbers; −1 for none. */
export function colourAxis({ axes, colourBy }: Pick<ParallelLook, 'axes' | 'colourBy'>): number {
  const asked = axes.findIndex(({ id, words }) => id === colourBy && !words)
  return asked >= 0 ? asked : axes.findLastIndex(({ words }) => !words)
}

/** A stretch of axes on which a line has all values. */
interface Piece {
  /** place of its line in `items` */
  readonly item: number
  readonly from: number
  /** not included */
  readonly to: number
}

/**
 * The lines as they are drawn: broken where a value is missing. ECharts itself draws on across the axis, as if there were one.
 * A piece of one axis alone cannot be seen, and is left out.
 */
export function piecesOf({ axes, items }: Pick<ParallelLook, 'axes' | 'items'>): Piece[] {
  return items.flatMap(({ values }, item) => {
    const pieces: Piece[] = []
    let from = 0
    for (let dim = 0; dim <= axes.length; dim++) {
      if (dim < axes.length && placeOf(values[dim] ?? null, axes[dim]!) !== '-') continue
      if (dim - from > 1) pieces.push({ item, from, to: dim })
      from = dim + 1
    }
    return pieces
  })
}

/** The plot. */
export function parallelOption(look: ParallelLook, theme: ChartTheme, size: ChartSize): ChartOption {
  const { axes, items } = look
  const room = Math.max(48, (size.width - 128) / Math.max(1, axes.length - 1))
  const pieces = piecesOf(look)
  return {
    ...baseOption(theme, items.length > 300),
    parallel: {
      left: 64,
      right: 64,
      top: 44,
      bottom: 20,
      parallelAxisDefault: {
        nameLocation: 'end',
        nameGap: 14,
        nameTextStyle: { color: theme.text, fontSize: 11, fontFamily: theme.font },
        axisLine: { lineStyle: { color: theme.lineStrong } },
        axisTick: { show: false },
        axisLabel: { color: theme.text, fontSize: 11, backgroundColor: theme.surface, padding: [1, 2] },
        areaSelectStyle: { width: 16, borderWidth: 1, borderColor: theme.accent, color: theme.accent, opacity: 0.25 },
      },
    },
    parallelAxis: axes.map((axis, dim) => axisOf(axis, dim, look, room)),
    series: [
      {
        type: 'parallel',
        inactiveOpacity: 0.06,
        activeOpacity: 0.9,
        smooth: false,
        data: pieces.map((piece) => lineOf(piece, look, theme)),
        tooltip: { formatter: (parameters) => tipOf(look, pieces, parameters) },
        emphasis: { lineStyle: { width: 2.5, opacity: 1 } },
      },
    ],
  }
}

function axisOf(axis: ParallelAxis, dim: number, { items }: ParallelLook, room: number) {
  const name = shortened(axisTitle(axis), Math.max(8, Math.floor(room / 7)))
  if (axis.words) {
    const words = axis.words.map((word) => shortened(word, Math.max(6, Math.floor(room / 7))))
    // numbers with names: on a category axis a missing value would be drawn in its middle
    const formatter = (value: number): string => words[value] ?? ''
    const ends = { min: -1, max: words.length }
    return { dim, name, type: 'value' as const, interval: 1, ...ends, axisLabel: { formatter } }
  }
  const [min, max] = extentOf(
    items.map(({ values }) => (typeof values[dim] === 'number' ? values[dim] : null)),
    0.02,
  )
  const formatter = (value: number): string => shortNumber(value, 3)
  const axisLabel = { formatter, hideOverlap: true }
  if (axis.log) return { dim, name, type: 'log' as const, axisLabel }
  return { dim, name, type: 'value' as const, min, max, axisLabel }
}

function lineOf(piece: Piece, look: ParallelLook, theme: ChartTheme) {
  const { axes, selected, hovered, items } = look
  const item = items[piece.item]!
  const isOut = selected.has(item.id) || item.id === hovered
  const coloured = colourAxis(look)
  const [low, high] = extentOf(
    items.map(({ values }) => (typeof values[coloured] === 'number' ? values[coloured] : null)),
    0,
  )
  const own = item.values[coloured]
  const share = typeof own === 'number' && high > low ? (own - low) / (high - low) : 0
  // the lightest fifth of the scale would not stand out from the ground
  const step = Math.min(theme.scale.length - 1, 1 + Math.round(share * (theme.scale.length - 2)))
  return {
    value: axes.map((axis, dim) =>
      dim >= piece.from && dim < piece.to ? placeOf(item.values[dim] ?? null, axis) : '-',
    ),
    lineStyle: { color: isOut ? theme.text : theme.scale[step]!, width: isOut ? 2.5 : 1.25, opacity: 0.9 },
  }
}

function placeOf(value: number | string | null, axis: ParallelAxis): number | string {
  if (value === null) return '-'
  if (!axis.words) return typeof value === 'number' ? value : '-'
  const place = axis.words.indexOf(String(value))
  return place < 0 ? '-' : place
}

function tipOf({ axes, items }: ParallelLook, pieces: readonly Piece[], parameters: unknown): string {
  const item = items[pieces[(parameters as { readonly dataIndex: number }).dataIndex]?.item ?? -1]
  if (!item) return ''
  const lines = axes.map((axis, i) => `${axis.label} ${written(item.values[i] ?? null)}`)
  return [item.label, ...lines].map(escaped).join('<br>')
}

function written(value: number | string | null): string {
  return value === null ? '–' : typeof value === 'number' ? shortNumber(value) : value
}

/** One line a thing. */
export function parallelTable({ axes, items }: Pick<ParallelLook, 'axes' | 'items'>, nameHeader: string): ChartTable {
  return {
    columns: [nameHeader, ...axes.map(({ label, unit }) => axisTitle({ label, unit }))],
    rows: items.map(({ label, values }) => [label, ...axes.map((_, i) => values[i] ?? null)]),
  }
}
