import { curvesSvg, type CurvePanel } from '../report/curves-figure.ts'
import { dotsSvg, type DotPanel } from '../report/dots-figure.ts'
import type { TableDocument } from './document.ts'
import type { Cells, Column, Section } from './port.ts'
import { scaleWords } from './scale.ts'
import { inUnit, unitText, valueOf } from './values.ts'

/** The table as a figure: curves where its rows are numbers, else a mark for every value. */
export function toSvg(document: TableDocument): string {
  const { table, sections, cells, date, environment, notes, scale } = document
  const smaller = scaleWords(scale)
  const about = [
    `${date.slice(0, 10)}, ${environment.cpu}, ONNX Runtime ${environment.versions['onnxruntime'] ?? ''}. Bars: 95 % intervals.`,
    ...(smaller === null ? [] : [smaller]),
    ...notes.flatMap((note) => wrapped(note)),
  ]
  const axis = sections.find((section) => section.axis !== null)?.axis
  if (axis) {
    const panels = sections.filter((section) => section.axis !== null).map((section) => curvesOf(section, cells))
    return curvesSvg({ title: table.title, about, xTitle: axis, panels })
  }
  return dotsSvg({ title: table.title, about, panels: sections.flatMap((section) => dotsOf(section, cells)) })
}

/** One number of a cell in the column's unit; published numbers stand in it already. */
function pointOf(
  cell: number | string | null,
  { unit }: Column,
  cells: Cells,
): { value: number; low: number | null; high: number | null } | null {
  const value = valueOf(cell, cells)
  if (value === null) return null
  if (typeof value === 'number') return { value, low: null, high: null }
  const edge = (bound: number | null): number | null => (bound === null ? null : inUnit(bound, unit))
  return { value: inUnit(value.value, unit), low: edge(value.low), high: edge(value.high) }
}

function curvesOf({ title, columns, rows }: Section, cells: Cells): CurvePanel {
  const { unit, digits } = columns[0]!
  // a row without a number for a label (float) is a line across, from its first measured value
  const float = rows.find(({ label }) => Number.isNaN(Number(label)))
  const line = float && columns.flatMap((column, i) => referenceIn(float.cells[i] ?? null, column, cells))[0]
  return {
    title: `${title} (${unitText(unit)})`,
    digits,
    bounds: unit === 'percent' ? { low: 0, high: 100 } : null,
    reference: line === undefined ? null : { name: float!.label, value: line },
    curves: columns
      .map((column, i) => ({
        name: `${column.title}${column.of === 'published' ? ', published' : ''}`,
        hue: i,
        points: rows.flatMap(({ label, cells: values }) => {
          const point = pointOf(values[i] ?? null, column, cells)
          return point === null || Number.isNaN(Number(label))
            ? []
            : [{ x: Number(label), y: point.value, low: point.low, high: point.high }]
        }),
      }))
      .filter(({ points }) => points.length > 0),
  }
}

function referenceIn(cell: number | string | null, column: Column, cells: Cells): number[] {
  const point = column.of === 'measured' ? pointOf(cell, column, cells) : null
  return point === null ? [] : [point.value]
}

/** A panel for every quantity: columns of one title are the published and the measured side of it. */
function dotsOf({ title, columns, rows }: Section, cells: Cells): DotPanel[] {
  const titles = [...new Set(columns.map((column) => column.title))]
  return titles.map((name) => {
    const own = columns.flatMap((column, i) => (column.title === name ? [{ column, i }] : []))
    const { unit, digits } = own[0]!.column
    const valueIn = (values: readonly (number | string | null)[], of: Column['of']): ReturnType<typeof pointOf> => {
      const found = own.find(({ column }) => column.of === of)
      return found ? pointOf(values[found.i] ?? null, found.column, cells) : null
    }
    return {
      title: `${title}: ${name}${unitText(unit) === '' ? '' : ` (${unitText(unit)})`}`,
      digits,
      rows: rows
        .map(({ label, cells: values }) => ({
          label,
          published: valueIn(values, 'published')?.value ?? null,
          measured: valueIn(values, 'measured'),
        }))
        .filter(({ published, measured }) => published !== null || measured !== null),
    }
  })
}

/** Lines short enough for the width of a figure. */
function wrapped(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length > 105) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
