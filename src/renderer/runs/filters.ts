import type { RunFilter } from '../../shared/contract/api/runs.ts'
import type { RunKind } from '../../shared/contract/runs.ts'
import { metricInfo, metricText } from './metrics.ts'

/** Words for kinds of runs, as everywhere in the window. */
export const KIND_WORDS: Readonly<Record<RunKind, string>> = {
  inspect: 'inspect',
  quantize: 'quantize',
  evaluate: 'evaluate',
  bench: 'bench',
  calibrate: 'calibrate',
  sensitivity: 'sensitivity',
  search: 'search',
  train: 'train',
  qat: 'QAT',
  compareQat: 'QAT comparison',
  sweep: 'bit sweep',
  measurePlan: 'measure plan',
  convert: 'convert',
  reproduce: 'classic table',
  demo: 'demo',
}

/** A part of a filter that can be taken away by itself. */
export interface FilterChip {
  readonly id: string
  readonly label: string
  /** the filter without it */
  readonly rest: RunFilter
}

/** The last part of a path, whatever system it is of. */
export function fileNameIn(path: string | null): string {
  return path?.split(/[\\/]/).at(-1) ?? ''
}

/** What a filter consists of, as chips. The search text and the trash have places of their own. */
export function chipsOf(filter: RunFilter, modelName: (hash: string) => string): FilterChip[] {
  const chips: FilterChip[] = []
  const each = <Key extends 'kinds' | 'statuses' | 'tags'>(key: Key, word: string, text: (value: string) => string) => {
    for (const value of filter[key] ?? [])
      chips.push({ id: `${key}:${value}`, label: `${word}: ${text(value)}`, rest: without(filter, key, value) })
  }
  each('kinds', 'kind', (value) => KIND_WORDS[value as RunKind])
  each('statuses', 'status', (value) => value)
  if (filter.modelHash !== undefined)
    chips.push({
      id: 'model',
      label: `model: ${modelName(filter.modelHash)}`,
      rest: { ...filter, modelHash: undefined },
    })
  if (filter.dataHash !== undefined)
    chips.push({ id: 'data', label: `data: ${shortHash(filter.dataHash)}`, rest: { ...filter, dataHash: undefined } })
  each('tags', 'tag', (value) => value)
  for (const range of filter.metrics ?? [])
    chips.push({
      id: `metric:${range.name}`,
      label: rangeText(range),
      rest: { ...filter, metrics: filter.metrics?.filter((other) => other !== range) },
    })
  for (const one of filter.parameters ?? [])
    chips.push({
      id: `parameter:${one.path}`,
      label: `${one.path} = ${one.value}`,
      rest: { ...filter, parameters: filter.parameters?.filter((other) => other !== one) },
    })
  if (filter.since !== undefined)
    chips.push({ id: 'since', label: `since ${filter.since.slice(0, 10)}`, rest: { ...filter, since: undefined } })
  if (filter.until !== undefined)
    chips.push({ id: 'until', label: `until ${filter.until.slice(0, 10)}`, rest: { ...filter, until: undefined } })
  return chips
}

function without(filter: RunFilter, key: 'kinds' | 'statuses' | 'tags', value: string): RunFilter {
  return { ...filter, [key]: filter[key]?.filter((other) => other !== value) }
}

/** Twelve hex digits tell contents apart well enough for eyes. */
export function shortHash(hash: string): string {
  return hash.replace(/^sha256:/, '').slice(0, 12)
}

type Range = NonNullable<RunFilter['metrics']>[number]

/** `top-1 ≥ 64.00 %`, `1.00 ≤ speedup ≤ 3.00 ×`. */
export function rangeText({ name, min, max }: Range): string {
  const info = metricInfo(name)
  const unit = info.unit === '' ? '' : ` ${info.unit}`
  if (min !== undefined && max !== undefined)
    return `${metricText(info, min)} ≤ ${info.label} ≤ ${metricText(info, max)}${unit}`
  if (min !== undefined) return `${info.label} ≥ ${metricText(info, min)}${unit}`
  return `${info.label} ≤ ${metricText(info, max ?? Infinity)}${unit}`
}

/** The filter with a value added to a list, once. */
export function withValue(filter: RunFilter, key: 'kinds' | 'statuses' | 'tags', value: string): RunFilter {
  const values = (filter[key] ?? []) as readonly string[]
  return values.includes(value) ? filter : { ...filter, [key]: [...values, value] }
}

/** The filter with bounds of a metric, in place of former ones; none given: without them. Values as stored. */
export function withRange(filter: RunFilter, range: Range): RunFilter {
  const others = (filter.metrics ?? []).filter(({ name }) => name !== range.name)
  return { ...filter, metrics: range.min === undefined && range.max === undefined ? others : [...others, range] }
}

/** The filter with a parameter's value, in place of a former one; an empty value: without it. */
export function withParameter(filter: RunFilter, path: string, value: string): RunFilter {
  const others = (filter.parameters ?? []).filter((other) => other.path !== path)
  return { ...filter, parameters: value === '' ? others : [...others, { path, value }] }
}

/** Without what says nothing, so that equal filters are equal and short to send. */
export function tidy(filter: RunFilter): RunFilter {
  const kept = Object.entries(filter).filter(
    ([, value]) =>
      value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(kept)
}

/** Whether anything but the trash is asked for. */
export function isNarrowed(filter: RunFilter): boolean {
  return Object.keys(tidy(filter)).some((key) => key !== 'deleted')
}
