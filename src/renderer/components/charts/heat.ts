import type { ChartTable } from './chart-table.ts'
import type { ChartOption } from './engine.ts'
import { shortNumber, withInterval } from './numbers.ts'
import {
  axisLook,
  axisTitle,
  baseOption,
  escaped,
  extentOf,
  shortened,
  type ChartAxis,
  type ChartSize,
} from './parts.ts'
import type { ChartTheme } from './theme.ts'

/** A row or a column. */
export interface HeatLine {
  readonly id: string
  readonly label: string
}

/** One cell that has a value. */
export interface HeatCell {
  /** ids */
  readonly row: string
  readonly column: string
  readonly value: number
  readonly low?: number | null
  readonly high?: number | null
  readonly estimated?: boolean
}

export interface HeatLook {
  readonly rows: readonly HeatLine[]
  readonly columns: readonly HeatLine[]
  readonly cells: readonly HeatCell[]
  readonly axis: ChartAxis
  readonly selected: ReadonlySet<string>
  /** the cell that keys have reached */
  readonly reached?: { readonly row: string; readonly column: string } | null
}

/** Px of a row. */
export const HEAT_ROW_PX = 24
/** Px around the cells: the legend and the names of the columns are above them. */
export const HEAT_MARGIN = { top: 64, bottom: 8 } as const

/** Least px of the legend's colours. */
const LEGEND_PX = 72

/** What log scales cannot show counts as a tenth of the least that they can. */
function colourValue(value: number, floor: number, isLog: boolean): number {
  return isLog ? Math.log10(Math.max(value, floor)) : value
}

function leastPositive(cells: readonly HeatCell[]): number {
  let least = Infinity
  for (const { value } of cells) if (value > 0) least = Math.min(least, value)
  return Number.isFinite(least) ? least / 10 : 1e-12
}

/** The map; colours follow the log of the value where the axis says so, words stay the values themselves. */
export function heatOption(look: HeatLook, theme: ChartTheme, size: ChartSize): ChartOption {
  const { rows, columns, cells, axis, selected, reached } = look
  const isReached = ({ row, column }: HeatCell): boolean => reached?.row === row && reached.column === column
  const rowAt = new Map(rows.map(({ id }, i) => [id, i]))
  const columnAt = new Map(columns.map(({ id }, i) => [id, i]))
  const isLog = axis.log ?? false
  const floor = leastPositive(cells)
  const colours = cells.map(({ value }) => colourValue(value, floor, isLog))
  const [low, high] = extentOf(colours, 0)
  const nameWidth = Math.max(72, Math.min(Math.floor(size.width * 0.3), 220))
  const cellWidth = (size.width - nameWidth - 24) / Math.max(1, columns.length)
  const lines = axisLook(theme)
  const written = (value: number): string => shortNumber(isLog ? 10 ** value : value, 2)
  // the strong end of the scale is where the damage is, as on the graph
  const scale = axis.better === 'more' ? theme.scale.toReversed() : theme.scale
  // the words of the legend leave its colours some room
  const letters = Math.floor((size.width - 48 - LEGEND_PX) / 6) - written(high).length - written(low).length - 3
  const ends = [
    written(high),
    `${shortened(`${axisTitle(axis)}${isLog ? ', log' : ''}`, Math.max(12, letters))}   ${written(low)}`,
  ]
  return {
    ...baseOption(theme, cells.length > 300),
    grid: { left: nameWidth + 8, right: 16, ...HEAT_MARGIN },
    xAxis: {
      type: 'category',
      position: 'top',
      data: columns.map(({ label }) => shortened(label, Math.max(4, Math.floor((cellWidth - 10) / 6)))),
      ...lines,
      axisLabel: { ...lines.axisLabel, color: theme.text, interval: 0 },
      axisTick: { show: false },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(
        ({ id, label }) => `${selected.has(id) ? '▸ ' : ''}${shortened(label, Math.floor(nameWidth / 6))}`,
      ),
      ...lines,
      axisLabel: { ...lines.axisLabel, color: theme.text, interval: 0 },
      axisTick: { show: false },
      splitLine: { show: false },
    },
    visualMap: {
      type: 'continuous',
      min: low,
      max: high,
      dimension: 2,
      orient: 'horizontal',
      left: 0,
      top: 0,
      itemWidth: 10,
      // what its two words leave of the width
      itemHeight: Math.min(180, Math.max(LEGEND_PX, size.width - 48 - 6 * ends.join('').length)),
      text: ends,
      textStyle: { color: theme.text, fontSize: 11 },
      hoverLink: false,
      inRange: { color: [...scale] },
    },
    series: [
      {
        type: 'heatmap',
        cursor: 'pointer',
        data: cells.map((cell, i) => ({
          value: [columnAt.get(cell.column) ?? 0, rowAt.get(cell.row) ?? 0, colours[i]!],
          itemStyle: {
            borderColor: selected.has(cell.row) || isReached(cell) ? theme.text : theme.surface,
            borderWidth: isReached(cell) ? 3 : 1,
            borderType: cell.estimated ? 'dashed' : 'solid',
          },
          label: { color: inkOn(scale, high > low ? (colours[i]! - low) / (high - low) : 0) },
        })),
        label: {
          show: cellWidth >= 36 && cells.length <= 2000,
          fontSize: 10,
          formatter: ({ dataIndex }) => shortNumber(cells[dataIndex]!.value, cellWidth >= 52 ? 3 : 2),
        },
        emphasis: { itemStyle: { borderColor: theme.text, borderWidth: 2 } },
        tooltip: { formatter: (parameters) => tipOf(look, parameters) },
      },
    ],
  }
}

