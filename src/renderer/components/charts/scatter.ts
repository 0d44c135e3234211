import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn, LabelLayoutOptionCallbackParams } from 'echarts'
import type { ChartTable } from './chart-table.ts'
import type { ChartOption } from './engine.ts'
import { shortNumber, withInterval } from './numbers.ts'
import { paretoFront } from './pareto.ts'
import { axisLook, axisTitle, baseOption, escaped, extentOf, shortened, type ChartAxis } from './parts.ts'
import type { ChartTheme } from './theme.ts'

/** Where a point lies; intervals as `[low, high]`. */
export interface ScatterPlace {
  readonly x: number
  readonly y: number
  readonly xInterval?: readonly [number, number] | null
  readonly yInterval?: readonly [number, number] | null
}

/** A thing judged by two numbers; at least one of `measured` and `predicted` is there. */
export interface ScatterPoint {
  readonly id: string
  readonly label: string
  readonly measured: ScatterPlace | null
  readonly predicted: ScatterPlace | null
  /** any CSS colour; absent: the accent */
  readonly colour?: string
}

/** A target, drawn as a line across the plot. */
export interface ScatterLimit {
  readonly axis: 'x' | 'y'
  readonly value: number
  readonly label: string
}

export interface ScatterLook {
  readonly points: readonly ScatterPoint[]
  readonly x: ChartAxis
  readonly y: ChartAxis
  readonly limits: readonly ScatterLimit[]
  readonly selected: ReadonlySet<string>
  readonly hovered: string | null
}

/** As many names as can stand in a plot without covering each other. */
const MOST_NAMES = 8

/** Ids on the Pareto line of the measured points; of the predicted ones while none is measured. */
export function frontIds({ points, x, y }: Pick<ScatterLook, 'points' | 'x' | 'y'>): string[] {
  if (!x.better || !y.better) return []
  const measured = points.flatMap(({ id, measured: at }) => (at ? [{ id, x: at.x, y: at.y }] : []))
  const predicted = points.flatMap(({ id, predicted: at }) => (at ? [{ id, x: at.x, y: at.y }] : []))
  return paretoFront(measured.length > 0 ? measured : predicted, x.better, y.better).map(({ id }) => id)
}

/** The plot. */
export function scatterOption(look: ScatterLook, theme: ChartTheme): ChartOption {
  const { points, x, y } = look
  const front = new Set(frontIds(look))
  const places = points.flatMap(({ measured, predicted }) => [measured, predicted].filter((place) => place !== null))
  const lines = axisLook(theme)
  const axis = (own: ChartAxis, values: readonly (number | undefined)[]) => {
    const [min, max] = extentOf(values)
    return {
      type: own.log ? ('log' as const) : ('value' as const),
      name: axisTitle(own),
      nameLocation: 'middle' as const,
      ...(own.log ? {} : { min, max }),
      ...lines,
      axisLabel: {
        ...lines.axisLabel,
        hideOverlap: true,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value: number) => shortNumber(value, 6),
      },
    }
  }
  const limit = (which: 'x' | 'y') => look.limits.filter((one) => one.axis === which).map(({ value }) => value)
  return {
    ...baseOption(theme, points.length > 500),
    grid: { left: 56, right: 24, top: 16, bottom: 40 },
    xAxis: { ...axis(x, [...spread(places, 'x'), ...limit('x')]), nameGap: 24 },
    yAxis: { ...axis(y, [...spread(places, 'y'), ...limit('y')]), nameGap: 44 },
    series: [frontSeries(look, front, theme), tieSeries(points, theme), ...pointSeries(look, front, theme)],
  }
}

function spread(places: readonly ScatterPlace[], which: 'x' | 'y'): (number | undefined)[] {
  return places.flatMap((place) =>
    which === 'x'
      ? [place.x, place.xInterval?.[0], place.xInterval?.[1]]
      : [place.y, place.yInterval?.[0], place.yInterval?.[1]],
  )
}

