import type { GraphView } from '../../../shared/contract/graph-view.ts'

/** A box of the small picture: place and size as shares of the picture, and what it stands for. */
export interface ThumbBox {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly kind: 'weighted' | 'arithmetic' | 'movement' | 'other'
}

/** The small picture of a graph. */
export interface ThumbSketch {
  readonly boxes: readonly ThumbBox[]
  /** index of the box it leaves, index of the box it enters */
  readonly edges: readonly (readonly [number, number])[]
}

/** The most levels that can still be told apart in a picture of this size; longer graphs are drawn in level steps. */
const MOST_LEVELS = 40

/** Levels by the longest way from the inputs; nodes are in topological order. */
function levelsOf(graph: GraphView): number[] {
  const producer = new Map<string, number>()
  const levels: number[] = []
  graph.layers.forEach((layer, index) => {
    let level = 0
    for (const input of layer.inputs) {
      const from = producer.get(input)
      if (from !== undefined) level = Math.max(level, levels[from]! + 1)
    }
    levels.push(level)
    for (const output of layer.outputs) producer.set(output, index)
  })
  return levels
}

/**
 * A sketch of a graph: one box a layer, levels from left to right, side by side within a level, wide graphs folded into fewer columns. It shows
 * the shape of a network (a chain, branches, a U), not its names.
 */
export function sketch(graph: GraphView): ThumbSketch {
  const levels = levelsOf(graph)
  const count = Math.max(1, ...levels.map((level) => level + 1))
  const columns = Math.min(count, MOST_LEVELS)
  const columnOf = (index: number): number => Math.floor((levels[index]! * columns) / count)
  const filled = new Array<number>(columns).fill(0)
  const rows = graph.layers.map((_, index) => filled[columnOf(index)]!++)
  const tallest = Math.max(1, ...filled)
  const width = 1 / columns
  const height = Math.min(1 / tallest, 0.34)
  const boxes = graph.layers.map((layer, index): ThumbBox => {
    const column = columnOf(index)
    const top = 0.5 - (filled[column]! * height) / 2
    return {
      x: (column + 0.14) * width,
      y: top + (rows[index]! + 0.16) * height,
      width: width * 0.72,
      height: height * 0.68,
      kind: layer.role,
    }
  })
  return { boxes, edges: edgesOf(graph) }
}

function edgesOf(graph: GraphView): (readonly [number, number])[] {
  const producer = new Map<string, number>()
  const edges: (readonly [number, number])[] = []
  graph.layers.forEach((layer, index) => {
    for (const input of layer.inputs) {
      const from = producer.get(input)
      if (from !== undefined) edges.push([from, index])
    }
    for (const output of layer.outputs) producer.set(output, index)
  })
  return edges
}

/** Mid greys and the accent, readable on both themes: a kept picture is drawn once. */
const COLOURS: Readonly<Record<ThumbBox['kind'], string>> = {
  weighted: '#4d86d6',
  arithmetic: '#3aa394',
  movement: '#9aa0a9',
  other: '#9aa0a9',
}
const EDGE = '#8d939c'
const WIDTH = 320
const HEIGHT = 128
const MARGIN = 8

/** Draws a sketch on a canvas of its own and gives it as a PNG's data URL; the ground stays transparent. */
export function drawThumbnail(graph: GraphView): string {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const pen = canvas.getContext('2d')
  if (!pen) throw new Error('This browser does not draw on a canvas.')
  const { boxes, edges } = sketch(graph)
  const x = (share: number): number => MARGIN + share * (WIDTH - 2 * MARGIN)
  const y = (share: number): number => MARGIN + share * (HEIGHT - 2 * MARGIN)
  pen.strokeStyle = EDGE
  pen.lineWidth = 1
  pen.globalAlpha = 0.7
  pen.beginPath()
  for (const [from, to] of edges) {
    const a = boxes[from]!
    const b = boxes[to]!
    const middle = (a.x + a.width + b.x) / 2
    pen.moveTo(x(a.x + a.width), y(a.y + a.height / 2))
    pen.bezierCurveTo(x(middle), y(a.y + a.height / 2), x(middle), y(b.y + b.height / 2), x(b.x), y(b.y + b.height / 2))
  }
  pen.stroke()
  pen.globalAlpha = 1
  for (const box of boxes) {
    pen.fillStyle = COLOURS[box.kind]
    const width = Math.max(2, box.width * (WIDTH - 2 * MARGIN))
    const height = Math.max(2, box.height * (HEIGHT - 2 * MARGIN))
    pen.beginPath()
    pen.roundRect(x(box.x), y(box.y), width, height, Math.min(3, width / 3))
    pen.fill()
  }
  return canvas.toDataURL('image/png')
}