/** Words on a cell are dark on light colours and light on dark ones. Source: relative luminance of WCAG 2.2; 0.18 is where both contrast alike. */
function inkOn(scale: readonly string[], share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (scale.length - 1)
  const left = Math.min(scale.length - 2, Math.floor(place))
  const [from, to] = [rgbOf(scale[left]!), rgbOf(scale[left + 1]!)]
  const [r = 0, g = 0, b = 0] = from.map((channel, i) => {
    const mixed = (channel + (to[i]! - channel) * (place - left)) / 255
    return mixed <= 0.04045 ? mixed / 12.92 : ((mixed + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? '#10131a' : '#ffffff'
}

function rgbOf(colour: string): number[] {
  const channels = colour.match(/[\d.]+/g)?.map(Number) ?? []
  return [channels[0] ?? 0, channels[1] ?? 0, channels[2] ?? 0]
}

function tipOf({ rows, columns, cells, axis }: HeatLook, parameters: unknown): string {
  const cell = cells[(parameters as { readonly dataIndex: number }).dataIndex]
  if (!cell) return ''
  const nameOf = (lines: readonly HeatLine[], id: string): string => lines.find((line) => line.id === id)?.label ?? id
  const value = `${withInterval(cell.value, cell.low, cell.high)}${cell.estimated ? ' · estimated' : ''}`
  return [nameOf(rows, cell.row), nameOf(columns, cell.column), `${axis.label} ${value}`].map(escaped).join('<br>')
}

/** One line a row, one column a column; then their intervals. */
export function heatTable({ rows, columns, cells }: HeatLook, rowHeader: string, columnHeader: string): ChartTable {
  const found = new Map(cells.map((cell) => [`${cell.row}\n${cell.column}`, cell]))
  const cellsOf = (row: HeatLine): (HeatCell | undefined)[] => columns.map(({ id }) => found.get(`${row.id}\n${id}`))
  const hasIntervals = cells.some(({ low }) => low !== null && low !== undefined)
  const bounds = (cell: HeatCell | undefined): (number | null)[] => [cell?.low ?? null, cell?.high ?? null]
  return {
    columns: [
      `${rowHeader} \\ ${columnHeader}`,
      ...columns.map(({ label }) => label),
      ...(hasIntervals ? columns.flatMap(({ label }) => [`${label} low`, `${label} high`]) : []),
    ],
    rows: rows.map((row) => {
      const own = cellsOf(row)
      return [row.label, ...own.map((cell) => cell?.value ?? null), ...(hasIntervals ? own.flatMap(bounds) : [])]
    }),
  }
}
