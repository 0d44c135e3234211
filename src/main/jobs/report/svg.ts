import { escapeHtml } from './html.ts'
import { COLOURS } from './style.ts'

/** Width of every figure, and its margin. */
export const WIDTH = 760
export const PAD = 20
const LINE = 16

export interface SvgFigure {
  readonly title: string
  /** lines of small print under the title */
  readonly about: readonly string[]
  readonly height: number
  /** rules for what only this figure draws, the same in every theme */
  readonly style: string
  /** the same for its colours, by theme */
  readonly coloursOf: (theme: 0 | 1) => string
  readonly bodies: readonly string[]
}

/** Where the first body begins: under the title and the small print. */
export const topUnder = (about: readonly string[]): number => PAD + 12 + about.length * LINE + 8

/** A figure as an SVG file that needs nothing else: no script, no font, no network; light and dark as the viewer's system is. */
export function svgFile({ title, about, height, style, coloursOf, bodies }: SvgFigure): string {
  const small = about.map((line, i) => text(PAD, PAD + 12 + (i + 1) * LINE, line, 'quiet'))
  // plain colours first, then those of a dark system: viewers that know no media queries show the light ones
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeHtml(title)}">
<title>${escapeHtml(title)}</title>
<style>text { font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; } .title { font-size: 15px; font-weight: 600; }
.middle { text-anchor: middle; } .end { text-anchor: end; } ${style}
${frameColours(0)}
${coloursOf(0)}
@media (prefers-color-scheme: dark) {
${frameColours(1)}
${coloursOf(1)}
}</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
${text(PAD, PAD + 8, title, 'title')}
${small.join('\n')}
${bodies.join('\n')}
</svg>
`
}

function frameColours(theme: 0 | 1): string {
  const [page, ink, quiet, line] = [COLOURS.page, COLOURS.text, COLOURS.quiet, COLOURS.line].map((pair) => pair[theme])
  return `.page { fill: ${page}; } text { fill: ${ink}; } .quiet { fill: ${quiet}; } .grid { stroke: ${line}; }`
}

/** @param kind classes of the text: `title`, `quiet`, `middle`, `end`; '' for none */
export function text(x: number, y: number, content: string, kind: string): string {
  return `<text${kind === '' ? '' : ` class="${kind}"`} x="${fixed(x)}" y="${fixed(y)}">${escapeHtml(content)}</text>`
}

/** A coordinate, to a tenth. */
export const fixed = (value: number): string => String(Number(value.toFixed(1)))
