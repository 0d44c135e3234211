import { defineStore } from 'pinia'
import { shallowRef, watch } from 'vue'
import type { JobResult } from '../../shared/contract/api/job-results.ts'
import type { StoredCalibration } from '../../shared/contract/api/models.ts'
import type { RunDetail, RunKind } from '../../shared/contract/runs.ts'
import {
  damageTable,
  executionOfResult,
  executionOfRun,
  explanationsOf,
  isQuickScan,
  isReverted,
  mergeExecution,
  rowsOfRun,
  type DamageTable,
  type ExecutionTable,
  type LayerExplanation,
} from '../plan/knowledge.ts'
import { problemOf, type Problem } from '../problem.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useModelsStore } from './models.ts'

/** Kinds of runs that say how layers ran. */
const TIMED: readonly RunKind[] = ['measurePlan', 'quantize', 'bench']
/** Newest runs of a model that are looked through: sweeps and scans beside each other, and some that say nothing. */
const LOOKED_AT = 8

/** What is known of the open model's layers from its runs: damages, how they ran, why they suffer. Overlays and the inspector show it. */
export const useEvidenceStore = defineStore('evidence', () => {
  const app = useAppStore()
  const models = useModelsStore()
  /** of the exact sweep from float */
  const sensitivity = shallowRef<DamageTable | null>(null)
  /** local SQNR of the quick scan */
  const scan = shallowRef<DamageTable | null>(null)
  const execution = shallowRef<ExecutionTable | null>(null)
  const explanations = shallowRef<ReadonlyMap<string, readonly LayerExplanation[]>>(new Map())
  /** newest first */
  const calibrations = shallowRef<readonly StoredCalibration[]>([])
  const problem = shallowRef<Problem | null>(null)
  let asked = 0

  function clear(): void {
    sensitivity.value = null
    scan.value = null
    execution.value = null
    explanations.value = new Map()
    calibrations.value = []
    problem.value = null
  }

  async function newest(modelHash: string, kinds: readonly RunKind[]): Promise<RunDetail[]> {
    const { runs } = await client().runs.list({
      filter: { modelHash, kinds: [...kinds], statuses: ['done'] },
      limit: LOOKED_AT,
    })
    return Promise.all(runs.map(({ id }) => client().runs.show({ run: id })))
  }

  function takeDamages(runs: readonly RunDetail[]): void {
    const tableOf = (run: RunDetail | undefined): DamageTable | null =>
      run ? damageTable(run.id, rowsOfRun(run)) : null
    const sweeps = runs.filter((run) => !isQuickScan(run) && !isReverted(run) && run.layers.length > 0)
    sensitivity.value = tableOf(sweeps[0])
    scan.value = tableOf(runs.find(isQuickScan))
    // the exact sweep's words over those of the scan, the newest first
    const known = new Map<string, readonly LayerExplanation[]>()
    for (const run of [...sweeps, ...runs.filter(isQuickScan)])
      for (const [layer, own] of explanationsOf(run.results)) if (!known.has(layer)) known.set(layer, own)
    explanations.value = known
  }

  function takeExecution(runs: readonly RunDetail[]): void {
    let table: ExecutionTable | null = null
    for (const run of runs.toReversed()) {
      const own = executionOfRun(run)
      if (own) table = mergeExecution(table, own)
    }
    execution.value = table
  }

  /** Reads anew what the store knows of the open model. */
  async function load(): Promise<void> {
    const hash = models.hash
    const mine = ++asked
    if (hash === null) return clear()
    try {
      const [damages, timed, known] = await Promise.all([
        newest(hash, ['sensitivity']),
        newest(hash, TIMED),
        client().models.calibrations({ hash }),
      ])
      if (mine !== asked) return
      takeDamages(damages)
      takeExecution(timed)
      calibrations.value = known
      problem.value = null
    } catch (error) {
      if (mine === asked) problem.value = problemOf(error)
    }
  }

  /** Takes over what a job of the open model has just found, before its run is read. */
  function take(result: JobResult): void {
    const table = executionOfResult(result)
    if (table) execution.value = mergeExecution(execution.value, table)
  }

  watch(
    () => models.hash,
    () => {
      clear()
      void load()
    },
    { immediate: true },
  )
  let timer: ReturnType<typeof setTimeout> | undefined
  app.on('runs', () => {
    // a search tells of many runs in a row
    clearTimeout(timer)
    timer = setTimeout(() => void load(), 200)
  })
  watch(
    () => app.epoch,
    () => void load(),
  )

  return { sensitivity, scan, execution, explanations, calibrations, problem, load, take }
})
