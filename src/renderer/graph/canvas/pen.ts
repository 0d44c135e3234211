import type { Box } from '../scene/scene.ts'

/** Sizes of text, px; one family everywhere. */
export interface TextStyle {
  readonly size: number
  readonly bold?: boolean
}

export interface RectStyle {
  readonly fill?: string
  readonly stroke?: string
  readonly lineWidth?: number
  readonly radius?: number
  readonly dash?: readonly number[]
}

export interface LineStyle {
  readonly stroke: string
  readonly lineWidth: number
  readonly dash?: readonly number[]
}

/** Edges as `Scene` holds them: which corner points of a list belong to which. */
export interface Lines {
  readonly points: Float32Array
  readonly pointStart: Int32Array
  readonly which: readonly number[]
  /** bends as straight lines: where they are too small to be seen */
  readonly isStraight: boolean
}

/** What draws: the canvas, or SVG. Coordinates are those of the drawing. */
export interface Pen {
  rect(box: Box, style: RectStyle): void
  /** one line of text; `y` is its middle */
  text(x: number, y: number, text: string, style: TextStyle, colour: string, anchor?: 'start' | 'middle' | 'end'): void
  /** bends between points of different x, straight lines between others; all in one stroke */
  lines(lines: Lines, style: LineStyle): void
  /** triangles that point down, tip at the given points (x and y in turn) */
  arrows(tips: readonly number[], size: number, colour: string): void
  /** everything until the next call is drawn this strong, 0–1 */
  setOpacity(opacity: number): void
  measure(text: string, style: TextStyle): number
}

export const FONT_FAMILY = 'system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif'

/** A CSS font. */
export function fontOf({ size, bold }: TextStyle): string {
  return `${bold ? '600 ' : ''}${size}px ${FONT_FAMILY}`
}
