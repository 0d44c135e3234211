import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { DataView, PresetView, RecentData } from '../../shared/contract/api/data.ts'
import type { JobEvent } from '../../shared/contract/api/jobs.ts'
import type { QatGuideView, RecipeView, ResumableView, TrainOptionsInput } from '../../shared/contract/api/training.ts'
import type { DataSpec } from '../../shared/contract/data.ts'
import type { RunSummary } from '../../shared/contract/runs.ts'
import { specKey } from '../insight/sample-choice.ts'
import { createLatest } from '../plan/latest.ts'
import { problemOf, type Problem } from '../problem.ts'
import {
  changedOptions,
  choiceFrom,
  choiceProblem,
  planOfBits,
  takesPlan,
  trainRequestOf,
  usualOptions,
  type TrainChoice,
  type WholeOptions,
} from '../training/choice.ts'
import { comparisonOfRun, type Comparison } from '../training/comparison.ts'
import { mergeCurve, noCurves, type Curves } from '../training/curves.ts'
import { curvesOfRun, outcomeOfResult, outcomeOfRun, type Outcome } from '../training/outcome.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { handOver } from './hand-over.ts'
import { createJobSlot } from './job-slot.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { useSamplesStore } from './samples.ts'

const CHOICE_KEY = 'quantbench.training'
const DISMISSED_KEY = 'quantbench.training.dismissed'
/** Former trainings that are offered. */
const OFFERED = 30

