import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { downloadBlob } from '../components/desk/download.ts'
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
      downloadBlob(fileName, new Blob([bytes], { type: 'application/octet-stream' }))
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  return { problem, save }
})
