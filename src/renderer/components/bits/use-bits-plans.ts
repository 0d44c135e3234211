import { computed } from 'vue'
import { bitsName } from '../../insight/bits-points.ts'
import { contentOf } from '../../plan/content.ts'
import { useBitsStore } from '../../stores/bits.ts'
import { usePlanStore } from '../../stores/plan.ts'

/** The plans of the points on screen; one that is taken is the plan on the graph. */
export function useBitsPlans() {
  const bits = useBitsStore()
  const plan = usePlanStore()

  /** keys of the points whose plan is the one on screen: 8 bits are one plan on every curve */
  const taken = computed<ReadonlySet<string>>(
    () => new Set([...bits.plans].filter(([, own]) => contentOf(own) === plan.content).map(([key]) => key)),
  )

  function take(key: string): void {
    const own = bits.plans.get(key)
    if (!own || taken.value.has(key)) return
    const [what, width] = key.split(' ') as ['weights' | 'activations' | 'both', string]
    plan.replace(own, `Plan of the sweep: ${bitsName({ what, bits: Number(width) })}`)
  }

  return { taken, take }
}
