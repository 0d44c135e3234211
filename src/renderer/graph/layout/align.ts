import type { Order } from './order.ts'
import type { ProperGraph } from './proper.ts'
import type { Lists } from './types.ts'

/** Points stacked exactly above one another. */
export interface Blocks {
  /** [points] the point that stands for its block */
  readonly root: Int32Array
}

/**
 * Whom a point would like to stand below (or above): segments to its neighbours there, in the order of their positions. Cards keep in
 * line with cards and long edges with themselves, so that the main path is one column and what skips it runs straight beside it.
 */
export interface Wishes {
  readonly above: Lists
  readonly below: Lists
}

/** Gathers the wishes of all points. */
export function gatherWishes(graph: ProperGraph, { position }: Order): Wishes {
  const isSolid = (point: number): boolean => graph.isSkip[point] === 0
  return {
    above: wishesAlong(graph, graph.above, graph.from, graph.below, graph.to, position, isSolid),
    below: wishesAlong(graph, graph.below, graph.to, graph.above, graph.from, position, isSolid),
  }
}

/**
 * @param lists segments of each point on the side looked at, whose far ends are `ends`
 * @param backLists segments of those far ends that lead back, whose far ends are `backEnds`
 */
function wishesAlong(
  graph: ProperGraph,
  lists: Lists,
  ends: Int32Array,
  backLists: Lists,
  backEnds: Int32Array,
  position: Int32Array,
  isSolid: (point: number) => boolean,
): Lists {
  const count = graph.rank.length
  const start = new Int32Array(count + 1)
  const items = new Int32Array(lists.items.length)
  const meetsSolid = new Uint8Array(count)
  for (let point = 0; point < count; point++) {
    for (let i = backLists.start[point]!; i < backLists.start[point + 1]!; i++) {
      if (isSolid(backEnds[backLists.items[i]!]!)) meetsSolid[point] = 1
    }
  }
  let length = 0
  for (let point = 0; point < count; point++) {
    start[point] = length
    const first = lists.start[point]!
    const last = lists.start[point + 1]!
    let bends = 0
    let solids = 0
    for (let i = first; i < last; i++) {
      if (isSolid(ends[lists.items[i]!]!)) solids++
      else bends++
    }
    const wantsSolid = isSolid(point) ? solids > 0 : bends === 0
    for (let i = first; i < last; i++) {
      const segment = lists.items[i]!
      const end = ends[segment]!
      if (isSolid(end) !== wantsSolid) continue
      // a long edge leaves the place next to a card to the card's other neighbours
      if (!isSolid(point) && isSolid(end) && meetsSolid[end] === 1) continue
      items[length++] = segment
    }
    if (length - start[point]! > 1)
      items.subarray(start[point], length).sort((a, b) => position[ends[a]!]! - position[ends[b]!]!)
  }
  start[count] = length
  return { start, items: items.slice(0, length) }
}

/**
 * Marks segments that cross a passing edge's straight part: that one stays straight. Source: Brandes, Köpf (2001), algorithm 1; the main path,
 * card to card, comes before passing edges here.
 */
export function markConflicts(graph: ProperGraph, { start, order, position }: Order): Uint8Array {
  const { above, from, nodeCount, rows } = graph
  const marked = new Uint8Array(from.length)
  for (let row = 1; row < rows; row++) {
    let left = 0
    let next = start[row]!
    for (let i = start[row]!; i < start[row + 1]!; i++) {
      const inner = innerSource(graph, order[i]!)
      if (inner < 0 && i !== start[row + 1]! - 1) continue
      const right = inner < 0 ? start[row]! - start[row - 1]! - 1 : position[inner]!
      for (; next <= i; next++) {
        const point = order[next]!
        for (let j = above.start[point]!; j < above.start[point + 1]!; j++) {
          const segment = above.items[j]!
          const source = from[segment]!
          const isInner = point >= nodeCount && source >= nodeCount
          if (!isInner && (position[source]! < left || position[source]! > right)) marked[segment] = 1
        }
      }
      left = right
    }
  }
  return marked
}

/** The bend above a bend, else -1. */
function innerSource({ above, from, nodeCount }: ProperGraph, point: number): number {
  if (point < nodeCount) return -1
  const source = from[above.items[above.start[point]!]!]!
  return source >= nodeCount ? source : -1
}

/**
 * Stacks points with the median of those they want to stand with; going down (or up) the rows, from the left (or the right).
 * Source: Brandes, Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001), algorithm 2.
 */
export function alignPoints(
  graph: ProperGraph,
  { start, order, position }: Order,
  wishes: Wishes,
  marked: Uint8Array,
  isDown: boolean,
  isFromLeft: boolean,
): Blocks {
  const count = graph.rank.length
  const root = Int32Array.from({ length: count }, (_, point) => point)
  const aligned = new Uint8Array(count)
  const lists = isDown ? wishes.above : wishes.below
  const ends = isDown ? graph.from : graph.to
  for (let r = 1; r < graph.rows; r++) {
    const row = isDown ? r : graph.rows - 1 - r
    const first = start[row]!
    const last = start[row + 1]!
    let border = isFromLeft ? -1 : Infinity
    for (let i = 0; i < last - first; i++) {
      const point = order[isFromLeft ? first + i : last - 1 - i]!
      const wishStart = lists.start[point]!
      const wishCount = lists.start[point + 1]! - wishStart
      if (wishCount === 0) continue
      const low = wishStart + ((wishCount - 1) >> 1)
      const high = wishStart + (wishCount >> 1)
      for (const index of low === high ? [low] : isFromLeft ? [low, high] : [high, low]) {
        const segment = lists.items[index]!
        const other = ends[segment]!
        const place = position[other]!
        if (aligned[point] === 1 || marked[segment] === 1) continue
        if (isFromLeft ? place <= border : place >= border) continue
        root[point] = root[other]!
        aligned[point] = 1
        border = place
      }
    }
  }
  return { root }
}
