import { defineStore } from 'pinia'
import { computed, reactive, ref, shallowRef, watch } from 'vue'
import type { RunFacets, RunFilter, RunIntervals, RunPage } from '../../shared/contract/api/runs.ts'
import type { Json, RunDetail, RunSummary } from '../../shared/contract/runs.ts'
import { problemOf, type Problem } from '../problem.ts'
import { columnOf, columnWidth, tableMemory } from '../runs/columns.ts'
import { fileNameIn, isNarrowed, shortHash, tidy } from '../runs/filters.ts'
import { everything, kept, NOTHING, type ListSelection } from '../runs/list-selection.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'

const KEY = 'quantbench.runs'
/** Rows fetched at a time. */
const PAGE = 100
/** A pause in typing, and in what the host tells, after which is asked anew. */
const PAUSE_MS = 150
/** Rows around those on screen that are fetched with them. */
const MARGIN = 40

/** The table of runs: filter, order, columns, the rows on screen, the selection, and what can be done to runs. */
export const useRunsStore = defineStore('runs', () => {
  const app = useAppStore()
  const memory = reactive(tableMemory(localStorage.getItem(KEY)))
  watch(memory, (now) => localStorage.setItem(KEY, JSON.stringify(now)))

  const filter = shallowRef<RunFilter>({})
  /** of all runs the filter keeps, in order; null until they have come */
  const ids = shallowRef<readonly string[] | null>(null)
  const rows = shallowRef<ReadonlyMap<string, RunSummary>>(new Map())
  const intervals = shallowRef<ReadonlyMap<string, RunIntervals>>(new Map())
  const parameters = shallowRef<ReadonlyMap<string, Readonly<Record<string, Json>>>>(new Map())
  const facets = shallowRef<RunFacets | null>(null)
  const baseline = shallowRef<RunDetail | null>(null)
  const selection = shallowRef<ListSelection>(NOTHING)
  const problem = shallowRef<Problem | null>(null)
  const busy = ref(false)
  let asked = 0

  const columns = computed(() =>
    memory.columns.flatMap((id) => {
      const column = columnOf(id)
      return column ? [{ ...column, width: memory.widths[id] ?? column.width }] : []
    }),
  )
  /** of the first page, until all ids are there */
  const count = ref(0)
  const total = computed(() => Math.max(count.value, ids.value?.length ?? 0))
  const isTrash = computed(() => filter.value.deleted === true)
  const narrowed = computed(() => isNarrowed(filter.value))
  /** selected runs in the order of the table */
  const selected = computed<readonly string[]>(() => (ids.value ?? []).filter((id) => selection.value.ids.has(id)))
  const modelNames = computed(
    () => new Map((facets.value?.models ?? []).map(({ hash, path }) => [hash, fileNameIn(path) || shortHash(hash)])),
  )
  const modelName = (hash: string): string => modelNames.value.get(hash) ?? shortHash(hash)

  const report = (error: unknown): void => void (problem.value = problemOf(error))

  /** places of the rows on screen */
  const shown = { first: 0, last: 30 }

  /** Asks anew for everything: the order of all runs, what can be chosen, the first rows. Rows on screen stay until theirs have come. */
  async function load(around = 0): Promise<void> {
    const mine = ++asked
    busy.value = true
    try {
      const query = { filter: filter.value, sort: { ...memory.sort } }
      const offset = Math.max(0, Math.floor(around / PAGE) * PAGE)
      const first = client().runs.list({ ...query, offset, limit: PAGE })
      // the host does one thing after the other: at the beginning nothing is asked for before the first page is there
      if (ids.value === null) showFirst(await first)
      const [all, page] = await Promise.all([client().runs.ids(query), first])
      if (mine !== asked) return
      rows.value = new Map([...rows.value, ...page.runs.map((run) => [run.id, run] as const)])
      selection.value = kept(selection.value, ids.value ?? [], all)
      ids.value = all
      count.value = 0
      problem.value = null
      void ensure(shown.first, shown.last) // rows that came on screen meanwhile
      if (areFacetsOld) await loadFacets()
    } catch (error) {
      if (mine === asked) report(error)
    } finally {
      if (mine === asked) busy.value = false
    }
  }

  /** What can be chosen from, over all runs: it changes with the runs, not with what is shown of them. */
  let areFacetsOld = true
  async function loadFacets(): Promise<void> {
    areFacetsOld = false
    try {
      facets.value = await client().runs.facets()
      await loadBaseline(facets.value.baseline)
      void decorate(baseline.value ? [baseline.value.id] : [])
    } catch (error) {
      areFacetsOld = true
      throw error
    }
  }

  /** The beginning of the list, while nothing else is there yet. */
  function showFirst(page: RunPage): void {
    if (ids.value !== null) return
    rows.value = new Map(page.runs.map((run) => [run.id, run]))
    ids.value = page.runs.map(({ id }) => id)
    count.value = page.total
  }

  let isBaselineOld = false
  async function loadBaseline(id: string | null): Promise<void> {
    if (id === (baseline.value?.id ?? null) && !isBaselineOld) return
    isBaselineOld = false
    if (id === null) baseline.value = null
    // it may have been taken away since
    else
      baseline.value = await client()
        .runs.show({ run: id })
        .catch(() => null)
  }

  /** Fetches the rows from one place to another, as far as they are not there. */
  async function ensure(first: number, last: number): Promise<void> {
    const order = ids.value ?? []
    const from = Math.max(0, first - MARGIN)
    const wanted = order.slice(from, last + 1 + MARGIN)
    const missing = wanted.flatMap((id, i) => (rows.value.has(id) ? [] : [from + i]))
    if (missing.length > 0) {
      const offset = missing[0]!
      const mine = asked
      const limit = Math.min(1000, missing.at(-1)! - offset + 1)
      try {
        const page = await client().runs.list({ filter: filter.value, sort: { ...memory.sort }, offset, limit })
        if (mine === asked) rows.value = new Map([...rows.value, ...page.runs.map((run) => [run.id, run] as const)])
      } catch (error) {
        report(error)
      }
    }
    await decorate(order.slice(Math.max(0, first), last + 1))
  }

  /** Intervals, and parameters that have a column, of rows on screen and of the baseline. */
  async function decorate(shown: readonly string[]): Promise<void> {
    const paths = columns.value.flatMap(({ parameter }) => parameter ?? [])
    const own = shown.slice(0, 500)
    const base = baseline.value?.id
    const bare = [...own, ...(base === undefined ? [] : [base])].filter((id) => !intervals.value.has(id)).slice(-500)
    const lacking = own.filter((id) => paths.some((path) => parameters.value.get(id)?.[path] === undefined))
    try {
      if (bare.length > 0) {
        const found = await client().runs.intervals({ runs: bare })
        intervals.value = new Map([...intervals.value, ...Object.entries(found)])
      }
      if (lacking.length > 0 && paths.length > 0) {
        const found = await client().runs.parameters({ runs: lacking, paths })
        const named = Object.entries(found).map(([id, values]) => {
          const all = Object.fromEntries(paths.map((path, i) => [path, values[i] ?? null]))
          return [id, { ...parameters.value.get(id), ...all }] as const
        })
        parameters.value = new Map([...parameters.value, ...named])
      }
    } catch (error) {
      report(error)
    }
  }

  /** Other rows are wanted: what was selected and is still there stays selected. */
  function narrow(next: RunFilter): void {
    filter.value = tidy(next)
    void load()
  }
  let typing: ReturnType<typeof setTimeout> | undefined
  function search(text: string): void {
    filter.value = tidy({ ...filter.value, text: text.slice(0, 200) })
    clearTimeout(typing)
    typing = setTimeout(() => void load(), PAUSE_MS)
  }
  function sortBy(by: string): void {
    const column = columnOf(by)
    const isSame = memory.sort.by === by
    memory.sort = { by, descending: isSame ? !memory.sort.descending : (column?.descendingFirst ?? true) }
    void load()
  }
  function showColumns(next: readonly string[]): void {
    memory.columns = [...next]
    if (ids.value) void decorate([...rows.value.keys()].slice(-PAGE))
  }

  /** Makes a column as wide as it is dragged. */
  function resizeColumn(id: string, px: number): void {
    memory.widths = { ...memory.widths, [id]: columnWidth(px) }
  }

  const select = (next: ListSelection): void => void (selection.value = next)
  const selectAll = (): void => select(everything(selection.value, ids.value ?? []))
  function show(id: string): void {
    select({ ids: new Set([id]), focus: id, anchor: id })
  }

  /** What the host tells: some runs are new or changed. Everything is asked anew at most every `PAUSE_MS`, around the rows on screen. */
  let telling: ReturnType<typeof setTimeout> | undefined
  function hear(changed: readonly string[]): void {
    intervals.value = withoutKeys(intervals.value, changed)
    parameters.value = withoutKeys(parameters.value, changed)
    if (baseline.value && changed.includes(baseline.value.id)) isBaselineOld = true
    areFacetsOld = true
    if (ids.value === null || telling !== undefined) return
    telling = setTimeout(() => {
      telling = undefined
      void refresh()
    }, PAUSE_MS)
  }
  async function refresh(): Promise<void> {
    const around = shown.first
    await load(around)
    // rows elsewhere may have changed as well: those not just fetched are fetched when they come on screen
    const fresh = new Set(
      (ids.value ?? []).slice(Math.floor(around / PAGE) * PAGE, Math.floor(around / PAGE) * PAGE + PAGE),
    )
    rows.value = new Map([...rows.value].filter(([id]) => fresh.has(id) || selection.value.ids.has(id)))
    await ensure(shown.first, shown.last)
  }
  app.on('runs', ({ runs }) => hear(runs))
  watch(
    () => app.epoch,
    () => {
      areFacetsOld = true
      if (ids.value !== null) void refresh()
    },
  )

  /** The table tells which rows it shows, so that what comes later comes around them. */
  function look(first: number, last: number): void {
    shown.first = first
    shown.last = last
    void ensure(first, last)
  }

  /** Summaries of any runs of the list, fetched where they were never on screen. */
  async function rowsOf(wanted: readonly string[]): Promise<RunSummary[]> {
    if (wanted.some((id) => !rows.value.has(id))) {
      const page = await client().runs.list({ filter: filter.value, sort: { ...memory.sort }, limit: 20_000 })
      rows.value = new Map([...rows.value, ...page.runs.map((run) => [run.id, run] as const)])
    }
    return wanted.flatMap((id) => rows.value.get(id) ?? [])
  }

  return {
    memory,
    filter,
    ids,
    rows,
    intervals,
    parameters,
    facets,
    baseline,
    selection,
    problem,
    busy,
    columns,
    total,
    isTrash,
    narrowed,
    selected,
    modelName,
    load,
    ensure,
    look,
    narrow,
    search,
    sortBy,
    showColumns,
    resizeColumn,
    select,
    selectAll,
    show,
    rowsOf,
    report,
  }
})

function withoutKeys<Value>(map: ReadonlyMap<string, Value>, keys: readonly string[]): ReadonlyMap<string, Value> {
  if (!keys.some((key) => map.has(key))) return map
  const rest = new Map(map)
  for (const key of keys) rest.delete(key)
  return rest
}
