import type { Box } from '../scene/scene.ts'
import { fontOf, type Lines, type LineStyle, type Pen, type RectStyle, type TextStyle } from './pen.ts'

/** What of a 2D context the pen needs; that of a canvas in the page or off it. */
export type Context2D = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

const NO_DASH: readonly number[] = []

/** Draws on a 2D canvas, which already has the camera's transform. */
export class CanvasPen implements Pen {
  readonly #context: Context2D
  // setting a state costs even when it is the same
  #font = ''
  #fill = ''
  #opacity = 1

  constructor(context: Context2D) {
    this.#context = context
    this.reset()
  }

  /** Sets up the context again, after its canvas was resized. */
  reset(): void {
    this.#font = ''
    this.#fill = ''
    this.#opacity = this.#context.globalAlpha
    this.#context.textBaseline = 'middle'
  }

  rect({ x, y, width, height }: Box, { fill, stroke, lineWidth = 1, radius = 0, dash = NO_DASH }: RectStyle): void {
    const context = this.#context
    if (radius === 0 && fill !== undefined && stroke === undefined) {
      this.#setFill(fill)
      context.fillRect(x, y, width, height)
      return
    }
    context.beginPath()
    context.roundRect(x, y, width, height, radius)
    if (fill !== undefined) {
      this.#setFill(fill)
      context.fill()
    }
    if (stroke === undefined) return
    this.#stroke({ stroke, lineWidth, dash })
  }

  #stroke({ stroke, lineWidth, dash = NO_DASH }: LineStyle): void {
    const context = this.#context
    context.strokeStyle = stroke
    context.lineWidth = lineWidth
    if (dash.length > 0) context.setLineDash([...dash])
    context.stroke()
    if (dash.length > 0) context.setLineDash([])
  }

  text(
    x: number,
    y: number,
    text: string,
    style: TextStyle,
    colour: string,
    anchor: 'start' | 'middle' | 'end' = 'start',
  ): void {
    this.#setFont(style)
    this.#context.textAlign = anchor === 'middle' ? 'center' : anchor
    this.#setFill(colour)
    this.#context.fillText(text, x, y)
  }

  lines({ points, pointStart, which, isStraight }: Lines, style: LineStyle): void {
    const context = this.#context
    context.beginPath()
    for (const edge of which) {
      const last = pointStart[edge + 1]!
      let x = points[2 * pointStart[edge]!]!
      let y = points[2 * pointStart[edge]! + 1]!
      context.moveTo(x, y)
      for (let i = pointStart[edge]! + 1; i < last; i++) {
        const nextX = points[2 * i]!
        const nextY = points[2 * i + 1]!
        if (isStraight || nextX === x) context.lineTo(nextX, nextY)
        else context.bezierCurveTo(x, (y + nextY) / 2, nextX, (y + nextY) / 2, nextX, nextY)
        x = nextX
        y = nextY
      }
    }
    this.#stroke(style)
  }

  arrows(tips: readonly number[], size: number, colour: string): void {
    const context = this.#context
    context.beginPath()
    for (let i = 0; i < tips.length; i += 2) {
      const x = tips[i]!
      const y = tips[i + 1]!
      context.moveTo(x, y)
      context.lineTo(x - size / 2, y - size)
      context.lineTo(x + size / 2, y - size)
      context.closePath()
    }
    this.#setFill(colour)
    context.fill()
  }

  setOpacity(opacity: number): void {
    if (opacity === this.#opacity) return
    this.#opacity = opacity
    this.#context.globalAlpha = opacity
  }

  measure(text: string, style: TextStyle): number {
    this.#setFont(style)
    return this.#context.measureText(text).width
  }

  #setFill(colour: string): void {
    if (colour === this.#fill) return
    this.#fill = colour
    this.#context.fillStyle = colour
  }

  #setFont(style: TextStyle): void {
    const font = fontOf(style)
    if (font === this.#font) return
    this.#font = font
    this.#context.font = font
  }
}
