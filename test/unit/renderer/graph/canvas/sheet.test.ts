import { describe, expect, it } from 'vitest'
import { MAX_SIDE, sheetOf, type Sheet } from '../../../../../src/renderer/graph/canvas/sheet.ts'
import type { Box } from '../../../../../src/renderer/graph/scene/scene.ts'

/** Cards one below the other, 64 px high with 36 px between them, and the box around them. */
function stack(count: number, width = 300): { readonly box: Box; readonly cards: readonly Box[] } {
  const cards = Array.from({ length: count }, (_, i) => ({ x: 0, y: i * 100, width: 208, height: 64 }))
  return { cards, box: { x: -24, y: -124, width, height: count * 100 + 148 } }
}

const heightOf = ({ columns }: Sheet): number => Math.max(...columns.map(({ top, bottom }) => bottom - top))

describe('sheetOf', () => {
  it('leaves a small graph whole, at twice its size', () => {
    const { box, cards } = stack(20)
    expect(sheetOf(box, cards)).toEqual({ columns: [{ top: -124, bottom: 2024 }], scale: 2 })
  })

  it('cuts a chain of 2,000 cards into columns that can be read, none through a card, nothing lost', () => {
    const { box, cards } = stack(2000)
    const sheet = sheetOf(box, cards)!
    expect(sheet.scale).toBeGreaterThanOrEqual(0.6)
    expect(sheet.columns.length).toBeGreaterThan(4)
    expect(sheet.columns[0]!.top).toBe(box.y)
    expect(sheet.columns.at(-1)!.bottom).toBe(box.y + box.height)
    sheet.columns.slice(1).forEach(({ top }, i) => {
      expect(top).toBe(sheet.columns[i]!.bottom)
      expect(cards.some(({ y, height }) => y < top && top < y + height)).toBe(false)
    })
    expect(Math.max(sheet.columns.length * box.width, heightOf(sheet)) * sheet.scale).toBeLessThanOrEqual(MAX_SIDE)
  })

  it('says when no picture could be read: too much of it, or wider than a canvas', () => {
    const { box, cards } = stack(20_000)
    expect(sheetOf(box, cards)).toBeNull()
    expect(sheetOf({ ...box, width: 40_000, height: 400 }, cards.slice(0, 2))).toBeNull()
  })
})
