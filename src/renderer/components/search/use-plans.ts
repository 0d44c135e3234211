import { computed, ref } from 'vue'
import { bytesText } from '../../format.ts'
import {
  axisOfCriterion,
  candidateText,
  limitsOf,
  pointsOf,
  sizeUnitOf,
  type Criterion,
} from '../../insight/candidates.ts'
import { contentOf } from '../../plan/content.ts'
import { useModelsStore } from '../../stores/models.ts'
import { usePlanStore } from '../../stores/plan.ts'
import { useSearchStore } from '../../stores/search.ts'

/** what the plans are judged by, in every place that shows them */
const x = ref<Criterion>('bytes')
const y = ref<Criterion>('drop')
const hovered = ref<string | null>(null)

/** The plans of the search on screen as points, for the screen and for the dock; a plan that is taken is the plan on the graph. */
export function usePlans() {
  const search = useSearchStore()
  const models = useModelsStore()
  const plan = usePlanStore()

  const unit = computed(() => sizeUnitOf(search.candidates))
  const xAxis = computed(() => axisOfCriterion(x.value, search.dropKind, unit.value))
  const yAxis = computed(() => axisOfCriterion(y.value, search.dropKind, unit.value))
  const points = computed(() =>
    pointsOf(search.candidates, { x: x.value, y: y.value, kind: search.dropKind, best: search.bestKey }),
  )
  const hasPlans = computed(() => search.candidates.length > 0)
  const floatBytes = computed(() => models.current?.summary.sizeBytes ?? null)
  const limits = computed(() =>
    search.searchedFor === null || !hasPlans.value
      ? []
      : limitsOf(search.searchedFor, [x.value, y.value], unit.value, floatBytes.value),
  )

  const keyByContent = computed(() => new Map(search.candidates.map(({ key, plan: own }) => [contentOf(own), key])))
  /** key of the measured plan that the plan on screen is */
  const taken = computed(() => keyByContent.value.get(plan.content) ?? null)

  function take(key: string): void {
    const candidate = search.candidates.find((one) => one.key === key)
    if (!candidate || key === taken.value) return
    plan.replace(candidate.plan, `Plan of the search: ${candidateText(candidate)}, ${bytesText(candidate.bytes)}`)
  }

  return { x, y, hovered, xAxis, yAxis, points, limits, hasPlans, floatBytes, taken, take }
}
