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

/** One point of a curve; `x` in the axis's terms: a number, ms since 1970 on a time axis, the index of a category. */
export interface LinePoint {
  readonly x: number
  readonly y: number | null
  readonly low?: number | null
  readonly high?: number | null
  /** replaces the words of x in the tooltip and the table: the name of a layer, a run */
  readonly name?: string
}

/** One curve. */
export interface LineSeries {
  readonly id: string
  readonly label: string
  readonly points: readonly LinePoint[]
  /** dashed instead of solid */
  readonly estimated?: boolean
  /** any CSS colour; absent: the next of the palette */
  readonly colour?: string
  /** id of a series before this one whose colour it takes: the median of its points */
  readonly like?: string
  /** dots at the points; they can be clicked */
  readonly dots?: boolean
  /** points that nothing is known between: no line */
  readonly dotsOnly?: boolean
  /** no name at its end: it would lie on the curve itself, the legend has it */
  readonly bareEnd?: boolean
}

/** The axis below. */
export type LinesX = ChartAxis & {
  readonly kind: 'value' | 'time' | 'category'
  /** names of the categories, in order */
  readonly categories?: readonly string[]
  /** what a value axis reaches over at least: points that are yet to come do not move it */
  readonly extent?: readonly [number, number]
  /** whole numbers only */
  readonly whole?: boolean
}

/** A vertical line. */
export interface LinesMark {
  readonly x: number
  readonly label: string
}

/** A horizontal line: what the curves are held against. */
export interface LineLevel {
  readonly y: number
  readonly label: string
}

export interface LinesLook {
  readonly series: readonly LineSeries[]
  /** by id of the series */
  readonly colours: ReadonlyMap<string, string>
  readonly x: LinesX
  readonly y: ChartAxis
  readonly marks: readonly LinesMark[]
  readonly levels?: readonly LineLevel[]
  readonly selected: ReadonlySet<string>
}

const DASHES = ['solid', 'dotted'] as const

/** A colour for every curve that stays its own while others are hidden. */
export function coloursOf(series: readonly LineSeries[], theme: ChartTheme): ReadonlyMap<string, string> {
  const colours = new Map<string, string>()
  let next = 0
  for (const { id, colour, like } of series) {
    const own = like === undefined ? undefined : colours.get(like)
    colours.set(id, own ?? (colour ? theme.resolve(colour) : theme.series[next++ % theme.series.length]!))
  }
  return colours
}

/** The plot. Curves beyond the palette's ten repeat its colours dotted. */
export function linesOption(look: LinesLook, theme: ChartTheme, size: ChartSize): ChartOption {
  const { series, x } = look
  const points = series.flatMap((one) => one.points)
  const count = points.length
  const endWidth = series.length > 1 ? Math.min(140, Math.floor(size.width * 0.22)) : 24
  const named = namedAtEnd(look, size.height)
  return {
    ...baseOption(theme, count > 1000),
    grid: { left: 56, right: endWidth, top: 16, bottom: 40 },
    xAxis: xAxisOf(x, points, theme),
    yAxis: yAxisOf(look, points, theme),
    series: [
      ...series.filter(({ points: own }) => own.some(hasBand)).map((one) => bandSeries(one, look, theme)),
      ...series.map((one, i) => curveSeries(one, i, look, theme, { named, width: endWidth })),
    ],
  }
}

/** Ids of the curves whose names have room at their ends; the selected ones come first, all are in the legend. */
export function namedAtEnd({ series, selected, y }: LinesLook, height: number): ReadonlySet<string> {
  if (series.length < 2) return new Set()
  const [min, max] = extentOf(
    series.flatMap(({ points }) => points.flatMap((point) => [point.y, point.low, point.high])),
  )
  const place = (value: number): number =>
    y.log ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min)
  const taken: number[] = []
  const first = series.toSorted((a, b) => Number(selected.has(b.id)) - Number(selected.has(a.id)))
  const named = first.filter(({ points, dotsOnly, bareEnd }) => {
    const end = points.findLast((point) => point.y !== null)
    if (dotsOnly || bareEnd || !end) return false
    const px = place(end.y!) * (height - 56)
    if (taken.some((other) => Math.abs(other - px) < 13)) return false
    taken.push(px)
    return true
  })
  return new Set(named.map(({ id }) => id))
}

