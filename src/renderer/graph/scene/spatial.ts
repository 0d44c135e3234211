import { listsBy, type Lists } from '../layout/types.ts'
import { overlaps, type Box, type Scene } from './scene.ts'

/** Side of a grid cell, px; about three cards. */
const CELL = 512
/** Most cells; larger drawings get larger cells. */
const MAX_CELLS = 1_000_000

/** Finds which of many boxes touch a rectangle. */
export class SpatialIndex {
  readonly #boxes: readonly Box[]
  readonly #owners: Int32Array | null
  readonly #lists: Lists
  readonly #boxOf: Int32Array
  readonly #cell: number
  readonly #columns: number
  readonly #rows: number
  readonly #left: number
  readonly #top: number
  readonly #right: number
  readonly #bottom: number
  readonly #all: readonly number[]
  /** the query in which each owner was last given */
  readonly #seen: Uint32Array
  #query = 0

  /** @param owners [boxes] what a box is part of, 0 … n - 1; absent: each is its own */
  constructor(boxes: readonly Box[], owners: Int32Array | null = null) {
    this.#boxes = boxes
    this.#owners = owners
    let left = 0
    let top = 0
    let right = 1
    let bottom = 1
    let most = 0
    boxes.forEach(({ x, y, width, height }, i) => {
      left = Math.min(left, x)
      top = Math.min(top, y)
      right = Math.max(right, x + width)
      bottom = Math.max(bottom, y + height)
      most = Math.max(most, owners?.[i] ?? i)
    })
    this.#left = left
    this.#top = top
    this.#right = right
    this.#bottom = bottom
    this.#all = [...new Set(owners ?? boxes.keys())]
    this.#cell = Math.max(CELL, Math.sqrt(((right - left) * (bottom - top)) / MAX_CELLS))
    this.#columns = Math.floor((right - left) / this.#cell) + 1
    this.#rows = Math.floor((bottom - top) / this.#cell) + 1
    this.#seen = new Uint32Array(most + 1)
    const cells: number[] = []
    const boxOf: number[] = []
    boxes.forEach((box, i) =>
      this.#eachCell(box, (cell) => {
        cells.push(cell)
        boxOf.push(i)
      }),
    )
    this.#lists = listsBy(cells, this.#columns * this.#rows)
    this.#boxOf = Int32Array.from(boxOf)
  }

  #eachCell({ x, y, width, height }: Box, visit: (cell: number) => void): void {
    const column = (value: number): number =>
      Math.min(this.#columns - 1, Math.max(0, Math.floor((value - this.#left) / this.#cell)))
    const row = (value: number): number =>
      Math.min(this.#rows - 1, Math.max(0, Math.floor((value - this.#top) / this.#cell)))
    const lastColumn = column(x + width)
    const lastRow = row(y + height)
    for (let r = row(y); r <= lastRow; r++) {
      for (let c = column(x); c <= lastColumn; c++) visit(r * this.#columns + c)
    }
  }

  /** Owners of the boxes that touch a rectangle, each once, in no order. */
  find(area: Box): readonly number[] {
    if (
      area.x <= this.#left &&
      area.y <= this.#top &&
      area.x + area.width >= this.#right &&
      area.y + area.height >= this.#bottom
    )
      return this.#all
    const found: number[] = []
    const query = ++this.#query
    const { start, items } = this.#lists
    this.#eachCell(area, (cell) => {
      for (let i = start[cell]!; i < start[cell + 1]!; i++) {
        const box = this.#boxOf[items[i]!]!
        const owner = this.#owners?.[box] ?? box
        if (this.#seen[owner] === query || !touches(this.#boxes[box]!, area)) continue
        this.#seen[owner] = query
        found.push(owner)
      }
    })
    return found
  }
}

/** As `overlaps`, with edges counted in: lines have no width. */
function touches(a: Box, b: Box): boolean {
  return a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height && b.y <= a.y + a.height
}

/** The pieces of all edges, by edge. */
export function indexEdges({ points, pointStart, edges }: Scene): SpatialIndex {
  const boxes: Box[] = []
  const owners: number[] = []
  for (let edge = 0; edge < edges.length; edge++) {
    for (let i = pointStart[edge]!; i + 1 < pointStart[edge + 1]!; i++) {
      const [x0, y0, x1, y1] = [points[2 * i]!, points[2 * i + 1]!, points[2 * i + 2]!, points[2 * i + 3]!]
      boxes.push({ x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) })
      owners.push(edge)
    }
  }
  return new SpatialIndex(boxes, Int32Array.from(owners))
}

/** The item at a point of the drawing, -1 where there is none. */
export function itemAt(index: SpatialIndex, x: number, y: number): number {
  return index.find({ x, y, width: 0, height: 0 })[0] ?? -1
}

/** The edge within `reach` of a point, -1 where there is none. */
export function edgeAt(scene: Scene, index: SpatialIndex, x: number, y: number, reach: number): number {
  const near = index.find({ x: x - reach, y: y - reach, width: 2 * reach, height: 2 * reach })
  return near.find((edge) => isOnEdge(scene, edge, x, y, reach)) ?? -1
}

/** Points of a bend that are looked at. */
const BEND_STEPS = 24

function isOnEdge({ points, pointStart }: Scene, edge: number, x: number, y: number, reach: number): boolean {
  for (let i = pointStart[edge]!; i + 1 < pointStart[edge + 1]!; i++) {
    const [x0, y0, x1, y1] = [points[2 * i]!, points[2 * i + 1]!, points[2 * i + 2]!, points[2 * i + 3]!]
    if (y < y0 - reach || y > y1 + reach) continue
    const steps = x0 === x1 ? 1 : BEND_STEPS
    let fromX = x0
    let fromY = y0
    for (let step = 1; step <= steps; step++) {
      const t = step / steps
      // the cubic that the pens draw: its ends are upright
      const nextX = x0 + (x1 - x0) * t * t * (3 - 2 * t)
      const nextY = y0 + (y1 - y0) * (1.5 * t * (1 - t) + t ** 3)
      if (distance(x, y, fromX, fromY, nextX, nextY) <= reach) return true
      fromX = nextX
      fromY = nextY
    }
  }
  return false
}

/** From a point to a piece of a line. */
function distance(x: number, y: number, x0: number, y0: number, x1: number, y1: number): number {
  const [dx, dy] = [x1 - x0, y1 - y0]
  const share = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)
  const t = Math.min(1, Math.max(0, share))
  return Math.hypot(x - x0 - dx * t, y - y0 - dy * t)
}

/** Items that a rectangle touches, in order. */
export function itemsIn(scene: Scene, index: SpatialIndex, area: Box): number[] {
  return index
    .find(area)
    .filter((item) => overlaps(scene.boxes[item]!, area))
    .sort((a, b) => a - b)
}
