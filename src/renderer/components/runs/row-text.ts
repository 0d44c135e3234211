import type { Json, RunSummary } from '../../../shared/contract/runs.ts'
import { durationText } from '../../format.ts'
import { settingText } from '../../runs/compare.ts'
import { fileNameIn, KIND_WORDS, shortHash } from '../../runs/filters.ts'
import type { RunColumn } from '../../runs/columns.ts'
import { metricInfo, metricText } from '../../runs/metrics.ts'

/** A moment in the user's time zone, sortable by eye: `2026-03-01 14:05`. */
export function timeText(iso: string): string {
  const at = new Date(iso)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** How long a run took; empty while it goes on, and where its end is not known. */
export function runDuration({ startedAt, endedAt }: Pick<RunSummary, 'startedAt' | 'endedAt'>): string {
  return endedAt === null ? '' : durationText(Date.parse(endedAt) - Date.parse(startedAt))
}

/** What a cell says, '' for nothing. Tags are chips, not text. */
export function cellText(
  run: RunSummary,
  column: RunColumn,
  parameters: Readonly<Record<string, Json>> | undefined,
): string {
  if (column.metric !== null) {
    const value = run.metrics[column.metric]
    return value === undefined ? '' : metricText(metricInfo(column.metric), value)
  }
  if (column.parameter !== null) {
    const value = parameters?.[column.parameter] ?? null
    return value === null ? '' : settingText(value)
  }
  switch (column.id) {
    case 'kind':
      return KIND_WORDS[run.kind]
    case 'modelPath':
      return fileNameIn(run.modelPath)
    case 'startedAt':
      return timeText(run.startedAt)
    case 'duration':
      return runDuration(run)
    case 'status':
      return run.status
    case 'note':
      return run.note.replace(/\s+/g, ' ')
    case 'dataHash':
      return run.dataHash === null ? '' : shortHash(run.dataHash)
    case 'id':
      return run.id
    default:
      return ''
  }
}

/** What a cell's tooltip adds: whole paths and notes. */
export function cellTitle(run: RunSummary, column: RunColumn, text: string): string {
  if (column.id === 'modelPath') return run.modelPath ?? ''
  if (column.id === 'note') return run.note
  if (column.id === 'startedAt') return run.startedAt
  return text
}

/** Px of a column; those of metrics are wider where they hold differences to a baseline. */
export function widthOf({ width, metric }: RunColumn, hasBaseline: boolean): number {
  return metric !== null && hasBaseline ? width + 40 : width
}
