import type { Box } from '../scene/scene.ts'

/** Largest side and area that browsers give a canvas. Source: MDN, canvas, maximum size (Safari's are the smallest). */
export const MAX_SIDE = 16_384
const MAX_AREA = MAX_SIDE * 4096

/** Cards are drawn at most at twice the size they are made for, as on a dense screen. */
const MAX_SCALE = 2
/** Below this, the text of cards (11 px) is no longer read. */
const MIN_SCALE = 0.6
/** At this scale or above nobody needs the drawing in more columns. */
const GOOD_SCALE = 1
const MAX_COLUMNS = 64

/** A stripe of the drawing, full width. */
export interface Stripe {
  readonly top: number
  readonly bottom: number
}

/** How a drawing is put on a picture of limited size: whole, or cut between rows of cards into columns side by side. */
export interface Sheet {
  readonly columns: readonly Stripe[]
  /** picture px for one of the drawing */
  readonly scale: number
}

/**
 * The largest picture of a drawing that can be read, in as few columns as that takes; null where none can.
 * @param box the part of the plane that is drawn
 * @param cards boxes that are not to be cut through
 */
export function sheetOf(box: Box, cards: readonly Box[]): Sheet | null {
  const gaps = gapsOf(cards)
  let best: Sheet | null = null
  for (let count = 1; count <= MAX_COLUMNS; count++) {
    const columns = cut(box, gaps, count)
    const scale = scaleOf(box.width * columns.length, Math.max(...columns.map(({ top, bottom }) => bottom - top)))
    if (best === null || scale > best.scale) best = { columns, scale }
    if (best.scale >= GOOD_SCALE) break
  }
  return best !== null && best.scale >= MIN_SCALE ? best : null
}

function scaleOf(width: number, height: number): number {
  return Math.min(MAX_SCALE, MAX_SIDE / Math.max(width, height), Math.sqrt(MAX_AREA / (width * height)))
}

/** Middles of the heights at which no card lies, from above. */
function gapsOf(cards: readonly Box[]): number[] {
  const gaps: number[] = []
  let bottom = Infinity
  for (const { y, height } of [...cards].sort((a, b) => a.y - b.y)) {
    if (y > bottom) gaps.push((bottom + y) / 2)
    bottom = bottom === Infinity ? y + height : Math.max(bottom, y + height)
  }
  return gaps
}

/** Columns of about the same height, cut where there is a gap near. */
function cut({ y, height }: Box, gaps: readonly number[], count: number): Stripe[] {
  const columns: Stripe[] = []
  let top = y
  for (let i = 1; i < count; i++) {
    const ideal = y + (i * height) / count
    const gap = gaps.reduce((near, one) => (Math.abs(one - ideal) < Math.abs(near - ideal) ? one : near), Infinity)
    if (gap === Infinity || gap <= top) continue
    columns.push({ top, bottom: gap })
    top = gap
  }
  return [...columns, { top, bottom: y + height }]
}
