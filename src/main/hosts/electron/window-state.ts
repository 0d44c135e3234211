import { z } from 'zod'
import type { Json } from '../../../shared/contract/runs.ts'

/** Where a window was, and how. */
export interface WindowState {
  readonly x?: number
  readonly y?: number
  readonly width: number
  readonly height: number
  readonly isMaximized: boolean
}

/** A part of the screen. */
export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const stored = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().min(400).max(20_000),
  height: z.int().min(300).max(20_000),
  isMaximized: z.boolean(),
})

const USUAL: WindowState = { width: 1440, height: 900, isMaximized: false }
/** So much of the title must be on a screen, so that the window can be moved. */
const VISIBLE = 100

/**
 * The state a window opens with: as it was left, moved back where the screen it was on is gone.
 * @param displays work areas of the screens there are
 */
export function restoredState(kept: Json, displays: readonly Area[]): WindowState {
  const found = stored.safeParse(kept)
  if (!found.success) return USUAL
  const { x, y, width, height, isMaximized } = found.data
  const isSeen = displays.some(
    (area) =>
      x + width > area.x + VISIBLE &&
      x < area.x + area.width - VISIBLE &&
      y >= area.y - 10 &&
      y < area.y + area.height - VISIBLE,
  )
  return isSeen ? { x, y, width, height, isMaximized } : { width, height, isMaximized }
}
