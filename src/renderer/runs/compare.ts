import type { SettingDifference } from '../../shared/contract/api/runs.ts'
import type { Execution } from '../../shared/contract/model.ts'
import type { Json, LayerResult, RunDetail, RunSummary } from '../../shared/contract/runs.ts'
import { KIND_WORDS, fileNameIn, shortHash } from './filters.ts'

/** A to T: how twenty compared runs are called in charts and tables. */
export function letterOf(index: number): string {
  return String.fromCharCode(65 + index)
}

/** A run in a few words: its note, or kind and model. */
export function wordsOf(run: Pick<RunSummary, 'note' | 'kind' | 'modelPath'>): string {
  const note = run.note.split('\n')[0]!.trim()
  return note !== ''
    ? note
    : [KIND_WORDS[run.kind], fileNameIn(run.modelPath)].filter((word) => word !== '').join(' · ')
}

/** All settings of some runs by dotted path, also those that are the same everywhere. */
export function settingsOf(runs: readonly RunDetail[]): SettingDifference[] {
  const flat = runs.map((run) => {
    const own: Json = { kind: run.kind, model: run.modelHash, data: run.dataHash, parameters: run.parameters }
    return new Map(leaves('', own))
  })
  const names = new Set(flat.flatMap((settings) => [...settings.keys()]))
  return [...names].map((name) => ({ name, values: flat.map((settings) => settings.get(name) ?? null) }))
}

function leaves(prefix: string, value: Json): [string, Json][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[prefix, value]]
  return Object.entries(value as { readonly [key: string]: Json }).flatMap(([key, inner]) =>
    leaves(prefix ? `${prefix}.${key}` : key, inner),
  )
}

/** A setting as a row names it: what a file holds is told from where it lies. */
export function settingName(path: string): string {
  if (path === 'model' || path === 'data') return `${path} (content)`
  return path.replace(/^parameters\./, '')
}

/** A setting's value in a cell; long ones are for the tooltip. */
export function settingText(value: Json): string {
  if (value === null) return '–'
  if (typeof value !== 'string') return JSON.stringify(value)
  return /^sha256:[0-9a-f]{64}$/.test(value) ? shortHash(value) : value
}

/** One layer over the compared runs, in the order of the model; null where a run says nothing of it. */
export interface LayerRow {
  readonly id: string
  readonly op: string
  readonly types: readonly (string | null)[]
  readonly executions: readonly (Execution | null)[]
  readonly ms: readonly (number | null)[]
  /** type or execution is not the same in all runs that say anything of layers */
  readonly differs: boolean
  /** slowest minus fastest; null where fewer than two runs timed it */
  readonly spreadMs: number | null
}

/** Layers side by side. Runs of scans have several rows a layer (one a configuration) and say nothing here. */
export function layerRows(runs: readonly RunDetail[]): LayerRow[] {
  const byId = runs.map((run) => (isScan(run) ? new Map<string, LayerResult>() : layersById(run)))
  const ids = new Set(byId.flatMap((layers) => [...layers.keys()]))
  return [...ids].map((id) => {
    const own = byId.map((layers) => layers.get(id) ?? null)
    const types = own.map((layer) => layer?.type ?? null)
    const executions = own.map((layer) => layer?.execution ?? null)
    const ms = own.map((layer) => layer?.ms ?? null)
    const op = own.find((layer) => layer !== null)?.op ?? ''
    const told = own.filter((_, i) => byId[i]!.size > 0)
    const differs = areMany(told.map((layer) => layer?.type)) || areMany(told.map((layer) => layer?.execution))
    return { id, op, types, executions, ms, differs, spreadMs: spreadOf(ms) }
  })
}

/** Whether a run's layers are damages by configuration rather than how layers ran. */
export function isScan(run: Pick<RunDetail, 'kind'>): boolean {
  return run.kind === 'sensitivity'
}

function layersById(run: RunDetail): Map<string, LayerResult> {
  return new Map(run.layers.map((layer) => [layer.id, layer]))
}

function areMany(values: readonly unknown[]): boolean {
  const first = values[0]
  return values.some((value) => value !== first)
}

function spreadOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length < 2 ? null : Math.max(...known) - Math.min(...known)
}

/** What the graph shows of a comparison: layers that differ, and the time that the second run takes more than the first. */
export interface LayerOverlay {
  readonly changed: ReadonlySet<string>
  /** ms more than in the first run, by layer id; of those timed in both */
  readonly slowerMs: ReadonlyMap<string, number>
}

/** @param against place of the run compared with the first one */
export function overlayOf(rows: readonly LayerRow[], against: number): LayerOverlay {
  const changed = new Set<string>()
  const slowerMs = new Map<string, number>()
  for (const { id, types, executions, ms } of rows) {
    if (types[0] !== types[against] || executions[0] !== executions[against]) changed.add(id)
    const [before, after] = [ms[0] ?? null, ms[against] ?? null]
    if (before !== null && after !== null) slowerMs.set(id, after - before)
  }
  return { changed, slowerMs }
}
