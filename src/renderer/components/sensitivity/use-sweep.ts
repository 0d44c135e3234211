import { computed, ref } from 'vue'
import { axisOfRows, barsOf, samplesText, sortedLayers } from '../../insight/sweep-rows.ts'
import { useSelectionStore } from '../../stores/selection.ts'
import { useSensitivityStore } from '../../stores/sensitivity.ts'
import { useStandingOrder } from './use-standing-order.ts'

/** configuration that is sorted by, in every place that shows the sweep; null: the first */
const chosen = ref<string | null>(null)

/** The sweep on screen as bars in one order, for the screen and for the dock; what is picked is selected everywhere. */
export function useSweep() {
  const sensitivity = useSensitivityStore()
  const selection = useSelectionStore()

  const config = computed({
    get: () => {
      const known = sensitivity.configs
      return chosen.value !== null && known.includes(chosen.value) ? chosen.value : (known[0] ?? '')
    },
    set: (value) => (chosen.value = value),
  })
  const order = useStandingOrder(
    () => sortedLayers(sensitivity.layers, sensitivity.rows, config.value, sensitivity.base),
    () => [sensitivity.arrivals, config.value],
    () => sensitivity.isActive,
  )
  const bars = computed(() =>
    barsOf({ ids: order.value, rows: sensitivity.rows, config: config.value, isOver: sensitivity.isWhole }),
  )
  const axis = computed(() => axisOfRows(sensitivity.rows, sensitivity.base))
  const title = computed(() => {
    const way = sensitivity.source?.question.quick ? 'Local SQNR' : 'Sensitivity'
    return config.value === '' ? way : `${way} at ${config.value}`
  })
  const description = computed(() => {
    const of = samplesText(sensitivity.rows)
    return `${sensitivity.rows.size} values of ${order.value.length} layers${of === '' ? '' : `, on ${of}`}, worst first.`
  })

  function pick(id: string, how: { extend: boolean; toggle: boolean }): void {
    selection.click(id, { shiftKey: how.extend, ctrlKey: how.toggle, metaKey: false }, order.value)
  }

  return { config, order, bars, axis, title, description, pick }
}
