import { defineStore } from 'pinia'
import { ref, shallowRef, watch } from 'vue'
import type { RunDetail } from '../../shared/contract/runs.ts'
import { problemOf, type Problem } from '../problem.ts'
import { overlayOf, type LayerRow } from '../runs/compare.ts'
import { useBitsStore } from './bits.ts'
import { client } from './client.ts'
import { useDeskStore } from './desk.ts'
import { useFilesStore } from './files.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { useRunsStore } from './runs.ts'
import { saveText } from './save-text.ts'
import { useTrainingStore } from './training.ts'

/** What was just done, and how it is undone where it can be. */
export interface Done {
  readonly text: string
  readonly undo: (() => Promise<void>) | null
}

/** How long it is told what was done; long enough to read it and to undo. */
const SHOWN_MS = 20_000

const SCREENS: Readonly<Record<string, string>> = {
  calibrate: 'calibrate',
  sensitivity: 'sensitivity',
  sweep: 'sensitivity',
  search: 'search',
}

/** What can be done to runs: tags, notes, deletion and back, the baseline, files out and in, opening one. */
export const useRunActionsStore = defineStore('run-actions', () => {
  const bits = useBitsStore()
  const files = useFilesStore()
  const desk = useDeskStore()
  const models = useModelsStore()
  const plan = usePlanStore()
  const runs = useRunsStore()
  const training = useTrainingStore()
  const done = shallowRef<Done | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let fading: ReturnType<typeof setTimeout> | undefined
  watch(done, (now) => {
    clearTimeout(fading)
    if (now) fading = setTimeout(() => (done.value = null), SHOWN_MS)
  })
  const busy = ref(false)

  /** Does something to the store; the list hears of it by the host's own event. */
  async function attempt<Value>(work: () => Promise<Value>): Promise<Value | null> {
    busy.value = true
    problem.value = null
    try {
      return await work()
    } catch (error) {
      problem.value = problemOf(error)
      return null
    } finally {
      busy.value = false
    }
  }

  const counted = (count: number): string => (count === 1 ? '1 run' : `${count} runs`)

  async function remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await attempt(async () => {
      await client().runs.remove({ runs: [...ids] })
      const undo = async (): Promise<void> => {
        await restore(ids)
        runs.select({ ids: new Set(ids), focus: ids[0] ?? null, anchor: ids[0] ?? null })
      }
      done.value = { text: `${counted(ids.length)} moved to the trash.`, undo }
    })
  }

  async function restore(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await attempt(async () => {
      await client().runs.restore({ runs: [...ids] })
      done.value = { text: `${counted(ids.length)} restored.`, undo: () => remove(ids) }
    })
  }

  async function note(id: string, text: string): Promise<void> {
    await attempt(() => client().runs.note({ run: id, note: text }))
  }

  /** Adds a tag to runs, or takes it away; runs with the same tags afterwards are one call. */
  async function tag(ids: readonly string[], name: string, on: boolean): Promise<void> {
    const clean = name.trim().slice(0, 60)
    if (clean === '' || ids.length === 0) return
    await attempt(async () => {
      const groups = Map.groupBy(await runs.rowsOf(ids), ({ tags }) => {
        const others = tags.filter((other) => other !== clean)
        return JSON.stringify(on ? [...others, clean] : others)
      })
      for (const [tags, group] of groups)
        await client().runs.tag({ runs: group.map(({ id }) => id), tags: JSON.parse(tags) as string[] })
    })
  }

  async function pin(id: string | null): Promise<void> {
    await attempt(() => client().runs.pin({ run: id }))
  }

  /** Runs as a file. */
  async function save(ids: readonly string[] | null, format: 'csv' | 'json'): Promise<void> {
    await attempt(async () => {
      const chosen =
        ids === null ? { filter: runs.filter } : { runs: [...ids], filter: runs.isTrash ? { deleted: true } : {} }
      const { fileName, text } = await client().runs.export({ ...chosen, format })
      await write(fileName, format === 'csv' ? 'text/csv' : 'application/json', text)
    })
  }

  async function saveReport(ids: readonly string[]): Promise<void> {
    await attempt(async () => {
      const { fileName, html } = await client().runs.report({ runs: ids.slice(0, 20) })
      await write(fileName, 'text/html', html)
    })
  }

  async function write(fileName: string, mime: string, text: string): Promise<void> {
    const where = await saveText(fileName, mime, text, 'Save')
    if (where !== null) done.value = { text: where, undo: null }
  }

  async function importStore(): Promise<void> {
    await attempt(async () => {
      const path = await files.choose('store', 'Import the runs of another store')
      if (path === null) return
      const { imported, skipped } = await client().runs.import({ path })
      const known = skipped > 0 ? ` ${counted(skipped)} were already here.` : ''
      done.value = { text: `${counted(imported)} imported.${known}`, undo: null }
    })
  }

  /** By its content where that was open before, else by where it lay. */
  async function openModelOf({ modelHash, modelPath }: RunDetail): Promise<boolean> {
    if (modelHash !== null && (await models.openKnown(modelHash, modelPath ?? undefined))) return true
    return modelPath !== null && (await models.open(modelPath))
  }

  /**
   * Opens the model of a run, puts the plan that it made or used into the graph, as one step that can be undone.
   * @returns the screen that shows it; null where the model could not be opened
   */
  async function open(id: string): Promise<string | null> {
    return attempt(async () => {
      const run = await client().runs.show({ run: id })
      if (run.kind === 'train' || run.kind === 'qat' || run.kind === 'compareQat') {
        // what it began with is no model of the user's: its curves and the model that came of it are on the screen of training
        await training.open(id)
        return 'train'
      }
      if (run.modelHash !== null && run.modelHash !== models.hash) {
        const isOpen = await openModelOf(run)
        if (!isOpen) {
          problem.value = models.problem
          return null
        }
      }
      if (run.kind === 'sweep') {
        bits.tab = 'bits'
        await bits.open(id)
        return SCREENS[run.kind]!
      }
      const found = await client()
        .plans.fromRun({ run: id })
        .catch(() => null) // a bench or a scan of the float model has none: the plan on screen stays
      if (found && run.modelHash === models.hash) plan.replace(found, `Plan of run ${id}`)
      return SCREENS[run.kind] ?? 'graph'
    })
  }

  /**
   * Draws on the graph what differs between a run's plan and the one on screen, and the time that layers take more or less than in that run.
   * @param against place of the run on screen in the rows
   */
  async function drawAgainst(id: string, rows: readonly LayerRow[], against: number): Promise<void> {
    await attempt(async () => {
      const { slowerMs } = overlayOf(rows, against)
      const found = await client()
        .plans.fromRun({ run: id })
        .catch(() => null)
      if (found) desk.compare(`run ${id}`, found)
      if (slowerMs.size === 0) return
      const values = new Map([...slowerMs].map(([layer, value]) => [layer, { value, estimated: false }]))
      desk.lend({
        kind: 'sequential',
        name: 'time more or less',
        unit: 'ms',
        of: `than in run ${id}`,
        values,
        scale: 'linear',
        combine: 'sum',
      })
    })
  }

  return { done, problem, busy, drawAgainst, remove, restore, note, tag, pin, save, saveReport, importStore, open }
})
