import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { OfficialSetView } from '../../shared/contract/api/data.ts'
import type { DataSpec } from '../../shared/contract/data.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { createJobSlot } from './job-slot.ts'

/** The official data sets: what lies here, what can be fetched, and the fetch that is under way. */
export const useOfficialDataStore = defineStore('official-data', () => {
  const isOpen = ref(false)
  /** null until they were asked for */
  const sets = shallowRef<readonly OfficialSetView[] | null>(null)
  const listProblem = shallowRef<Problem | null>(null)
  /** who takes the data that are chosen; null: the dialog was opened to look and fetch only */
  const taker = shallowRef<((spec: DataSpec) => void) | null>(null)

  const slot = createJobSlot(
    ['pullData'],
    {
      onTake: () => undefined,
      onEvent: ({ kind }) => {
        if (kind === 'done' || kind === 'failed' || kind === 'cancelled') void load()
      },
    },
    'any',
  )

  async function load(): Promise<void> {
    try {
      sets.value = await client().data.official()
      listProblem.value = null
    } catch (error) {
      listProblem.value = problemOf(error)
    }
  }

  /** Opens the dialog. @param take gets the data that are chosen in it */
  function show(take: ((spec: DataSpec) => void) | null = null): void {
    taker.value = take
    isOpen.value = true
    void load()
  }

  async function fetch(name: string): Promise<void> {
    if (!slot.isActive.value) await slot.start({ kind: 'pullData', name })
  }

  function use({ spec }: OfficialSetView): void {
    taker.value?.(spec)
    isOpen.value = false
  }

  return {
    isOpen,
    sets,
    taker,
    listProblem,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    load,
    show,
    fetch,
    use,
    cancel: slot.cancel,
  }
})
