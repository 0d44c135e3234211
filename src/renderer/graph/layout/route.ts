import type { Order } from './order.ts'
import type { ProperGraph } from './proper.ts'
import type { Layout, LayoutInput } from './types.ts'

/** Least space between rows, and most: where edges go far to the side, more room keeps them from lying flat. px. */
const ROW_GAP = 36
const MAX_ROW_GAP = 84
/** Share of the widest sideways step that is added to the gap; chosen by eye on DenseNet-121. */
const SLOPE = 0.06
/** Between lanes of edges that are led along the side; they repeat after so many. */
const LANE_GAP = 8
const LANES = 48

/** Where rows lie; px. */
export interface Rows {
  readonly top: Float64Array
  readonly centre: Float64Array
  readonly bottom: Float64Array
  readonly height: number
}

/** Heights of rows and the gaps between them. */
export function placeRows(
  { heights }: LayoutInput,
  graph: ProperGraph,
  { start, order }: Order,
  x: Float64Array,
): Rows {
  const { rows, below, to, nodeCount } = graph
  const top = new Float64Array(rows)
  const centre = new Float64Array(rows)
  const bottom = new Float64Array(rows)
  let y = 0
  for (let row = 0; row < rows; row++) {
    let tallest = 0
    let widest = 0
    for (let i = start[row]!; i < start[row + 1]!; i++) {
      const point = order[i]!
      if (point < nodeCount) tallest = Math.max(tallest, heights[point]!)
      for (let j = below.start[point]!; j < below.start[point + 1]!; j++) {
        widest = Math.max(widest, Math.abs(x[to[below.items[j]!]!]! - x[point]!))
      }
    }
    top[row] = y
    centre[row] = y + tallest / 2
    bottom[row] = y + tallest
    y = bottom[row]! + Math.min(MAX_ROW_GAP, 4 * Math.round((ROW_GAP + widest * SLOPE) / 4))
  }
  return { top, centre, bottom, height: rows === 0 ? 0 : bottom[rows - 1]! }
}

type Routes = Pick<Layout, 'points' | 'pointStart' | 'width'>

/** Corner points of every edge, and the width of the drawing. */
export function routeEdges(input: LayoutInput, graph: ProperGraph, x: Float64Array, rows: Rows): Routes {
  const { from, to, widths, heights } = input
  let width = 0
  for (let node = 0; node < widths.length; node++) width = Math.max(width, x[node]! + widths[node]! / 2)
  for (const bend of x.subarray(widths.length)) width = Math.max(width, bend)
  const pointStart = new Int32Array(from.length + 1)
  const values: number[] = []
  let widest = width
  let lane = 0
  for (let edge = 0; edge < from.length; edge++) {
    const source = from[edge]!
    const target = to[edge]!
    const sourceRow = graph.rank[source]!
    const targetRow = graph.rank[target]!
    const path = new Path(values)
    path.add(x[source]!, rows.centre[sourceRow]! + heights[source]! / 2)
    path.add(x[source]!, rows.bottom[sourceRow]!)
    if (graph.aside[edge] === 1) {
      const side = width + LANE_GAP * (2 + (lane++ % LANES))
      widest = Math.max(widest, side)
      path.add(side, rows.top[sourceRow + 1]!)
      path.add(side, rows.bottom[targetRow - 1]!)
    } else {
      for (const bend of bendsOf(graph, graph.lastBend[edge]!)) {
        const row = graph.rank[bend]!
        path.add(x[bend]!, rows.top[row]!)
        path.add(x[bend]!, rows.bottom[row]!)
      }
    }
    path.add(x[target]!, rows.top[targetRow]!)
    path.add(x[target]!, rows.centre[targetRow]! - heights[target]! / 2)
    path.end()
    pointStart[edge + 1] = values.length / 2
  }
  return { points: Float32Array.from(values), pointStart, width: widest }
}

/** The bends of an edge from its source down. */
function bendsOf({ above, from, nodeCount }: ProperGraph, lastBend: number): number[] {
  const bends: number[] = []
  for (let point = lastBend; point >= nodeCount; point = from[above.items[above.start[point]!]!]!) bends.push(point)
  return bends.reverse()
}

/** Appends corner points, dropping those on a straight line. */
class Path {
  readonly #values: number[]
  readonly #first: number

  constructor(values: number[]) {
    this.#values = values
    this.#first = values.length
  }

  add(x: number, y: number): void {
    const values = this.#values
    const count = (values.length - this.#first) / 2
    if (count > 0 && values.at(-2) === x && values.at(-1) === y) return
    if (count > 1 && values.at(-2) === x && values.at(-4) === x) values[values.length - 1] = y
    else values.push(x, y)
  }

  /** An edge has at least two points. */
  end(): void {
    const values = this.#values
    if (values.length - this.#first === 2) values.push(values.at(-2)!, values.at(-1)!)
  }
}
