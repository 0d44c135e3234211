import { defineStore } from 'pinia'
import { computed, shallowReactive, shallowRef, watch } from 'vue'
import type { CandidateView } from '../../shared/contract/api/job-results.ts'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { JobInfo } from '../../shared/contract/api/jobs.ts'
import type { PlanEstimate } from '../../shared/contract/api/plans.ts'
import type { QuantPlan } from '../../shared/contract/plan.ts'
import { candidatesOfRun } from '../insight/search-run.ts'
import { contentOf } from '../plan/content.ts'
import {
  answersOf,
  figuresOf,
  figuresOfCandidate,
  figuresOfRun,
  isGuess,
  type MeasuredFigures,
} from '../plan/figures.ts'
import { createLatest } from '../plan/latest.ts'
import { isLoss, problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useEvidenceStore } from './evidence.ts'
import { isEnded, useJobsStore } from './jobs.ts'
import { useModelsStore } from './models.ts'
import { usePlanStore } from './plan.ts'
import { useTimingStore } from './timing.ts'

interface Estimated {
  readonly content: string
  readonly estimate: PlanEstimate
}

/** Searches of earlier sessions that are read with them: each holds many plans. */
const KEPT_SEARCHES = 2
/** Measurements of earlier sessions that are read when a model is opened. */
const KEPT_MEASURES = 5

