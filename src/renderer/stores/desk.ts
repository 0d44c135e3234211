import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import { z } from 'zod'
import type { PlanDifference } from '../../shared/contract/api/plans.ts'
import { defaultPlan, type QuantPlan } from '../../shared/contract/plan.ts'
import type { GraphOverlay } from '../graph/decor.ts'
import { overlayOf, type OverlayChoice, type OverlayName } from '../plan/overlays.ts'
import { createLatest } from '../plan/latest.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAnswerStore } from './answer.ts'
import { client } from './client.ts'
import { useEvidenceStore } from './evidence.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'

/** Another plan that the one on screen is held against. */
interface Other {
  readonly label: string
  readonly plan: QuantPlan
}

interface Asked {
  readonly hash: string
  readonly a: QuantPlan
  readonly b: QuantPlan
}

const TENSOR = 'tensor:'

const KEY = 'quantbench.desk'
const kept = z.object({
  overlay: z.enum(['none', 'sensitivity', 'sqnr', 'latency', 'size', 'execution']).default('none'),
  isListShown: z.boolean().default(false),
  listSize: z.number().min(280).max(900).default(500),
})

/** How the window was left; the defaults where nothing is kept, or what another version kept. */
function remembered(): z.output<typeof kept> {
  try {
    return kept.parse(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return kept.parse({})
  }
}

/** How the graph is looked at: what is laid over it, the list beside it, another plan it is compared with, the export dialog. */
export const useDeskStore = defineStore('desk', () => {
  const models = useModelsStore()
  const evidence = useEvidenceStore()
  const plan = usePlanStore()
  const answer = useAnswerStore()

  const before = remembered()
  const overlay = ref<OverlayName>(before.overlay)
  /** configuration of sensitivity and SQNR overlays; null: the first */
  const config = ref<string | null>(null)
  const isListShown = ref(before.isListShown)
  const listSize = ref(before.listSize)
  const isExporting = ref(false)
  const isSaving = ref(false)
  const other = shallowRef<Other | null>(null)
  const differences = shallowRef<readonly PlanDifference[]>([])
  const problem = shallowRef<Problem | null>(null)

  /** an overlay that another screen asked for, until one is chosen here */
  const lent = shallowRef<GraphOverlay | null>(null)
  const choice = computed<OverlayChoice>(() =>
    lent.value === null
      ? overlayOf(overlay.value, {
          layers: models.layers,
          sensitivity: evidence.sensitivity,
          scan: evidence.scan,
          execution: evidence.execution,
          estimate: answer.shownEstimate,
          isMeasured: answer.measured !== null && answer.measured.run === evidence.execution?.run,
          config: config.value,
        })
      : { overlay: lent.value, missing: null },
  )
  /** Lays numbers of another screen over the graph. */
  function lend(numbers: GraphOverlay): void {
    overlay.value = 'none'
    lent.value = numbers
  }
  /** configurations that the overlay can show */
  const configs = computed<readonly string[]>(() => {
    if (overlay.value === 'sensitivity') return evidence.sensitivity?.configs ?? []
    return overlay.value === 'sqnr' ? (evidence.scan?.configs ?? []) : []
  })

  /** layers that differ between the two plans, those that make a tensor of which the range differs among them; null: no comparison */
  const changed = computed<ReadonlySet<string> | null>(() => {
    if (other.value === null) return null
    const makers = new Map(models.layers.flatMap(({ id, outputs }) => outputs.map((name) => [name, id] as const)))
    const found = differences.value.map(({ subject }) =>
      subject.startsWith(TENSOR) ? (makers.get(subject.slice(TENSOR.length)) ?? subject) : subject,
    )
    return new Set(found.filter((id) => models.layersById.has(id)))
  })

  const differ = createLatest<Asked, readonly PlanDifference[]>({
    ask: (asked, signal) => client().plans.diff(asked, { signal }),
    onAnswer: (found) => {
      differences.value = found
      problem.value = null
    },
    onError: (error) => (problem.value = problemOf(error)),
    pauseMs: 40,
  })
  function compareNow(): void {
    if (other.value !== null && models.hash !== null)
      differ.ask({ hash: models.hash, a: other.value.plan, b: plan.plan })
  }

  /** Draws what differs between another plan and the one on screen. */
  function compare(label: string, with_: QuantPlan): void {
    other.value = { label, plan: with_ }
    differences.value = []
    compareNow()
  }
  function endComparison(): void {
    differ.drop()
    other.value = null
    differences.value = []
  }

  const compareDefault = (): void => compare('the default plan', defaultPlan)
  /** Against all layers in float: what the plan quantizes at all. */
  function compareFloat(): void {
    const layers = Object.fromEntries(models.layers.map(({ id }) => [id, 'float' as const]))
    compare('everything in float', { ...defaultPlan, layers })
  }

  watch(() => plan.plan, compareNow)
  watch([overlay, isListShown, listSize], ([name, isShown, size]) =>
    localStorage.setItem(KEY, JSON.stringify({ overlay: name, isListShown: isShown, listSize: size })),
  )
  watch(() => models.hash, endComparison)
  watch([() => models.hash, overlay, other], () => {
    if (overlay.value !== 'none' || other.value === null) lent.value = null
  })

  return {
    overlay,
    config,
    configs,
    choice,
    isListShown,
    listSize,
    isExporting,
    isSaving,
    other,
    differences,
    changed,
    problem,
    compare,
    lend,
    compareDefault,
    compareFloat,
    endComparison,
  }
})
