import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { RunFilter } from '../../../shared/contract/api/runs.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import type { RunDetail } from '../../../shared/contract/runs.ts'
import { compareRuns } from '../../jobs/compare-runs.ts'
import { runsToCsv } from '../../jobs/export-runs.ts'
import { intervalsOf } from '../../jobs/run-intervals.ts'
import { reportOfRuns } from '../../jobs/report/of-runs.ts'
import { reportHtml } from '../../jobs/report/html.ts'
import type { ImportRunsInput, ImportRunsOutput } from '../../jobs/tasks/desk/import-runs.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'

const BASELINE = 'baseline'
const NEWEST_FIRST = { by: 'startedAt', descending: true }

/** `runs.*`: the store of runs. */
export function runsRouter(app: Application) {
  const { store, events, desk } = app
  const told = (runs: readonly string[]): void => events.tell({ kind: 'runs', runs })
  return os.runs.router({
    list: os.runs.list.handler(({ input }) => ({ ...store.runs.page(input), offset: input.offset })),
    ids: os.runs.ids.handler(({ input }) => store.facts.ids(input)),
    intervals: os.runs.intervals.handler(({ input }) =>
      Object.fromEntries(
        store.facts.intervalRecords(input.runs).map(({ id, metrics, parts }) => [id, intervalsOf(metrics, parts)]),
      ),
    ),
    parameters: os.runs.parameters.handler(({ input }) => store.facts.parameters(input.runs, input.paths)),
    facets: os.runs.facets.handler(() => ({
      ...store.facts.counts(),
      parameters: store.facts.parameterPaths().map(({ path }) => path),
      baseline: baselineOf(app),
    })),
    show: os.runs.show.handler(({ input }) => store.runs.get(input.run, { deleted: input.deleted })),
    compare: os.runs.compare.handler(({ input }) => compareRuns(input.runs.map((run) => store.runs.get(run)))),
    export: os.runs.export.handler(({ input }) => exported(app, input)),
    report: os.runs.report.handler(({ input }) => {
      const report = reportOfRuns(
        input.runs.map((run) => store.runs.get(run)),
        app.environment,
        new Date().toISOString(),
        input.title,
      )
      return { fileName: `quantbench-${input.runs[0]!}.html`, html: reportHtml(report) }
    }),
    sweepFile: os.runs.sweepFile.handler(({ input }) => sweepFile(app, input)),
    tag: os.runs.tag.handler(({ input }) => {
      for (const run of input.runs) store.runs.setTags(store.runs.get(run).id, [...new Set(input.tags)])
      told(input.runs)
    }),
    note: os.runs.note.handler(({ input }) => {
      store.runs.setNote(store.runs.get(input.run).id, input.note)
      told([input.run])
    }),
    remove: os.runs.remove.handler(({ input }) => {
      const at = new Date().toISOString()
      for (const run of input.runs) store.runs.setDeleted(run, at)
      told(input.runs)
    }),
    restore: os.runs.restore.handler(({ input }) => {
      for (const run of input.runs) store.runs.setDeleted(run, null)
      told(input.runs)
    }),
    pin: os.runs.pin.handler(({ input }) => {
      store.settings.set(BASELINE, input.run === null ? null : store.runs.get(input.run).id)
      told(input.run === null ? [] : [input.run])
    }),
    import: os.runs.import.handler(async ({ input, signal }) => {
      const { imported, skipped } = await desk.run<ImportRunsInput, ImportRunsOutput>(
        'importRuns',
        { from: app.allowed(input.path), home: store.home },
        { signal },
      )
      told(imported)
      events.tell({ kind: 'models' })
      return { imported: imported.length, skipped }
    }),
    trends: os.runs.trends.handler(({ input }) => store.facts.trend(input.metric, input.filter)),
  })
}

/** @throws Fault data.noArtifact */
function sweepFile({ store }: Application, { run, format }: { run: string; format: string }) {
  const { artifacts, id } = store.runs.get(run)
  const found = artifacts.find(({ role }) => role === `sweep.${format}`)
  if (!found)
    throw new Fault('data.noArtifact', `Run ${id} has no figure over bits: its sweep was cut off, or it is none.`, {
      run,
    })
  const fileName = found.path === null ? `${id}.${format}` : path.basename(found.path)
  return { fileName, text: new TextDecoder().decode(store.artifacts.read(found.sha256)) }
}

/** The pinned run, null where none is, or it is no longer there. */
function baselineOf({ store }: Application): string | null {
  const pinned = store.settings.get(BASELINE)
  return typeof pinned === 'string' && store.runs.has(pinned) ? pinned : null
}

/** Runs to read at a time before others get their turn: an export of ten thousand must not hold up the window. */
const SLICE = 25

async function exported(
  { store }: Application,
  {
    runs,
    filter,
    format,
  }: { readonly runs?: readonly string[]; readonly filter: RunFilter; readonly format: 'csv' | 'json' },
): Promise<{ fileName: string; text: string }> {
  const page = store.runs.page({ filter, sort: NEWEST_FIRST, offset: 0, limit: -1 })
  const wanted = runs && new Set(runs)
  const chosen = wanted ? page.runs.filter(({ id }) => wanted.has(id)) : page.runs
  if (format === 'csv') return { fileName: 'runs.csv', text: runsToCsv(chosen) }
  const parts: string[] = []
  for (const [i, { id }] of chosen.entries()) {
    if (i % SLICE === 0) await setImmediate()
    const detail: RunDetail = store.runs.get(id)
    parts.push(JSON.stringify(detail))
  }
  return { fileName: 'runs.json', text: `{"version":1,"runs":[${parts.join(',\n')}]}\n` }
}
