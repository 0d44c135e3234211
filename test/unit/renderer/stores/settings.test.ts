import { beforeEach, expect, it, vi } from 'vitest'
import { useAppStore } from '../../../../src/renderer/stores/app.ts'
import { useSettingsStore } from '../../../../src/renderer/stores/settings.ts'
import type { Settings } from '../../../../src/shared/contract/api/app.ts'
import { os, testWindow } from '../host.ts'

const DEFAULTS: Settings = { theme: 'system', threads: null, workers: null, memoryBytes: null, home: '/home/test' }
let dataset: Record<string, string> = {}

beforeEach(() => {
  dataset = {}
})

function settingsWindow(remembered?: string) {
  const state = { settings: DEFAULTS }
  const host = testWindow({
    app: {
      info: os.app.info.handler(() => ({}) as never),
      events: os.app.events.handler(({ signal }) => host.events.follow([], () => false, signal)),
      settings: {
        get: os.app.settings.get.handler(() => state.settings),
        set: os.app.settings.set.handler(({ input }) => (state.settings = { ...state.settings, ...input })),
      },
      doctor: os.app.doctor.handler(({ errors }) => {
        throw errors.FAULT({ data: { code: 'engine.crashed', message: 'The engine ended.', data: {} } })
      }),
    },
  })
  vi.stubGlobal('document', { documentElement: { dataset } })
  if (remembered) localStorage.setItem('quantbench.theme', remembered)
  return { ...host, state, store: useSettingsStore() }
}

it('has the remembered theme from the first paint on, and the host’s once it is known', async () => {
  const { state, store } = settingsWindow('dark')
  expect(dataset).toEqual({ theme: 'dark' })
  state.settings = { ...DEFAULTS, theme: 'light' }
  await store.load()
  expect(dataset).toEqual({ theme: 'light' })
})

it('leaves the theme to the system where nothing else is said', async () => {
  const { store } = settingsWindow('nonsense')
  expect(dataset).toEqual({})
  await store.change({ theme: 'dark' })
  expect(dataset).toEqual({ theme: 'dark' })
  expect(localStorage.getItem('quantbench.theme')).toBe('dark')
  await store.change({ theme: 'system' })
  expect(dataset).toEqual({})
})

it('follows what another window changes', async () => {
  const { events, store } = settingsWindow()
  useAppStore().listen()
  await vi.waitFor(() => expect(events.followers).toBe(1))
  events.tell({ kind: 'settings', settings: { ...DEFAULTS, theme: 'dark', threads: 2 } })
  await vi.waitFor(() => expect(store.settings?.threads).toBe(2))
  expect(dataset).toEqual({ theme: 'dark' })
})

it('says what was refused, or cannot be looked at', async () => {
  const { store } = settingsWindow()
  await store.change({ threads: 0 })
  expect(store.problem).not.toBeNull()
  await store.examine()
  expect(store.problem?.code).toBe('engine.crashed')
  expect(store.examining).toBe(false)
})