/** A staircase: between two points of a front nothing is known to be reachable but the worse corner. Targets hang on it. */
function frontSeries(look: ScatterLook, front: ReadonlySet<string>, theme: ChartTheme) {
  const onFront = look.points.filter(({ id }) => front.has(id))
  const places = onFront.map(({ measured, predicted }) => (measured ?? predicted)!).toSorted((a, b) => a.x - b.x)
  return {
    type: 'line' as const,
    step: look.x.better === 'more' ? ('start' as const) : ('end' as const),
    silent: true,
    symbol: 'none',
    z: 1,
    lineStyle: { color: theme.accent, width: 1.25, opacity: 0.8 },
    data: places.map(({ x, y }) => [x, y]),
    markLine: {
      silent: true,
      symbol: 'none',
      animation: false,
      lineStyle: { color: theme.warning, type: 'dashed' as const, width: 1 },
      label: { color: theme.warning, fontSize: 11, position: 'insideEndTop' as const, formatter: '{b}' },
      data: look.limits.map(({ axis, value, label }) =>
        axis === 'x' ? { name: label, xAxis: value } : { name: label, yAxis: value },
      ),
    },
  }
}

/** Thin lines from what was predicted to what was measured, and the intervals' crosses. */
function tieSeries(points: readonly ScatterPoint[], theme: ChartTheme) {
  return {
    type: 'custom' as const,
    silent: true,
    z: 2,
    animation: false,
    data: points.map(({ measured, predicted }) => {
      const place = (measured ?? predicted)!
      return [place.x, place.y]
    }),
    renderItem: (parameters: { readonly dataIndex: number }, api: CustomSeriesRenderItemAPI) =>
      ties(points[parameters.dataIndex]!, api, theme),
  }
}

function ties(point: ScatterPoint, api: CustomSeriesRenderItemAPI, theme: ChartTheme): CustomSeriesRenderItemReturn {
  const colour = point.colour ? theme.resolve(point.colour) : theme.accent
  const line = (from: readonly number[], to: readonly number[], opacity: number) => {
    const [x1 = 0, y1 = 0] = api.coord([...from])
    const [x2 = 0, y2 = 0] = api.coord([...to])
    return { type: 'line' as const, shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 1, opacity } }
  }
  const { measured, predicted } = point
  const at = measured ?? predicted!
  const children = [
    ...(measured && predicted ? [line([predicted.x, predicted.y], [measured.x, measured.y], 0.7)] : []),
    ...(at.xInterval ? [line([at.xInterval[0], at.y], [at.xInterval[1], at.y], 0.9)] : []),
    ...(at.yInterval ? [line([at.x, at.yInterval[0]], [at.x, at.yInterval[1]], 0.9)] : []),
  ]
  return { type: 'group', children }
}

function pointSeries(look: ScatterLook, front: ReadonlySet<string>, theme: ChartTheme) {
  const { points, selected, hovered } = look
  const isNamed = (id: string): boolean =>
    points.length <= MOST_NAMES || selected.has(id) || id === hovered || (front.size <= MOST_NAMES && front.has(id))
  const [low, high] = extentOf(
    points.map(({ measured, predicted }) => (measured ?? predicted)!.x),
    0,
  )
  const rightSide = low + (high - low) * 0.8
  const place = namePlacer()
  const series = (kind: 'measured' | 'predicted') => ({
    type: 'scatter' as const,
    name: kind,
    z: 3,
    cursor: 'pointer',
    tooltip: { formatter: (parameters: unknown) => tipOf(look, parameters) },
    // a point on its way has its name where it started from
    animation: false,
    labelLayout: place,
    data: points.flatMap((point) => {
      const place = point[kind]
      if (!place) return []
      const colour = point.colour ? theme.resolve(point.colour) : theme.accent
      const isChosen = selected.has(point.id) || point.id === hovered
      return [
        {
          id: point.id,
          name: point.id,
          value: [place.x, place.y],
          symbolSize: isChosen ? 13 : front.has(point.id) ? 10 : 8,
          itemStyle: {
            color: kind === 'measured' ? colour : theme.surface,
            borderColor: isChosen ? theme.text : colour,
            borderWidth: isChosen ? 2 : 1.5,
          },
          label: {
            show: isNamed(point.id) && (kind === 'measured' || point.measured === null),
            formatter: shortened(point.label, points.length > 4 ? 16 : 24),
            position: place.x > rightSide ? ('left' as const) : ('right' as const),
            color: theme.text,
            fontSize: 11,
            backgroundColor: theme.surface,
            padding: [0, 2],
          },
        },
      ]
    }),
  })
  return [series('predicted'), series('measured')]
}

