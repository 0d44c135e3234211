import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { TableView } from '../../shared/contract/api/jobs.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { handOver } from './hand-over.ts'
import { createJobSlot } from './job-slot.ts'

const ROOT_KEY = 'quantbench.tables.root'

/** The classic tables: which there are, on which data, the one that is being measured, and what it came to. */
export const useTablesStore = defineStore('tables', () => {
  const isOpen = ref(false)
  const tables = shallowRef<readonly TableView[] | null>(null)
  const listProblem = shallowRef<Problem | null>(null)
  /** folder that holds the data sets, each in a folder of its name */
  const root = ref<string | null>(localStorage.getItem(ROOT_KEY))
  const isQuick = ref(true)
  const result = shallowRef<JobResultOf<'reproduce'> | null>(null)

  /** the table that was cancelled last: asked again, it goes on */
  const cutOff = ref<string | null>(null)
  let asked: string | null = null

  const slot = createJobSlot(
    ['reproduce'],
    {
      onTake: () => (result.value = null),
      onEvent: (event) => {
        if (event.kind === 'done' && event.result.kind === 'reproduce') result.value = event.result
        if (event.kind === 'cancelled') cutOff.value = asked
      },
    },
    'any',
  )

  async function show(): Promise<void> {
    isOpen.value = true
    try {
      tables.value = await client().jobs.tables()
      listProblem.value = null
    } catch (error) {
      listProblem.value = problemOf(error)
    }
  }

  function setRoot(folder: string): void {
    root.value = folder
    localStorage.setItem(ROOT_KEY, folder)
  }

  /** Measures a table; what was measured of it before is found again. */
  async function measure({ name: table }: TableView): Promise<void> {
    if (slot.isActive.value) return
    asked = table
    cutOff.value = null
    await slot.start({ kind: 'reproduce', table, dataRoot: root.value, quick: isQuick.value })
  }

  /** Hands a written file to the user. */
  async function take(path: string): Promise<void> {
    try {
      await handOver(path)
    } catch (error) {
      listProblem.value = problemOf(error)
    }
  }

  return {
    isOpen,
    tables,
    listProblem,
    root,
    isQuick,
    result,
    cutOff,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    show,
    setRoot,
    measure,
    take,
    cancel: slot.cancel,
  }
})
