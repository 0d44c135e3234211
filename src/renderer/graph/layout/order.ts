import type { ProperGraph } from './proper.ts'
import type { Lists } from './types.ts'

/** The points of every row from left to right: row r has `order[start[r]] … order[start[r + 1] - 1]`. */
export interface Order {
  readonly start: Int32Array
  readonly order: Int32Array
  /** [points] index within its row */
  readonly position: Int32Array
}

/** Sweeps without fewer crossings after which ordering ends. */
const PATIENCE = 4
/** Work that ordering may cost at most, in points visited: more points, fewer sweeps. */
const MAX_VISITS = 6_000_000

/**
 * Orders the points of each row so that few edges cross: rows first as a walk down the graph finds them, main path first, then sweeps
 * down and up that put each point at the median of its neighbours; the best order met is given.
 * Source: Gansner, Koutsofios, North, Vo, "A Technique for Drawing Directed Graphs" (1993), section 3.
 */
export function orderRows(graph: ProperGraph): Order {
  const { start, order, position } = firstOrder(graph)
  let best = order.slice()
  let fewest = countCrossings(graph, { start, order, position })
  const sweeps = Math.min(24, Math.max(4, Math.floor(MAX_VISITS / Math.max(1, graph.rank.length))))
  const values = new Float64Array(graph.rank.length)
  const leaders = findLeaders(graph)
  for (let sweep = 0, waiting = 0; sweep < sweeps && waiting < PATIENCE && fewest > 0; sweep++) {
    const isDown = sweep % 2 === 0
    for (let i = 1; i < graph.rows; i++) {
      const row = isDown ? i : graph.rows - 1 - i
      sortRow({ start, order, position }, row, isDown ? leaders.above : leaders.below, values)
    }
    const crossings = countCrossings(graph, { start, order, position })
    waiting++
    if (crossings >= fewest) continue
    fewest = crossings
    best = order.slice()
    waiting = 0
  }
  setPositions(start, best, position)
  return { start, order: best, position }
}

/** Rows in the order in which a walk from the top meets their points; of several ways down the longest is taken first. */
function firstOrder(graph: ProperGraph): Order {
  const { rank, rows, below, above, to } = graph
  const count = rank.length
  const start = new Int32Array(rows + 1)
  for (const row of rank) start[row + 1]!++
  for (let row = 0; row < rows; row++) start[row + 1]! += start[row]!
  const next = start.slice(0, rows)
  const order = new Int32Array(count)
  const position = new Int32Array(count)
  const seen = new Uint8Array(count)
  const depth = depths(graph)
  const stack: number[] = []
  const visit = (root: number): void => {
    stack.push(root)
    while (stack.length > 0) {
      const point = stack.pop()!
      if (seen[point] === 1) continue
      seen[point] = 1
      const row = rank[point]!
      position[point] = next[row]! - start[row]!
      order[next[row]!++] = point
      const targets: number[] = []
      for (let i = below.start[point]!; i < below.start[point + 1]!; i++) targets.push(to[below.items[i]!]!)
      // the deepest last on the stack, so that it is taken first; bends after nodes of equal depth
      targets.sort(
        (a, b) => depth[a]! - depth[b]! || Number(b < graph.nodeCount) - Number(a < graph.nodeCount) || b - a,
      )
      for (const target of targets) if (seen[target] === 0) stack.push(target)
    }
  }
  for (let point = 0; point < count; point++) if (above.start[point] === above.start[point + 1]) visit(point)
  return { start, order, position }
}

/** [points] the number of nodes on the fullest way down; bends do not count. */
function depths(graph: ProperGraph): Int32Array {
  const { rank, rows, below, to, nodeCount } = graph
  const depth = new Int32Array(rank.length)
  const byRow = new Int32Array(rank.length)
  const next = new Int32Array(rows + 1)
  for (const row of rank) next[row + 1]!++
  for (let row = 0; row < rows; row++) next[row + 1]! += next[row]!
  rank.forEach((row, point) => (byRow[next[row]!++] = point))
  for (let i = byRow.length - 1; i >= 0; i--) {
    const point = byRow[i]!
    let most = 0
    for (let j = below.start[point]!; j < below.start[point + 1]!; j++)
      most = Math.max(most, depth[to[below.items[j]!]!]!)
    depth[point] = most + (point < nodeCount ? 1 : 0)
  }
  return depth
}

