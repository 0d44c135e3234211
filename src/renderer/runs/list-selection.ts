/** A selection in a list: what is selected, where the keyboard is, and where a range starts. */
export interface ListSelection {
  /** in no order of their own: the list gives it */
  readonly ids: ReadonlySet<string>
  readonly focus: string | null
  readonly anchor: string | null
}

export const NOTHING: ListSelection = { ids: new Set(), focus: null, anchor: null }

interface How {
  readonly extend: boolean
  readonly toggle: boolean
}

/** What a click or Space on a row does: alone, with Shift to extend from the anchor, with Ctrl to take it in or out. */
export function clicked(
  now: ListSelection,
  id: string,
  { extend, toggle }: How,
  order: readonly string[],
): ListSelection {
  if (extend) return ranged(now, id, order)
  if (!toggle) return { ids: new Set([id]), focus: id, anchor: id }
  const ids = new Set(now.ids)
  if (!ids.delete(id)) ids.add(id)
  return { ids, focus: id, anchor: id }
}

/** All from the anchor to a row; the anchor stays. */
function ranged(now: ListSelection, id: string, order: readonly string[]): ListSelection {
  const from = now.anchor === null ? -1 : order.indexOf(now.anchor)
  const to = order.indexOf(id)
  if (from < 0 || to < 0) return { ids: new Set([id]), focus: id, anchor: id }
  const ids = new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1))
  return { ids, focus: id, anchor: now.anchor }
}

/** Rows that a key moves by; Infinity to an end. */
export function stepOf(key: string, page: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return 1
    case 'ArrowUp':
      return -1
    case 'PageDown':
      return page
    case 'PageUp':
      return -page
    case 'Home':
      return -Infinity
    case 'End':
      return Infinity
    default:
      return null
  }
}

/** What an arrow does: moves and selects; with Shift extends; with Ctrl moves only. */
export function moved(
  now: ListSelection,
  step: number,
  { extend, toggle }: How,
  order: readonly string[],
): ListSelection {
  if (order.length === 0) return now
  const at = now.focus === null ? -1 : order.indexOf(now.focus)
  const start = at < 0 ? (step > 0 ? -1 : order.length) : at
  const to = Math.min(order.length - 1, Math.max(0, start + step))
  const id = order[to]!
  if (extend) return ranged(now.anchor === null ? { ...now, anchor: now.focus ?? id } : now, id, order)
  if (toggle) return { ...now, focus: id }
  return { ids: new Set([id]), focus: id, anchor: id }
}

/** Everything in the list. */
export function everything(now: ListSelection, order: readonly string[]): ListSelection {
  return { ids: new Set(order), focus: now.focus ?? order[0] ?? null, anchor: now.anchor ?? order[0] ?? null }
}

/** Without what is no longer in the list. The focus goes to the row that now stands in its place. */
export function kept(now: ListSelection, before: readonly string[], order: readonly string[]): ListSelection {
  const known = new Set(order)
  const ids = [...now.ids].filter((id) => known.has(id))
  const anchor = now.anchor !== null && known.has(now.anchor) ? now.anchor : null
  if (now.focus === null || known.has(now.focus)) return { ids: new Set(ids), focus: now.focus, anchor }
  const place = before.indexOf(now.focus)
  const focus = order[Math.min(Math.max(0, place), order.length - 1)] ?? null
  return { ids: new Set(ids), focus, anchor }
}
