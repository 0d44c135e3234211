import { escapeHtml } from './html.ts'
import { COLOURS } from './style.ts'
import { fixed, PAD, svgFile, text, topUnder, WIDTH } from './svg.ts'
import { ticksOf } from './ticks.ts'

/** One measured value over x; `low` and `high` are its 95 % interval where it has one. */
export interface CurvePoint {
  readonly x: number
  readonly y: number
  readonly low: number | null
  readonly high: number | null
}

export interface Curve {
  readonly name: string
  /** which hue and mark it has, the same in every figure whatever else is drawn */
  readonly hue: number
  readonly points: readonly CurvePoint[]
}

/** One diagram: its y axis with the unit, the curves, and the value they are compared with. */
export interface CurvePanel {
  /** what y is, with its unit: `top-1 (%)` */
  readonly title: string
  readonly digits: number
  /** the axis does not leave these bounds; what lies beyond them is written in the table only */
  readonly bounds: { readonly low: number; readonly high: number } | null
  readonly reference: { readonly name: string; readonly value: number } | null
  readonly curves: readonly Curve[]
}

/** A figure of curves over a few whole numbers, panels one below the other on the same x. */
export interface CurvesFigure {
  readonly title: string
  /** lines of small print under the title */
  readonly about: readonly string[]
  /** what x is, with its unit */
  readonly xTitle: string
  readonly panels: readonly CurvePanel[]
}

/** left of the plots: names of the curves in the table, and the labels of the y axis */
const LEFT = 150
const RIGHT = WIDTH - 40
const PLOT = 230
const ROW = 18
/** from the top of a panel to its plot, and room above the highest value for the reference's name */
const PANEL_HEAD = 26
const HEADROOM = 22
/** Curves stand this far apart at the same x, so that their intervals do not hide each other. */
const DODGE = 5

/** Hues that the colour-blind tell apart, and that mean no precision; light and dark. */
const HUES: readonly (readonly [light: string, dark: string])[] = [
  ['#0b6e8a', '#4fc0dd'],
  ['#b4480e', '#f0955c'],
  ['#6a3d9a', '#bd97ea'],
  ['#4d6b12', '#a9cc66'],
]

/**
 * The figure as an SVG file. Every value is written in the table under its diagram, so that nothing needs a hover; intervals are drawn
 * wherever a value has one.
 */
export function curvesSvg(figure: CurvesFigure): string {
  const xs = [
    ...new Set(figure.panels.flatMap(({ curves }) => curves.flatMap(({ points }) => points.map(({ x }) => x)))),
  ]
  xs.sort((a, b) => a - b)
  let top = topUnder(figure.about)
  const bodies = figure.panels.map((panel) => {
    const body = panelOf(panel, xs, figure.xTitle, top)
    top += PANEL_HEAD + PLOT + (2 + panel.curves.length) * ROW + 14
    return body
  })
  const { title, about } = figure
  return svgFile({ title, about, height: top + 4, style: STYLE, coloursOf, bodies })
}

const STYLE = `.mark { stroke-width: 1.5; } .curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.interval { fill: none; stroke-width: 1.25; } .grid { stroke-width: 1; } .reference { stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }`

function coloursOf(theme: 0 | 1): string {
  const [page, float] = [COLOURS.page[theme], COLOURS.float[theme]]
  const hues = HUES.map(
    (pair, i) =>
      `.hue${i} .curve, .hue${i} .interval { stroke: ${pair[theme]}; } .hue${i} .mark { stroke: ${pair[theme]}; fill: ${i === 1 ? page : pair[theme]}; }`,
  )
  return `.reference { stroke: ${float}; }
${hues.join('\n')}`
}

function panelOf(panel: CurvePanel, xs: readonly number[], xTitle: string, top: number): string {
  const axis = axisOf(panel)
  const plotTop = top + PANEL_HEAD
  const bottom = plotTop + PLOT
  const y = (value: number): number => bottom - ((PLOT - HEADROOM) * (value - axis.low)) / (axis.high - axis.low)
  const x = positionOf(xs)
  const lines = axis.ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}"/>${text(LEFT - 10, y(tick) + 4, tick.toFixed(axis.digits), 'quiet end')}`,
  )
  const stops = xs.map(
    (value) => `<line class="grid" x1="${fixed(x(value))}" x2="${fixed(x(value))}" y1="${bottom}" y2="${bottom + 5}"/>`,
  )
  const drawn = panel.curves.map((curve, i) => {
    const dodge = (i - (panel.curves.length - 1) / 2) * DODGE
    return curveOf(curve, (value) => x(value) + dodge, y, panel, axis)
  })
  return [
    text(LEFT, top + 14, panel.title, ''),
    ...lines,
    ...stops,
    referenceOf(panel, y),
    `<clipPath id="plot${top}"><rect x="${LEFT}" y="${plotTop}" width="${RIGHT - LEFT}" height="${PLOT + 4}"/></clipPath>`,
    `<g clip-path="url(#plot${top})">${drawn.join('')}</g>`,
    tableOf(panel, xs, xTitle, x, bottom),
  ].join('\n')
}

