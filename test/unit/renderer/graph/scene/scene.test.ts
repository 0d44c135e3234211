import { describe, expect, it } from 'vitest'
import { overlaps, type Box } from '../../../../../src/renderer/graph/scene/scene.ts'
import { edgeAt, indexEdges, itemAt, itemsIn, SpatialIndex } from '../../../../../src/renderer/graph/scene/spatial.ts'
import { residualView, sceneOf, seeded } from '../views.ts'

describe('makeScene', () => {
  const scene = sceneOf(residualView(4))

  it('knows the item of every card, folded or not', () => {
    expect(scene.itemOf.get('layer1/0/conv2')).toBe(scene.items.findIndex(({ id }) => id === 'layer1/0/conv2'))
    const folded = sceneOf(residualView(4), 'all')
    expect(folded.items[folded.itemOf.get('layer1/0/conv2')!]!.id).toBe('block:layer1/0/conv1')
  })

  it('frames unfolded blocks, their cards within and nobody else’s', () => {
    expect(scene.frames.map(({ block }) => block.name)).toEqual(['layer0/0', 'layer1/0', 'layer2/0', 'layer3/0'])
    for (const frame of scene.frames) {
      const inside = scene.items.filter((_, i) => overlaps(scene.boxes[i]!, frame)).map(({ id }) => id)
      expect(inside).toHaveLength(3)
      expect(inside.every((id) => id.startsWith(frame.block.name))).toBe(true)
    }
    for (const a of scene.frames) for (const b of scene.frames) expect(a === b || !overlaps(a, b)).toBe(true)
  })

  it('lists the edges of every item', () => {
    scene.edges.forEach(({ from, to }, edge) => {
      expect(scene.outgoing[from]).toContain(edge)
      expect(scene.incoming[to]).toContain(edge)
    })
  })
})

describe('SpatialIndex', () => {
  const random = seeded(7)
  const boxes = Array.from({ length: 2000 }, (): Box => {
    return { x: random() * 4000 - 500, y: random() * 90_000, width: random() * 300, height: random() * 2000 }
  })
  const index = new SpatialIndex(boxes)

  it('finds what a plain search finds, each once', () => {
    for (let i = 0; i < 200; i++) {
      const area = {
        x: random() * 5000 - 1000,
        y: random() * 100_000 - 5000,
        width: random() * 900,
        height: random() * 3000,
      }
      const plain = boxes.flatMap((box, k) => (overlaps(box, area) ? [k] : []))
      expect([...index.find(area)].sort((a, b) => a - b)).toEqual(plain)
    }
  })

  it('holds nothing when there is nothing', () => {
    expect(new SpatialIndex([]).find({ x: -10, y: -10, width: 1e6, height: 1e6 })).toEqual([])
  })

  it('hits the item at every point of it, and none between', () => {
    const scene = sceneOf(residualView(30))
    const items = new SpatialIndex(scene.boxes)
    scene.boxes.forEach(({ x, y, width, height }, i) => {
      for (const [dx, dy] of [
        [1, 1],
        [width / 2, height / 2],
        [width - 1, height - 1],
      ] as const) {
        expect(itemAt(items, x + dx, y + dy)).toBe(i)
      }
      expect(itemAt(items, x + width / 2, y + height + 4)).toBe(-1)
    })
    expect(itemsIn(scene, items, { x: 0, y: 0, width: scene.width, height: scene.height })).toHaveLength(
      scene.items.length,
    )
  })

  it('finds edges by any part of their line', () => {
    const scene = sceneOf(residualView(30))
    const edges = indexEdges(scene)
    scene.edges.forEach((_, edge) => {
      for (let i = scene.pointStart[edge]!; i < scene.pointStart[edge + 1]!; i++) {
        const area = { x: scene.points[2 * i]! - 1, y: scene.points[2 * i + 1]! - 1, width: 2, height: 2 }
        expect(edges.find(area)).toContain(edge)
      }
    })
  })

  it('hits an edge on its line, bends included, and not beside it', () => {
    const scene = sceneOf(residualView(5))
    const edges = indexEdges(scene)
    const skip = scene.edges.findIndex(({ from, to }) => scene.rank[to]! - scene.rank[from]! > 1)
    const first = scene.pointStart[skip]!
    const at = (i: number): { x: number; y: number } => ({ x: scene.points[2 * i]!, y: scene.points[2 * i + 1]! })
    const [top, bend] = [at(first), at(first + 1)]
    // half-way down a bend it is half-way across
    expect(edgeAt(scene, edges, (top.x + bend.x) / 2, (top.y + bend.y) / 2, 2)).toBe(skip)
    expect(edgeAt(scene, edges, bend.x + 1, bend.y + 5, 2)).toBe(skip)
    expect(edgeAt(scene, edges, bend.x + 5, bend.y + 5, 2)).toBe(-1)
  })
})
