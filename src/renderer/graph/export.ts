import { CanvasPen } from './canvas/canvas-pen.ts'
import { exportBox, paintAll } from './canvas/paint.ts'
import type { TextStyle } from './canvas/pen.ts'
import { SvgPen } from './canvas/svg-pen.ts'
import { GRAPH_THEMES, type ThemeName } from './palette.ts'
import type { Stage } from './stage.ts'

/** Largest side and area that browsers give a canvas. Source: MDN, canvas, maximum size (Safari's are the smallest). */
const MAX_SIDE = 16_384
const MAX_AREA = 16_384 * 4096

/** The whole graph as an SVG document, text as text; null before there is a graph. */
export function exportSvg(stage: Stage, theme: ThemeName): string | null {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  const ruler = context && new CanvasPen(context)
  const pen = new SvgPen(ruler && ((text: string, style: TextStyle) => ruler.measure(text, style)))
  const picture = stage.pictureFor(pen, GRAPH_THEMES[theme])
  if (!picture) return null
  paintAll(picture)
  return pen.done(exportBox(picture.scene), picture.theme.page)
}

/** The whole graph as a PNG, at twice the size cards are drawn for, or what the browser's largest canvas holds. */
export async function exportPng(stage: Stage, theme: ThemeName): Promise<Blob | null> {
  const { scene } = stage
  if (!scene) return null
  const box = exportBox(scene)
  const scale = Math.min(2, MAX_SIDE / Math.max(box.width, box.height), Math.sqrt(MAX_AREA / (box.width * box.height)))
  const canvas = new OffscreenCanvas(Math.ceil(box.width * scale), Math.ceil(box.height * scale))
  const context = canvas.getContext('2d', { alpha: false })
  if (!context) throw new Error('this browser draws no 2D canvas')
  const picture = stage.pictureFor(new CanvasPen(context), GRAPH_THEMES[theme])!
  context.fillStyle = picture.theme.page
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.setTransform(scale, 0, 0, scale, -box.x * scale, -box.y * scale)
  paintAll(picture)
  return canvas.convertToBlob({ type: 'image/png' })
}
