import type { Order } from './order.ts'
import type { ProperGraph } from './proper.ts'

/** Distance of lanes, and of the first from the cards; px. */
const LANE = 12
const ROOM = 20
/** Lanes tried for an edge before it stays where it is. */
const MAX_TRIES = 256

interface Lane {
  /** first and last bend; the bends of a trunk are numbered downward */
  readonly first: number
  readonly last: number
}

/**
 * Moves passing edges that run to the right of all cards as near to them as they go, short ones inside: where each keeps its place in the rows'
 * order, one long edge after the other would be pushed further out.
 * @param x [points] is changed
 */
export function packLanes(graph: ProperGraph, order: Order, x: Float64Array): void {
  const lanes = freeLanes(graph, order)
  const isFree = new Uint8Array(graph.rank.length)
  for (const { first, last } of lanes) isFree.fill(1, first, last + 1)
  const edges = new Float64Array(graph.rows)
  for (let point = 0; point < x.length; point++) {
    if (isFree[point] === 1) continue
    const row = graph.rank[point]!
    edges[row] = Math.max(edges[row]!, x[point]! + graph.widths[point]! / 2)
  }
  const taken = Array.from({ length: graph.rows }, () => new Set<number>())
  lanes.sort((a, b) => a.last - a.first - (b.last - b.first) || a.first - b.first)
  for (const lane of lanes) placeLane(graph, lane, edges, taken, x)
}

function placeLane(
  graph: ProperGraph,
  { first, last }: Lane,
  edges: Float64Array,
  taken: readonly Set<number>[],
  x: Float64Array,
): void {
  const top = graph.rank[first]!
  const bottom = graph.rank[last]!
  let edge = 0
  for (let row = top; row <= bottom; row++) edge = Math.max(edge, edges[row]!)
  const nearest = Math.ceil((edge + ROOM) / LANE)
  for (let column = nearest; column < nearest + MAX_TRIES; column++) {
    let row = top
    while (row <= bottom && !taken[row]!.has(column)) row++
    if (row <= bottom) continue
    for (row = top; row <= bottom; row++) taken[row]!.add(column)
    x.fill(column * LANE, first, last + 1)
    return
  }
}

/** Chains of passing bends with no card to their right. */
function freeLanes(
  { rank, nodeCount, rows, isSkip, above, from }: ProperGraph,
  { start, order, position }: Order,
): Lane[] {
  const lastSolid = new Int32Array(rows).fill(-1)
  for (let row = 0; row < rows; row++) {
    for (let i = start[row]!; i < start[row + 1]!; i++) {
      if (order[i]! < nodeCount || isSkip[order[i]!] === 0) lastSolid[row] = i - start[row]!
    }
  }
  const isOutside = (bend: number): boolean => isSkip[bend] === 1 && position[bend]! > lastSolid[rank[bend]!]!
  const lanes: Lane[] = []
  for (let first = nodeCount; first < rank.length;) {
    let last = first
    while (last + 1 < rank.length && from[above.items[above.start[last + 1]!]!] === last) last++
    let isFree = true
    for (let bend = first; bend <= last && isFree; bend++) isFree = isOutside(bend)
    if (isFree) lanes.push({ first, last })
    first = last + 1
  }
  return lanes
}
