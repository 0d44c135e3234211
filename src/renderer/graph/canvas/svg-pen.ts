import type { Box } from '../scene/scene.ts'
import { FONT_FAMILY, type Lines, type LineStyle, type Pen, type RectStyle, type TextStyle } from './pen.ts'

/** Widths of text, as a share of its size, where no canvas is at hand to measure: a little more than the mean of common fonts. */
const MEAN_WIDTH = 0.58

/** Writes SVG elements; text stays text. */
export class SvgPen implements Pen {
  readonly #parts: string[] = []
  readonly #measure: ((text: string, style: TextStyle) => number) | null
  #opacity = 1

  /** @param measure the widths of a real font, where there is one */
  constructor(measure: ((text: string, style: TextStyle) => number) | null) {
    this.#measure = measure
  }

  #add(element: string): void {
    this.#parts.push(this.#opacity === 1 ? element : `<g opacity="${this.#opacity}">${element}</g>`)
  }

  rect({ x, y, width, height }: Box, { fill, stroke, lineWidth = 1, radius = 0, dash }: RectStyle): void {
    this.#add(
      `<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"` +
        (radius === 0 ? '' : ` rx="${short(radius)}"`) +
        ` fill="${fill ?? 'none'}"${strokeText(stroke, lineWidth, dash)}/>`,
    )
  }

  text(
    x: number,
    y: number,
    text: string,
    style: TextStyle,
    colour: string,
    anchor: 'start' | 'middle' | 'end' = 'start',
  ): void {
    // dominant-baseline is not known everywhere; a third of the size below the middle is
    const baseline = y + style.size * 0.35
    this.#add(
      `<text x="${short(x)}" y="${short(baseline)}" font-size="${style.size}"${style.bold ? ' font-weight="600"' : ''}` +
        `${anchor === 'start' ? '' : ` text-anchor="${anchor}"`} fill="${colour}">${escapeXml(text)}</text>`,
    )
  }

  lines({ points, pointStart, which, isStraight }: Lines, { stroke, lineWidth, dash }: LineStyle): void {
    for (const edge of which) {
      let x = points[2 * pointStart[edge]!]!
      let y = points[2 * pointStart[edge]! + 1]!
      let path = `M${short(x)} ${short(y)}`
      for (let i = pointStart[edge]! + 1; i < pointStart[edge + 1]!; i++) {
        const nextX = points[2 * i]!
        const nextY = points[2 * i + 1]!
        const middle = short((y + nextY) / 2)
        path +=
          isStraight || nextX === x
            ? `L${short(nextX)} ${short(nextY)}`
            : `C${short(x)} ${middle} ${short(nextX)} ${middle} ${short(nextX)} ${short(nextY)}`
        x = nextX
        y = nextY
      }
      this.#add(`<path d="${path}" fill="none"${strokeText(stroke, lineWidth, dash)}/>`)
    }
  }

  arrows(tips: readonly number[], size: number, colour: string): void {
    let path = ''
    for (let i = 0; i < tips.length; i += 2) {
      path += `M${short(tips[i]!)} ${short(tips[i + 1]!)}l${short(-size / 2)} ${short(-size)}h${short(size)}z`
    }
    if (path !== '') this.#add(`<path d="${path}" fill="${colour}"/>`)
  }

  setOpacity(opacity: number): void {
    this.#opacity = opacity
  }

  measure(text: string, style: TextStyle): number {
    return this.#measure?.(text, style) ?? text.length * style.size * MEAN_WIDTH
  }

  /** The document: what was drawn within `box`, on a background. */
  done({ x, y, width, height }: Box, background: string): string {
    const size = `width="${short(width)}" height="${short(height)}"`
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="${short(x)} ${short(y)} ${short(width)} ${short(height)}" font-family="${escapeXml(FONT_FAMILY)}">`,
      `<rect x="${short(x)}" y="${short(y)}" ${size} fill="${background}"/>`,
      ...this.#parts,
      '</svg>',
      '',
    ].join('\n')
  }
}

function strokeText(stroke: string | undefined, lineWidth: number, dash: readonly number[] | undefined): string {
  if (stroke === undefined) return ''
  return ` stroke="${stroke}" stroke-width="${short(lineWidth)}"${dash?.length ? ` stroke-dasharray="${dash.join(' ')}"` : ''}`
}

/** Two decimals are a hundredth of a pixel. */
function short(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** Text as XML holds it: markup escaped, characters that XML 1.0 does not allow (names come from files) replaced. */
function escapeXml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // eslint-disable-next-line no-control-regex -- these are what XML forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .toWellFormed()
  )
}
