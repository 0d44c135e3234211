/** A chart's numbers as a table: what screen readers and CSV files get. Numbers stay numbers. */
export interface ChartTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/**
 * The table as CSV (RFC 4180): comma, CRLF, quotes where needed, numbers with a point and all their digits. A text that a spreadsheet would
 * take for a formula gets an apostrophe in front.
 */
export function tableToCsv({ columns, rows }: ChartTable): string {
  return [columns, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}

function cell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A name that every file system takes, from a title. */
export function fileNameOf(title: string, extension: string): string {
  const base = title
    .normalize('NFKD')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .toLowerCase()
    .slice(0, 80)
  return `${base === '' ? 'chart' : base}.${extension}`
}
