import { visibleBox, type Camera, type Size } from '../camera.ts'
import type { GraphDecor } from '../decor.ts'
import type { GraphTheme } from '../palette.ts'
import { overlaps, type Box, type Scene } from '../scene/scene.ts'
import type { SpatialIndex } from '../scene/spatial.ts'
import { drawFrame, drawMid, drawNear, type Brush } from './faces.ts'
import type { Look } from './looks.ts'

/** How much of a card is drawn. */
export type Level = 'near' | 'mid' | 'far'

/** The level of detail at a scale: whole cards, op and precision, coloured boxes. */
export function levelAt(scale: number): Level {
  if (scale >= 0.55) return 'near'
  return scale >= 0.2 ? 'mid' : 'far'
}

/** Items that stand out, by index; -1 for none. */
export interface Marks {
  /** where the keyboard is */
  readonly focus: number
  /** below the pointer */
  readonly hovered: number
  /** the edge below the pointer */
  readonly edge: number
  /** what find has found */
  readonly found: ReadonlySet<number>
}

/** All that one picture needs. */
export interface Picture {
  readonly scene: Scene
  readonly looks: readonly Look[]
  readonly decor: GraphDecor
  readonly theme: GraphTheme
  readonly marks: Marks
  readonly brush: Brush
  readonly itemIndex: SpatialIndex
  readonly edgeIndex: SpatialIndex
}

/** Below this scale the edges of a large graph are too short to be seen beside its boxes. */
const EDGE_SCALE = 0.004
const MANY_EDGES = 2000

/**
 * Paints what a camera sees. The pen's coordinates are those of the drawing; clearing and the transform are the caller's.
 * Cost follows what is on the screen, not the size of the graph: off-screen parts are skipped, and so are boxes that fall on pixels
 * already painted.
 */
export function paint(picture: Picture, camera: Camera, size: Size): void {
  const { scene, itemIndex, edgeIndex, brush } = picture
  const level = levelAt(camera.scale)
  const view = visibleBox(camera, size)
  // marks and stacked boxes reach beyond their item
  const area = grown(view, 12)
  const items = itemIndex.find(area)
  const edges = camera.scale < EDGE_SCALE && scene.edges.length > MANY_EDGES ? [] : edgeIndex.find(area)
  if (level !== 'far' || camera.scale * 64 > 3) {
    for (const frame of scene.frames) if (overlaps(frame, view)) drawFrame(brush, frame, level === 'near')
  }
  paintEdges(picture, camera.scale, edges, level)
  if (level === 'far') paintFar(picture, camera, size, items)
  else for (const item of items) paintItem(picture, item, level, camera.scale)
  brush.pen.setOpacity(1)
  paintMarks(picture, camera.scale, items)
}

/** Strength of what a comparison does not concern. */
const DIMMED = 0.35

function paintItem({ scene, looks, brush }: Picture, item: number, level: 'near' | 'mid', scale: number): void {
  const look = looks[item]!
  brush.pen.setOpacity(look.isDimmed ? DIMMED : 1)
  if (level === 'near') drawNear(brush, scene.items[item]!, scene.boxes[item]!, look)
  else drawMid(brush, scene.items[item]!, scene.boxes[item]!, look, scale)
}

/** Width of a box far away, in px of the screen: a long graph is a line that can be seen. */
const LEAST_WIDTH = 4

/** Boxes only; each at least a pixel high, and none where the screen has one already. */
function paintFar({ scene, looks, brush }: Picture, camera: Camera, size: Size, items: readonly number[]): void {
  const pixel = 1 / camera.scale
  const columns = Math.ceil(size.width)
  const taken = new Uint8Array(columns * Math.ceil(size.height) + 1)
  for (const item of items) {
    const box = scene.boxes[item]!
    const isTiny = box.height < 2 * pixel
    if (isTiny) {
      const column = Math.floor((box.x + box.width / 2) * camera.scale + camera.x)
      const place = Math.floor(box.y * camera.scale + camera.y) * columns + column
      if (place >= 0 && column >= 0 && column < columns) {
        if (taken[place] === 1) continue
        taken[place] = 1
      }
    }
    const look = looks[item]!
    brush.pen.setOpacity(look.isDimmed ? DIMMED : 1)
    const width = Math.max(box.width, LEAST_WIDTH * pixel)
    const height = Math.max(box.height, pixel)
    brush.pen.rect({ x: box.x + (box.width - width) / 2, y: box.y, width, height }, { fill: look.far })
  }
}