/** What the plan comes to: estimated right after each edit, measured on demand; measured figures are kept by the plan's content. */
export const useAnswerStore = defineStore('answer', () => {
  const app = useAppStore()
  const models = useModelsStore()
  const jobs = useJobsStore()
  const evidence = useEvidenceStore()
  const plan = usePlanStore()
  const timing = useTimingStore()

  const estimated = shallowRef<Estimated | null>(null)
  /** how long the last estimate took from the edit to its answer */
  const estimateMs = shallowRef<number | null>(null)
  const byContent = shallowReactive(new Map<string, MeasuredFigures>())
  /** what was estimated of the plan on screen while it was not measured */
  const guess = shallowRef<Estimated | null>(null)
  /** content of the plan measured last */
  const lastMeasured = shallowRef<string | null>(null)
  const job = shallowRef<JobInfo | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let askedAt = 0

  /** the estimate of the plan as it is; null while it is on its way */
  const estimate = computed(() => (estimated.value?.content === plan.content ? estimated.value.estimate : null))
  /** the newest estimate, of this plan or of the one before the last edit: what stays on screen until the new one is there */
  const shownEstimate = computed(() => estimated.value?.estimate ?? null)
  const measured = computed(() => byContent.get(plan.content) ?? null)
  /** figures of the plan measured last, where that is another one */
  const former = computed(() => {
    if (measured.value !== null || lastMeasured.value === null) return null
    return byContent.get(lastMeasured.value) ?? null
  })
  const answers = computed(() =>
    answersOf({
      estimate: shownEstimate.value,
      guess: guess.value?.content === plan.content ? guess.value.estimate : null,
      measured: measured.value,
      former: former.value,
    }),
  )
  const dropKind = computed(
    () => measured.value?.dropKind ?? shownEstimate.value?.dropKind ?? former.value?.dropKind ?? null,
  )
  const isMeasuring = computed(() => {
    const own = job.value
    return own !== null && !isEnded(jobs.byId.get(own.id) ?? own)
  })

  const estimator = createLatest<{ hash: string; plan: QuantPlan }, PlanEstimate>({
    ask: ({ hash, plan: asked }, signal) => client().plans.estimate({ hash, plan: asked }, { signal }),
    onAnswer: (found, asked) => {
      if (models.hash !== asked.hash) return
      const content = contentOf(asked.plan)
      estimated.value = { content, estimate: found }
      if (isGuess(found) && !byContent.has(content)) guess.value = { content, estimate: found }
      estimateMs.value = performance.now() - askedAt
    },
    onError: (error) => {
      // it is asked again as soon as the host is back
      if (!isLoss(error)) problem.value = problemOf(error)
    },
    pauseMs: 0,
  })

  function ask(): void {
    if (models.hash === null) return
    askedAt = performance.now()
    estimator.ask({ hash: models.hash, plan: plan.plan })
  }

  /** Keeps what a search has measured of its plans; a measurement of the plan itself counts more. */
  function learn(run: string, candidates: readonly CandidateView[]): void {
    for (const candidate of candidates) {
      const content = contentOf(candidate.plan)
      const known = byContent.get(content)
      if (known === undefined || known.run === run) byContent.set(content, figuresOfCandidate(candidate, run))
    }
  }

  async function loadSearched(hash: string): Promise<void> {
    const filter = { modelHash: hash, kinds: ['search' as const], statuses: ['done' as const] }
    const { runs } = await client().runs.list({ filter, limit: KEPT_SEARCHES })
    const found = await Promise.all(
      runs.map(async ({ id }) => {
        const [detail, best] = await Promise.all([client().runs.show({ run: id }), client().plans.fromRun({ run: id })])
        return { id, candidates: candidatesOfRun(detail.results, best).candidates }
      }),
    )
    if (models.hash === hash) for (const { id, candidates } of found) learn(id, candidates)
  }

  /** Takes over what earlier sessions measured, so that the bottom line is not empty when a model is opened again. */
  async function loadMeasured(hash: string): Promise<void> {
    const { runs } = await client().runs.list({
      filter: { modelHash: hash, kinds: ['measurePlan'], statuses: ['done'] },
      limit: KEPT_MEASURES,
    })
    const found = await Promise.all(
      runs.map(async ({ id }) => {
        const [detail, own] = await Promise.all([client().runs.show({ run: id }), client().plans.fromRun({ run: id })])
        return { content: contentOf(own), figures: figuresOfRun(detail) }
      }),
    )
    if (models.hash !== hash) return
    for (const { content, figures } of found) {
      if (figures === null) continue
      if (!byContent.has(content)) byContent.set(content, figures)
      lastMeasured.value ??= content
    }
  }

  /** Starts a measurement of the plan as it is. Its figures stay with this plan, however it is edited meanwhile. */
  async function measure(samples: SampleOptionsInput): Promise<void> {
    const model = models.current
    if (model === null || isMeasuring.value) return
    const { hash, path } = model.summary
    const { plan: own, content } = plan
    problem.value = null
    try {
      const request = { kind: 'measurePlan' as const, model: path, plan: own, samples, ...timing.request }
      job.value = await jobs.start(request)
      follow(job.value.id, hash, content)
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  function follow(id: string, hash: string, content: string): void {
    const stop = jobs.follow(id, (event) => {
      if (event.kind === 'done' && event.result.kind === 'measurePlan' && models.hash === hash) {
        byContent.set(content, figuresOf(event.result))
        lastMeasured.value = content
        evidence.take(event.result)
        // one measured plan makes the estimates of all others better
        ask()
      } else if (event.kind === 'failed') {
        problem.value = problemOf(Object.assign(new Error(event.fault.message), { code: 'FAULT', data: event.fault }))
      }
      if (event.kind === 'done' || event.kind === 'failed' || event.kind === 'cancelled') queueMicrotask(() => stop())
    })
  }

  async function cancel(): Promise<void> {
    if (job.value !== null) await jobs.cancel(job.value.id)
  }

  watch(
    () => models.hash,
    (hash) => {
      estimator.drop()
      estimated.value = null
      guess.value = null
      byContent.clear()
      lastMeasured.value = null
      job.value = null
      problem.value = null
      if (hash === null) return
      ask()
      loadMeasured(hash)
        .then(() => loadSearched(hash))
        .catch((error: unknown) => (problem.value = problemOf(error)))
    },
    { immediate: true },
  )
  watch(() => plan.content, ask)
  // what edits are held against: the measured plan that was on screen last
  watch(
    measured,
    (figures) => {
      if (figures !== null) lastMeasured.value = plan.content
    },
    { flush: 'sync' },
  )
  // whatever was measured since makes another estimate
  watch([() => evidence.sensitivity, () => evidence.execution, () => app.epoch], ask)

  return {
    estimate,
    shownEstimate,
    estimateMs,
    measured,
    former,
    answers,
    dropKind,
    job,
    isMeasuring,
    problem,
    learn,
    measure,
    cancel,
  }
})
