import type { GraphTheme } from '../palette.ts'
import type { Item } from '../scene/items.ts'
import type { Box, Frame } from '../scene/scene.ts'
import { countText, fitMiddle, shapeText } from '../text.ts'
import type { Look } from './looks.ts'
import type { Pen, TextStyle } from './pen.ts'

const NAME: TextStyle = { size: 12, bold: true }
const BODY: TextStyle = { size: 11 }
const CHIP: TextStyle = { size: 10.5, bold: true }
const HEAD: TextStyle = { size: 11 }

const PAD = 8
const CHIP_HEIGHT = 16
const RADIUS = 4
/** Middles of the three lines of a card, from its top. */
const LINES = [14, 31, 50] as const

/** What faces are drawn with. */
export interface Brush {
  readonly pen: Pen
  readonly theme: GraphTheme
  readonly fit: (text: string, width: number, style: TextStyle) => string
}

/** Most texts kept; a screen shows a few hundred. */
const MAX_KEPT = 20_000

/** Cuts texts to widths and remembers the results; one for each pen. */
export function createFitter(pen: Pen): Brush['fit'] {
  const kept = new Map<string, string>()
  return (text, width, style) => {
    const key = `${style.size} ${style.bold ? 'b' : ''}${Math.round(width)} ${text}`
    const known = kept.get(key)
    if (known !== undefined) return known
    if (kept.size > MAX_KEPT) kept.clear()
    const fitted = fitMiddle(text, width, (part) => pen.measure(part, style))
    kept.set(key, fitted)
    return fitted
  }
}

/** The whole card: name, op, shape, parameters, chip, and what an overlay says. */
export function drawNear(brush: Brush, item: Item, box: Box, look: Look): void {
  if (item.kind === 'input' || item.kind === 'output') return drawTerminal(brush, item, box, look)
  drawBody(brush, item, box, look)
  const chipWidth = look.chip ? drawChip(brush, box, look) : 0
  const { pen, fit } = brush
  const left = box.x + PAD
  const room = box.width - 2 * PAD
  const name = item.kind === 'block' ? `▸ ${item.block!.name}` : item.cards[0]!.name
  pen.text(left, box.y + LINES[0], fit(name, room - chipWidth, NAME), NAME, look.text)
  if (item.kind === 'block') return drawBlockLines(brush, item, box, look)
  const { op, shape, parameters, macs } = item.cards[0]!
  const isTall = box.height > LINES[2]
  drawPair(brush, box, LINES[1], op, (!isTall && look.note) || shapeText(shape), look)
  if (!isTall) return
  const work = macs ? `${countText(macs)} MAC` : ''
  drawPair(brush, box, LINES[2], `${countText(parameters)} params`, look.note || work, look)
}

function drawBlockLines(brush: Brush, item: Item, box: Box, look: Look): void {
  const ops = [...new Set(item.cards.map(({ op }) => op))].join(', ')
  brush.pen.text(box.x + PAD, box.y + LINES[1], brush.fit(ops, box.width - 2 * PAD, BODY), BODY, look.quiet)
  const parameters = item.cards.reduce((sum, card) => sum + card.parameters, 0)
  const size = parameters > 0 ? `${countText(parameters)} params` : ''
  drawPair(brush, box, LINES[2] - 2, `${item.cards.length} layers`, look.note || size, look)
  drawMix(brush, box, look)
}

/** Two texts on one line: the right one whole if that is possible, the left one in what is left. */
function drawPair({ pen, fit }: Brush, box: Box, line: number, left: string, right: string, look: Look): void {
  const room = box.width - 2 * PAD
  const least = Math.min(pen.measure(left, BODY), room * 0.45)
  const fitted = right === '' ? '' : fit(right, room - least - PAD, BODY)
  const taken = fitted === '' ? 0 : pen.measure(fitted, BODY) + PAD
  pen.text(box.x + PAD, box.y + line, fit(left, room - taken, BODY), BODY, look.quiet)
  if (fitted !== '') pen.text(box.x + box.width - PAD, box.y + line, fitted, BODY, look.quiet, 'end')
}

function drawBody({ pen, theme }: Brush, item: Item, box: Box, look: Look): void {
  if (item.kind === 'block') {
    const behind = { ...box, x: box.x + 4, y: box.y + 4 }
    pen.rect(behind, { fill: theme.frame, stroke: theme.cardEdge, radius: RADIUS })
  }
  pen.rect(box, { fill: look.fill, stroke: theme.cardEdge, radius: RADIUS })
  if (look.outline !== null) {
    const inner = { x: box.x + 1.5, y: box.y + 1.5, width: box.width - 3, height: box.height - 3 }
    pen.rect(inner, { stroke: look.outline, lineWidth: 3, radius: RADIUS - 1 })
  }
}

