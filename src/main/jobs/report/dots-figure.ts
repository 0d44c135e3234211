import { COLOURS } from './style.ts'
import { fixed, PAD, svgFile, text, topUnder, WIDTH } from './svg.ts'
import { ticksOf } from './ticks.ts'

/** One line of a panel: a published value and a measured one, with its 95 % interval where it has one. */
export interface DotRow {
  readonly label: string
  readonly published: number | null
  readonly measured: { readonly value: number; readonly low: number | null; readonly high: number | null } | null
}

/** One quantity of several rows on one axis. */
export interface DotPanel {
  /** what is drawn, with its unit */
  readonly title: string
  readonly digits: number
  readonly rows: readonly DotRow[]
}

export interface DotsFigure {
  readonly title: string
  /** lines of small print under the title */
  readonly about: readonly string[]
  readonly panels: readonly DotPanel[]
}

const LEFT = 250
/** right of the plots stand the numbers: published, then measured */
const RIGHT = WIDTH - 170
const ROW = 22
const HEAD = 30
const FOOT = 34

/**
 * Values side by side as an SVG file: published ones as rings, measured ones as dots with their intervals, each number written at the
 * end of its line.
 */
export function dotsSvg({ title, about, panels }: DotsFigure): string {
  const shown = panels.filter(({ rows }) => rows.length > 0)
  let top = topUnder(about)
  const bodies = shown.map((panel) => {
    const body = panelOf(panel, top)
    top += HEAD + panel.rows.length * ROW + FOOT
    return body
  })
  return svgFile({ title, about, height: top, style: STYLE, coloursOf, bodies })
}

const STYLE = '.ring { stroke-width: 1.5; } .interval { stroke-width: 1.5; fill: none; }'

function coloursOf(theme: 0 | 1): string {
  const [page, quiet, dot] = [COLOURS.page[theme], COLOURS.quiet[theme], COLOURS.int8[theme]]
  return `.ring { fill: ${page}; stroke: ${quiet}; } .dot { fill: ${dot}; } .interval { stroke: ${dot}; }`
}

function panelOf({ title, digits, rows }: DotPanel, top: number): string {
  const values = rows.flatMap(({ published, measured }) =>
    [published, measured?.value, measured?.low, measured?.high].filter((value) => typeof value === 'number'),
  )
  const axis = ticksOf(Math.min(...values), Math.max(...values))
  const x = (value: number): number => LEFT + ((RIGHT - LEFT) * (value - axis.low)) / (axis.high - axis.low)
  const bottom = top + HEAD + rows.length * ROW
  const grid = axis.ticks.map(
    (tick) =>
      `<line class="grid" x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${top + HEAD - 4}" y2="${bottom}"/>${text(x(tick), bottom + 14, tick.toFixed(axis.digits), 'quiet middle')}`,
  )
  const heads = [
    text(PAD, top + 16, title, ''),
    text(RIGHT + 75, top + 16, 'published', 'quiet end'),
    text(RIGHT + 150, top + 16, 'measured', 'quiet end'),
  ]
  return [...heads, ...grid, ...rows.map((row, i) => rowOf(row, digits, x, top + HEAD + i * ROW + 10))].join('\n')
}

function rowOf(
  { label, published, measured }: DotRow,
  digits: number,
  x: (value: number) => number,
  y: number,
): string {
  const parts = [text(PAD, y + 4, label, '')]
  if (published !== null) {
    parts.push(`<circle class="ring" cx="${fixed(x(published))}" cy="${y}" r="4.5"/>`)
    parts.push(text(RIGHT + 75, y + 4, published.toFixed(digits), 'quiet end'))
  }
  if (measured !== null) {
    const { value, low, high } = measured
    if (low !== null && high !== null)
      parts.push(
        `<path class="interval" d="M${fixed(x(low))} ${y - 3}v6M${fixed(x(low))} ${y}H${fixed(x(high))}m0 -3v6"/>`,
      )
    parts.push(`<circle class="dot" cx="${fixed(x(value))}" cy="${y}" r="3"/>`)
    parts.push(text(RIGHT + 150, y + 4, value.toFixed(digits), 'end'))
  }
  return parts.join('')
}