function paintEdges(
  { scene, theme, brush, marks, decor }: Picture,
  scale: number,
  edges: readonly number[],
  level: Level,
): void {
  const { pen } = brush
  const lit = litEdges(scene, marks)
  const pixel = 1 / scale
  // lines shorter than a pixel are below the boxes at their ends
  const which = edges.filter((edge) => !lit.has(edge) && (level !== 'far' || lengthOf(scene, edge) > 2 * pixel))
  const lines = { points: scene.points, pointStart: scene.pointStart, isStraight: level === 'far' }
  pen.setOpacity(decor.changed !== null ? DIMMED : level === 'far' ? 0.7 : 1)
  const lineWidth = Math.max(1.25, 0.8 * pixel)
  pen.lines({ ...lines, which }, { stroke: theme.edge, lineWidth })
  if (level === 'near') pen.arrows(tipsOf(scene, which), 7, theme.edge)
  pen.setOpacity(1)
  const shown = edges.filter((edge) => lit.has(edge))
  if (shown.length === 0) return
  pen.lines({ ...lines, which: shown }, { stroke: theme.accent, lineWidth: Math.max(2.25, 1.5 * pixel) })
  if (level === 'near') pen.arrows(tipsOf(scene, shown), 9, theme.accent)
}

function lengthOf({ points, pointStart }: Scene, edge: number): number {
  const first = pointStart[edge]!
  const last = pointStart[edge + 1]! - 1
  return points[2 * last + 1]! - points[2 * first + 1]!
}

function tipsOf({ points, pointStart }: Scene, edges: readonly number[]): number[] {
  return edges.flatMap((edge) => {
    const last = pointStart[edge + 1]! - 1
    return [points[2 * last]!, points[2 * last + 1]!]
  })
}

/** Edges of the item under the pointer and of the one with the focus. */
function litEdges({ incoming, outgoing }: Scene, { focus, hovered, edge }: Marks): ReadonlySet<number> {
  if (edge >= 0) return new Set([edge])
  const shown = hovered >= 0 ? hovered : focus
  return new Set(shown < 0 ? [] : [...incoming[shown]!, ...outgoing[shown]!])
}

function paintMarks(
  { scene, decor, theme, marks, looks, brush }: Picture,
  scale: number,
  items: readonly number[],
): void {
  const { pen } = brush
  const pixel = 1 / scale
  const ring = (box: Box, room: number, stroke: string, width: number, dash?: readonly number[]): void => {
    const reach = Math.max(room, room * 0.5 * pixel)
    const lineWidth = Math.max(width, width * 0.75 * pixel)
    pen.rect(grown(box, reach), { stroke, lineWidth, radius: 4 + reach, dash })
  }
  const { selection, hovered, changed } = decor
  const isMarked = selection.size > 0 || hovered.size > 0 || changed !== null || marks.found.size > 0
  for (const item of isMarked ? items : [marks.hovered, marks.focus].filter((one) => one >= 0)) {
    const box = scene.boxes[item]!
    const { layerIds } = scene.items[item]!
    if (looks[item]!.isChanged) ring(box, 3, theme.changed, 2, [6 * Math.max(1, pixel), 3 * Math.max(1, pixel)])
    if (layerIds.some((id) => selection.has(id))) ring(box, 2, theme.accent, 2.5)
    else if (marks.found.has(item)) ring(box, 2, theme.changed, 2)
    if (item === marks.hovered || layerIds.some((id) => hovered.has(id))) ring(box, 1, theme.accent, 1.25)
    if (item === marks.focus) ring(box, 6, theme.text, 1.5, [2 * Math.max(1, pixel), 2 * Math.max(1, pixel)])
  }
}

/** A box with room around it. */
function grown(box: Box, room: number): Box {
  return { x: box.x - room, y: box.y - room, width: box.width + 2 * room, height: box.height + 2 * room }
}

/** Paints the whole drawing in full detail, as exports show it. */
export function paintAll(picture: Picture): void {
  const { scene } = picture
  paint(picture, { scale: 1, x: 0, y: 0 }, { width: scene.width, height: scene.height })
}

/** Room around the drawing in exports; px. */
export const EXPORT_MARGIN = 24

/** The part of the plane that exports show, with room above the drawing for a caption of this size. */
export function exportBox({ width, height }: Scene, caption = { width: 0, height: 0 }): Box {
  const { x, y, width: own, height: tall } = grown({ x: 0, y: 0, width, height }, EXPORT_MARGIN)
  return {
    x,
    y: y - caption.height,
    width: Math.max(own, caption.width + 2 * EXPORT_MARGIN),
    height: tall + caption.height,
  }
}
