import { describe, expect, it } from 'vitest'
import { layOut, type Layout, type LayoutInput } from '../../../../../src/renderer/graph/layout/index.ts'
import { layoutInput, seeded } from '../views.ts'

/** Random graphs: every node reads one before it, mostly a near one, and sometimes others. */
function randomInput(seed: number, count: number): LayoutInput {
  const random = seeded(seed)
  const edges: [number, number][] = []
  for (let node = 1; node < count; node++) {
    const reads = new Set([node - 1 - Math.floor(random() ** 4 * Math.min(node, 12))])
    if (random() < 0.3) reads.add(Math.floor(random() * node))
    for (const from of reads) edges.push([from, node])
  }
  const input = layoutInput(count, edges)
  return {
    ...input,
    widths: input.widths.map(() => 100 + 20 * Math.floor(random() * 6)),
    heights: input.heights.map(() => 40 + 20 * Math.floor(random() * 3)),
  }
}

const chain = (count: number): [number, number][] => Array.from({ length: count - 1 }, (_, i) => [i, i + 1])

function boxesTouch({ widths, heights }: LayoutInput, { x, y }: Layout, a: number, b: number): boolean {
  return (
    Math.abs(x[a]! - x[b]!) < (widths[a]! + widths[b]!) / 2 && Math.abs(y[a]! - y[b]!) < (heights[a]! + heights[b]!) / 2
  )
}

/** Pairs of boxes that overlap. */
function overlapping(input: LayoutInput, layout: Layout): string[] {
  const found: string[] = []
  for (let a = 0; a < input.widths.length; a++) {
    for (let b = 0; b < a; b++) if (boxesTouch(input, layout, a, b)) found.push(`${a} on ${b}`)
  }
  return found
}

/** Straight pieces of an edge, as [x, top, bottom]. */
function uprights({ points, pointStart }: Layout, edge: number): [number, number, number][] {
  const found: [number, number, number][] = []
  for (let i = pointStart[edge]!; i + 1 < pointStart[edge + 1]!; i++) {
    if (points[2 * i] === points[2 * i + 2]) found.push([points[2 * i]!, points[2 * i + 1]!, points[2 * i + 3]!])
  }
  return found
}

