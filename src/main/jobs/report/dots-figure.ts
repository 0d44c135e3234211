import { escapeHtml } from './html.ts'
import { COLOURS } from './style.ts'
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

const WIDTH = 760
const PAD = 20
const LEFT = 250
/** right of the plots stand the numbers: published, then measured */
const RIGHT = WIDTH - 170
const ROW = 22
const LINE = 16
const HEAD = 30
const FOOT = 34

/**
 * Values side by side as an SVG file that needs nothing else, light and dark as the viewer's system is: published ones as rings, measured
 * ones as dots with their intervals, each number written at the end of its line.
 */
export function dotsSvg({ title, about, panels }: DotsFigure): string {
  const shown = panels.filter(({ rows }) => rows.length > 0)
  let top = PAD + 12 + about.length * LINE + 8
  const bodies = shown.map((panel) => {
    const body = panelOf(panel, top)
    top += HEAD + panel.rows.length * ROW + FOOT
    return body
  })
  const small = about.map((line, i) => text(PAD, PAD + 12 + (i + 1) * LINE, line, 'quiet'))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="${escapeHtml(title)}">
<title>${escapeHtml(title)}</title>
<style>${rulesText()}</style>
<rect class="page" width="${WIDTH}" height="${top}"/>
${text(PAD, PAD + 8, title, 'title')}
${small.join('\n')}
${bodies.join('\n')}
</svg>
`
}

function rulesText(): string {
  const rules = (theme: 0 | 1): string =>
    `.page { fill: ${COLOURS.page[theme]}; } text { fill: ${COLOURS.text[theme]}; } .quiet { fill: ${COLOURS.quiet[theme]}; } .grid { stroke: ${COLOURS.line[theme]}; }
.ring { fill: ${COLOURS.page[theme]}; stroke: ${COLOURS.quiet[theme]}; } .dot { fill: ${COLOURS.int8[theme]}; } .interval { stroke: ${COLOURS.int8[theme]}; }`
  return `text { font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; } .title { font-size: 15px; font-weight: 600; }
.middle { text-anchor: middle; } .end { text-anchor: end; } .ring { stroke-width: 1.5; } .interval { stroke-width: 1.5; fill: none; }
${rules(0)}
@media (prefers-color-scheme: dark) {
${rules(1)}
}`
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

function text(x: number, y: number, content: string, kind: string): string {
  return `<text${kind === '' ? '' : ` class="${kind}"`} x="${fixed(x)}" y="${fixed(y)}">${escapeHtml(content)}</text>`
}

const fixed = (value: number): string => String(Number(value.toFixed(1)))