interface Axis {
  readonly low: number
  readonly high: number
  readonly ticks: readonly number[]
  readonly digits: number
}

/** Round bounds around all values, intervals and the reference. */
function axisOf({ curves, reference, bounds }: CurvePanel): Axis {
  const points = curves.flatMap((curve) => curve.points)
  const values = points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y])
  if (reference) values.push(reference.value)
  const { low, high } = bounds ?? { low: -Infinity, high: Infinity }
  const least = Math.max(low, Math.min(...values))
  const most = Math.min(high, Math.max(...values))
  const axis = ticksOf(values.length === 0 ? 0 : least, values.length === 0 ? 1 : most)
  const ticks = axis.ticks.filter((tick) => tick >= low && tick <= high)
  return { low: Math.max(low, axis.low), high: Math.min(high, axis.high), ticks, digits: axis.digits }
}

/** Where x stands: to scale; in the middle when it is alone. */
function positionOf(xs: readonly number[]): (value: number) => number {
  const margin = 40
  const [first = 0, last = 0] = [xs[0], xs.at(-1)]
  if (first === last) return () => (LEFT + RIGHT) / 2
  return (value) => LEFT + margin + ((RIGHT - LEFT - 2 * margin) * (value - first)) / (last - first)
}

function referenceOf({ reference, digits }: CurvePanel, y: (value: number) => number): string {
  if (!reference) return ''
  const at = fixed(y(reference.value))
  const name = `${reference.name} ${reference.value.toFixed(digits)}`
  return `<line class="reference" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>${text(LEFT + 4, y(reference.value) - 6, name, 'quiet')}`
}

function curveOf(
  { name, points, hue }: Curve,
  x: (value: number) => number,
  y: (value: number) => number,
  { digits, title }: CurvePanel,
  axis: Axis,
): string {
  const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${fixed(x(point.x))} ${fixed(y(point.y))}`).join('')
  const shown = points.filter(({ y: value }) => value >= axis.low && value <= axis.high)
  const marks = shown.map((point) => {
    const { low, high } = point
    const range = low === null || high === null ? '' : `, 95 % ${low.toFixed(digits)} to ${high.toFixed(digits)}`
    const bar = low === null || high === null ? '' : intervalOf(x(point.x), y(low), y(high))
    return `<g><title>${escapeHtml(`${name}, ${point.x}: ${title} ${point.y.toFixed(digits)}${range}`)}</title>${bar}${markOf(hue, x(point.x), y(point.y))}</g>`
  })
  return `<g class="hue${hue % HUES.length}"><path class="curve" d="${path}"/>${marks.join('')}</g>`
}

function intervalOf(x: number, low: number, high: number): string {
  return `<path class="interval" d="M${fixed(x)} ${fixed(low)}V${fixed(high)}M${fixed(x - 3)} ${fixed(low)}h6M${fixed(x - 3)} ${fixed(high)}h6"/>`
}

/** Another shape for each curve: colour alone tells nobody anything in print. */
function markOf(hue: number, x: number, y: number): string {
  const [cx, cy] = [fixed(x), fixed(y)]
  switch (hue % HUES.length) {
    case 0:
      return `<circle class="mark" cx="${cx}" cy="${cy}" r="3"/>`
    case 1:
      return `<rect class="mark" x="${fixed(x - 2.75)}" y="${fixed(y - 2.75)}" width="5.5" height="5.5"/>`
    case 2:
      return `<path class="mark" d="M${cx} ${fixed(y - 3.7)}l3.7 6.4h-7.4z"/>`
    default:
      return `<path class="mark" d="M${cx} ${fixed(y - 4)}l4 4l-4 4l-4 -4z"/>`
  }
}

/** The values under the diagram, a row a curve: the legend, and what the marks are too coarse to tell. */
function tableOf(
  { curves, digits }: CurvePanel,
  xs: readonly number[],
  xTitle: string,
  x: (value: number) => number,
  bottom: number,
): string {
  const header = [
    text(PAD, bottom + ROW + 2, xTitle, 'quiet'),
    ...xs.map((value) => text(x(value), bottom + ROW + 2, String(value), 'quiet middle')),
  ]
  const rows = curves.flatMap(({ name, points, hue }, i) => {
    const at = bottom + (i + 2) * ROW + 4
    const swatch = `<g class="hue${hue % HUES.length}"><path class="curve" d="M${PAD} ${at - 4}h20"/>${markOf(hue, PAD + 10, at - 4)}</g>`
    const cells = points.map((point) => text(x(point.x), at, point.y.toFixed(digits), 'middle'))
    return [swatch, text(PAD + 28, at, name, ''), ...cells]
  })
  return [...header, ...rows].join('\n')
}
