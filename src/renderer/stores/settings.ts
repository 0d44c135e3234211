import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type { DoctorFinding, Settings, SettingsChange } from '../../shared/contract/api/app.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'

type Theme = Settings['theme']

const THEME_KEY = 'quantbench.theme'

function isTheme(value: unknown): value is Theme {
  return value === 'system' || value === 'light' || value === 'dark'
}

/** What can be set for the whole application. The theme is also kept in the window, so that it is right from the first paint on. */
export const useSettingsStore = defineStore('settings', () => {
  const app = useAppStore()
  const settings = shallowRef<Settings | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const findings = shallowRef<readonly DoctorFinding[] | null>(null)
  const examining = shallowRef(false)
  const remembered = localStorage.getItem(THEME_KEY)
  const theme = computed<Theme>(() => settings.value?.theme ?? (isTheme(remembered) ? remembered : 'system'))

  watch(
    theme,
    (value) => {
      const root = document.documentElement
      if (value === 'system') delete root.dataset['theme']
      else root.dataset['theme'] = value
      localStorage.setItem(THEME_KEY, value)
    },
    { immediate: true, flush: 'sync' },
  )
  app.on('settings', (event) => {
    settings.value = event.settings
  })

  async function load(): Promise<void> {
    try {
      settings.value = await client().app.settings.get()
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  async function change(wanted: SettingsChange): Promise<void> {
    problem.value = null
    try {
      settings.value = await client().app.settings.set(wanted)
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  async function examine(): Promise<void> {
    examining.value = true
    problem.value = null
    try {
      findings.value = (await client().app.doctor()).findings
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      examining.value = false
    }
  }

  return { settings, theme, problem, findings, examining, load, change, examine }
})
