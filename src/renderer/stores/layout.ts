import { defineStore } from 'pinia'
import { reactive, watch } from 'vue'
import { z } from 'zod'

const KEY = 'quantbench.layout'

/** Sizes in px. What is hidden keeps its size for when it comes back. */
const layout = z.object({
  railCollapsed: z.boolean().default(false),
  inspectorSize: z.number().min(200).max(1200).default(320),
  inspectorHidden: z.boolean().default(false),
  dockSize: z.number().min(80).max(1600).default(240),
  dockHidden: z.boolean().default(true),
  dockTab: z.string().default('jobs'),
})
type Layout = z.infer<typeof layout>

function remembered(): Layout {
  try {
    return layout.parse(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    // another version's, or not ours: start from the defaults
    return layout.parse({})
  }
}

/** Where the window's parts are and how large; kept from one start to the next. */
export const useLayoutStore = defineStore('layout', () => {
  const state = reactive(remembered())
  watch(state, (now) => localStorage.setItem(KEY, JSON.stringify(now)))

  /** Opens the dock at a tab; a second time on the same tab closes it. */
  function toggleDock(tab: string = state.dockTab): void {
    state.dockHidden = !state.dockHidden && state.dockTab === tab
    state.dockTab = tab
  }

  function showDock(tab: string): void {
    state.dockHidden = false
    state.dockTab = tab
  }

  return { state, toggleDock, showDock }
})