/** Training: what is trained on what, the curves as they come, what came of it, and trainings that were cut off. */
export const useTrainingStore = defineStore('training', () => {
  const app = useAppStore()
  const models = useModelsStore()
  const samples = useSamplesStore()
  const planStore = usePlanStore()

  const choice = shallowRef<TrainChoice>(choiceFrom(localStorage.getItem(CHOICE_KEY)))
  const builtIn = shallowRef<readonly RecipeView[]>([])
  /** the recipe file that was chosen */
  const ownRecipe = shallowRef<RecipeView | null>(null)
  const recipeProblem = shallowRef<Problem | null>(null)
  const recipes = computed(() => (ownRecipe.value === null ? builtIn.value : [...builtIn.value, ownRecipe.value]))
  const defaults = shallowRef<WholeOptions | null>(null)
  const presets = shallowRef<readonly PresetView[]>([])
  const recent = shallowRef<readonly RecentData[]>([])
  const former = shallowRef<readonly RunSummary[]>([])
  const cutOff = shallowRef<readonly ResumableView[]>([])
  const dismissed = ref<readonly string[]>(JSON.parse(localStorage.getItem(DISMISSED_KEY) ?? '[]') as string[])
  /** why lists, data or a former run could not be looked at */
  const listProblem = shallowRef<Problem | null>(null)
  const dataProblem = shallowRef<Problem | null>(null)
  const dataView = shallowRef<DataView | null>(null)
  const isDescribing = ref(false)

  const curves = shallowRef<Curves>(noCurves)
  /** of the training on screen, once it has ended */
  const outcome = shallowRef<Outcome | null>(null)
  /** of the comparison on screen, once it has ended */
  const comparison = shallowRef<Comparison | null>(null)
  /** what bits and optimiser suggest; null until the host has said it */
  const guide = shallowRef<QatGuideView | null>(null)

  const modelPath = computed(() => models.current?.summary.path ?? null)
  const data = computed<DataSpec | null>(() => choice.value.data ?? samples.options?.data ?? null)
  /** of training in float, alone or before training for integers */
  const floatUsual = computed(() =>
    defaults.value === null ? null : usualOptions(choice.value, recipes.value, defaults.value),
  )
  /** what holds when nothing is set by hand */
  const usual = computed<WholeOptions | null>(() => {
    const float = floatUsual.value
    if (choice.value.mode === 'float' || float === null) return float
    if (guide.value === null) return null
    const { augment, batch } = float
    return { ...guide.value.options, ...(choice.value.start === 'model' ? {} : { augment, batch }) }
  })
  /** set by hand: float training and training for integers each have their own */
  const own = computed(() => (choice.value.mode === 'float' ? choice.value.options : choice.value.qat.options))
  /** what a training would run with now */
  const options = computed<WholeOptions | null>(() =>
    usual.value === null ? null : { ...usual.value, ...(own.value as Partial<WholeOptions>) },
  )
  /** what is trained for, where it is trained for integers */
  const plan = computed(() =>
    takesPlan(choice.value) ? planStore.plan : planOfBits(choice.value.qat.bits, choice.value.qat.integers),
  )
  const obstacle = computed(() =>
    choiceProblem(choice.value, {
      model: modelPath.value,
      recipes: recipes.value,
      data: data.value,
      info: dataView.value?.info ?? null,
    }),
  )
  const resumable = computed(() => cutOff.value.filter(({ run }) => !dismissed.value.includes(run)))

  const describing = createLatest<DataSpec, DataView>({
    ask: async (spec, signal) => {
      const found = await client().data.describe({ spec }, { signal })
      // what is learned from is the training split, where there is one
      if (found.info.split === 'train' || !found.splits.includes('train')) return found
      return client().data.describe({ spec, split: 'train' }, { signal })
    },
    onAnswer: (found) => {
      isDescribing.value = false
      dataView.value = found
      dataProblem.value = null
      void loadRecent()
    },
    onError: (error) => {
      isDescribing.value = false
      dataView.value = null
      dataProblem.value = problemOf(error)
    },
    pauseMs: 0,
  })

  function describe(): void {
    dataView.value = null
    dataProblem.value = null
    describing.drop()
    isDescribing.value = data.value !== null
    if (data.value !== null) describing.ask(data.value)
  }

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      listProblem.value = null
    } catch (error) {
      listProblem.value = problemOf(error)
    }
  }

  const loadRecent = (): Promise<void> =>
    guarded(async () => {
      const seen = await client().data.recent()
      recent.value = [...new Map(seen.toReversed().map((one) => [specKey(one.spec), one])).values()].toReversed()
    })

  const loadPresets = (): Promise<void> =>
    guarded(async () => {
      presets.value = await client().data.presets()
    })

  const loadRuns = (): Promise<void> =>
    guarded(async () => {
      const [list, left] = await Promise.all([
        client().runs.list({ filter: { kinds: ['train', 'qat', 'compareQat'], statuses: ['done'] }, limit: OFFERED }),
        client().training.resumable(),
      ])
      former.value = list.runs
      cutOff.value = left
    })

  const loadRecipes = (): Promise<void> =>
    guarded(async () => {
      const found = await client().training.recipes()
      builtIn.value = found.recipes
      defaults.value = found.defaults
    })

  /** Reads the recipe file that is chosen: it may have changed since. */
  async function loadRecipeFile(): Promise<void> {
    const path = choice.value.recipeFile
    if (path === null) return
    try {
      const found = await client().training.recipeFile({ path })
      if (choice.value.recipeFile !== path) return
      ownRecipe.value = found
      recipeProblem.value = null
    } catch (error) {
      if (choice.value.recipeFile !== path) return
      ownRecipe.value = null
      recipeProblem.value = problemOf(error)
    }
  }

  /** Trains by a recipe file. */
  async function takeRecipe(path: string): Promise<void> {
    set({ start: 'file', recipeFile: path })
    await loadRecipeFile()
  }

  /** What the screen shows before anything is asked. */
  async function load(): Promise<void> {
    describe()
    await Promise.all([loadRecipeFile(), loadRecipes(), loadPresets(), loadRuns(), loadRecent()])
  }

  function set(change: Partial<TrainChoice>): void {
    choice.value = { ...choice.value, ...change }
    localStorage.setItem(CHOICE_KEY, JSON.stringify(choice.value))
  }

  /** Undefined goes back to the default. */
  const setOptions = (change: TrainOptionsInput): void => putOptions(changedOptions(own.value, change))
  const resetOptions = (): void => putOptions({})

  function putOptions(next: TrainOptionsInput): void {
    if (choice.value.mode === 'float') set({ options: next })
    else set({ qat: { ...choice.value.qat, options: next } })
  }

  function clear(): void {
    curves.value = noCurves
    outcome.value = null
    comparison.value = null
  }

  function onEvent(event: JobEvent): void {
    if (event.kind === 'partial' && event.partial.kind === 'training') {
      const { stage, ...part } = event.partial
      curves.value = { ...curves.value, [stage]: mergeCurve(curves.value[stage], part) }
    }
    if (event.kind !== 'done') return
    const { result } = event
    if (result.kind === 'train' || result.kind === 'qat') outcome.value = outcomeOfResult(result)
    if (result.kind === 'compareQat') comparison.value = { run: result.run, rows: result.rows }
  }

  const slot = createJobSlot(['train', 'qat', 'compareQat'], { onTake: clear, onEvent }, 'any')

  async function start(): Promise<boolean> {
    if (data.value === null || obstacle.value !== null || slot.isActive.value) return false
    return slot.start(
      trainRequestOf(choice.value, data.value, modelPath.value, { plan: plan.value, onGraph: planStore.plan }),
    )
  }

  /** Goes on with a training or comparison that was cut off, as it was asked. */
  async function goOn({ run, kind, start: from, data: of }: ResumableView): Promise<boolean> {
    if (slot.isActive.value) return false
    const asked = { start: from, data: of, resumes: run }
    // the plan, as all else, is that of the run
    return slot.start(kind === 'train' ? { kind, ...asked } : { kind, ...asked, plan: plan.value })
  }

  /** Does not offer it again in this window; its run stays. */
  function dismiss(run: string): void {
    dismissed.value = [...dismissed.value, run].slice(-100)
    localStorage.setItem(DISMISSED_KEY, JSON.stringify(dismissed.value))
  }

  /** Shows what a former training came to. */
  const open = (run: string): Promise<void> =>
    guarded(async () => {
      const detail = await client().runs.show({ run })
      slot.leave()
      curves.value = curvesOfRun(detail)
      outcome.value = outcomeOfRun(detail)
      comparison.value = detail.kind === 'compareQat' ? comparisonOfRun(detail) : null
    })

  const guiding = createLatest<Parameters<ReturnType<typeof client>['training']['qatGuide']>[0], QatGuideView>({
    ask: (question, signal) => client().training.qatGuide(question, { signal }),
    onAnswer: (found) => (guide.value = found),
    onError: (error) => (listProblem.value = problemOf(error)),
    pauseMs: 0,
  })
  watch(
    () => JSON.stringify([choice.value.mode, plan.value, choice.value.qat.options.optimizer, choice.value.qat.lsq]),
    () => {
      const { mode, qat } = choice.value
      if (mode !== 'float') guiding.ask({ plan: plan.value, optimizer: qat.options.optimizer, lsq: qat.lsq })
    },
    { immediate: true },
  )
  watch(
    () => JSON.stringify(data.value),
    () => {
      if (defaults.value !== null) describe()
    },
  )
  app.on('runs', () => {
    if (defaults.value !== null) void loadRuns()
  })
  watch(
    () => app.epoch,
    () => {
      if (defaults.value !== null) void load()
    },
  )

  /** Hands the trained file to the user. */
  async function take(path: string): Promise<void> {
    try {
      await handOver(path)
    } catch (error) {
      listProblem.value = problemOf(error)
    }
  }

  return {
    choice,
    builtIn,
    recipes,
    ownRecipe,
    recipeProblem,
    takeRecipe,
    presets,
    floatUsual,
    usual,
    own,
    options,
    guide,
    data,
    dataView,
    dataProblem,
    isDescribing,
    recent,
    former,
    resumable,
    listProblem,
    obstacle,
    curves,
    outcome,
    comparison,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    load,
    set,
    setOptions,
    resetOptions,
    start,
    goOn,
    dismiss,
    open,
    take,
    cancel: slot.cancel,
  }
})
