import { sideNodes } from './loose.ts'
import { listsBy, type LayoutInput, type Lists } from './types.ts'

/**
 * The graph with every edge cut into segments of one row each: points 0 … nodes - 1 are the nodes, those above are bends, where a long edge
 * passes a row. Edges of one trunk share their bends.
 */
export interface ProperGraph {
  readonly nodeCount: number
  /** [points] */
  readonly rank: Int32Array
  readonly widths: Float32Array
  /** [segments], each from one row to the next */
  readonly from: Int32Array
  readonly to: Int32Array
  /** segments by the point they start and end at */
  readonly below: Lists
  readonly above: Lists
  /** [points] 1 for bends of edges that pass by others (what their source gives is read elsewhere too), and for nodes at the side */
  readonly isSkip: Uint8Array
  readonly rows: number
  /** [edges] the bend an edge ends from (it goes up from there along `above` to its source), -1 for an edge of one row */
  readonly lastBend: Int32Array
  /** [edges] 1 where the edge was too long to be cut and goes along the side */
  readonly aside: Uint8Array
}

/** Most bends; beyond, the longest edges are led along the side. Ordering and placing take some 10 µs a bend. */
const MAX_BENDS = 400_000

/** Cuts long edges into segments. */
export function cutEdges(input: LayoutInput, ranks: Int32Array, maxBends = MAX_BENDS): ProperGraph {
  const { widths, from, to, trunk } = input
  const nodeCount = widths.length
  const edgeCount = from.length
  const trunks = groupTrunks(from, to, trunk, ranks)
  const aside = chooseAside(trunks, edgeCount, maxBends)
  const rank = new Growing(nodeCount)
  for (const value of ranks) rank.push(value)
  const starts = new Growing(edgeCount)
  const ends = new Growing(edgeCount)
  const lastBend = new Int32Array(edgeCount).fill(-1)
  for (const { edges } of trunks) {
    if (aside[edges[0]!] === 1) continue
    // edges of a trunk come by length: each goes on from where the one before left the trunk
    let point = from[edges[0]!]!
    let row = ranks[point]!
    let bend = -1
    for (const edge of edges) {
      const target = to[edge]!
      for (const goal = ranks[target]! - 1; row < goal; row++) {
        bend = rank.push(row + 1)
        starts.push(point)
        ends.push(bend)
        point = bend
      }
      lastBend[edge] = bend
      starts.push(point)
      ends.push(target)
    }
  }
  const rankOfPoint = rank.done()
  const allWidths = new Float32Array(rankOfPoint.length)
  allWidths.set(widths)
  const segmentFrom = starts.done()
  const segmentTo = ends.done()
  const below = listsBy(segmentFrom, rankOfPoint.length)
  const above = listsBy(segmentTo, rankOfPoint.length)
  return {
    nodeCount,
    rank: rankOfPoint,
    widths: allWidths,
    from: segmentFrom,
    to: segmentTo,
    below,
    above,
    isSkip: findSkips(sideNodes(input), above, below, segmentFrom),
    rows: ranks.reduce((most, value) => Math.max(most, value), -1) + 1,
    lastBend,
    aside,
  }
}

/** A long edge that is all its source gives is the way a branch goes on, and counts like a card; others skip. */
function findSkips(isSide: Uint8Array, above: Lists, below: Lists, from: Int32Array): Uint8Array {
  const count = above.start.length - 1
  const isSkip = new Uint8Array(count)
  isSkip.set(isSide)
  // bends of a trunk are numbered downward
  for (let point = isSide.length; point < count; point++) {
    const source = from[above.items[above.start[point]!]!]!
    const isShared = below.start[source + 1]! - below.start[source]! > 1
    isSkip[point] = isShared || isSkip[source] === 1 ? 1 : 0
  }
  return isSkip
}

interface Trunk {
  /** shortest first */
  readonly edges: readonly number[]
  /** rows that the longest one goes down */
  readonly length: number
}

/** Edges by source and trunk. */
function groupTrunks(from: Int32Array, to: Int32Array, trunk: Int32Array, ranks: Int32Array): Trunk[] {
  const groups = new Map<number, Map<number, number[]>>()
  for (let edge = 0; edge < from.length; edge++) {
    const bySource = groups.get(from[edge]!) ?? new Map<number, number[]>()
    groups.set(from[edge]!, bySource)
    const edges = bySource.get(trunk[edge]!)
    if (edges) edges.push(edge)
    else bySource.set(trunk[edge]!, [edge])
  }
  const spanOf = (edge: number): number => ranks[to[edge]!]! - ranks[from[edge]!]!
  return [...groups.values()]
    .flatMap((bySource) => [...bySource.values()])
    .map((edges) => {
      if (edges.length > 1) edges.sort((a, b) => spanOf(a) - spanOf(b) || a - b)
      return { edges, length: spanOf(edges.at(-1)!) }
    })
}

function chooseAside(trunks: readonly Trunk[], edgeCount: number, maxBends: number): Uint8Array {
  const aside = new Uint8Array(edgeCount)
  let bends = trunks.reduce((sum, { length }) => sum + length - 1, 0)
  if (bends <= maxBends) return aside
  for (const { edges, length } of [...trunks].sort((a, b) => b.length - a.length)) {
    if (bends <= maxBends) break
    for (const edge of edges) aside[edge] = 1
    bends -= length - 1
  }
  return aside
}

/** An Int32Array that grows. */
class Growing {
  #values: Int32Array
  #length = 0

  constructor(size: number) {
    this.#values = new Int32Array(Math.max(16, size))
  }

  /** Appends; gives the index. */
  push(value: number): number {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#length] = value
    return this.#length++
  }

  done(): Int32Array {
    return this.#values.slice(0, this.#length)
  }
}
