import type { Box } from '../../graph/scene/scene.ts'
import type { Hit, Stage } from '../../graph/stage.ts'

/** What the pointer asks for; positions are CSS px from the canvas's corner. */
export interface PointerActions {
  hover(hit: Hit, x: number, y: number): void
  leave(): void
  click(hit: Hit, x: number, y: number, extends_: boolean): void
  open(hit: Hit): void
  menu(hit: Hit, x: number, y: number): void
  /** items that a rubber band has caught */
  catchItems(items: readonly number[]): void
}

export interface PointerHandlers {
  down(event: PointerEvent): void
  move(event: PointerEvent): void
  up(event: PointerEvent): void
  cancel(): void
  leave(): void
  wheel(event: WheelEvent): void
  doubleClick(event: MouseEvent): void
  contextMenu(event: MouseEvent): void
}

/** A pointer that moved less than this has clicked; px. */
const CLICK_DISTANCE = 4
/** Factor of one step of a mouse wheel; touchpads send many small ones. */
const WHEEL_ZOOM = 0.01
const MAX_WHEEL = 40
const LINE_PX = 16

interface Drag {
  readonly startX: number
  readonly startY: number
  readonly kind: 'pan' | 'band'
  x: number
  y: number
  hasMoved: boolean
}

/**
 * Mouse, touchpad and touch: drag pans, Shift and drag draws a rubber band, two fingers or the wheel pan, Ctrl and wheel (a pinch on touchpads)
 * zooms about the pointer.
 */
export function createPointer(stage: () => Stage | null, actions: PointerActions): PointerHandlers {
  let drag: Drag | null = null

  const at = (event: MouseEvent): { x: number; y: number } => {
    const { left, top } = (event.currentTarget as Element).getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top }
  }
  const hitAt = (x: number, y: number): Hit => stage()?.hit(x, y) ?? { kind: 'nothing' }

  function down(event: PointerEvent): void {
    if (event.button !== 0 && event.button !== 1) return
    const { x, y } = at(event)
    const kind = event.shiftKey && event.button === 0 ? 'band' : 'pan'
    drag = { startX: x, startY: y, x, y, kind, hasMoved: false }
    const target = event.currentTarget as HTMLElement
    // a pointer made by a script cannot be captured
    if (event.isTrusted) target.setPointerCapture(event.pointerId)
  }

  function move(event: PointerEvent): void {
    const { x, y } = at(event)
    if (!drag) return actions.hover(hitAt(x, y), x, y)
    if (!drag.hasMoved && Math.hypot(x - drag.startX, y - drag.startY) < CLICK_DISTANCE) return
    drag.hasMoved = true
    if (drag.kind === 'pan') stage()?.pan(x - drag.x, y - drag.y)
    else stage()?.setBand(bandOf(drag, x, y))
    drag.x = x
    drag.y = y
  }

  function up(event: PointerEvent): void {
    const ended = drag
    drag = null
    if (!ended) return
    const { x, y } = at(event)
    if (!ended.hasMoved) {
      if (event.button === 0) actions.click(hitAt(x, y), x, y, event.shiftKey || event.ctrlKey || event.metaKey)
      return
    }
    if (ended.kind !== 'band') return
    stage()?.setBand(null)
    actions.catchItems(stage()?.itemsWithin(bandOf(ended, x, y)) ?? [])
  }

  function cancel(): void {
    drag = null
    stage()?.setBand(null)
  }

  function wheel(event: WheelEvent): void {
    event.preventDefault()
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1
    const dx = event.deltaX * unit
    const dy = event.deltaY * unit
    if (event.ctrlKey || event.metaKey) {
      const { x, y } = at(event)
      const step = Math.min(MAX_WHEEL, Math.max(-MAX_WHEEL, dy))
      stage()?.zoom(Math.exp(-step * WHEEL_ZOOM), x, y)
    } else if (event.shiftKey && dx === 0) stage()?.pan(-dy, 0)
    else stage()?.pan(-dx, -dy)
  }

  function doubleClick(event: MouseEvent): void {
    const { x, y } = at(event)
    actions.open(hitAt(x, y))
  }

  function contextMenu(event: MouseEvent): void {
    event.preventDefault()
    const { x, y } = at(event)
    actions.menu(hitAt(x, y), x, y)
  }

  const leave = (): void => {
    if (!drag) actions.leave()
  }
  return { down, move, up, cancel, leave, wheel, doubleClick, contextMenu }
}

function bandOf({ startX, startY }: Drag, x: number, y: number): Box {
  return { x: Math.min(startX, x), y: Math.min(startY, y), width: Math.abs(x - startX), height: Math.abs(y - startY) }
}
