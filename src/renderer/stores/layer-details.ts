import { defineStore } from 'pinia'
import { computed, shallowReactive, shallowRef, watch } from 'vue'
import type { ActivationView, WeightView } from '../../shared/contract/api/models.ts'
import { createLatest } from '../plan/latest.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { useEvidenceStore } from './evidence.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { useSelectionStore } from './selection.ts'

interface Asked {
  readonly hash: string
  readonly key: string
  readonly tensor: string
  readonly bits: number
  readonly symmetric: boolean
}

/** Walking along layers with a key held down asks for none of those on the way. */
const PAUSE_MS = 60
/** Layers whose weights stay known; each is some kB of counts. */
const KEPT = 64

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > KEPT && oldest !== undefined) map.delete(oldest)
}

/** Weights and activations of the one selected layer: histograms, channel ranges, and the ranges that calibrators would choose. */
export const useLayerDetailsStore = defineStore('layerDetails', () => {
  const models = useModelsStore()
  const selection = useSelectionStore()
  const plan = usePlanStore()
  const evidence = useEvidenceStore()

  const weightsByLayer = shallowReactive(new Map<string, readonly WeightView[]>())
  const activationsByKey = shallowReactive(new Map<string, ActivationView>())
  const weightsProblem = shallowRef<Problem | null>(null)
  const activationsProblem = shallowRef<Problem | null>(null)

  const layer = computed(() => {
    const id = selection.single
    return id === null ? null : (models.layersById.get(id) ?? null)
  })
  /** null while it is on its way */
  const weights = computed(() => (layer.value === null ? null : (weightsByLayer.get(layer.value.id) ?? null)))

  const wanted = computed<Asked | null>(() => {
    const own = layer.value
    const hash = models.hash
    const tensor = own?.outputs[0]
    const calibration = evidence.calibrations[0]
    if (own === null || hash === null || tensor === undefined || calibration === undefined) return null
    const { bits = 8, symmetric = false } = plan.layersById.get(own.id)?.activations ?? {}
    return { hash, tensor, bits, symmetric, key: `${calibration.sha256} ${bits} ${symmetric} ${tensor}` }
  })
  /** of the layer's output, as the newest calibration saw it; null without one, or while it is on its way */
  const activations = computed(() => (wanted.value === null ? null : (activationsByKey.get(wanted.value.key) ?? null)))

  const weighing = createLatest<{ hash: string; layer: string }, readonly WeightView[]>({
    ask: (asked, signal) => client().models.weights(asked, { signal }),
    onAnswer: (views, asked) => {
      if (models.hash === asked.hash) keep(weightsByLayer, asked.layer, views)
    },
    onError: (error) => (weightsProblem.value = problemOf(error)),
    pauseMs: PAUSE_MS,
  })
  const watching = createLatest<Asked, ActivationView>({
    ask: ({ hash, tensor, bits, symmetric }, signal) =>
      client().models.activations({ hash, tensor, bits, symmetric }, { signal }),
    onAnswer: (view, { hash, key }) => {
      if (models.hash === hash) keep(activationsByKey, key, view)
    },
    onError: (error) => (activationsProblem.value = problemOf(error)),
    pauseMs: PAUSE_MS,
  })

  watch(
    () => models.hash,
    () => {
      weighing.drop()
      watching.drop()
      weightsByLayer.clear()
      activationsByKey.clear()
    },
  )
  watch(
    layer,
    (now) => {
      weightsProblem.value = null
      if (now === null || models.hash === null || now.parameters === 0 || weightsByLayer.has(now.id)) return
      weighing.ask({ hash: models.hash, layer: now.id })
    },
    { immediate: true },
  )
  watch(
    () => wanted.value?.key,
    () => {
      activationsProblem.value = null
      if (wanted.value !== null && !activationsByKey.has(wanted.value.key)) watching.ask(wanted.value)
    },
    { immediate: true },
  )

  return { layer, weights, activations, weightsProblem, activationsProblem }
})
