/**
 * What is to be laid out. Nodes are numbered in topological order: every edge leads from a lower number to a higher one.
 * All arrays are plain typed arrays, so that they cross to a worker without cost.
 */
export interface LayoutInput {
  /** of each node, in px of the drawing */
  readonly widths: Float32Array
  readonly heights: Float32Array
  /** [edges]: where each starts and ends */
  readonly from: Int32Array
  readonly to: Int32Array
  /** [edges]: edges of one source with the same trunk share one line until they part; by tensor */
  readonly trunk: Int32Array
}

/** Where everything goes; y grows downward, the drawing starts at 0, 0. */
export interface Layout {
  /** [nodes] centres */
  readonly x: Float32Array
  readonly y: Float32Array
  /** [nodes] the row each stands in, from 0 at the top */
  readonly rank: Int32Array
  /** [nodes] the place in its row among nodes and passing edges, from the left */
  readonly position: Int32Array
  /**
   * Corner points of all edges, x and y in turn; edge i has those from `pointStart[i]` to `pointStart[i + 1]` (counted in points).
   * Between two points of different x the line bends with vertical ends, else it is straight.
   */
  readonly points: Float32Array
  readonly pointStart: Int32Array
  readonly width: number
  readonly height: number
}

/** Lists of numbers, one after the other: list i is `items[start[i]] … items[start[i + 1] - 1]`. */
export interface Lists {
  readonly start: Int32Array
  readonly items: Int32Array
}

/** Groups the numbers 0 … keys.length - 1 by their key, in order; keys run from 0 to count - 1. */
export function listsBy(keys: ArrayLike<number>, count: number): Lists {
  const start = new Int32Array(count + 1)
  for (let i = 0; i < keys.length; i++) start[keys[i]! + 1]!++
  for (let key = 0; key < count; key++) start[key + 1]! += start[key]!
  const next = start.slice(0, count)
  const items = new Int32Array(keys.length)
  for (let i = 0; i < keys.length; i++) items[next[keys[i]!]!++] = i
  return { start, items }
}
