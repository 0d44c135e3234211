import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { FileKind, FolderView } from '../../shared/contract/api/files.ts'
import { fileNameOf } from '../model-files.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'

/** What the window's own file dialog is asked for. */
export interface FileRequest {
  readonly mode: 'open' | 'save'
  readonly kind: FileKind
  readonly title: string
  readonly resolve: (path: string | null) => void
}

const FOLDER_KEY = 'quantbench.folder'
const TAKES_FOLDER: ReadonlySet<FileKind> = new Set(['model', 'data', 'folder', 'store'])

/**
 * Files of the host: the system's dialogs where it has them, else the window's own, which shows one folder at a time. Who asks gets a path, or
 * null when the dialog was closed.
 */
export const useFilesStore = defineStore('files', () => {
  const app = useAppStore()
  const request = shallowRef<FileRequest | null>(null)
  const roots = shallowRef<readonly { readonly name: string; readonly path: string }[]>([])
  const view = shallowRef<FolderView | null>(null)
  const loading = ref(false)
  const problem = shallowRef<Problem | null>(null)
  const fileName = ref('')
  /** whether the folder on screen can be the answer itself */
  const takesFolder = computed(() => request.value?.mode === 'open' && TAKES_FOLDER.has(request.value.kind))
  let asked = 0

  async function go(folder: string): Promise<boolean> {
    const mine = ++asked
    loading.value = true
    problem.value = null
    try {
      const kind = request.value?.mode === 'save' ? 'any' : (request.value?.kind ?? 'any')
      const found = await client().files.list({ folder, kind })
      if (mine !== asked) return false
      view.value = found
      localStorage.setItem(FOLDER_KEY, found.path)
      if (found.chosen !== null) take(found.chosen)
      return true
    } catch (error) {
      if (mine === asked) problem.value = problemOf(error)
      return false
    } finally {
      if (mine === asked) loading.value = false
    }
  }

  /** A file whose path was typed. */
  function take(file: string): void {
    if (request.value?.mode === 'save') fileName.value = fileNameOf(file)
    else answer(file)
  }

  async function start(): Promise<void> {
    view.value = null
    problem.value = null
    try {
      roots.value = await client().files.roots()
    } catch (error) {
      problem.value = problemOf(error)
      return
    }
    const known = localStorage.getItem(FOLDER_KEY)
    if (known !== null && (await go(known))) return
    const first = roots.value[0]
    if (first) await go(first.path)
  }

  function ask(wanted: Omit<FileRequest, 'resolve'>): Promise<string | null> {
    answer(null)
    return new Promise((resolve) => {
      request.value = { ...wanted, resolve }
      void start()
    })
  }

  /** Ends the window's own dialog. */
  function answer(path: string | null): void {
    const pending = request.value
    asked += 1
    loading.value = false
    request.value = null
    pending?.resolve(path)
  }

  /** Asks for something that is there. */
  async function choose(kind: FileKind, title: string): Promise<string | null> {
    if (app.info?.nativeDialogs) return (await client().files.pick({ kind, title }))?.path ?? null
    return ask({ mode: 'open', kind, title })
  }

  /** Asks where to write. */
  async function chooseTarget(name: string, title: string): Promise<string | null> {
    if (app.info?.nativeDialogs) return (await client().files.save({ fileName: name, title }))?.path ?? null
    fileName.value = name
    return ask({ mode: 'save', kind: 'any', title })
  }

  return { request, roots, view, loading, problem, fileName, takesFolder, go, choose, chooseTarget, answer }
})