describe('layOut', () => {
  const cases = Array.from({ length: 25 }, (_, seed) => ({ seed, input: randomInput(seed, 20 + seed * 7) }))

  it.each(cases)('random graph $seed: no boxes overlap, all lie within the drawing', ({ input }) => {
    const layout = layOut(input)
    for (let a = 0; a < input.widths.length; a++) {
      expect(layout.x[a]! - input.widths[a]! / 2).toBeGreaterThanOrEqual(-0.5)
      expect(layout.x[a]! + input.widths[a]! / 2).toBeLessThanOrEqual(layout.width + 0.5)
      expect(layout.y[a]! + input.heights[a]! / 2).toBeLessThanOrEqual(layout.height)
    }
    expect(overlapping(input, layout)).toEqual([])
  })

  it.each(cases)('random graph $seed: edges lead down, from box to box', ({ input }) => {
    const layout = layOut(input)
    const { points, pointStart } = layout
    for (let edge = 0; edge < input.from.length; edge++) {
      const from = input.from[edge]!
      const to = input.to[edge]!
      expect(layout.rank[from]).toBeLessThan(layout.rank[to]!)
      const first = pointStart[edge]!
      const last = pointStart[edge + 1]! - 1
      expect([points[2 * first], points[2 * first + 1]]).toEqual([
        layout.x[from],
        layout.y[from]! + input.heights[from]! / 2,
      ])
      expect([points[2 * last], points[2 * last + 1]]).toEqual([layout.x[to], layout.y[to]! - input.heights[to]! / 2])
      for (let i = first; i < last; i++) expect(points[2 * i + 3]).toBeGreaterThanOrEqual(points[2 * i + 1]!)
    }
  })

  it.each(cases)('random graph $seed: no edge runs through a box', ({ input }) => {
    const layout = layOut(input)
    const through: string[] = []
    for (let edge = 0; edge < input.from.length; edge++) {
      for (const [x, top, bottom] of uprights(layout, edge)) {
        for (let node = 0; node < input.widths.length; node++) {
          if (node === input.from[edge] || node === input.to[edge]) continue
          const isBeside = Math.abs(x - layout.x[node]!) >= input.widths[node]! / 2
          const high = layout.y[node]! - input.heights[node]! / 2
          const low = layout.y[node]! + input.heights[node]! / 2
          if (!isBeside && bottom > high && top < low) through.push(`edge ${edge} through ${node}`)
        }
      }
    }
    expect(through).toEqual([])
  })

  it('gives the same drawing for the same graph', () => {
    expect(layOut(randomInput(3, 200))).toEqual(layOut(randomInput(3, 200)))
  })

  it('puts a chain into one column, with what skips it beside', () => {
    const skips: [number, number][] = Array.from({ length: 60 }, (_, i) => [i * 3, i * 3 + 2 + (i % 7)])
    const { x, width } = layOut(layoutInput(200, [...chain(200), ...skips]))
    expect(new Set(x).size).toBe(1)
    expect(width).toBeLessThan(300)
  })

  it('centres what joins branches below them', () => {
    const { x } = layOut(
      layoutInput(5, [
        [0, 1],
        [0, 2],
        [0, 3],
        [1, 4],
        [2, 4],
        [3, 4],
      ]),
    )
    expect(x[0]).toBe(x[4])
    expect([...x.slice(1, 4)].sort((a, b) => a - b)[1]).toBe(x[0])
  })

  it('keeps the main path straight where a constant joins it', () => {
    // 3 hangs loose and is read by 4
    const { x, rank } = layOut(
      layoutInput(6, [
        [0, 1],
        [1, 2],
        [2, 4],
        [3, 4],
        [4, 5],
      ]),
    )
    expect(new Set([0, 1, 2, 4, 5].map((node) => x[node])).size).toBe(1)
    expect(rank[3]).toBe(rank[4]! - 1)
  })

  it('lets edges of one tensor share their line until they part', () => {
    const edges: [number, number][] = [...chain(6), [0, 3], [0, 5]]
    const { points, pointStart } = layOut(layoutInput(6, edges))
    const bend = (edge: number): number[] => [...points.slice(2 * pointStart[edge]! + 2, 2 * pointStart[edge]! + 4)]
    expect(bend(5)).toEqual(bend(6))
    const apart = layOut(layoutInput(6, edges, (edge) => edge))
    expect([...apart.points.slice(2 * apart.pointStart[5]! + 2, 2 * apart.pointStart[5]! + 4)]).not.toEqual([
      ...apart.points.slice(2 * apart.pointStart[6]! + 2, 2 * apart.pointStart[6]! + 4),
    ])
  })

  it('lays out a chain of 50,000 nodes with skip edges without overflowing the stack', () => {
    const count = 50_000
    const skips: [number, number][] = Array.from({ length: count / 5 }, (_, i) => [
      i * 5,
      Math.min(count - 1, i * 5 + 4),
    ])
    const { rank, x } = layOut(layoutInput(count, [...chain(count), ...skips]))
    expect(rank[count - 1]).toBe(count - 1)
    expect(new Set(x).size).toBe(1)
  })

  it('leads edges along the side when cutting all of them would cost too much', () => {
    const count = 1500
    const long: [number, number][] = Array.from({ length: 600 }, (_, i) => [i, count - 1 - i])
    const layout = layOut(layoutInput(count, [...chain(count), ...long]))
    expect(layout.points.every(Number.isFinite)).toBe(true)
    const right = layout.x.reduce((most, x) => Math.max(most, x), 0) + 100
    const lanes = long.map((_, i) => uprights(layout, count - 1 + i).reduce((most, [x]) => Math.max(most, x), 0))
    expect(lanes.filter((x) => x > right).length).toBeGreaterThan(100)
  })

  it.each([
    { why: 'nothing at all', count: 0, edges: [] },
    { why: 'one node', count: 1, edges: [] },
    { why: 'nodes without edges', count: 5, edges: [] },
    {
      why: 'two parts',
      count: 4,
      edges: [
        [0, 2],
        [1, 3],
      ] as [number, number][],
    },
    {
      why: 'many readers of one',
      count: 300,
      edges: Array.from({ length: 299 }, (_, i): [number, number] => [0, i + 1]),
    },
  ])('lays out $why', ({ count, edges }) => {
    const input = layoutInput(count, edges)
    const layout = layOut(input)
    expect(overlapping(input, layout)).toEqual([])
  })

  it('refuses edges that lead back', () => {
    expect(() => layOut(layoutInput(2, [[1, 0]]))).toThrow('leads back')
  })
})
