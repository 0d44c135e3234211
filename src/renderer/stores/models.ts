import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type { OpenModel, RecentModel } from '../../shared/contract/api/models.ts'
import type { GraphView } from '../../shared/contract/graph-view.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useSelectionStore } from './selection.ts'

const CURRENT_KEY = 'quantbench.model'

/** Models: the one on screen, and those that were open before. */
export const useModelsStore = defineStore('models', () => {
  const app = useAppStore()
  const selection = useSelectionStore()
  const current = shallowRef<OpenModel | null>(null)
  /** its graph as prepared; null until it has come */
  const graph = shallowRef<GraphView | null>(null)
  const recent = shallowRef<readonly RecentModel[] | null>(null)
  /** what is being opened: a path, or a name */
  const opening = shallowRef<string | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let asked = 0

  const hash = computed(() => current.value?.summary.hash ?? null)
  const layers = computed(() => current.value?.summary.layers ?? [])
  const layersById = computed(() => new Map(layers.value.map((layer) => [layer.id, layer])))

  async function loadRecent(): Promise<void> {
    recent.value = await client().models.recent()
  }
  const refresh = (): void => void loadRecent().catch((error: unknown) => (problem.value = problemOf(error)))
  app.on('models', refresh)
  app.on('runs', () => {
    // a better plan may have been found; nobody waits for it where the list was never shown
    if (recent.value !== null) refresh()
  })

  watch(hash, (value) => {
    if (value === null) sessionStorage.removeItem(CURRENT_KEY)
    else sessionStorage.setItem(CURRENT_KEY, value)
  })

  async function loadGraph(wanted: string): Promise<void> {
    const view = await client().models.graph({ hash: wanted })
    if (hash.value === wanted) graph.value = view
  }

  function show(model: OpenModel): void {
    if (model.summary.hash !== hash.value) graph.value = null
    current.value = model
    selection.keep(new Set(model.summary.layers.map((layer) => layer.id)))
  }

  /** Makes what `load` opens the current model; the newest wish wins. Gives whether it is open now: a failure is kept in `problem`. */
  async function bring(name: string, load: () => Promise<OpenModel>): Promise<boolean> {
    const mine = ++asked
    opening.value = name
    problem.value = null
    try {
      const model = await load()
      if (mine !== asked) return false
      show(model)
      await loadGraph(model.summary.hash)
      return true
    } catch (error) {
      if (mine === asked) problem.value = problemOf(error)
      return false
    } finally {
      if (mine === asked) opening.value = null
    }
  }

  const open = (path: string): Promise<boolean> => bring(path, () => client().models.open({ path }))
  const openSample = (): Promise<boolean> => bring('the built-in sample', () => client().models.sample())
  const openKnown = (wanted: string, name = 'the model'): Promise<boolean> =>
    bring(name, () => client().models.get({ hash: wanted }))

  /** Opens again what this window showed before it was reloaded. */
  async function restore(): Promise<void> {
    const known = sessionStorage.getItem(CURRENT_KEY)
    if (known !== null && current.value === null) await openKnown(known)
  }

  async function forget(wanted: string): Promise<void> {
    try {
      await client().models.forget({ hash: wanted })
      await loadRecent()
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  async function keepThumbnail(wanted: string, png: string): Promise<void> {
    await client().models.keepThumbnail({ hash: wanted, png })
  }

  function close(): void {
    asked += 1
    current.value = null
    graph.value = null
    opening.value = null
    selection.clear()
  }

  function report(error: unknown): void {
    problem.value = problemOf(error)
  }

  return {
    current,
    graph,
    recent,
    opening,
    problem,
    hash,
    layers,
    layersById,
    loadRecent,
    open,
    openSample,
    openKnown,
    restore,
    forget,
    keepThumbnail,
    close,
    report,
  }
})
