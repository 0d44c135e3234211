import { defineStore } from 'pinia'
import { ref, shallowRef, watch } from 'vue'
import type { RunSummary } from '../../shared/contract/runs.ts'
import { client } from './client.ts'

const PAUSE_MS = 120
const RUNS = 12

/** The command palette: whether it is open, what is typed, and the runs that the store finds for it. */
export const usePaletteStore = defineStore('palette', () => {
  const open = ref(false)
  const query = ref('')
  const runs = shallowRef<readonly RunSummary[]>([])
  let asked = 0

  async function search(text: string): Promise<void> {
    const mine = ++asked
    await new Promise((resolve) => setTimeout(resolve, text === '' ? 0 : PAUSE_MS))
    if (mine !== asked || !open.value) return
    try {
      const page = await client().runs.list({ filter: text === '' ? {} : { text }, limit: RUNS })
      if (mine === asked) runs.value = page.runs
    } catch {
      // without the host there are no runs to find; the connection line says so
      if (mine === asked) runs.value = []
    }
  }
  watch([open, query], ([isOpen, text]) => {
    if (isOpen && !text.startsWith('>')) void search(text.trim().slice(0, 200))
  })

  /** @param text what stands in it already: `>` for commands alone, `@` for layers alone */
  function show(text = ''): void {
    query.value = text
    open.value = true
  }

  return { open, query, runs, show }
})
