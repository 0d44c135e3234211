import { shortNumber } from '../components/charts/numbers.ts'

/** How a metric of a run is named, written and judged. */
export interface MetricInfo {
  readonly name: string
  readonly label: string
  /** '' for none */
  readonly unit: string
  /** shown = stored × factor */
  readonly factor: number
  /** decimals of shown values, so that columns align; null: significant digits */
  readonly decimals: number | null
  /** null: neither way is good */
  readonly better: 'less' | 'more' | null
  /** sizes and counts: any difference is a real one */
  readonly isExact: boolean
}

type Known = Pick<MetricInfo, 'label'> & Partial<Omit<MetricInfo, 'name' | 'label'>>

const PERCENT = { unit: '%', factor: 100, decimals: 2 } as const
const POINTS = { unit: 'points', factor: 100, decimals: 2 } as const
const MEGABYTES = { unit: 'MB', factor: 1e-6, decimals: 3, isExact: true } as const
const MS = { unit: 'ms', decimals: 3 } as const
const COUNT = { decimals: 0, isExact: true } as const

const METRICS: Readonly<Record<string, Known>> = {
  top1: { label: 'top-1', ...PERCENT, better: 'more' },
  top5: { label: 'top-5', ...PERCENT, better: 'more' },
  referenceTop1: { label: 'float top-1', ...PERCENT },
  agreement: { label: 'agreement', ...PERCENT, better: 'more' },
  drop: { label: 'drop', ...POINTS, better: 'less' },
  loss: { label: 'loss', decimals: 4, better: 'less' },
  lossIncrease: { label: 'loss increase', decimals: 4, better: 'less' },
  kl: { label: 'KL', unit: 'nats', better: 'less' },
  sqnrDb: { label: 'SQNR', unit: 'dB', decimals: 2, better: 'more' },
  cosine: { label: 'cosine', decimals: 5, better: 'more' },
  bytes: { label: 'size', ...MEGABYTES, better: 'less' },
  referenceBytes: { label: 'float size', ...MEGABYTES },
  sizeRatio: { label: 'size ratio', ...PERCENT, better: 'less', isExact: true },
  speedup: { label: 'speedup', unit: '×', decimals: 2, better: 'more' },
  medianMs: { label: 'median', ...MS, better: 'less' },
  referenceMedianMs: { label: 'float median', ...MS },
  wallMs: { label: 'took', unit: 's', factor: 1e-3, decimals: 1 },
  int8Layers: { label: 'int8 layers', ...COUNT },
  floatLayers: { label: 'float layers', ...COUNT },
  validationTop1: { label: 'held-out top-1', ...PERCENT, better: 'more' },
  validationLoss: { label: 'held-out loss', decimals: 4, better: 'less' },
  trainLoss: { label: 'training loss', decimals: 4, better: 'less' },
  epochs: { label: 'epochs', ...COUNT },
  bestEpoch: { label: 'kept epoch', ...COUNT },
  samplesPerSecond: { label: 'learned', unit: 'samples/s', decimals: 0, better: 'more' },
  samples: { label: 'samples', ...COUNT },
  tensors: { label: 'tensors', ...COUNT },
  trials: { label: 'trials', ...COUNT },
  evaluations: { label: 'evaluations', ...COUNT },
  found: { label: 'found again', ...COUNT },
  measured: { label: 'measured now', ...COUNT },
  points: { label: 'points', ...COUNT },
  batch: { label: 'batch', ...COUNT },
  threads: { label: 'threads', ...COUNT },
}

/** A metric by its name; an unknown one is named as it is stored, with the unit that its name ends in. */
export function metricInfo(name: string): MetricInfo {
  const known = METRICS[name] ?? { label: name, ...bySuffix(name) }
  return { name, unit: '', factor: 1, decimals: null, better: null, isExact: false, ...known }
}

function bySuffix(name: string): Partial<Known> {
  if (name.endsWith('Ms')) return MS
  if (name.endsWith('Bytes')) return MEGABYTES
  return name.endsWith('Db') ? { unit: 'dB', decimals: 2 } : {}
}

/** `top-1 (%)`, as headers have it. */
export function metricHeader({ label, unit }: MetricInfo): string {
  return unit === '' ? label : `${label} (${unit})`
}

/** A stored value as the table shows it, without its unit. */
export function metricText({ factor, decimals }: MetricInfo, value: number): string {
  const shown = value * factor
  if (decimals === null || !Number.isFinite(shown)) return shortNumber(shown)
  return shown
    .toFixed(decimals)
    .replace(/^-(?=0\.?0*$)/, '')
    .replace('-', '−')
}

/** An interval as the table shows it. */
export function intervalText(info: MetricInfo, [low, high]: readonly [number, number]): string {
  return `${metricText(info, low)} … ${metricText(info, high)}`
}

/** Metrics in the order people look for them: quality, size, speed, then the rest by name. */
export function sortMetrics(names: readonly string[]): string[] {
  const order = Object.keys(METRICS)
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)
  return names.toSorted((a, b) => place(a) - place(b) || a.localeCompare(b))
}