/** The box of the precision chip, for hit tests too; null where the item has none. */
export function chipBox(box: Box, look: Look, measure: Pen['measure']): Box | null {
  if (!look.chip) return null
  const width = Math.max(24, Math.round(measure(look.chip.label, CHIP)) + 12)
  return { x: box.x + box.width - PAD + 2 - width, y: box.y + 6, width, height: CHIP_HEIGHT }
}

/** @returns the width it takes from the name */
function drawChip({ pen, theme }: Brush, box: Box, look: Look): number {
  const chip = chipBox(box, look, (text, style) => pen.measure(text, style))!
  const { kind } = look.chip!
  const isMixed = kind === 'mixed'
  const fill = isMixed ? theme.card : theme.precision[kind]
  pen.rect(chip, { fill, stroke: isMixed ? theme.textQuiet : theme.card, radius: CHIP_HEIGHT / 2 })
  const middle = chip.x + chip.width / 2
  pen.text(
    middle,
    chip.y + chip.height / 2 + 0.5,
    look.chip!.label,
    CHIP,
    isMixed ? theme.text : theme.chipText,
    'middle',
  )
  return chip.width + 4
}

/** A bar that shows how the layers of a block are held. */
function drawMix({ pen, theme }: Brush, box: Box, { mix }: Look): void {
  let x = box.x + PAD
  for (const { kind, share } of mix) {
    const width = share * (box.width - 2 * PAD)
    pen.rect({ x, y: box.y + box.height - 6, width, height: 3 }, { fill: theme.precision[kind] })
    x += width
  }
}

function drawTerminal({ pen, theme, fit }: Brush, item: Item, box: Box, look: Look): void {
  const { name, op, shape } = item.cards[0]!
  const middle = box.x + box.width / 2
  const room = box.width - 2 * PAD - 8
  pen.rect(box, { fill: theme.frame, stroke: theme.cardEdge, radius: box.height / 2 })
  pen.text(middle, box.y + 13, fit(name, room, NAME), NAME, look.text, 'middle')
  pen.text(middle, box.y + 28, fit(`${op} ${shapeText(shape)}`, room, BODY), BODY, theme.textQuiet, 'middle')
}

/** Smallest text that is drawn, in px of the screen. */
const SMALLEST_TEXT = 7

/** The op as large as the box allows, and the precision as a stripe. */
export function drawMid({ pen, theme, fit }: Brush, item: Item, box: Box, look: Look, scale: number): void {
  const isTerminal = item.kind === 'input' || item.kind === 'output'
  pen.rect(box, {
    fill: isTerminal ? theme.frame : look.fill,
    stroke: look.outline ?? theme.cardEdge,
    lineWidth: look.outline === null ? 1 : 6,
    radius: isTerminal ? box.height / 2 : RADIUS,
  })
  const stripe = look.chip && !isTerminal ? Math.min(16, 5 / scale) : 0
  if (stripe > 0) {
    const { kind } = look.chip!
    pen.rect(
      { ...box, width: stripe },
      { fill: kind === 'mixed' ? theme.textQuiet : theme.precision[kind], radius: RADIUS },
    )
  }
  const size = Math.round(Math.min(12 / scale, box.height * 0.7))
  if (size * scale < SMALLEST_TEXT) return
  const style = { size, bold: true }
  const { op, name, layer, nodes } = item.cards[0]!
  const text = isTerminal ? name : item.kind === 'block' ? item.block!.name : nodes.length > 1 && layer ? layer.op : op
  const room = box.width - stripe - 2 * PAD
  pen.text(box.x + stripe + PAD + room / 2, box.y + box.height / 2, fit(text, room, style), style, look.text, 'middle')
}

/** The frame of an unfolded block, its name in the head. */
export function drawFrame({ pen, theme, fit }: Brush, frame: Frame, withName: boolean): void {
  pen.rect(frame, { fill: theme.frame, stroke: theme.frameEdge, radius: 8 })
  if (!withName) return
  // edges come in at the middle: the name keeps to the left of it
  const name = fit(`▾ ${frame.block.name}`, Math.max(72, frame.width / 2 - 16), HEAD)
  pen.text(frame.x + 8, frame.y + 10, name, HEAD, theme.textQuiet)
}
