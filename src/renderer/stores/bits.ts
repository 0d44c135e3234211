import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { JobResultOf, SweepPointView, SweepReferenceView } from '../../shared/contract/api/job-results.ts'
import type { JobEvent, JobInfo } from '../../shared/contract/api/jobs.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import { bitsKey, mergePoints, pointsOfRun } from '../insight/bits-points.ts'
import {
  bitsAskedOfRun,
  bitsQuestionFrom,
  floatLayersOf,
  type BitsAsked,
  type BitsQuestion,
} from '../insight/bits-question.ts'
import { problemOf } from '../problem.ts'
import { client } from './client.ts'
import { createFormerRuns } from './former-runs.ts'
import { createJobSlot } from './job-slot.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { saveText } from './save-text.ts'
import { useSamplesStore } from './samples.ts'

const QUESTION_KEY = 'quantbench.bits'
const TAB_KEY = 'quantbench.sensitivity.tab'

/** What the screen of sensitivity is about: layer by layer, or the whole model over its bits. */
export type SensitivityTab = 'layers' | 'bits'

/** The three files of a sweep, as the command line writes them. */
export type SweepFormat = 'json' | 'csv' | 'svg'
const MIME: Readonly<Record<SweepFormat, string>> = { json: 'application/json', csv: 'text/csv', svg: 'image/svg+xml' }

