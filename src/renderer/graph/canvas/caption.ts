import type { Legend, LegendEntry } from '../legend.ts'
import { scaleColour, type GraphTheme } from '../palette.ts'
import { createFitter } from './faces.ts'
import type { Pen, TextStyle } from './pen.ts'

const TITLE: TextStyle = { size: 14, bold: true }
const HEAD: TextStyle = { size: 12, bold: true }
const BODY: TextStyle = { size: 12 }

/** Least width a caption is laid out for; graphs are often narrower than the words about them. */
export const CAPTION_WIDTH = 288

const LINE = 20
const SWATCH = 12
const RAMP = { width: 200, height: 8 }
/** A scale is drawn as this many strips, too narrow to be told apart. */
const STRIPS = 40
/** Room below the last line. */
const FOOT = 12

/** One line of the caption; `y` is its middle. */
type Line = (x: number, y: number) => void

/** What an exported picture says above the graph: the model, and what the colours mean. */
export interface Caption {
  readonly height: number
  /** @param x left edge @param y upper edge */
  draw(x: number, y: number): void
}

/** Lays a caption out for a width; drawn with the same pen. */
export function layOutCaption(pen: Pen, width: number, title: string, legend: Legend, theme: GraphTheme): Caption {
  const fit = createFitter(pen)
  const lines: Line[] = [(x, y) => pen.text(x, y, fit(title, width, TITLE), TITLE, theme.text)]
  const heading = (name: string, unit: string): void => {
    lines.push((x, y) => {
      pen.text(x, y, name, HEAD, theme.text)
      const left = pen.measure(name, HEAD) + 6
      pen.text(x + left, y, fit(unit, width - left, BODY), BODY, theme.textQuiet)
    })
  }
  const entries = (all: readonly LegendEntry[], isHollow: boolean): void => {
    for (const row of rowsOf(pen, width, all)) lines.push((x, y) => drawEntries(pen, row, x, y, theme, isHollow))
  }
  const { ramp, categories, precisions, changed } = legend
  if (ramp) {
    heading(ramp.name, ramp.unit)
    lines.push((x, y) => drawRamp(pen, ramp.stops, x, y, theme))
    lines.push((x, y) => drawTicks(pen, ramp.ticks, x, y - 4, theme))
    if (ramp.hasEstimated && ramp.hasMeasured) entries([{ label: 'measured', colour: ramp.strong, count: null }], false)
    if (ramp.hasEstimated) entries([{ label: 'estimated', colour: ramp.strong, count: null }], true)
  }
  if (categories) {
    heading(categories.name, categories.of ?? '')
    entries(categories.entries, categories.of !== null)
  }
  if (precisions.length > 0) {
    heading('precision', 'layers')
    entries(precisions, false)
  }
  if (changed !== null) entries([{ label: 'differs between the plans', colour: changed, count: null }], true)
  return {
    height: lines.length * LINE + FOOT,
    draw: (x, y) => lines.forEach((line, i) => line(x, y + (i + 0.5) * LINE)),
  }
}

const textOfEntry = ({ label, count }: LegendEntry): string => (count === null ? label : `${label} ${count}`)
const widthOfEntry = (pen: Pen, entry: LegendEntry): number => SWATCH + 4 + pen.measure(textOfEntry(entry), BODY) + 12

/** Entries in rows that fit the width. */
function rowsOf(pen: Pen, width: number, entries: readonly LegendEntry[]): LegendEntry[][] {
  const rows: LegendEntry[][] = []
  let left = 0
  for (const entry of entries) {
    const own = widthOfEntry(pen, entry)
    if (rows.length === 0 || left + own > width) {
      rows.push([])
      left = 0
    }
    rows.at(-1)!.push(entry)
    left += own
  }
  return rows
}

function drawEntries(
  pen: Pen,
  row: readonly LegendEntry[],
  x: number,
  y: number,
  theme: GraphTheme,
  isHollow: boolean,
): void {
  let left = x
  for (const entry of row) {
    const box = { x: left, y: y - SWATCH / 2, width: SWATCH, height: SWATCH }
    const inner = { x: left + 1.5, y: y - SWATCH / 2 + 1.5, width: SWATCH - 3, height: SWATCH - 3 }
    if (isHollow) pen.rect(inner, { stroke: entry.colour, lineWidth: 3 })
    else pen.rect(box, { fill: entry.colour, radius: 2 })
    pen.text(left + SWATCH + 4, y, textOfEntry(entry), BODY, theme.text)
    left += widthOfEntry(pen, entry)
  }
}

function drawRamp(pen: Pen, stops: readonly string[], x: number, y: number, theme: GraphTheme): void {
  const top = y - RAMP.height / 2
  const strip = RAMP.width / STRIPS
  for (let i = 0; i < STRIPS; i++) {
    const fill = scaleColour(stops, i / (STRIPS - 1))
    // half a strip more than its own: no line of the ground shows between two
    const width = i === STRIPS - 1 ? strip : strip * 1.5
    pen.rect({ x: x + i * strip, y: top, width, height: RAMP.height }, { fill })
  }
  pen.rect({ x, y: top, width: RAMP.width, height: RAMP.height }, { stroke: theme.cardEdge })
}

function drawTicks(pen: Pen, ticks: readonly string[], x: number, y: number, theme: GraphTheme): void {
  const anchors = ['start', 'middle', 'end'] as const
  ticks.forEach((tick, i) =>
    pen.text(x + (i / (ticks.length - 1)) * RAMP.width, y, tick, BODY, theme.textQuiet, anchors[i] ?? 'middle'),
  )
}
