import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { useDeskStore } from './desk.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { saveText } from './save-text.ts'

/** A plan as a file: chosen by the browser, which reads it itself, or by the desktop's own dialogs. */
interface TextFile {
  readonly name: string
  readonly text: string
}

/** The user chooses a file of the machine the window is on; null when the dialog was closed. */
function pickText(accept: string): Promise<TextFile | null> {
  return new Promise((resolve, reject) => {
    const input = document.createElement('input')
    input.type = 'file'
    input.accept = accept
    input.addEventListener('cancel', () => resolve(null))
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      if (!file) return resolve(null)
      file.text().then((text) => resolve({ name: file.name, text }), reject)
    })
    input.click()
  })
}

/** Plans as files: taken in, given out, held against the one on screen. */
export const usePlanFilesStore = defineStore('planFiles', () => {
  const desk = useDeskStore()
  const models = useModelsStore()
  const plan = usePlanStore()
  const problem = shallowRef<Problem | null>(null)

  async function guarded(work: () => Promise<void>): Promise<void> {
    problem.value = null
    try {
      await work()
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  const importPlan = (): Promise<void> =>
    guarded(async () => {
      const file = await pickText('.json,application/json')
      if (file !== null && !(await plan.importText(file.text, file.name))) problem.value = plan.problem
    })

  const compare = (): Promise<void> =>
    guarded(async () => {
      const file = await pickText('.json,application/json')
      if (file === null) return
      const other: QuantPlan = await client().plans.parse({ text: file.text })
      desk.compare(file.name, other)
    })

  const exportPlan = (): Promise<void> =>
    guarded(async () => {
      const { text } = await client().plans.serialize({ plan: plan.plan })
      const stem = models.current?.name.replace(/\.[a-z]+$/i, '') ?? 'model'
      const name = `${stem}.${plan.name ?? 'plan'}.json`
      await saveText(name, 'application/json', text, 'Export the plan')
    })

  return { problem, importPlan, exportPlan, compare }
})