/** Accuracy of the open model over its bits: what is asked, the points as they are measured, their plans, former sweeps. */
export const useBitsStore = defineStore('bits', () => {
  const models = useModelsStore()
  const samples = useSamplesStore()
  const plan = usePlanStore()

  const tab = ref<SensitivityTab>(localStorage.getItem(TAB_KEY) === 'bits' ? 'bits' : 'layers')
  watch(tab, (now) => localStorage.setItem(TAB_KEY, now))
  const question = shallowRef<BitsQuestion>(bitsQuestionFrom(localStorage.getItem(QUESTION_KEY)))
  const points = shallowRef<readonly SweepPointView[]>([])
  const reference = shallowRef<SweepReferenceView | null>(null)
  /** how many samples the points were measured on; null: not known */
  const sampleCount = shallowRef<number | null>(null)
  /** the run that the points are kept in; null before there is one */
  const run = shallowRef<string | null>(null)
  /** what the points are the answer to */
  const asked = shallowRef<BitsAsked | null>(null)
  const result = shallowRef<JobResultOf<'sweep'> | null>(null)
  /** the points are all that were asked for, and their files are written */
  const isWhole = shallowRef(false)
  /** by `bitsKey` */
  const plans = shallowRef<ReadonlyMap<string, QuantPlan>>(new Map())
  const isLoading = shallowRef(false)
  /** where a file was saved, in a sentence */
  const saved = shallowRef<string | null>(null)
  let next: BitsAsked | null = null

  /** ids of the layers that the plan on the graph names as float */
  const floatLayers = computed(() => floatLayersOf(plan.plan))

  function clear(): void {
    points.value = []
    reference.value = null
    sampleCount.value = null
    run.value = null
    asked.value = null
    result.value = null
    isWhole.value = false
    plans.value = new Map()
    saved.value = null
  }

  function onTake(_job: JobInfo): void {
    clear()
    // a job that another window started does not say what it was asked: its run does
    asked.value = next
    next = null
  }

  function onEvent(event: JobEvent): void {
    if (event.kind === 'job' && event.job.run !== null) run.value = event.job.run
    if (event.kind === 'partial' && event.partial.kind === 'sweep') {
      points.value = mergePoints(points.value, event.partial.points)
      reference.value = event.partial.reference
      sampleCount.value = event.partial.samples
      if (plans.value.size === 0 && run.value !== null) void learn(run.value)
    }
    if (event.kind === 'done' && event.result.kind === 'sweep') take(event.result)
  }

  function take(done: JobResultOf<'sweep'>): void {
    result.value = done
    run.value = done.run
    isWhole.value = true
    points.value = mergePoints([], done.points)
    reference.value = done.reference
    sampleCount.value = done.samples
    void learn(done.run)
  }

  /** The plans of the points, and what was asked: a job's events do not carry them. */
  function learn(wanted: string): Promise<void> {
    return guarded(async () => {
      const [found, detail] = await Promise.all([
        client().plans.ofSweep({ run: wanted }),
        asked.value === null ? client().runs.show({ run: wanted }) : null,
      ])
      if (run.value !== wanted) return
      plans.value = new Map(found.map((point) => [bitsKey(point), point.plan]))
      if (detail) asked.value = bitsAskedOfRun(detail.parameters)
    })
  }

  const slot = createJobSlot(['sweep'], { onTake, onEvent })
  const former = createFormerRuns({
    kind: 'sweep',
    shown: () => run.value,
    isFree: () => run.value === null,
    hasJob: () => slot.job.value !== null,
    isActive: () => slot.isActive.value,
    open,
    onOtherModel: clear,
  })

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      former.problem.value = null
      await work()
    } catch (error) {
      former.problem.value = problemOf(error)
    }
  }

  /** What the question on screen comes to, with the data chosen. */
  async function askedNow(): Promise<BitsAsked> {
    const { bits, curves, calibration, perTensor, keepFloat, repairs } = question.value
    const plain = await client().plans.fromOptions({
      calibration,
      perTensor,
      keepFloat: keepFloat ? [...floatLayers.value] : [],
    })
    const template = repairs.length === 0 ? plain : { ...plain, repairs }
    return { bits, curves, template, samples: samples.options }
  }

  async function begin(wanted: BitsAsked): Promise<void> {
    const model = models.current
    const chosen = wanted.samples ?? samples.options
    if (model === null || chosen === null || slot.isActive.value) return
    next = wanted
    await slot.start({
      kind: 'sweep',
      model: model.summary.path,
      samples: chosen,
      bits: [...wanted.bits],
      curves: [...wanted.curves],
      plan: wanted.template,
    })
  }

  /** Measures the points; those that were measured before, in whatever sweep or search, are found again. */
  const start = (): Promise<void> => guarded(async () => begin(await askedNow()))

  /** Goes on with a sweep that was cut off, as it was asked: what it measured is found again. */
  const goOn = (wanted: string): Promise<void> =>
    guarded(async () => {
      const { parameters } = await client().runs.show({ run: wanted })
      await begin(bitsAskedOfRun(parameters) ?? (await askedNow()))
    })

  function ask(change: Partial<BitsQuestion>): void {
    question.value = { ...question.value, ...change }
    localStorage.setItem(QUESTION_KEY, JSON.stringify(question.value))
  }

  /** Shows what a former sweep found. */
  function open(wanted: string): Promise<void> {
    isLoading.value = true
    return guarded(async () => {
      const detail = await client().runs.show({ run: wanted })
      if (detail.modelHash !== models.hash) return
      slot.leave()
      clear()
      const found = pointsOfRun(detail.results)
      run.value = wanted
      asked.value = bitsAskedOfRun(detail.parameters)
      points.value = found.points
      reference.value = found.reference
      sampleCount.value = detail.metrics['samples'] ?? null
      isWhole.value = detail.status === 'done'
      await learn(wanted)
    }).finally(() => (isLoading.value = false))
  }

  /** Gives the user a file of the sweep on screen, as the command line writes it. */
  const save = (format: SweepFormat): Promise<void> =>
    guarded(async () => {
      saved.value = null
      if (run.value === null) return
      const { fileName, text } = await client().runs.sweepFile({ run: run.value, format })
      saved.value = await saveText(fileName, MIME[format], text, 'Save the figure over bits')
    })

  return {
    tab,
    question,
    points,
    reference,
    sampleCount,
    run,
    asked,
    result,
    isWhole,
    plans,
    floatLayers,
    isLoading,
    saved,
    former: former.former,
    formerProblem: former.problem,
    cutOff: former.cutOff,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    ask,
    start,
    goOn,
    open,
    save,
    pause: slot.pause,
    resume: slot.resume,
    cancel: slot.cancel,
    loadFormer: former.load,
  }
})
