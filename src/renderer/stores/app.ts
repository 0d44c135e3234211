import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { AppInfo } from '../../shared/contract/api.ts'
import { connect } from '../rpc.ts'

/** What the window knows of the application it talks to. */
export const useAppStore = defineStore('app', () => {
  const info = ref<AppInfo | null>(null)
  const problem = ref<string | null>(null)

  async function load(): Promise<void> {
    try {
      info.value = await connect().app.info()
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error)
    }
  }

  return { info, problem, load }
})