/** Height of one name, px. */
const NAME_HEIGHT = 14
/** How far a name is moved down at most, in its own heights; one that finds no room there is left out. */
const MOST_STEPS = 4

type NameRect = LabelLayoutOptionCallbackParams['labelRect']

/** Moves each name down until it covers no other; ECharts' own `moveOverlap` leaves points at nearly one height as they are. */
function namePlacer(): (name: LabelLayoutOptionCallbackParams) => { dy: number; hideOverlap: boolean } {
  const taken = new Map<string, NameRect>()
  return ({ seriesIndex, dataIndex, rect, labelRect }) => {
    const key = `${seriesIndex} ${dataIndex}`
    // the name is still where it was moved to before, and is measured without what hangs below its line
    const top = rect.y + (rect.height - NAME_HEIGHT) / 2
    // asked again whenever the chart changes its size
    taken.delete(key)
    const others = [...taken.values()]
    const at = (step: number): NameRect => ({ ...labelRect, y: top + step * NAME_HEIGHT, height: NAME_HEIGHT })
    const step = Array.from({ length: MOST_STEPS + 1 }, (_, i) => i).find(
      (i) => !others.some((one) => touch(one, at(i))),
    )
    taken.set(key, at(step ?? 0))
    return { dy: (step ?? 0) * NAME_HEIGHT, hideOverlap: true }
  }
}

function touch(a: NameRect, b: NameRect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

function tipOf({ points, x, y }: ScatterLook, parameters: unknown): string {
  const { name } = parameters as { readonly name: string }
  const point = points.find(({ id }) => id === name)
  if (!point) return ''
  const line = (word: string, place: ScatterPlace | null): string[] =>
    place
      ? [
          `${word}: ${x.label} ${withInterval(place.x, place.xInterval?.[0], place.xInterval?.[1])} · ${y.label} ${withInterval(place.y, place.yInterval?.[0], place.yInterval?.[1])}`,
        ]
      : []
  return [point.label, ...line('measured', point.measured), ...line('predicted', point.predicted)]
    .map(escaped)
    .join('<br>')
}

/** One line a point: measured, predicted, intervals, whether it is on the front. */
export function scatterTable(look: ScatterLook, nameHeader: string): ChartTable {
  const { points, x, y } = look
  const front = new Set(frontIds(look))
  const cells = (place: ScatterPlace | null): (number | null)[] => [place?.x ?? null, place?.y ?? null]
  const bounds = ({ measured: at }: ScatterPoint): (number | null)[] =>
    [at?.xInterval?.[0], at?.xInterval?.[1], at?.yInterval?.[0], at?.yInterval?.[1]].map((bound) => bound ?? null)
  const [xName, yName] = [x, y].map(({ label, unit }) => axisTitle({ label, unit }))
  return {
    columns: [
      nameHeader,
      `${xName}, measured`,
      `${yName}, measured`,
      `${xName}, predicted`,
      `${yName}, predicted`,
      `${xName} low`,
      `${xName} high`,
      `${yName} low`,
      `${yName} high`,
      'on the Pareto line',
    ],
    rows: points.map((point) => [
      point.label,
      ...cells(point.measured),
      ...cells(point.predicted),
      ...bounds(point),
      front.has(point.id) ? 'yes' : 'no',
    ]),
  }
}
