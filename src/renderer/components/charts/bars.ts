import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn } from 'echarts'
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

/** One bar. */
export interface BarItem {
  readonly id: string
  readonly label: string
  /** NaN: not known yet; the bar keeps its place */
  readonly value: number
  /** 95 % interval; absent or null: none is known */
  readonly low?: number | null
  readonly high?: number | null
  /** estimated rather than measured: outlined instead of filled */
  readonly estimated?: boolean
  /** a short word after the value: `settled`, `64 samples` */
  readonly mark?: string
  /** any CSS colour, also `var(--precision-8)`; absent: the accent */
  readonly colour?: string
}

/** Px of one bar with its gap. */
export const BAR_ROW_PX = 20

/** Px around the bars: the axis is above them. */
export const BAR_MARGIN = { top: 24, bottom: 8 } as const

/** What a bar chart is drawn from. */
export interface BarsLook {
  readonly items: readonly BarItem[]
  readonly axis: ChartAxis
  readonly selected: ReadonlySet<string>
  readonly hovered: string | null
}

/** Names on the left, values as text behind the longer of bar and interval. */
export function barsOption(
  { items, axis, selected, hovered }: BarsLook,
  theme: ChartTheme,
  size: ChartSize,
): ChartOption {
  const nameWidth = Math.max(72, Math.min(Math.floor(size.width * 0.32), 240))
  const letters = Math.floor(nameWidth / 6)
  const values = items.flatMap(({ value, low, high }) => [value, low, high])
  const isAnyKnown = values.some((value) => value !== null && value !== undefined && Number.isFinite(value))
  const [low, high] = isAnyKnown ? extentOf([...values, axis.log ? null : 0], 0) : [0, 1]
  const look = axisLook(theme)
  return {
    ...baseOption(theme, items.length > 300),
    grid: { left: nameWidth + 8, right: 112, ...BAR_MARGIN },
    xAxis: {
      type: axis.log ? 'log' : 'value',
      position: 'top',
      min: axis.log ? undefined : low,
      max: axis.log ? undefined : high,
      name: axisTitle(axis),
      nameLocation: 'start',
      nameGap: 12,
      ...look,
      nameTextStyle: { ...look.nameTextStyle, verticalAlign: 'bottom', padding: [0, 0, 6, 0] },
      axisLabel: { ...look.axisLabel, hideOverlap: true, formatter: (value: number) => shortNumber(value, 6) },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: items.map(({ label }) => shortened(label, letters)),
      ...look,
      axisTick: { show: false },
      axisLabel: { ...look.axisLabel, color: theme.text, interval: 0, width: nameWidth, overflow: 'truncate' },
      splitLine: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 11,
        cursor: 'pointer',
        data: items.map((item) => ({ value: item.value, itemStyle: styleOf(item, selected.has(item.id), theme) })),
        tooltip: { formatter: (parameters) => tipOf(items, axis, parameters) },
        backgroundStyle: { color: theme.selected, opacity: 0.5 },
      },
      intervalSeries(items, theme, hovered),
    ],
  }
}

function styleOf(item: BarItem, isSelected: boolean, theme: ChartTheme) {
  const colour = item.colour ? theme.resolve(item.colour) : theme.accent
  const edge = isSelected ? theme.text : colour
  if (!item.estimated) return { color: colour, borderColor: edge, borderWidth: isSelected ? 2 : 0 }
  return { color: 'transparent', borderColor: edge, borderWidth: isSelected ? 2 : 1.25 }
}

function tipOf(items: readonly BarItem[], axis: ChartAxis, parameters: unknown): string {
  const { dataIndex } = parameters as { readonly dataIndex: number }
  const item = items[dataIndex]
  if (!item) return ''
  const words = [withInterval(item.value, item.low, item.high), axis.unit, item.estimated ? 'estimated' : '', item.mark]
  return `${escaped(item.label)}<br>${escaped(axis.label)} ${words
    .filter(Boolean)
    .map((word) => escaped(word!))
    .join(' · ')}`
}

/** Whiskers, the value as text, and the ground of the row pointed at anywhere in the window. */
function intervalSeries(items: readonly BarItem[], theme: ChartTheme, hovered: string | null) {
  return {
    type: 'custom' as const,
    silent: true,
    // over the bars: the lower half of an interval lies within its bar
    z: 3,
    clip: false,
    animation: false,
    encode: { x: [1, 2, 3], y: 0 },
    data: items.map(({ value, low, high }, i) => [i, value, low ?? value, high ?? value]),
    renderItem: (
      parameters: { readonly dataIndex: number; readonly coordSys: object },
      api: CustomSeriesRenderItemAPI,
    ) => {
      const item = items[parameters.dataIndex]!
      if (Number.isFinite(item.value)) return whiskers(item, parameters.dataIndex, api, theme, hovered)
      const left = 'x' in parameters.coordSys && typeof parameters.coordSys.x === 'number' ? parameters.coordSys.x : 0
      const [, y = 0] = api.coord([1, parameters.dataIndex])
      return { type: 'group' as const, children: [wordAt(item.mark ?? '', left, y, theme.quiet, theme)] }
    },
  }
}

function whiskers(
  item: BarItem,
  row: number,
  api: CustomSeriesRenderItemAPI,
  theme: ChartTheme,
  hovered: string | null,
): CustomSeriesRenderItemReturn {
  const at = (value: number): number[] => api.coord([value, row])
  const [end = 0, y = 0] = at(item.value)
  const [lowX = end] = at(item.low ?? item.value)
  const [highX = end] = at(item.high ?? item.value)
  const hasInterval = item.low !== null && item.low !== undefined && item.high !== null && item.high !== undefined
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: 'line' as const,
    shape: { x1, y1, x2, y2 },
    style: { stroke: theme.text, lineWidth: 1 },
  })
  const text = [shortNumber(item.value), item.mark].filter(Boolean).join('  ')
  const marks = hasInterval
    ? [line(lowX, y, highX, y), line(lowX, y - 3, lowX, y + 3), line(highX, y - 3, highX, y + 3)]
    : []
  const word = wordAt(text, Math.max(end, highX), y, theme.text, theme)
  const ring = { type: 'circle' as const, shape: { cx: Math.max(0, end), cy: y, r: 4 }, style: { fill: theme.text } }
  return { type: 'group', children: [...marks, word, ...(item.id === hovered ? [ring] : [])] }
}

function wordAt(text: string, x: number, y: number, fill: string, theme: ChartTheme) {
  const font = { fontSize: 11, font: `11px ${theme.font}` }
  return {
    type: 'text' as const,
    style: { text, x: x + 6, y, fill, ...font, textVerticalAlign: 'middle' as const },
  }
}

/** The bars' numbers. */
export function barsTable(items: readonly BarItem[], axis: ChartAxis, nameHeader: string): ChartTable {
  return {
    columns: [nameHeader, axisTitle({ label: axis.label, unit: axis.unit }), 'low', 'high', 'kind', 'mark'],
    rows: items.map(({ label, value, low, high, estimated, mark }) => [
      label,
      Number.isNaN(value) ? null : value,
      low ?? null,
      high ?? null,
      estimated ? 'estimated' : 'measured',
      mark ?? null,
    ]),
  }
}
