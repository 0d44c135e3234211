import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { TrainingEngineView } from '../../shared/contract/api/training.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { createJobSlot } from './job-slot.ts'

/** The native engine that trains: whether it is there, and its installation. */
export const useEngineStore = defineStore('engine', () => {
  /** null until somebody looked */
  const state = shallowRef<TrainingEngineView | null>(null)
  const isLooking = ref(false)
  const lookProblem = shallowRef<Problem | null>(null)

  const slot = createJobSlot(
    ['installEngine'],
    {
      onTake: () => undefined,
      onEvent: (event) => {
        if (event.kind === 'done' && event.result.kind === 'installEngine') state.value = event.result.engine
      },
    },
    'any',
  )

  /** Loads the engine in a worker of the host, which takes a moment; once is enough unless something changed. */
  async function look(): Promise<void> {
    if (isLooking.value) return
    isLooking.value = true
    lookProblem.value = null
    try {
      state.value = await client().training.engine()
    } catch (error) {
      lookProblem.value = problemOf(error)
    } finally {
      isLooking.value = false
    }
  }
  const lookOnce = async (): Promise<void> => {
    if (state.value === null) await look()
  }

  async function install(): Promise<void> {
    if (!slot.isActive.value) await slot.start({ kind: 'installEngine' })
  }

  const isInstalled = computed(() => state.value !== null && state.value.installed !== null)
  /** nothing can be trained here whatever is tried */
  const isHopeless = computed(() => {
    const now = state.value
    return now !== null && now.installed === null && now.problem === null && now.sources.length === 0
  })

  return {
    state,
    isLooking,
    isInstalled,
    isHopeless,
    job: slot.job,
    share: slot.share,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    problem: computed(() => slot.problem.value ?? lookProblem.value),
    look,
    lookOnce,
    install,
    cancel: slot.cancel,
  }
})
