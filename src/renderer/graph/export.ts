import { CanvasPen } from './canvas/canvas-pen.ts'
import { CAPTION_WIDTH, layOutCaption, type Caption } from './canvas/caption.ts'
import { EXPORT_MARGIN, exportBox, paintAll, type Picture } from './canvas/paint.ts'
import type { Pen, TextStyle } from './canvas/pen.ts'
import { MAX_SIDE, sheetOf } from './canvas/sheet.ts'
import { SvgPen } from './canvas/svg-pen.ts'
import { legendOf } from './legend.ts'
import { GRAPH_THEMES, type ThemeName } from './palette.ts'
import type { Box } from './scene/scene.ts'
import type { Stage } from './stage.ts'

/** A drawing with its caption, ready to be painted. */
interface Page {
  readonly picture: Picture
  readonly box: Box
  readonly caption: Caption
}

/** @param title what the picture is of: the model's name */
function pageFor(stage: Stage, pen: Pen, theme: ThemeName, title: string): Page | null {
  const picture = stage.pictureFor(pen, GRAPH_THEMES[theme])
  if (!picture) return null
  const width = Math.max(CAPTION_WIDTH, picture.scene.width)
  const caption = layOutCaption(pen, width, title, legendOf(picture.decor, picture.theme), picture.theme)
  return { picture, caption, box: exportBox(picture.scene, { width: CAPTION_WIDTH, height: caption.height }) }
}

function paintPage({ picture, box, caption }: Page): void {
  caption.draw(box.x + EXPORT_MARGIN, box.y + EXPORT_MARGIN)
  paintAll(picture)
}

/** The whole graph as an SVG document under its title and legend, text as text; null before there is a graph. */
export function exportSvg(stage: Stage, theme: ThemeName, title: string): string | null {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  const ruler = context && new CanvasPen(context)
  const pen = new SvgPen(ruler && ((text: string, style: TextStyle) => ruler.measure(text, style)))
  const page = pageFor(stage, pen, theme, title)
  if (!page) return null
  paintPage(page)
  return pen.done(page.box, page.picture.theme.page)
}

/** A picture, or the sentence that says why there can be none. */
export type Png = { readonly blob: Blob } | { readonly tooLarge: string }

/**
 * The whole graph as a PNG under its title and legend: at twice the size cards are drawn for where the browser's largest canvas
 * holds that, in columns side by side where it is too tall to be read otherwise. Null before there is a graph.
 */
export async function exportPng(stage: Stage, theme: ThemeName, title: string): Promise<Png | null> {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { alpha: false })
  if (!context) throw new Error('this browser draws no 2D canvas')
  const pen = new CanvasPen(context)
  const page = pageFor(stage, pen, theme, title)
  if (!page) return null
  const { picture, box } = page
  const sheet = sheetOf(box, picture.scene.boxes)
  if (!sheet) {
    return {
      tooLarge:
        `At ${Math.ceil(box.width).toLocaleString('en')} × ${Math.ceil(box.height).toLocaleString('en')} px this graph is too large for a PNG: ` +
        `browsers draw ${MAX_SIDE.toLocaleString('en')} px a side, and its text could not be read. Save it as SVG, or fold its blocks first.`,
    }
  }
  const { columns, scale } = sheet
  const canvas = context.canvas
  canvas.width = Math.ceil(box.width * columns.length * scale)
  canvas.height = Math.ceil(Math.max(...columns.map(({ top, bottom }) => bottom - top)) * scale)
  context.fillStyle = picture.theme.page
  context.fillRect(0, 0, canvas.width, canvas.height)
  columns.forEach(({ top, bottom }, i) => {
    const left = i * box.width * scale
    context.save()
    context.beginPath()
    context.rect(left, 0, box.width * scale, (bottom - top) * scale)
    context.clip()
    context.setTransform(scale, 0, 0, scale, left - box.x * scale, -top * scale)
    // what was restored is not what the pen has set
    pen.reset()
    paintPage(page)
    context.restore()
  })
  return { blob: await canvas.convertToBlob({ type: 'image/png' }) }
}
