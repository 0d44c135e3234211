import { expect, it } from 'vitest'
import { countCrossings, orderRows } from '../../../../../src/renderer/graph/layout/order.ts'
import { cutEdges } from '../../../../../src/renderer/graph/layout/proper.ts'
import { assignRanks } from '../../../../../src/renderer/graph/layout/rank.ts'
import { layoutInput } from '../views.ts'

const properOf = (count: number, edges: readonly (readonly [number, number])[]): ReturnType<typeof cutEdges> => {
  const input = layoutInput(count, edges)
  return cutEdges(input, assignRanks(input))
}

it.each<{ why: string; edges: [number, number][]; lower: number[]; crossings: number }>([
  {
    why: 'parallel edges do not cross',
    edges: [
      [0, 2],
      [1, 3],
    ],
    lower: [2, 3],
    crossings: 0,
  },
  {
    why: 'two edges cross once',
    edges: [
      [0, 3],
      [1, 2],
    ],
    lower: [2, 3],
    crossings: 1,
  },
  {
    why: 'all to all cross once',
    edges: [
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
    ],
    lower: [2, 3],
    crossings: 1,
  },
  {
    why: 'edges of one point do not cross',
    edges: [
      [0, 2],
      [0, 3],
    ],
    lower: [3, 2],
    crossings: 0,
  },
])('$why', ({ edges, lower, crossings }) => {
  const graph = { ...properOf(4, edges), rank: Int32Array.of(0, 0, 1, 1), rows: 2 }
  const order = Int32Array.of(0, 1, ...lower)
  const position = new Int32Array(4)
  order.forEach((point, i) => (position[point] = i % 2))
  expect(countCrossings(graph, { start: Int32Array.of(0, 2, 4), order, position })).toBe(crossings)
})

it('untangles what can be drawn without crossings', () => {
  // two chains whose nodes are numbered in turn, crosswise
  const graph = properOf(8, [
    [0, 3],
    [1, 2],
    [3, 4],
    [2, 5],
    [4, 7],
    [5, 6],
  ])
  expect(countCrossings(graph, orderRows(graph))).toBe(0)
})

it('holds every point once, in its own row', () => {
  const graph = properOf(6, [
    [0, 1],
    [1, 2],
    [2, 3],
    [0, 3],
    [3, 5],
    [4, 5],
  ])
  const { start, order, position } = orderRows(graph)
  expect([...order].sort((a, b) => a - b)).toEqual([...Array(graph.rank.length).keys()])
  for (let row = 0; row < graph.rows; row++) {
    for (let i = start[row]!; i < start[row + 1]!; i++) {
      expect(graph.rank[order[i]!]).toBe(row)
      expect(position[order[i]!]).toBe(i - start[row]!)
    }
  }
})

it('cuts long edges row by row, sharing the bends of one tensor, and leaves out those beyond the limit', () => {
  const input = layoutInput(5, [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [0, 3],
    [0, 4],
  ])
  const ranks = assignRanks(input)
  const graph = cutEdges(input, ranks)
  expect(graph.rank.length - graph.nodeCount).toBe(3)
  for (let i = 0; i < graph.from.length; i++) expect(graph.rank[graph.to[i]!]! - graph.rank[graph.from[i]!]!).toBe(1)
  const limited = cutEdges(input, ranks, 0)
  expect(limited.rank.length).toBe(limited.nodeCount)
  expect([...limited.aside]).toEqual([1, 0, 0, 0, 1, 1])
})
