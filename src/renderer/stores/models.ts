import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type { OpenModel, RecentModel } from '../../shared/contract/api/models.ts'
import type { GraphView } from '../../shared/contract/graph-view.ts'
import { pathsOfDropped, type DropProgress } from '../dropped-files.ts'
import { fileNameOf, modelsAmong } from '../model-files.ts'
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
  /** what opening it is at, in the host's word; null before it has said any */
  const openingStage = shallowRef<string | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** how far dropped files have come to the host */
  const upload = shallowRef<DropProgress | null>(null)
  let uploading: AbortController | null = null
  let loading: AbortController | null = null

  const hash = computed(() => current.value?.summary.hash ?? null)
  const layers = computed(() => current.value?.summary.layers ?? [])
  const layersById = computed(() => new Map(layers.value.map((layer) => [layer.id, layer])))

  const report = (error: unknown): void => void (problem.value = problemOf(error))

  async function loadRecent(): Promise<void> {
    try {
      recent.value = await client().models.recent()
    } catch (error) {
      report(error)
    }
  }
  const refresh = (): void => void loadRecent()
  app.on('opening', ({ stage }) => {
    if (opening.value !== null) openingStage.value = stage
  })
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
  async function bring(name: string, load: (signal: AbortSignal) => Promise<OpenModel>): Promise<boolean> {
    loading?.abort()
    const control = new AbortController()
    loading = control
    opening.value = name
    problem.value = null
    try {
      const model = await load(control.signal)
      if (loading !== control) return false
      openingStage.value = 'drawing'
      show(model)
      await loadGraph(model.summary.hash)
      return true
    } catch (error) {
      if (loading === control) problem.value = problemOf(error)
      return false
    } finally {
      if (loading === control) cancelOpening()
    }
  }

  /** Leaves the model that is being opened; the one on screen stays. */
  function cancelOpening(): void {
    const control = loading
    loading = null
    opening.value = null
    openingStage.value = null
    control?.abort()
  }

  const open = (path: string): Promise<boolean> => bring(path, (signal) => client().models.open({ path }, { signal }))
  const openSample = (): Promise<boolean> =>
    bring('the built-in sample', (signal) => client().models.sample(undefined, { signal }))
  const openKnown = (wanted: string, name = 'the model'): Promise<boolean> =>
    bring(name, (signal) => client().models.get({ hash: wanted }, { signal }))

  /** Where the host keeps what was sent says nothing to whoever dropped it. */
  function nameOnly(path: string): void {
    const shown = problem.value
    if (shown && app.isBrowser)
      problem.value = { ...shown, sentence: shown.sentence.replaceAll(path, fileNameOf(path)) }
  }

  /** Opens what was dropped; in a browser the files go to the host first. Of several models the first one is shown, all are kept as recent. */
  async function openDropped(files: readonly File[]): Promise<boolean> {
    if (files.length === 0) return false
    uploading?.abort()
    const control = new AbortController()
    uploading = control
    problem.value = null
    let paths: readonly string[]
    try {
      const onProgress = (progress: DropProgress): void => void (upload.value = progress)
      // the window stands a moment before the host has said how it takes files
      const { uploadUrl } = app.info ?? (await client().app.info())
      paths = modelsAmong(await pathsOfDropped(files, { uploadUrl, onProgress, signal: control.signal }))
    } catch (error) {
      if (!control.signal.aborted) problem.value = problemOf(error)
      return false
    } finally {
      if (uploading === control) upload.value = null
    }
    const [first, ...rest] = paths
    if (first === undefined) return false
    if (!(await open(first))) {
      nameOnly(first)
      return false
    }
    for (const path of rest) await client().models.open({ path }).catch(report)
    return true
  }

  function cancelUpload(): void {
    uploading?.abort()
    upload.value = null
  }

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
    cancelOpening()
    current.value = null
    graph.value = null
    selection.clear()
  }

  function dismiss(): void {
    problem.value = null
  }

  return {
    current,
    graph,
    recent,
    opening,
    openingStage,
    upload,
    problem,
    hash,
    layers,
    layersById,
    refresh,
    open,
    openSample,
    openKnown,
    openDropped,
    cancelUpload,
    cancelOpening,
    restore,
    forget,
    keepThumbnail,
    close,
    dismiss,
  }
})
