import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import { z } from 'zod'
import type { CandidateView, JobResultOf } from '../../shared/contract/api/job-results.ts'
import type { JobEvent } from '../../shared/contract/api/jobs.ts'
import { repairNames, type QuantPlan } from '../../shared/contract/plan.ts'
import { dropKindOf, mergeCandidate, type DropKind } from '../insight/candidates.ts'
import {
  changedGoal,
  goalFrom,
  goalOfRun,
  requestOfGoal,
  usualGoal,
  type Goal,
  type SearchSettings,
} from '../insight/goal.ts'
import { candidatesOfRun } from '../insight/search-run.ts'
import { problemOf } from '../problem.ts'
import { useAnswerStore } from './answer.ts'
import { client } from './client.ts'
import { createFormerRuns } from './former-runs.ts'
import { createJobSlot } from './job-slot.ts'
import { useModelsStore } from './models.ts'
import { useSamplesStore } from './samples.ts'

const GOAL_KEY = 'quantbench.goal'
const SETTINGS_KEY = 'quantbench.search'

const usualSettings: SearchSettings = { configs: [], repairs: [], maxTrials: null }
const keptSettings = z.object({
  configs: z.array(z.string()),
  repairs: z.array(z.enum(repairNames)),
  maxTrials: z.int().min(1).nullable(),
})

function settingsFrom(text: string | null): SearchSettings {
  try {
    return text === null ? usualSettings : keptSettings.parse(JSON.parse(text))
  } catch {
    return usualSettings
  }
}

/** A search of the open model: its goal, the plans it measures as they come, the best so far, and former searches. */
export const useSearchStore = defineStore('search', () => {
  const models = useModelsStore()
  const samples = useSamplesStore()

  const goal = shallowRef<Goal>(goalFrom(localStorage.getItem(GOAL_KEY)))
  const settings = shallowRef<SearchSettings>(settingsFrom(localStorage.getItem(SETTINGS_KEY)))
  const candidates = shallowRef<readonly CandidateView[]>([])
  /** key of the best so far */
  const bestKey = shallowRef<string | null>(null)
  const run = shallowRef<string | null>(null)
  /** what the plans on screen were searched for; null: not known */
  const searchedFor = shallowRef<Goal | null>(null)
  const misses = shallowRef<readonly string[]>([])
  const result = shallowRef<JobResultOf<'search'> | null>(null)
  const isLoading = shallowRef(false)
  let asked: Goal | null = null

  const best = computed(() => candidates.value.find(({ key }) => key === bestKey.value) ?? null)
  const dropKind = computed<DropKind>(() => {
    const [first] = candidates.value
    return result.value?.dropKind ?? (first ? dropKindOf(first) : 'top1')
  })

  function clear(): void {
    candidates.value = []
    bestKey.value = null
    run.value = null
    searchedFor.value = null
    misses.value = []
    result.value = null
  }

  function onTake(): void {
    clear()
    searchedFor.value = asked
    asked = null
  }

  /** A search that was not started here: what it is for stands in its run. */
  async function learn(id: string): Promise<void> {
    const detail = await client().runs.show({ run: id })
    if (run.value === id) searchedFor.value ??= goalOfRun(detail.parameters)?.goal ?? null
  }

  function onEvent(event: JobEvent): void {
    if (event.kind === 'job' && event.job.run !== null && event.job.run !== run.value) {
      run.value = event.job.run
      if (searchedFor.value === null) void guarded(() => learn(event.job.run!))
    }
    if (event.kind === 'partial' && event.partial.kind === 'candidate') {
      const { candidate, best: isBest } = event.partial
      candidates.value = mergeCandidate(candidates.value, candidate)
      if (isBest) bestKey.value = candidate.key
    }
    if (event.kind === 'done' && event.result.kind === 'search') take(event.result)
  }

  function take(done: JobResultOf<'search'>): void {
    result.value = done
    run.value = done.run
    bestKey.value = done.best.key
    misses.value = done.misses
    candidates.value = [done.base, ...done.front, done.best].reduce(mergeCandidate, [...candidates.value])
  }

  // what a plan comes to is known on every screen, once a search has measured it
  const answer = useAnswerStore()
  watch([run, candidates], ([id, found]) => {
    if (id !== null) answer.learn(id, found)
  })

  const slot = createJobSlot(['search'], { onTake, onEvent })
  const former = createFormerRuns({
    kind: 'search',
    shown: () => run.value,
    isFree: () => run.value === null,
    hasJob: () => slot.job.value !== null,
    isActive: () => slot.isActive.value,
    open,
    onOtherModel: clear,
  })

  /** Searches. `resumes`: a search that was cut off; what it has measured is found again. */
  async function start(
    resumes: string | null = null,
    wanted: { readonly goal: Goal; readonly settings: SearchSettings } = { goal: goal.value, settings: settings.value },
  ): Promise<boolean> {
    const model = models.current
    const chosen = samples.options
    if (model === null || chosen === null || slot.isActive.value) return false
    asked = wanted.goal
    return slot.start(requestOfGoal(wanted.goal, wanted.settings, model.summary.path, chosen, resumes))
  }

  function aim(change: Partial<Goal>): void {
    goal.value = changedGoal(goal.value, change)
    localStorage.setItem(GOAL_KEY, JSON.stringify(goal.value))
  }

  function set(change: Partial<SearchSettings>): void {
    settings.value = { ...settings.value, ...change }
    localStorage.setItem(SETTINGS_KEY, JSON.stringify(settings.value))
  }

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      former.problem.value = null
      await work()
    } catch (error) {
      former.problem.value = problemOf(error)
    }
  }

  /** Shows what a former search found: its front, its best plan, and where it started. */
  function open(wanted: string): Promise<void> {
    isLoading.value = true
    return guarded(async () => {
      const [detail, plan] = await Promise.all([
        client().runs.show({ run: wanted }),
        client().plans.fromRun({ run: wanted }),
      ])
      if (detail.modelHash !== models.hash) return
      slot.leave()
      clear()
      const found = candidatesOfRun(detail.results, plan)
      run.value = wanted
      candidates.value = found.candidates
      bestKey.value = found.best
      misses.value = found.misses
      searchedFor.value = goalOfRun(detail.parameters)?.goal ?? usualGoal
    }).finally(() => (isLoading.value = false))
  }

  /** Goes on with a search that was cut off, as it was asked. */
  function goOn(wanted: string): Promise<void> {
    return guarded(async () => {
      const detail = await client().runs.show({ run: wanted })
      await start(wanted, goalOfRun(detail.parameters) ?? undefined)
    })
  }

  /** Writes a plan as the file that `--plan` takes. @throws what the host says */
  async function savePlan(plan: QuantPlan, path: string): Promise<void> {
    const { text } = await client().plans.serialize({ plan })
    await client().files.writeText({ path, text, force: true })
  }

  return {
    goal,
    settings,
    candidates,
    best,
    bestKey,
    run,
    searchedFor,
    misses,
    result,
    dropKind,
    former: former.former,
    formerProblem: former.problem,
    cutOff: former.cutOff,
    isLoading,
    job: slot.job,
    isActive: slot.isActive,
    isStarting: slot.isStarting,
    share: slot.share,
    problem: slot.problem,
    aim,
    set,
    start,
    pause: slot.pause,
    resume: slot.resume,
    cancel: slot.cancel,
    loadFormer: former.load,
    open,
    goOn,
    savePlan,
  }
})
