import type { RunSummary } from '../../shared/contract/runs.ts'

const FIXED = [
  'id',
  'kind',
  'status',
  'startedAt',
  'endedAt',
  'modelPath',
  'modelHash',
  'dataHash',
  'tags',
  'note',
] as const

/** Runs as CSV (RFC 4180): fixed columns, then every metric any of them has, sorted by name. */
export function runsToCsv(runs: readonly RunSummary[]): string {
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort()
  const rows = runs.map((run) => [
    ...FIXED.map((name) => (name === 'tags' ? run.tags.join(' ') : (run[name] ?? ''))),
    ...metrics.map((name) => run.metrics[name]?.toString() ?? ''),
  ])
  return [[...FIXED, ...metrics], ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}

/** Quotes where needed; a leading = + - @ of a text would run as a formula in spreadsheets and gets an apostrophe. */
function cell(value: string): string {
  const isNumber = value !== '' && Number.isFinite(Number(value))
  const safe = !isNumber && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