function hasBand({ low, high }: LinePoint): boolean {
  return low !== null && low !== undefined && high !== null && high !== undefined
}

function xAxisOf(x: LinesX, points: readonly LinePoint[], theme: ChartTheme) {
  const lines = axisLook(theme)
  const common = {
    ...lines,
    name: axisTitle(x),
    nameLocation: 'middle' as const,
    nameGap: 24,
    splitLine: { show: false },
  }
  if (x.kind === 'category') {
    return {
      ...common,
      type: 'category' as const,
      data: [...(x.categories ?? [])],
      axisLabel: { ...lines.axisLabel, hideOverlap: true },
    }
  }
  if (x.kind === 'time')
    return { ...common, type: 'time' as const, axisLabel: { ...lines.axisLabel, hideOverlap: true } }
  const [min, max] = extentOf([...points.map((point) => point.x), ...(x.extent ?? [])], 0.02)
  const label = { ...lines.axisLabel, hideOverlap: true, formatter: (value: number) => shortNumber(value, 6) }
  if (x.log) return { ...common, type: 'log' as const, axisLabel: label }
  return {
    ...common,
    type: 'value' as const,
    min,
    max,
    ...(x.whole ? { minInterval: 1 } : {}),
    axisLabel: { ...label, showMinLabel: false, showMaxLabel: false },
  }
}

function yAxisOf({ y, levels = [] }: LinesLook, points: readonly LinePoint[], theme: ChartTheme) {
  const lines = axisLook(theme)
  const [min, max] = extentOf([
    ...points.flatMap((point) => [point.y, point.low, point.high]),
    ...levels.map((level) => level.y),
  ])
  return {
    type: y.log ? ('log' as const) : ('value' as const),
    ...(y.log ? {} : { min, max }),
    name: axisTitle(y),
    nameLocation: 'middle' as const,
    nameGap: 44,
    ...lines,
    axisLabel: {
      ...lines.axisLabel,
      showMinLabel: false,
      showMaxLabel: false,
      hideOverlap: true,
      formatter: (value: number) => shortNumber(value, 6),
    },
  }
}

function curveSeries(
  one: LineSeries,
  index: number,
  look: LinesLook,
  theme: ChartTheme,
  { named, width }: { readonly named: ReadonlySet<string>; readonly width: number },
) {
  const colour = look.colours.get(one.id) ?? theme.accent
  const isOut = look.selected.has(one.id)
  const dash = one.estimated ? ('dashed' as const) : DASHES[Math.floor(index / theme.series.length) % DASHES.length]!
  return {
    type: 'line' as const,
    name: one.label,
    z: isOut ? 5 : 3,
    showSymbol: one.dots === true || one.dotsOnly === true || one.points.length === 1,
    symbol: 'circle',
    symbolSize: one.dotsOnly && one.points.length > 200 ? 3 : isOut ? 8 : 6,
    connectNulls: false,
    cursor: 'pointer',
    lineStyle: { color: colour, width: one.dotsOnly ? 0 : isOut ? 2.5 : 1.5, type: dash },
    itemStyle: {
      color: one.estimated ? theme.surface : colour,
      borderColor: colour,
      borderWidth: 1.25,
      opacity: one.dotsOnly && one.points.length > 200 ? 0.45 : 1,
    },
    emphasis: { focus: 'none' as const, lineStyle: { width: one.dotsOnly ? 0 : 2.5 } },
    endLabel: {
      show: named.has(one.id),
      formatter: shortened(one.label, Math.floor(width / 6)),
      color: theme.text,
      fontSize: 11,
      distance: 4,
    },
    tooltip: { formatter: (parameters: unknown) => tipOf(one, look, parameters) },
    data: one.points.map(({ x, y }, point) => ({ value: [x, y ?? '-'], series: one.id, point })),
    ...(index === 0 && look.marks.length + (look.levels?.length ?? 0) > 0 ? { markLine: marksOf(look, theme) } : {}),
  }
}

