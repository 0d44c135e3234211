import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { useModelsStore } from './models.ts'

/** Constants of the open model, as files to take away. */
export const useTensorsStore = defineStore('tensors', () => {
  const models = useModelsStore()
  const problem = shallowRef<Problem | null>(null)

  /** Hands a constant to the user as a .npy file. */
  async function save(tensor: string): Promise<void> {
    if (models.hash === null) return
    problem.value = null
    try {
      const { npy, fileName } = await client().models.tensor({ hash: models.hash, tensor })
      const bytes = Uint8Array.from(atob(npy), (character) => character.charCodeAt(0))
      const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
      const link = document.createElement('a')
      link.href = url
      link.download = fileName
      link.click()
      // the browser has taken it over by then
      setTimeout(() => URL.revokeObjectURL(url), 10_000)
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  return { problem, save }
})
