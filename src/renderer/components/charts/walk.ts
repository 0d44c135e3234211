/** Marks of a chart that keys go over: a grid of lines from top to bottom and of columns from left to right. */
export interface ChartWalk {
  readonly lines: number
  readonly columns: number
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
  const isFlat = lines === 1
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: isFlat ? [0, -1] : [-1, 0],
    ArrowDown: isFlat ? [0, 1] : [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-PAGE, 0],
    PageDown: [PAGE, 0],
    Home: [-lines, isFlat ? -columns : 0],
    End: [lines, isFlat ? columns : 0],
  }
  const move = moves[key]
  if (move === undefined || lines === 0 || columns === 0) return null
  const within = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value))
  return { line: within(line + move[0], lines), column: within(column + move[1], columns) }
}

/** Scroll position at which a line is in sight; the present one where it is already. All px. */
export function scrollFor(
  { line }: ChartSpot,
  { lines, margin }: Pick<ChartWalk, 'lines' | 'margin'>,
  view: { readonly top: number; readonly height: number; readonly whole: number },
): number {
  const step = (view.whole - margin.top - margin.bottom) / Math.max(1, lines)
  const from = line === 0 ? 0 : margin.top + line * step
  const to = line === lines - 1 ? view.whole : margin.top + (line + 1) * step
  if (from < view.top) return from
  return to > view.top + view.height ? to - view.height : view.top
}
