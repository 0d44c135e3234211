import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

/**
 * The one selection of the window: layers selected anywhere are selected everywhere, and the one under the pointer is lit up everywhere.
 * `anchor` is where a range or a walk along the edges starts from: the layer chosen last.
 */
export const useSelectionStore = defineStore('selection', () => {
  const ids = shallowRef<readonly string[]>([])
  const hovered = ref<string | null>(null)
  const anchor = ref<string | null>(null)
  const set = computed<ReadonlySet<string>>(() => new Set(ids.value))
  const count = computed(() => ids.value.length)
  /** the only selected layer; null where none or several are */
  const single = computed(() => (ids.value.length === 1 ? ids.value[0]! : null))

  function has(id: string): boolean {
    return set.value.has(id)
  }

  /** Selects these layers and nothing else; the last one becomes the anchor. */
  function select(layers: readonly string[], from: string | null = layers.at(-1) ?? null): void {
    ids.value = [...new Set(layers)]
    anchor.value = from
  }

  /** Takes a layer in or out (Ctrl and click). */
  function toggle(id: string): void {
    ids.value = has(id) ? ids.value.filter((other) => other !== id) : [...ids.value, id]
    anchor.value = id
  }

  /** Adds layers (Shift and arrow, a frame with Shift). */
  function extend(layers: readonly string[]): void {
    select([...ids.value, ...layers], layers.at(-1) ?? anchor.value)
  }

  /** Selects all from the anchor to `id` in an order that a list shows (Shift and click); the anchor stays. */
  function range(id: string, order: readonly string[]): void {
    const from = anchor.value === null ? -1 : order.indexOf(anchor.value)
    const to = order.indexOf(id)
    if (from < 0 || to < 0) return select([id])
    select(order.slice(Math.min(from, to), Math.max(from, to) + 1), anchor.value)
  }

  /** What a click on a layer in any list or chart does. */
  function click(
    id: string,
    event: Pick<MouseEvent, 'shiftKey' | 'ctrlKey' | 'metaKey'>,
    order: readonly string[],
  ): void {
    if (event.shiftKey) range(id, order)
    else if (event.ctrlKey || event.metaKey) toggle(id)
    else select([id])
  }

  function hover(id: string | null): void {
    hovered.value = id
  }

  function clear(): void {
    select([])
  }

  /** Forgets layers that the model on screen does not have. */
  function keep(known: ReadonlySet<string>): void {
    if (ids.value.some((id) => !known.has(id))) ids.value = ids.value.filter((id) => known.has(id))
    if (anchor.value !== null && !known.has(anchor.value)) anchor.value = ids.value.at(-1) ?? null
    if (hovered.value !== null && !known.has(hovered.value)) hovered.value = null
  }

  return { ids, hovered, anchor, set, count, single, has, select, toggle, extend, range, click, hover, clear, keep }
})