function setPositions(start: Int32Array, order: Int32Array, position: Int32Array): void {
  for (let row = 0; row + 1 < start.length; row++) {
    for (let i = start[row]!; i < start[row + 1]!; i++) position[order[i]!] = i - start[row]!
  }
}

/** Sorts one row by the medians of those its points follow; points that follow none stay where they are. */
function sortRow({ start, order, position }: Order, row: number, leaders: Lists, values: Float64Array): void {
  const first = start[row]!
  const last = start[row + 1]!
  if (last - first < 2) return
  const movable: number[] = []
  const places: number[] = []
  for (let i = first; i < last; i++) {
    const point = order[i]!
    const value = median(leaders, point, position)
    if (value < 0) continue
    values[point] = value
    movable.push(point)
    places.push(i)
  }
  // equal medians keep their order
  movable.sort((a, b) => values[a]! - values[b]! || position[a]! - position[b]!)
  movable.forEach((point, i) => (order[places[i]!] = point))
  for (let i = first; i < last; i++) position[order[i]!] = i - first
}

/** [points] Whom each point follows when rows are ordered, above and below it. */
interface Leaders {
  readonly above: Lists
  readonly below: Lists
}

/** A card follows cards, where it has such neighbours: edges that skip arrange themselves around the main path. */
function findLeaders(graph: ProperGraph): Leaders {
  const among = (lists: Lists, ends: Int32Array): Lists => {
    const start = new Int32Array(lists.start.length)
    const items = new Int32Array(lists.items.length)
    let length = 0
    for (let point = 0; point + 1 < start.length; point++) {
      const first = length
      for (let i = lists.start[point]!; i < lists.start[point + 1]!; i++) {
        const other = ends[lists.items[i]!]!
        if (graph.isSkip[point] === 1 || graph.isSkip[other] === 0) items[length++] = other
      }
      if (length === first) {
        for (let i = lists.start[point]!; i < lists.start[point + 1]!; i++) items[length++] = ends[lists.items[i]!]!
      }
      start[point + 1] = length
    }
    return { start, items: items.slice(0, length) }
  }
  return { above: among(graph.above, graph.from), below: among(graph.below, graph.to) }
}

/** The weighted median of the leaders' positions, -1 without any. Source: Gansner et al. (1993), function median_value. */
function median({ start, items }: Lists, point: number, position: Int32Array): number {
  const first = start[point]!
  const count = start[point + 1]! - first
  if (count === 0) return -1
  if (count === 1) return position[items[first]!]!
  if (count === 2) return (position[items[first]!]! + position[items[first + 1]!]!) / 2
  const found = items
    .slice(first, first + count)
    .map((other) => position[other]!)
    .sort()
  const middle = count >> 1
  if (count % 2 === 1) return found[middle]!
  const left = found[middle - 1]! - found[0]!
  const right = found[count - 1]! - found[middle]!
  if (left + right === 0) return (found[middle - 1]! + found[middle]!) / 2
  return (found[middle - 1]! * right + found[middle]! * left) / (left + right)
}

/** How many pairs of segments cross, row by row. Source: Barth, Jünger, Mutzel, "Simple and Efficient Bilayer Cross Counting" (2002). */
export function countCrossings(graph: ProperGraph, { start, order, position }: Order): number {
  const { below, to, rows } = graph
  let crossings = 0
  for (let row = 0; row + 1 < rows; row++) {
    const width = start[row + 2]! - start[row + 1]!
    const tree = new Int32Array(width + 1)
    let inserted = 0
    for (let i = start[row]!; i < start[row + 1]!; i++) {
      const point = order[i]!
      const first = below.start[point]!
      const last = below.start[point + 1]!
      // all of one point are counted before any is inserted: they do not cross each other
      for (let j = first; j < last; j++) crossings += inserted - upTo(tree, position[to[below.items[j]!]!]!)
      for (let j = first; j < last; j++) insert(tree, position[to[below.items[j]!]!]!)
      inserted += last - first
    }
  }
  return crossings
}

/** How many of the inserted are at or left of a position. */
function upTo(tree: Int32Array, position: number): number {
  let sum = 0
  for (let i = position + 1; i > 0; i -= i & -i) sum += tree[i]!
  return sum
}

function insert(tree: Int32Array, position: number): void {
  for (let i = position + 1; i < tree.length; i += i & -i) tree[i]!++
}
