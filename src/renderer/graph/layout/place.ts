import { alignPoints, gatherWishes, markConflicts, type Blocks } from './align.ts'
import type { Order } from './order.ts'
import type { ProperGraph } from './proper.ts'
import { listsBy } from './types.ts'

/** Space between two cards of a row, a card and a passing edge, two passing edges; px. On the 4-px grid. */
const CARD_GAP = 24
const CARD_EDGE_GAP = 20
const EDGE_GAP = 12

/**
 * Places the points of every row without overlap, long edges straight and neighbours in line where that is possible: four
 * one-sided placements, and of each point's four the mean of the middle two.
 * Source: Brandes, Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001); compaction over the graph of blocks.
 * @returns [points] x of the centres; the leftmost card starts at 0
 */
export function placePoints(graph: ProperGraph, order: Order): Float64Array {
  const wishes = gatherWishes(graph, order)
  const marked = markConflicts(graph, order)
  const placements: Float64Array[] = []
  for (const isDown of [true, false]) {
    for (const isFromLeft of [true, false]) {
      const blocks = alignPoints(graph, order, wishes, marked, isDown, isFromLeft)
      placements.push(compact(graph, order, blocks, isFromLeft))
    }
  }
  return balance(graph, placements)
}

function gapBetween({ widths, nodeCount }: ProperGraph, left: number, right: number): number {
  const cards = Number(left < nodeCount) + Number(right < nodeCount)
  const gap = cards === 2 ? CARD_GAP : cards === 1 ? CARD_EDGE_GAP : EDGE_GAP
  return (widths[left]! + widths[right]!) / 2 + gap
}

/** Pushes blocks to one side as far as they go, then pulls them back to where their other neighbours let them. */
function compact(graph: ProperGraph, { start, order }: Order, { root }: Blocks, isFromLeft: boolean): Float64Array {
  const count = graph.rank.length
  const pairs = Math.max(0, count - graph.rows)
  const from = new Int32Array(pairs)
  const to = new Int32Array(pairs)
  const gaps = new Float64Array(pairs)
  for (let row = 0, pair = 0; row < graph.rows; row++) {
    for (let i = start[row]! + 1; i < start[row + 1]!; i++, pair++) {
      const left = order[i - 1]!
      const right = order[i]!
      gaps[pair] = gapBetween(graph, left, right)
      from[pair] = root[isFromLeft ? left : right]!
      to[pair] = root[isFromLeft ? right : left]!
    }
  }
  const outgoing = listsBy(from, count)
  const sorted = sortBlocks(count, outgoing, to)
  const x = new Float64Array(count)
  for (const block of sorted) {
    for (let i = outgoing.start[block]!; i < outgoing.start[block + 1]!; i++) {
      const pair = outgoing.items[i]!
      x[to[pair]!] = Math.max(x[to[pair]!]!, x[block]! + gaps[pair]!)
    }
  }
  for (let i = sorted.length - 1; i >= 0; i--) {
    const block = sorted[i]!
    let room = Infinity
    for (let j = outgoing.start[block]!; j < outgoing.start[block + 1]!; j++) {
      const pair = outgoing.items[j]!
      room = Math.min(room, x[to[pair]!]! - gaps[pair]!)
    }
    if (room !== Infinity) x[block] = Math.max(x[block]!, room)
  }
  return x.map((_, point) => (isFromLeft ? x[root[point]!]! : -x[root[point]!]!))
}

/** Blocks so that each comes after those on its side. */
function sortBlocks(count: number, outgoing: ReturnType<typeof listsBy>, to: Int32Array): Int32Array {
  const waiting = new Int32Array(count)
  for (const block of to) waiting[block]!++
  const sorted = new Int32Array(count)
  let length = 0
  for (let block = 0; block < count; block++) if (waiting[block] === 0) sorted[length++] = block
  for (let done = 0; done < length; done++) {
    const block = sorted[done]!
    for (let i = outgoing.start[block]!; i < outgoing.start[block + 1]!; i++) {
      const target = to[outgoing.items[i]!]!
      if (--waiting[target]! === 0) sorted[length++] = target
    }
  }
  return sorted.subarray(0, length)
}

/** Lines the four placements up with the narrowest and takes the mean of each point's middle two. */
function balance(graph: ProperGraph, placements: readonly Float64Array[]): Float64Array {
  const extents = placements.map((x) => extentOf(graph, x))
  const narrowest = extents.reduce((best, extent) => (extent.high - extent.low < best.high - best.low ? extent : best))
  const shifts = extents.map((extent, i) =>
    // those packed from the left line up at the left
    i % 2 === 0 ? narrowest.low - extent.low : narrowest.high - extent.high,
  )
  const x = new Float64Array(graph.rank.length)
  const four = new Float64Array(4)
  let leftmost = Infinity
  for (let point = 0; point < x.length; point++) {
    for (let i = 0; i < 4; i++) four[i] = placements[i]![point]! + shifts[i]!
    four.sort()
    x[point] = (four[1]! + four[2]!) / 2
    leftmost = Math.min(leftmost, x[point]! - graph.widths[point]! / 2)
  }
  return x.map((value) => Math.round(value - leftmost))
}

function extentOf({ widths }: ProperGraph, x: Float64Array): { low: number; high: number } {
  let low = Infinity
  let high = -Infinity
  for (let point = 0; point < x.length; point++) {
    low = Math.min(low, x[point]! - widths[point]! / 2)
    high = Math.max(high, x[point]! + widths[point]! / 2)
  }
  return { low, high }
}
