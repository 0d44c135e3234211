import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type {
  DataCheck,
  DataPreview,
  DataView,
  PresetView,
  RecentData,
  SampleOptionsInput,
} from '../../shared/contract/api/data.ts'
import type { DataSpec } from '../../shared/contract/data.ts'
import { changedChoice, choiceFor, readChoice, specKey, writeChoice } from '../insight/sample-choice.ts'
import { samplesOfRun } from '../plan/kept-samples.ts'
import { createLatest } from '../plan/latest.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useEvidenceStore } from './evidence.ts'
import { useModelsStore } from './models.ts'

/** A pause in typing after which data are looked at. */
const PAUSE_MS = 250
/** Pictures of the preview. */
const PREVIEWED = 12
/** Runs that say which samples they read. */
const READERS = ['calibrate', 'sensitivity', 'search', 'measurePlan'] as const
/** Choices of data without a path that are always there. */
const BUILT_IN: DataSpec = { kind: 'synthetic-digits' }

interface Asked {
  readonly hash: string
  readonly samples: SampleOptionsInput
}

/**
 * The data and preprocessing chosen for the open model: one choice for calibration, sensitivity, search and measuring, kept for each model.
 * What the data are, how they look to the model and what does not fit is asked for only while a view looks (`look`).
 */
export const useSamplesStore = defineStore('samples', () => {
  const app = useAppStore()
  const models = useModelsStore()
  const evidence = useEvidenceStore()

  const kept = shallowRef<SampleOptionsInput | null>(null)
  /** of the newest run that read samples */
  const ofRun = shallowRef<SampleOptionsInput | null>(null)
  /** of the newest calibration, else of another run, where nothing was chosen in this window */
  const former = computed(() => {
    const [newest] = evidence.calibrations
    return (newest ? samplesOfRun(newest.samples) : null) ?? ofRun.value
  })
  /** what every job of this model reads; null: no data chosen yet */
  const options = computed(() => kept.value ?? former.value)
  const isReady = computed(() => options.value !== null)

  const view = shallowRef<DataView | null>(null)
  const preview = shallowRef<DataPreview | null>(null)
  const check = shallowRef<DataCheck | null>(null)
  const presets = shallowRef<readonly PresetView[]>([])
  const recent = shallowRef<readonly RecentData[]>([])
  const viewProblem = shallowRef<Problem | null>(null)
  const previewProblem = shallowRef<Problem | null>(null)
  const checkProblem = shallowRef<Problem | null>(null)
  /** what is on its way */
  const isDescribing = ref(false)
  const isPreviewing = ref(false)
  const isChecking = ref(false)
  const lookers = ref(0)

  const describing = createLatest<Pick<SampleOptionsInput, 'data' | 'split'>, DataView>({
    ask: ({ data, split }, signal) => client().data.describe({ spec: data, split }, { signal }),
    onAnswer: (found) => {
      isDescribing.value = false
      view.value = found
      viewProblem.value = null
      void loadLists()
    },
    onError: (error) => {
      isDescribing.value = false
      view.value = null
      viewProblem.value = problemOf(error)
    },
    pauseMs: PAUSE_MS,
  })
  const previewing = createLatest<Asked, DataPreview>({
    ask: (asked, signal) => client().data.preview({ ...asked, count: PREVIEWED }, { signal }),
    onAnswer: (found) => {
      isPreviewing.value = false
      preview.value = found
      previewProblem.value = null
    },
    onError: (error) => {
      isPreviewing.value = false
      preview.value = null
      previewProblem.value = problemOf(error)
    },
    pauseMs: PAUSE_MS,
  })
  const checking = createLatest<Asked, DataCheck>({
    ask: (asked, signal) => client().data.check(asked, { signal }),
    onAnswer: (found) => {
      isChecking.value = false
      check.value = found
      checkProblem.value = null
    },
    onError: (error) => {
      isChecking.value = false
      check.value = null
      checkProblem.value = problemOf(error)
    },
    pauseMs: PAUSE_MS,
  })

  function forget(): void {
    for (const latest of [describing, previewing, checking]) latest.drop()
    for (const state of [view, preview, check, viewProblem, previewProblem, checkProblem]) state.value = null
    for (const busy of [isDescribing, isPreviewing, isChecking]) busy.value = false
  }

  async function loadLists(): Promise<void> {
    try {
      const [known, seen] = await Promise.all([client().data.presets(), client().data.recent()])
      presets.value = known
      // the store knows each split of a data set: a list to choose from needs the set once
      recent.value = [...new Map(seen.toReversed().map((data) => [specKey(data.spec), data])).values()].toReversed()
    } catch (error) {
      viewProblem.value = problemOf(error)
    }
  }

  function examine(): void {
    const hash = models.hash
    const samples = options.value
    if (lookers.value === 0 || hash === null) return
    if (samples === null) return forget()
    isPreviewing.value = true
    isChecking.value = true
    previewing.ask({ hash, samples })
    checking.ask({ hash, samples })
  }

  function describe(): void {
    const samples = options.value
    if (lookers.value === 0 || samples === null) return
    isDescribing.value = true
    describing.ask({ data: samples.data, split: samples.split })
  }

  /** What an earlier session read, so that a model that is opened again need not be asked about again. */
  async function loadOfRun(hash: string): Promise<void> {
    try {
      const filter = { modelHash: hash, kinds: [...READERS], statuses: ['done' as const] }
      const { runs } = await client().runs.list({ filter, limit: 1 })
      const [newest] = runs
      if (!newest) return
      const { results } = await client().runs.show({ run: newest.id })
      if (models.hash !== hash || results === null || typeof results !== 'object' || !('samples' in results)) return
      ofRun.value = samplesOfRun(results['samples'])
    } catch (error) {
      viewProblem.value = problemOf(error)
    }
  }

  /** Keeps data, preview and findings up to date until the function that comes back is called. */
  function look(): () => void {
    lookers.value += 1
    if (lookers.value === 1) {
      void loadLists()
      describe()
      examine()
    }
    return () => (lookers.value -= 1)
  }

  function put(next: SampleOptionsInput | null): void {
    kept.value = next
    if (models.hash !== null) writeChoice(localStorage, models.hash, next)
  }

  /** Other data: ranges, split and preprocessing start anew. */
  function chooseData(data: DataSpec): void {
    put(choiceFor(data, options.value))
  }

  /** The data that need no file. */
  const chooseBuiltIn = (): void => chooseData(BUILT_IN)

  /** Something else about the same data; undefined goes back to the default. */
  function change(wanted: Partial<SampleOptionsInput>): void {
    if (options.value !== null) put(changedChoice(options.value, wanted))
  }

  watch(
    () => models.hash,
    (hash) => {
      forget()
      ofRun.value = null
      kept.value = hash === null ? null : readChoice(localStorage, hash)
      if (hash !== null && kept.value === null) void loadOfRun(hash)
    },
    { immediate: true, flush: 'sync' },
  )
  watch(() => JSON.stringify([models.hash, options.value]), examine)
  watch(() => JSON.stringify([options.value?.data, options.value?.split]), describe)
  watch(
    () => app.epoch,
    () => {
      if (lookers.value === 0) return
      void loadLists()
      describe()
      examine()
    },
  )

  return {
    options,
    isReady,
    view,
    preview,
    check,
    presets,
    recent,
    viewProblem,
    previewProblem,
    checkProblem,
    isDescribing,
    isPreviewing,
    isChecking,
    look,
    chooseData,
    chooseBuiltIn,
    change,
  }
})
