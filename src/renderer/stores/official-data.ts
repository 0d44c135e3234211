import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { OfficialSetView } from '../../shared/contract/api/data.ts'
import type { DataSpec } from '../../shared/contract/data.ts'
import { webFolderOf } from '../../shared/contract/web-folder.ts'
import { problemOf, type Problem } from '../problem.ts'
import { client } from './client.ts'
import { createJobSlot } from './job-slot.ts'

const FOLDER_KEY = 'quantbench.data.folder'
const MIRROR_KEY = 'quantbench.data.mirror'

/** The official data sets: what lies here, what can be fetched, and the fetch that is under way. */
export const useOfficialDataStore = defineStore('official-data', () => {
  const isOpen = ref(false)
  /** null until they were asked for */
  const sets = shallowRef<readonly OfficialSetView[] | null>(null)
  const listProblem = shallowRef<Problem | null>(null)
  /** who takes the data that are chosen; null: the dialog was opened to look and fetch only */
  const taker = shallowRef<((spec: DataSpec) => void) | null>(null)

  /** under which the sets get folders of their names; null: the store's */
  const folder = ref<string | null>(localStorage.getItem(FOLDER_KEY))
  /** an address that is asked before the makers', as it was typed; empty: none */
  const mirror = ref(localStorage.getItem(MIRROR_KEY) ?? '')
  const mirrorProblem = computed(() =>
    mirror.value.trim() === '' || webFolderOf(mirror.value) !== null
      ? null
      : 'An address begins with http:// or https://',
  )

  const slot = createJobSlot(
    ['pullData'],
    {
      onTake: () => undefined,
      onEvent: ({ kind }) => {
        if (kind === 'done' || kind === 'failed' || kind === 'cancelled') void load()
      },
    },
    'any',
  )

  async function load(): Promise<void> {
    try {
      const asked = folder.value
      const found = await client().data.official({ folder: asked })
      // another folder may have been chosen meanwhile
      if (asked !== folder.value) return
      sets.value = found
      listProblem.value = null
    } catch (error) {
      listProblem.value = problemOf(error)
    }
  }

  /** Opens the dialog. @param take gets the data that are chosen in it */
  function show(take: ((spec: DataSpec) => void) | null = null): void {
    taker.value = take
    isOpen.value = true
    void load()
  }

  /** @param chosen null: the store's */
  function setFolder(chosen: string | null): void {
    folder.value = chosen
    keep(FOLDER_KEY, chosen)
    void load()
  }

  function setMirror(text: string): void {
    mirror.value = text
    if (mirrorProblem.value === null) keep(MIRROR_KEY, text.trim() === '' ? null : text.trim())
  }

  async function fetch(name: string): Promise<void> {
    if (slot.isActive.value || mirrorProblem.value !== null) return
    const address = mirror.value.trim()
    await slot.start({ kind: 'pullData', name, folder: folder.value, mirror: address === '' ? null : address })
  }

  function use({ spec }: OfficialSetView): void {
    taker.value?.(spec)
    isOpen.value = false
  }

  return {
    isOpen,
    sets,
    taker,
    listProblem,
    folder,
    mirror,
    mirrorProblem,
    setFolder,
    setMirror,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    load,
    show,
    fetch,
    use,
    cancel: slot.cancel,
  }
})

function keep(key: string, value: string | null): void {
  if (value === null) localStorage.removeItem(key)
  else localStorage.setItem(key, value)
}
