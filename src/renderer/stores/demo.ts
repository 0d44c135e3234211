import { defineStore } from 'pinia'
import { problemOf } from '../problem.ts'
import { handOver } from './hand-over.ts'
import { createJobSlot } from './job-slot.ts'
import { useLayoutStore } from './layout.ts'

/** The whole job on the built-in sample, whose report is handed over where it was asked for. */
export const useDemoStore = defineStore('demo', () => {
  const layout = useLayoutStore()
  let isAsked = false

  const slot = createJobSlot(
    ['demo'],
    {
      onTake: () => undefined,
      onEvent: (event) => {
        if (event.kind !== 'done' || event.result.kind !== 'demo' || !isAsked) return
        isAsked = false
        handOver(event.result.reportPath).catch((error: unknown) => (slot.problem.value = problemOf(error)))
      },
    },
    'any',
  )

  /** Starts it and shows the jobs, where it tells what it is at. */
  async function run(): Promise<void> {
    if (slot.isActive.value) return
    isAsked = true
    layout.showDock('jobs')
    await slot.start({ kind: 'demo' })
  }

  return { isActive: slot.isActive, problem: slot.problem, run }
})