function marksOf({ marks, levels = [] }: LinesLook, theme: ChartTheme) {
  return {
    silent: true,
    symbol: 'none',
    animation: false,
    lineStyle: { color: theme.quiet, type: 'dashed' as const, width: 1 },
    label: { color: theme.quiet, fontSize: 11, formatter: '{b}' },
    data: [
      ...marks.map(({ x, label }) => ({ name: label, xAxis: x })),
      // its name lies on it, at the left, where no curve has its own
      ...levels.map(({ y, label }) => ({ name: label, yAxis: y, label: { position: 'insideStartTop' as const } })),
    ],
  }
}

/** The interval of a curve as one shape a stretch between two points that both have one. */
function bandSeries(one: LineSeries, look: LinesLook, theme: ChartTheme) {
  const known = one.points.filter(hasBand)
  return {
    type: 'custom' as const,
    silent: true,
    z: 1,
    animation: false,
    data: known.map(({ x, low }) => [x, low!]),
    renderItem: (parameters: { readonly dataIndex: number }, api: CustomSeriesRenderItemAPI) =>
      bandPiece(known, parameters.dataIndex, api, look.colours.get(one.id) ?? theme.accent, one.dotsOnly ?? false),
  }
}

function bandPiece(
  known: readonly LinePoint[],
  index: number,
  api: CustomSeriesRenderItemAPI,
  colour: string,
  alone: boolean,
): CustomSeriesRenderItemReturn {
  const here = known[index]!
  const next = known[index + 1]
  const corner = (point: LinePoint, bound: number): [number, number] => {
    const [x = 0, y = 0] = api.coord([point.x, bound])
    return [x, y]
  }
  if (alone || known.length === 1) {
    const [[x1, y1], [x2, y2]] = [corner(here, here.low!), corner(here, here.high!)]
    return { type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 1, opacity: 0.7 } }
  }
  if (!next) return { type: 'group', children: [] }
  const points = [corner(here, here.low!), corner(next, next.low!), corner(next, next.high!), corner(here, here.high!)]
  return { type: 'polygon', shape: { points }, style: { fill: colour, opacity: 0.16 } }
}

function tipOf(one: LineSeries, { x, y }: LinesLook, parameters: unknown): string {
  const point = one.points[(parameters as { readonly dataIndex: number }).dataIndex]
  if (!point || point.y === null) return ''
  const value = `${y.label} ${withInterval(point.y, point.low, point.high)}${one.estimated ? ' · estimated' : ''}`
  return [one.label, `${x.label} ${nameOfX(point, x)}`, value].map(escaped).join('<br>')
}

function nameOfX(point: LinePoint, x: LinesX): string {
  if (point.name !== undefined) return point.name
  if (x.kind === 'time') return new Date(point.x).toLocaleString()
  return x.kind === 'category' ? (x.categories?.[point.x] ?? String(point.x)) : shortNumber(point.x)
}

/** One line a point of a curve. */
export function linesTable({ series, x, y }: Pick<LinesLook, 'series' | 'x' | 'y'>): ChartTable {
  return {
    columns: [
      'curve',
      axisTitle({ label: x.label, unit: x.unit }),
      axisTitle({ label: y.label, unit: y.unit }),
      'low',
      'high',
    ],
    rows: series.flatMap(({ label, points }) =>
      points.map((point) => [
        label,
        x.kind === 'time' && point.name === undefined
          ? new Date(point.x).toISOString()
          : x.kind === 'value' && point.name === undefined
            ? point.x
            : nameOfX(point, x),
        point.y,
        point.low ?? null,
        point.high ?? null,
      ]),
    ),
  }
}
