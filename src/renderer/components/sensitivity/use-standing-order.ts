import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { keptOrder } from '../../insight/sweep-rows.ts'

/** Rows that come this soon after each other do not move what one is reading. */
const PAUSE_MS = 1500

/**
 * An order of rows that stands still while values stream in, and is made right when they pause.
 * @param wanted the order by the values so far
 * @param arrivals changes with each arrival
 * @param isStreaming false: the order is followed at once
 */
export function useStandingOrder(
  wanted: () => readonly string[],
  arrivals: () => unknown,
  isStreaming: () => boolean,
): Readonly<Ref<readonly string[]>> {
  const order = shallowRef<readonly string[]>(wanted())
  let timer: ReturnType<typeof setTimeout> | undefined
  const settle = (): void => {
    clearTimeout(timer)
    order.value = wanted()
  }
  watch([arrivals, wanted, isStreaming], () => {
    if (!isStreaming()) return settle()
    order.value = keptOrder(order.value, wanted())
    clearTimeout(timer)
    timer = setTimeout(settle, PAUSE_MS)
  })
  onScopeDispose(() => clearTimeout(timer))
  return order
}
