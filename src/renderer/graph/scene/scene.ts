import type { Layout, LayoutInput } from '../layout/types.ts'
import type { Block } from './blocks.ts'
import type { Item, ItemEdge, ItemGraph } from './items.ts'

/** A rectangle of the drawing, px. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The frame around an unfolded block. */
export interface Frame extends Box {
  readonly block: Block
}

/** A graph at one state of folding, laid out: all that can be drawn, hit and walked. */
export interface Scene {
  readonly items: readonly Item[]
  readonly boxes: readonly Box[]
  readonly edges: readonly ItemEdge[]
  readonly frames: readonly Frame[]
  /** as `Layout` */
  readonly rank: Int32Array
  readonly position: Int32Array
  readonly points: Float32Array
  readonly pointStart: Int32Array
  readonly width: number
  readonly height: number
  /** [items] edges that end and start at each */
  readonly incoming: readonly (readonly number[])[]
  readonly outgoing: readonly (readonly number[])[]
  /** card id → index of the item that shows it */
  readonly itemOf: ReadonlyMap<string, number>
}

/** Sizes on the 4-px grid: a card with parameters has three lines of text, one without two. */
const CARD_WIDTH = 208
const TALL = 64
const LOW = 44
const TERMINAL = { width: 192, height: 40 }

/** The size of an item's box; fixed by kind, so that nothing moves when numbers come in. */
export function sizeOf(item: Item): { readonly width: number; readonly height: number } {
  switch (item.kind) {
    case 'input':
    case 'output':
      return TERMINAL
    case 'block':
      return { width: CARD_WIDTH, height: TALL }
    case 'layer':
    case 'node':
      return { width: CARD_WIDTH, height: item.cards[0]!.parameters > 0 ? TALL : LOW }
  }
}

/** What the layout needs of an item graph. */
export function layoutInputOf({ items, edges }: ItemGraph): LayoutInput {
  const trunks = new Map<string, number>()
  return {
    widths: Float32Array.from(items, (item) => sizeOf(item).width),
    heights: Float32Array.from(items, (item) => sizeOf(item).height),
    from: Int32Array.from(edges, ({ from }) => from),
    to: Int32Array.from(edges, ({ to }) => to),
    trunk: Int32Array.from(edges, ({ tensors }) => {
      const number = trunks.get(tensors[0]!) ?? trunks.size
      trunks.set(tensors[0]!, number)
      return number
    }),
  }
}

/** Puts an item graph and its layout together. */
export function makeScene(graph: ItemGraph, layout: Layout): Scene {
  const { items, edges } = graph
  const boxes = items.map((item, i): Box => {
    const { width, height } = sizeOf(item)
    return { x: layout.x[i]! - width / 2, y: layout.y[i]! - height / 2, width, height }
  })
  const incoming: number[][] = items.map(() => [])
  const outgoing: number[][] = items.map(() => [])
  edges.forEach(({ from, to }, i) => {
    outgoing[from]!.push(i)
    incoming[to]!.push(i)
  })
  return {
    items,
    boxes,
    edges,
    frames: framesOf(graph, boxes),
    rank: layout.rank,
    position: layout.position,
    points: layout.points,
    pointStart: layout.pointStart,
    width: layout.width,
    height: layout.height,
    incoming,
    outgoing,
    itemOf: new Map(items.flatMap(({ cards }, i) => cards.map(({ id }) => [id, i] as const))),
  }
}

/** Room between a frame and its cards; the head holds the block's name. Two frames above one another fit in the gap of two rows. */
const FRAME_PAD = 10
export const FRAME_HEAD = 20

/** Frames of unfolded blocks, without those that would surround strangers or cross another frame. */
function framesOf({ unfolded }: ItemGraph, boxes: readonly Box[]): Frame[] {
  const order = boxes.map((_, i) => i).sort((a, b) => boxes[a]!.y - boxes[b]!.y)
  const tops = order.map((i) => boxes[i]!.y)
  const frames: Frame[] = []
  for (const { block, first, last } of unfolded) {
    const box = around(boxes, first, last)
    const frame = {
      block,
      x: box.x - FRAME_PAD,
      y: box.y - FRAME_HEAD,
      width: box.width + 2 * FRAME_PAD,
      height: box.height + FRAME_HEAD + FRAME_PAD,
    }
    const isClear = within(tops, frame.y - TALL, frame.y + frame.height).every((place) => {
      const i = order[place]!
      return (i >= first && i <= last) || !overlaps(boxes[i]!, frame)
    })
    const previous = frames.at(-1)
    if (isClear && !(previous && overlaps(previous, frame))) frames.push(frame)
  }
  return frames
}

/** Indices of the sorted numbers from low to high. */
function within(sorted: readonly number[], low: number, high: number): number[] {
  let from = 0
  for (let to = sorted.length; from < to;) {
    const middle = (from + to) >> 1
    if (sorted[middle]! < low) from = middle + 1
    else to = middle
  }
  const found: number[] = []
  for (let i = from; i < sorted.length && sorted[i]! <= high; i++) found.push(i)
  return found
}

function around(boxes: readonly Box[], first: number, last: number): Box {
  let left = Infinity
  let top = Infinity
  let right = -Infinity
  let bottom = -Infinity
  for (let i = first; i <= last; i++) {
    const { x, y, width, height } = boxes[i]!
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x + width)
    bottom = Math.max(bottom, y + height)
  }
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** True where two rectangles share more than an edge. */
export function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}
