/** Marks of a chart that keys go over: a grid of lines from top to bottom and of columns from left to right. */
export interface ChartWalk {
  /** what stands in each line and in each column: the keys stay with it when the order changes */
  readonly lines: readonly string[]
  readonly columns: readonly string[]
  /** px above the first and under the last line of the plot */
  readonly margin: { readonly top: number; readonly bottom: number }
  /** Where the keys start. */
  readonly start: ChartSpot
  /** What is said of a mark. */
  name(spot: ChartSpot): string
}

/** A mark by its place, both from 0. */
export interface ChartSpot {
  readonly line: number
  readonly column: number
}

/** Where a mark stands now; null: it is gone. */
export function spotAgain(
  { line, column }: ChartSpot,
  before: Pick<ChartWalk, 'lines' | 'columns'>,
  now: Pick<ChartWalk, 'lines' | 'columns'>,
): ChartSpot | null {
  const found = {
    line: now.lines.indexOf(before.lines[line] ?? ''),
    column: now.columns.indexOf(before.columns[column] ?? ''),
  }
  return found.line < 0 || found.column < 0 ? null : found
}

/** Lines that PageUp and PageDown go over. */
const PAGE = 10

/**
 * Where a key leads. A chart of one line is walked with every arrow.
 * @returns null: the key means nothing here
 */
export function spotAfter(
  key: string,
  { line, column }: ChartSpot,
  { lines, columns }: Pick<ChartWalk, 'lines' | 'columns'>,
): ChartSpot | null {
  const isFlat = lines.length === 1
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: isFlat ? [0, -1] : [-1, 0],
    ArrowDown: isFlat ? [0, 1] : [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-PAGE, 0],
    PageDown: [PAGE, 0],
    Home: [-lines.length, isFlat ? -columns.length : 0],
    End: [lines.length, isFlat ? columns.length : 0],
  }
  const move = moves[key]
  if (move === undefined || lines.length === 0 || columns.length === 0) return null
  const within = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value))
  return { line: within(line + move[0], lines.length), column: within(column + move[1], columns.length) }
}

/** Scroll position at which a line is in sight; the present one where it is already. All px. */
export function scrollFor(
  { line }: ChartSpot,
  { lines, margin }: Pick<ChartWalk, 'lines' | 'margin'>,
  view: { readonly top: number; readonly height: number; readonly whole: number },
): number {
  const step = (view.whole - margin.top - margin.bottom) / Math.max(1, lines.length)
  const from = line === 0 ? 0 : margin.top + line * step
  const to = line === lines.length - 1 ? view.whole : margin.top + (line + 1) * step
  if (from < view.top) return from
  return to > view.top + view.height ? to - view.height : view.top
}
