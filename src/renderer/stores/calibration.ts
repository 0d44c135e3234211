import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef, watch } from 'vue'
import type { ActivationView, CalibratedTensor } from '../../shared/contract/api/models.ts'
import type { JobResultOf } from '../../shared/contract/api/job-results.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { useEvidenceStore } from './evidence.ts'
import { createJobSlot } from './job-slot.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { useSamplesStore } from './samples.ts'

/** Tensors whose histograms are asked for at a time. */
const AT_ONCE = 4

/** Calibrations of the open model: the job that makes one, and what it saw of each tensor. */
export const useCalibrationStore = defineStore('calibration', () => {
  const models = useModelsStore()
  const samples = useSamplesStore()
  const evidence = useEvidenceStore()
  const plan = usePlanStore()

  const result = shallowRef<JobResultOf<'calibrate'> | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** digest of the one whose tensors are shown; null: the newest */
  const chosen = ref<string | null>(null)
  const tensors = shallowRef<readonly CalibratedTensor[]>([])
  const views = shallowReactive(new Map<string, ActivationView>())
  const waiting: string[] = []
  let flying = 0

  const shown = computed(
    () => evidence.calibrations.find(({ sha256 }) => sha256 === chosen.value) ?? evidence.calibrations[0] ?? null,
  )
  /** bits and symmetry that ranges are shown for: those of the plan's defaults */
  const scheme = computed(() => plan.plan.defaults.activations)

  const slot = createJobSlot(['calibrate'], {
    onTake: () => (result.value = null),
    onEvent: (event) => {
      if (event.kind !== 'done' || event.result.kind !== 'calibrate') return
      result.value = event.result
      chosen.value = null
      void evidence.load()
    },
  })

  async function start(): Promise<void> {
    const model = models.current
    if (model === null || samples.options === null || slot.isActive.value) return
    await slot.start({ kind: 'calibrate', model: model.summary.path, samples: samples.options })
  }

  async function loadTensors(): Promise<void> {
    const hash = models.hash
    const calibration = shown.value?.sha256
    views.clear()
    waiting.length = 0
    if (hash === null || calibration === undefined) return void (tensors.value = [])
    try {
      const found = await client().models.calibrated({ hash, calibration })
      if (models.hash !== hash || shown.value?.sha256 !== calibration) return
      tensors.value = found
      problem.value = null
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  async function next(): Promise<void> {
    const tensor = waiting.shift()
    const hash = models.hash
    const calibration = shown.value?.sha256
    if (tensor === undefined || hash === null || calibration === undefined) return
    flying += 1
    const { bits, symmetric } = scheme.value
    try {
      const view = await client().models.activations({ hash, calibration, tensor, bits, symmetric })
      if (shown.value?.sha256 === calibration && models.hash === hash) views.set(tensor, view)
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      flying -= 1
      if (flying < AT_ONCE) void next()
    }
  }

  /** Asks for the histogram of a tensor that has come into sight; what is known or asked for is not asked again. */
  function see(tensor: string): void {
    if (views.has(tensor) || waiting.includes(tensor)) return
    waiting.push(tensor)
    if (flying < AT_ONCE) void next()
  }

  watch(
    () => models.hash,
    () => {
      chosen.value = null
      result.value = null
      tensors.value = []
      problem.value = null
    },
    { flush: 'sync' },
  )
  watch([() => models.hash, () => shown.value?.sha256], () => void loadTensors(), { immediate: true })
  // other bits make other ranges: what is in sight asks anew
  watch(
    () => [scheme.value.bits, scheme.value.symmetric],
    () => {
      views.clear()
      waiting.length = 0
    },
  )

  return {
    result,
    chosen,
    shown,
    tensors,
    views,
    scheme,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem,
    jobProblem: slot.problem,
    start,
    pause: slot.pause,
    resume: slot.resume,
    cancel: slot.cancel,
    see,
  }
})
