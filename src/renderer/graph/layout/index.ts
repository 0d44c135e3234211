import { packLanes } from './lanes.ts'
import { orderRows } from './order.ts'
import { placePoints } from './place.ts'
import { cutEdges } from './proper.ts'
import { assignRanks } from './rank.ts'
import { placeRows, routeEdges } from './route.ts'
import type { Layout, LayoutInput } from './types.ts'

export type { Layout, LayoutInput } from './types.ts'

/**
 * Lays a graph out in rows from top to bottom: deterministic, without recursion, in time that grows little faster than nodes, edges and
 * the rows that edges span. Made for the long, narrow graphs that networks are.
 * @throws Error when an edge does not lead from a lower node number to a higher one
 */
export function layOut(input: LayoutInput): Layout {
  for (let edge = 0; edge < input.from.length; edge++) {
    if (input.from[edge]! >= input.to[edge]!) throw new Error(`edge ${edge} leads back`)
  }
  const rank = assignRanks(input)
  const graph = cutEdges(input, rank)
  const order = orderRows(graph)
  const x = placePoints(graph, order)
  packLanes(graph, order, x)
  const rows = placeRows(input, graph, order, x)
  const routes = routeEdges(input, graph, x, rows)
  const count = input.widths.length
  return {
    x: Float32Array.from(x.subarray(0, count)),
    y: Float32Array.from({ length: count }, (_, node) => rows.centre[rank[node]!]!),
    rank,
    position: order.position.slice(0, count),
    ...routes,
    height: rows.height,
  }
}
