import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { JobEvent, JobInfo } from '../../shared/contract/api/jobs.ts'
import {
  questionFrom,
  questionOfRun,
  requestOfQuestion,
  usualQuestion,
  type SweepQuestion,
} from '../insight/sweep-request.ts'
import { configsOf, mergeRows, sweptLayers, type RowMap, type SweepBase } from '../insight/sweep-rows.ts'
import { damageTable, explanationsOf, isQuickScan, rowsOfRun, type LayerExplanation } from '../plan/knowledge.ts'
import { problemOf } from '../problem.ts'
import { client } from './client.ts'
import { useDeskStore } from './desk.ts'
import { useEvidenceStore } from './evidence.ts'
import { createFormerRuns } from './former-runs.ts'
import { createJobSlot } from './job-slot.ts'
import { useModelsStore } from './models.ts'
import { useSamplesStore } from './samples.ts'

const QUESTION_KEY = 'quantbench.sensitivity'

/** What the rows on screen are the answer to. */
export interface SweepSource {
  /** the run they are kept in; null before there is one */
  readonly run: string | null
  readonly question: SweepQuestion
  /** ISO 8601 */
  readonly at: string
}

type Done = JobResultOf<'sensitivity'> | JobResultOf<'quickScan'>

/** Sensitivity of the open model: what is asked, the rows as they come, former runs, and why the worst layers suffer. */
export const useSensitivityStore = defineStore('sensitivity', () => {
  const models = useModelsStore()
  const samples = useSamplesStore()
  const evidence = useEvidenceStore()
  const desk = useDeskStore()

  const question = shallowRef<SweepQuestion>(questionFrom(localStorage.getItem(QUESTION_KEY)))
  const rows = shallowRef<RowMap>(new Map())
  const source = shallowRef<SweepSource | null>(null)
  const result = shallowRef<Done | null>(null)
  /** the rows are all there are: of a sweep that came to its end */
  const isWhole = shallowRef(false)
  const explanations = shallowRef<ReadonlyMap<string, readonly LayerExplanation[]>>(new Map())
  const isLoading = shallowRef(false)
  /** counts up with each arrival of rows: what waits for a pause starts waiting anew */
  const arrivals = shallowRef(0)
  let asked: SweepQuestion | null = null
  let isForeign = false

  /** ids of the layers that are asked about, in graph order */
  const layers = computed(() => sweptLayers(models.layers).map(({ id }) => id))
  const base = computed<SweepBase>(() =>
    source.value?.question.quick ? 'float' : (source.value?.question.base ?? 'float'),
  )
  const configs = computed(() => configsOf(rows.value, source.value?.question.configs ?? []))

  function clear(): void {
    rows.value = new Map()
    source.value = null
    result.value = null
    isWhole.value = false
    explanations.value = new Map()
  }

  /** What is known so far goes to the overlays of the graph too. */
  function showOnGraph(): void {
    const own = source.value
    const table = damageTable(own?.run ?? '', [...rows.value.values()])
    if (own === null || table === null || base.value === 'quantized') return
    if (own.question.quick) evidence.scan = table
    else evidence.sensitivity = table
  }

  function onTake(job: JobInfo): void {
    clear()
    // a job that another window started does not say what it was asked: what is usual stands until its run says it
    isForeign = asked === null
    const own = asked ?? usualQuestion
    asked = null
    source.value = { run: null, question: { ...own, quick: job.kind === 'quickScan' }, at: job.queuedAt }
    if (desk.overlay === 'none') desk.overlay = job.kind === 'quickScan' ? 'sqnr' : 'sensitivity'
  }

  function onEvent(event: JobEvent): void {
    if (event.kind === 'job' && event.job.run !== null && source.value !== null && source.value.run === null) {
      source.value = { ...source.value, run: event.job.run }
      if (isForeign) void learn(event.job.run)
    }
    if (event.kind === 'partial' && event.partial.kind === 'sensitivity') {
      if (source.value !== null && source.value.question.base !== event.partial.base)
        source.value = { ...source.value, question: { ...source.value.question, base: event.partial.base } }
      rows.value = mergeRows(rows.value, event.partial.rows)
      arrivals.value += 1
      showOnGraph()
    }
    if (event.kind === 'done') void take(event.result as Done)
  }

  async function take(done: Done): Promise<void> {
    result.value = done
    isWhole.value = true
    rows.value = mergeRows(new Map(), done.rows)
    const own = source.value
    if (own !== null)
      source.value = {
        ...own,
        run: done.run,
        question: { ...own.question, base: done.kind === 'sensitivity' ? done.base : 'float' },
      }
    arrivals.value += 1
    showOnGraph()
    await learn(done.run)
  }

  /** What was asked, and the words: they come with the run, a job's events and its result do not carry them. */
  async function learn(run: string): Promise<void> {
    try {
      const detail = await client().runs.show({ run })
      if (source.value?.run !== run) return
      explanations.value = explanationsOf(detail.results)
      const own = questionOfRun(detail.parameters)
      if (own) source.value = { ...source.value, question: own }
    } catch (error) {
      former.problem.value = problemOf(error)
    }
  }

  const slot = createJobSlot(['sensitivity', 'quickScan'], { onTake, onEvent })
  const former = createFormerRuns({
    kind: 'sensitivity',
    shown: () => source.value?.run ?? null,
    isFree: () => source.value === null,
    hasJob: () => slot.job.value !== null,
    isActive: () => slot.isActive.value,
    open,
    onOtherModel: clear,
  })

  /** Asks. `resumes`: a run that was cut off; what it has measured is found again. */
  async function start(resumes: string | null = null, wanted: SweepQuestion = question.value): Promise<boolean> {
    const model = models.current
    const chosen = samples.options
    if (model === null || chosen === null || slot.isActive.value) return false
    asked = wanted
    return slot.start(requestOfQuestion(wanted, model.summary.path, chosen, resumes))
  }

  function ask(change: Partial<SweepQuestion>): void {
    question.value = { ...question.value, ...change }
    localStorage.setItem(QUESTION_KEY, JSON.stringify(question.value))
  }

  /** Shows what a former run found. */
  async function open(run: string): Promise<void> {
    isLoading.value = true
    try {
      const detail = await client().runs.show({ run })
      if (detail.modelHash !== models.hash) return
      slot.leave()
      clear()
      const own = questionOfRun(detail.parameters) ?? usualQuestion
      source.value = { run, question: { ...own, quick: isQuickScan(detail) }, at: detail.startedAt }
      rows.value = mergeRows(new Map(), rowsOfRun(detail))
      isWhole.value = detail.status === 'done'
      explanations.value = explanationsOf(detail.results)
      showOnGraph()
    } catch (error) {
      former.problem.value = problemOf(error)
    } finally {
      isLoading.value = false
    }
  }

  /** Goes on with a run that was cut off, as it was asked. */
  async function goOn(run: string): Promise<void> {
    try {
      const detail = await client().runs.show({ run })
      await start(run, questionOfRun(detail.parameters) ?? question.value)
    } catch (error) {
      former.problem.value = problemOf(error)
    }
  }

  return {
    question,
    rows,
    source,
    result,
    isWhole,
    explanations,
    former: former.former,
    formerProblem: former.problem,
    cutOff: former.cutOff,
    isLoading,
    arrivals,
    layers,
    base,
    configs,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    ask,
    start,
    pause: slot.pause,
    resume: slot.resume,
    cancel: slot.cancel,
    loadFormer: former.load,
    open,
    goOn,
  }
})
