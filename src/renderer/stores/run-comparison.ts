import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { RunComparison, TrendPoint } from '../../shared/contract/api/runs.ts'
import type { RunDetail } from '../../shared/contract/runs.ts'
import { problemOf, type Problem } from '../problem.ts'
import { layerRows, letterOf, wordsOf } from '../runs/compare.ts'
import { client } from './client.ts'
import { useRunsStore } from './runs.ts'

/** The contract's bounds of a comparison. */
export const MOST_COMPARED = 20
/** Whole runs kept in memory. */
const MOST_KEPT = 60

/** The selected runs side by side: what differs, whole runs where a view needs them, and trends of the filter's runs over time. */
export const useRunComparisonStore = defineStore('run-comparison', () => {
  const runs = useRunsStore()
  const comparison = shallowRef<RunComparison | null>(null)
  const details = shallowRef<ReadonlyMap<string, RunDetail>>(new Map())
  const trend = shallowRef<readonly TrendPoint[]>([])
  const trendMetric = ref<string | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let asked = 0

  /** the pinned baseline first, where it is one of them, else the order of the table */
  const wanted = computed<readonly string[]>(() => {
    // in the trash runs can be looked at, one at a time
    if (runs.isTrash) return runs.selected.length === 1 ? runs.selected : []
    const base = runs.baseline?.id
    const own = runs.selected
    return base !== undefined && own.includes(base) ? [base, ...own.filter((id) => id !== base)] : own
  })
  const isTooMany = computed(() => wanted.value.length > MOST_COMPARED)
  const single = computed(() => (wanted.value.length === 1 ? (details.value.get(wanted.value[0]!) ?? null) : null))
  /** whole runs in the order of the comparison, as far as all of them have come */
  const compared = computed<readonly RunDetail[]>(() => {
    const own = (comparison.value?.runs ?? []).flatMap((id) => details.value.get(id) ?? [])
    return own.length === (comparison.value?.runs.length ?? 0) ? own : []
  })
  const layers = computed(() => layerRows(compared.value))
  /** `A note or kind`, by the order of the comparison */
  const labels = computed(() =>
    (comparison.value?.runs ?? []).map((id, i) => {
      const run = runs.rows.get(id) ?? details.value.get(id)
      return `${letterOf(i)} ${run ? wordsOf(run) : id}`
    }),
  )

  async function compare(ids: readonly string[]): Promise<void> {
    const mine = ++asked
    problem.value = null
    if (ids.length < 2 || ids.length > MOST_COMPARED) {
      comparison.value = null
      if (ids.length === 1) await loadDetails(ids)
      return
    }
    try {
      const found = await client().runs.compare({ runs: [...ids] })
      if (mine === asked) comparison.value = found
    } catch (error) {
      if (mine === asked) problem.value = problemOf(error)
    }
  }

  /** Whole runs, for what a comparison does not hold: all settings, layers, curves. */
  async function loadDetails(ids: readonly string[] = wanted.value): Promise<void> {
    const missing = ids.filter((id) => !details.value.has(id)).slice(0, MOST_COMPARED)
    if (missing.length === 0) return
    try {
      const found = await Promise.all(missing.map((id) => client().runs.show({ run: id, deleted: runs.isTrash })))
      const all = [...details.value, ...found.map((run) => [run.id, run] as const)]
      details.value = new Map(all.slice(-MOST_KEPT))
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  async function loadTrend(metric: string): Promise<void> {
    trendMetric.value = metric
    try {
      const found = await client().runs.trends({ metric, filter: runs.filter })
      if (trendMetric.value === metric) trend.value = found
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  watch(wanted, (ids, before) => {
    if (ids.join() !== (before ?? []).join()) void compare(ids)
  })
  // a run may have ended, or have been noted or tagged
  watch(
    () => runs.ids,
    () => {
      const changed = [...details.value.values()].filter(({ id, status, note }) => {
        const row = runs.rows.get(id)
        return row !== undefined && (row.status !== status || row.note !== note)
      })
      if (changed.length === 0) return
      const gone = new Set(changed.map(({ id }) => id))
      details.value = new Map([...details.value].filter(([id]) => !gone.has(id)))
      void compare(wanted.value)
    },
  )
  watch([() => runs.ids, () => runs.filter], () => {
    if (trendMetric.value !== null) void loadTrend(trendMetric.value)
  })

  return {
    comparison,
    details,
    trend,
    trendMetric,
    problem,
    wanted,
    isTooMany,
    single,
    compared,
    layers,
    labels,
    compare,
    loadDetails,
    loadTrend,
  }
})
